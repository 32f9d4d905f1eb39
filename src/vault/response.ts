import { BulkheadError } from '../core/error.ts';

/**
 * Reads one HTTP/1.1 response (RFC 9112) from chunks of any size, strictly and bounded: what two readers could
 * understand differently is refused, never repaired.
 */
const MAX_HEAD_BYTES = 64 * 1024;
const MAX_HEADERS = 256;
const MAX_INTERIM = 5;
const MAX_LINE_BYTES = 256;
const MAX_TRAILER_BYTES = 8 * 1024;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/**
 * Name and value without the blanks around it (RFC 9110 §5.5). Linear on whatever a hostile head holds: a value neither begins nor ends
 * with a blank, so that no run of blanks can be divided between two parts of the expression.
 */
const HEADER_LINE =
  /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*(?![\t ])((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[\t ]*$/;
/** Meant for this connection only (RFC 9110 §7.6.1), or state that a provider would keep in a client it does not know. */
const DROPPED = new Set(['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'set-cookie']);

const EMPTY = Buffer.alloc(0);

type Header = readonly [string, string];
const invalid = (reason: string): BulkheadError => new BulkheadError('upstream_invalid', { reason });

export interface ResponseEvents {
  onHead(status: number, headers: readonly Header[]): void;
  /** The body bytes of one read, together. */
  onBody(bytes: Buffer): void;
  /** `reusable`: the connection may carry another request. */
  onWhole(reusable: boolean): void;
}

export class ResponseParser {
  readonly #events: ResponseEvents;
  /** Overwrites what must not become text, before any of the head does. */
  readonly #scrubHead: (head: Buffer) => void;
  #state: 'head' | 'length' | 'close' | 'size' | 'data' | 'trailer' | 'done' = 'head';
  #head: Buffer = EMPTY;
  #line = '';
  #left = 0;
  #interim = 0;
  #reusable = false;
  readonly #method: string;
  #parts: Buffer[] = [];

  constructor(events: ResponseEvents, scrubHead: (head: Buffer) => void, method = 'GET') {
    this.#events = events;
    this.#scrubHead = scrubHead;
    this.#method = method;
  }

  /** Throws `upstream_invalid` or `upstream_redirect`; the connection cannot be used further then. */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && this.#state !== 'done') {
      if (this.#state === 'head') rest = this.#readHead(rest);
      else if (this.#state === 'size' || this.#state === 'trailer') rest = this.#readLine(rest);
      else rest = this.#readBody(rest);
    }
    if (rest.length > 0) this.#reusable = false;
    const parts = this.#parts;
    if (parts.length > 0) {
      this.#parts = [];
      this.#events.onBody(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
    }
    if (this.#state === 'done') this.#events.onWhole(this.#reusable);
  }

  /** The connection ended. True: the answer is whole, because its end was the only mark it had. */
  close(): boolean {
    if (this.#state === 'close') this.#events.onWhole(false);
    return this.#state === 'close' || this.#state === 'done';
  }

  /** Gives what follows the head, or nothing while it is incomplete. */
  #readHead(chunk: Buffer): Buffer {
    const bytes = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    const end = bytes.indexOf('\r\n\r\n', Math.max(0, this.#head.length - 3), 'latin1');
    if ((end === -1 ? bytes.length : end) > MAX_HEAD_BYTES) throw invalid('its head is too large');
    this.#head = end === -1 ? bytes : EMPTY;
    if (end === -1) return EMPTY;
    this.#scrubHead(bytes.subarray(0, end));
    this.#parseHead(bytes.toString('latin1', 0, end).split('\r\n'));
    return bytes.subarray(end + 4);
  }

  #parseHead(lines: readonly string[]): void {
    const [, minor, code] = STATUS_LINE.exec(lines[0] as string) ?? [];
    if (code === undefined) throw invalid('its status line is malformed');
    if (lines.length > MAX_HEADERS + 1) throw invalid('it has too many headers');
    const headers = lines.slice(1).map((line): Header => {
      const match = HEADER_LINE.exec(line);
      if (match === null) throw invalid('a header line is malformed');
      return [(match[1] as string).toLowerCase(), match[2] as string];
    });
    const status = Number(code);
    if (status >= 200) return this.#begin(status, minor === '1', headers);
    if (status === 101 || ++this.#interim > MAX_INTERIM) throw invalid('it switches protocols or sends too many interim answers');
  }

  #begin(status: number, persistent: boolean, headers: readonly Header[]): void {
    if (status >= 300 && status < 400) throw new BulkheadError('upstream_redirect');
    let [length, chunked, dropped] = ['', false, ''];
    for (const [name, text] of headers) {
      const value = text.toLowerCase();
      if (name === 'content-length') {
        if (length !== '' || !/^\d{1,15}$/.test(value)) throw invalid('its content-length is not valid');
        length = value;
      } else if (name === 'transfer-encoding') {
        if (chunked || value !== 'chunked' || !persistent) throw invalid('its transfer-encoding is not allowed');
        chunked = true;
      } else if (name === 'content-encoding' && value !== 'identity') throw invalid('it is compressed although that was not asked for');
      else if (name === 'connection') dropped += `,${value.replaceAll(/[\t ]/g, '')},`;
    }
    if (chunked && length !== '') throw invalid('it has both content-length and transfer-encoding');
    this.#left = length === '' ? Infinity : Number(length);
    if (status === 204 || this.#left === 0 || this.#method === 'HEAD') this.#state = 'done';
    else if (chunked) this.#state = 'size';
    else this.#state = length === '' ? 'close' : 'length';
    this.#reusable = persistent && this.#state !== 'close' && !dropped.includes(',close,');
    const kept = headers.filter(([name]) => !DROPPED.has(name) && !name.startsWith('proxy-') && !dropped.includes(`,${name},`));
    this.#events.onHead(status, kept);
  }

  #readBody(chunk: Buffer): Buffer {
    const end = Math.min(chunk.length, this.#left);
    this.#parts.push(end === chunk.length ? chunk : chunk.subarray(0, end));
    this.#left -= end;
    // A chunk's data is followed by an empty line, which `size` expects once #line says so.
    if (this.#left === 0) [this.#state, this.#line] = this.#state === 'length' ? ['done', ''] : ['size', '\n'];
    return end === chunk.length ? EMPTY : chunk.subarray(end);
  }

  /** Takes bytes up to and including one CRLF; the line may be spread over reads. */
  #readLine(chunk: Buffer): Buffer {
    const found = chunk.indexOf(0x0a);
    const end = found === -1 ? chunk.length : found + 1;
    if (this.#line.length + end > MAX_LINE_BYTES + (this.#state === 'trailer' ? MAX_TRAILER_BYTES : 0))
      throw invalid('a chunk line is too long');
    this.#line += chunk.toString('latin1', 0, end);
    if (found === -1) return EMPTY;
    const line = this.#line;
    this.#line = '';
    if (!line.endsWith('\r\n')) throw invalid('a chunk line ends without CRLF');
    if (this.#state === 'trailer') this.#onTrailer(line);
    else if (line !== '\n\r\n') this.#onSize(line);
    return chunk.subarray(end);
  }

  #onSize(line: string): void {
    const match = /^([0-9a-fA-F]{1,8})(?:[\t ]*;[\t\x20-\x7e]*)?\r\n$/.exec(line);
    if (match === null) throw invalid('a chunk size is malformed');
    this.#left = Number.parseInt(match[1] as string, 16);
    if (this.#left > 0) this.#state = 'data';
    else [this.#state, this.#left] = ['trailer', MAX_TRAILER_BYTES];
  }

  /** Trailers are read to find the end and are dropped. */
  #onTrailer(line: string): void {
    if (line === '\r\n') this.#state = 'done';
    else if (!HEADER_LINE.test(line.slice(0, -2)) || (this.#left -= line.length) < 0) throw invalid('its trailers are not valid');
  }
}
