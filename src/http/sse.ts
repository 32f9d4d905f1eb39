import { BulkheadError } from '../core/errors.ts';

/**
 * Server-sent events (WHATWG HTML §9.2) in and out. Reading keeps the exact bytes of each event, so that same-protocol
 * traffic passes unchanged; writing frames every line again, so that no text can end an event or begin another.
 */

/** One event, framing removed. `data` lines are joined by `\n`. */
export interface SseEvent {
  /** Absent when the event names no type. */
  readonly event?: string;
  readonly data: string;
}

export interface SseLimits {
  /** Bytes of one event; default 16 MiB. */
  readonly maxEventBytes?: number;
  /** Who sent the stream, for the error. */
  readonly source?: string;
}

const LF = 0x0a;
const CR = 0x0d;
const BOM = Buffer.from('\uFEFF');
const MAX_EVENT_BYTES = 16 * 1024 * 1024;

/**
 * Cuts a byte stream into events. `onEvent` gets each event's bytes with the blank line that ends it; it is a view of the chunk where
 * the event lies within one, so copy what you keep. All pieces and `rest()` together are the stream's bytes, a leading byte order mark left out.
 */
export class SseSplitter {
  readonly #onEvent: (raw: Buffer) => void;
  readonly #maxBytes: number;
  readonly #source: string;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Bytes of a possible byte order mark seen so far; -1: the start is over. */
  #markBytes = 0;
  #lineIsEmpty = true;
  /** The event has a line that is not blank. Blank lines before it belong to it and end nothing. */
  #hasLine = false;
  #afterCr = false;

  constructor(onEvent: (raw: Buffer) => void, limits: SseLimits = {}) {
    this.#onEvent = onEvent;
    this.#maxBytes = limits.maxEventBytes ?? MAX_EVENT_BYTES;
    this.#source = limits.source ?? 'upstream';
  }

  /** Throws upstream_invalid when an event is larger than the limit. */
  push(received: Buffer): void {
    const chunk = this.#markBytes === -1 ? received : this.#withoutMark(received);
    if (chunk.length === 0) return;
    let start = 0;
    const hasCr = this.#afterCr || chunk.includes(CR);
    for (let at = 0; at < chunk.length;) {
      const end = hasCr ? this.#eventEnd(chunk, at) : this.#eventEndLf(chunk, at);
      if (end === -1) break;
      this.#emit(chunk.subarray(start, end));
      start = at = end;
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
  }

  /** Bytes after the last whole event. */
  rest(): Buffer {
    const mark = this.#markBytes > 0 ? BOM.subarray(0, this.#markBytes) : BOM.subarray(0, 0);
    return Buffer.concat([mark, ...this.#held]);
  }

  /** Behind the blank line that ends the event; -1 if the chunk does not hold it. For streams whose lines end in LF alone. */
  #eventEndLf(chunk: Buffer, from: number): number {
    for (let at = from; ;) {
      const lf = chunk.indexOf(LF, at);
      if (lf === -1) {
        if (at < chunk.length) this.#lineIsEmpty = false;
        return -1;
      }
      const isBlank = this.#lineIsEmpty && lf === at;
      this.#lineIsEmpty = true;
      at = lf + 1;
      if (!isBlank) this.#hasLine = true;
      else if (this.#hasLine) return at;
    }
  }

  /** The same where lines end in LF, CR or CRLF. An event that ends in CR is given at once: a LF after it falls to the next one. */
  #eventEnd(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      const isSecondHalf = byte === LF && this.#afterCr;
      this.#afterCr = byte === CR;
      if (isSecondHalf) continue;
      if (byte !== LF && byte !== CR) {
        this.#lineIsEmpty = false;
        continue;
      }
      const endsEvent = this.#lineIsEmpty && this.#hasLine;
      if (!this.#lineIsEmpty) this.#hasLine = true;
      this.#lineIsEmpty = true;
      if (!endsEvent) continue;
      if (byte !== CR || chunk[at + 1] !== LF) return at + 1;
      this.#afterCr = false;
      return at + 2;
    }
    return -1;
  }

  #emit(tail: Buffer): void {
    this.#hasLine = false;
    this.#lineIsEmpty = true;
    if (this.#heldBytes === 0) {
      if (tail.length > this.#maxBytes) throw this.#tooLarge();
      return this.#onEvent(tail);
    }
    this.#hold(tail);
    const whole = Buffer.concat(this.#held, this.#heldBytes);
    this.#held = [];
    this.#heldBytes = 0;
    this.#onEvent(whole);
  }

  #hold(bytes: Buffer): void {
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > this.#maxBytes) throw this.#tooLarge();
    this.#held.push(bytes);
  }

  #tooLarge(): BulkheadError {
    return new BulkheadError('upstream_invalid', { provider: this.#source, reason: `an event is larger than ${this.#maxBytes} bytes` });
  }

  #withoutMark(received: Buffer): Buffer {
    let at = 0;
    while (at < received.length && this.#markBytes < BOM.length && received[at] === BOM[this.#markBytes]) {
      at++;
      this.#markBytes++;
    }
    if (this.#markBytes === BOM.length) {
      this.#markBytes = -1;
      return received.subarray(at);
    }
    if (at === received.length) return received.subarray(at);
    const seen = this.#markBytes;
    this.#markBytes = -1;
    return seen === at ? received : Buffer.concat([BOM.subarray(0, seen), received.subarray(at)]);
  }
}

/** Reads a stream as events. Comments and events without data are passed over; `raw` is the event's exact bytes. */
export class SseReader {
  readonly #splitter: SseSplitter;

  constructor(onEvent: (event: SseEvent, raw: Buffer) => void, limits: SseLimits = {}) {
    this.#splitter = new SseSplitter((raw) => {
      const event = parseEvent(raw);
      if (event !== undefined) onEvent(event, raw);
    }, limits);
  }

  push(chunk: Buffer): void {
    this.#splitter.push(chunk);
  }

  rest(): Buffer {
    return this.#splitter.rest();
  }
}

/** The event in the bytes that a splitter gave. Undefined: it has no data line (a comment, a lone `retry`), so a client dispatches nothing. */
export function parseEvent(raw: Buffer): SseEvent | undefined {
  const text = raw.toString('utf8');
  let event = '';
  let data: string | undefined;
  for (const line of text.includes('\r') ? text.split(/\r\n|\r|\n/) : text.split('\n')) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    if (field !== 'data' && field !== 'event') continue;
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') event = value;
    else data = data === undefined ? value : `${data}\n${value}`;
  }
  if (data === undefined) return undefined;
  return event === '' ? { data } : { event, data };
}

/** One framed event. Line breaks in `data` become data lines of their own; an event name must not hold any. */
export function encodeSse(event: SseEvent): Buffer {
  if (event.event !== undefined && /[\r\n]/.test(event.event)) {
    throw new BulkheadError('internal', {}, { cause: new Error('an event name holds a line break') });
  }
  const name = event.event === undefined || event.event === '' ? '' : `event: ${event.event}\n`;
  const data = /[\r\n]/.test(event.data) ? event.data.split(/\r\n|\r|\n/).join('\ndata: ') : event.data;
  return Buffer.from(`${name}data: ${data}\n\n`);
}
