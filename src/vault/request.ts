import type { Writable } from 'node:stream';
import type { EgressCall } from '../ipc/messages/vault.ts';
import type { Injection } from './auth/auth.ts';

/** What an exchange needs of a call. */
export type Request = Pick<EgressCall, 'method' | 'path' | 'headers' | 'body' | 'bodyLength' | 'timeouts'>;

/** Bodies up to this size leave in the write of their head: one segment, one TLS record. */
export const JOINED_BYTES = 16 * 1024;

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
function publicPart({ method, path, headers, body: kind, bodyLength }: Request, host: string, length: number): string {
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n`;
  for (const [name, value] of headers) text += `${name}: ${value}\r\n`;
  text += 'accept-encoding: identity\r\n';
  if (kind === 'streamed' && bodyLength === undefined) return `${text}transfer-encoding: chunked\r\n`;
  return length === 0 && !method.startsWith('P') ? text : `${text}content-length: ${length}\r\n`;
}

/**
 * Bytes of a head with its credential last, and of a body that is not larger than `JOINED_BYTES`, in memory of their own: the caller
 * overwrites them once they are written. No secret is ever part of a string.
 */
export function composeHead(request: Request, body: Buffer, host: string, lines: Injection['lines']): Buffer {
  const parts = [publicPart(request, host, request.bodyLength ?? body.length), ...lines, '\r\n'];
  const joined = body.length <= JOINED_BYTES ? body.length : 0;
  const size = parts.reduce((sum, part) => sum + part.length, joined);
  const bytes = size > SPARE_BYTES ? Buffer.allocUnsafeSlow(size) : (spare.pop() ?? Buffer.allocUnsafeSlow(SPARE_BYTES));
  let at = 0;
  for (const part of parts)
    at += typeof part === 'string' ? bytes.write(part, at, 'latin1') : part.reveal((plain) => plain.copy(bytes, at));
  return bytes.subarray(0, at + body.copy(bytes, at, 0, joined));
}

/** Writes a part of a streamed body, whose end is the one without bytes; in chunks (RFC 9112 §7.1) where its length was not announced. */
export function writePart({ bodyLength }: Request, socket: Writable, part: Buffer, written: () => void): void {
  if (bodyLength !== undefined) return void socket.write(part, written);
  socket.write(`${part.length.toString(16)}\r\n`, 'latin1');
  socket.write(part);
  socket.write('\r\n', 'latin1', written);
}
