import type { Masked } from './masked.ts';

/** Bodies up to this size leave in the write of their head: one segment, one TLS record. */
const JOINED_BYTES = 16 * 1024;

export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Bytes of a bounded body; null: chunked. */
  readonly length: number | null;
}

/** Zeroed buffers of heads that are written, for the next ones: the collector never sees them. */
const spare: Buffer[] = [];
const SPARE_BYTES = 8 * 1024;
const MAX_SPARE = 64;

/** Overwrites what `composeHead` gave, once it is written. */
export function wipeHead(bytes: Buffer): void {
  bytes.fill(0);
  if (bytes.buffer.byteLength === SPARE_BYTES && spare.length < MAX_SPARE) spare.push(Buffer.from(bytes.buffer));
}

/** The request head without the credential. Every part was checked by `bind.ts`. */
function publicPart({ method, path, host, headers, length }: RequestHead): string {
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n`;
  for (const [name, value] of headers) text += `${name}: ${value}\r\n`;
  text += 'accept-encoding: identity\r\n';
  if (length === null) return `${text}transfer-encoding: chunked\r\n`;
  return length === 0 && method !== 'POST' ? text : `${text}content-length: ${length}\r\n`;
}

/**
 * Bytes of a head with its credential last, in memory of their own: the caller overwrites them once they are written. The secret
 * is never part of a string. `rest` is the body where it is too large to go along in one write.
 */
export function composeHead(
  head: RequestHead,
  before: string | null,
  secret: Masked,
  body: Buffer,
): { bytes: Buffer; rest: Buffer | undefined } {
  const text = before === null ? publicPart(head) : publicPart(head) + before;
  const secretBytes = before === null ? 0 : secret.length;
  const joined = body.length <= JOINED_BYTES ? body.length : 0;
  const size = text.length + secretBytes + 4 + joined;
  const bytes = size > SPARE_BYTES ? Buffer.allocUnsafeSlow(size) : (spare.pop() ?? Buffer.allocUnsafeSlow(SPARE_BYTES));
  let at = bytes.write(text, 0, 'latin1');
  if (before !== null) {
    at += secret.reveal((plain) => plain.copy(bytes, at));
    at += bytes.write('\r\n', at, 'latin1');
  }
  at += bytes.write('\r\n', at, 'latin1');
  if (joined > 0) body.copy(bytes, at);
  return { bytes: bytes.subarray(0, at + joined), rest: body.length > joined ? body : undefined };
}
