import type { EgressCall } from '../ipc/messages.ts';
import type { Credential } from './credential.ts';

/** Bodies up to this size leave in the write of their head: one segment, one TLS record. */
const JOINED_BYTES = 16 * 1024;

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
function publicPart({ method, path, headers, body: kind }: EgressCall, host: string, length: number): string {
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n`;
  for (const [name, value] of headers) text += `${name}: ${value}\r\n`;
  text += 'accept-encoding: identity\r\n';
  if (kind === 'streamed') return `${text}transfer-encoding: chunked\r\n`;
  return length === 0 && method !== 'POST' ? text : `${text}content-length: ${length}\r\n`;
}

/**
 * Bytes of a head with its credential last, in memory of their own: the caller overwrites them once they are written. The secret
 * is never part of a string. `rest` is the body where it is too large to go along in one write.
 */
export function composeHead(
  call: EgressCall,
  body: Buffer,
  { host, before, secret }: Credential,
): { bytes: Buffer; rest: Buffer | undefined } {
  const text = publicPart(call, host, body.length) + (before ?? '');
  const joined = body.length <= JOINED_BYTES ? body.length : 0;
  const size = text.length + secret.length + 4 + joined;
  const bytes = size > SPARE_BYTES ? Buffer.allocUnsafeSlow(size) : (spare.pop() ?? Buffer.allocUnsafeSlow(SPARE_BYTES));
  let at = bytes.write(text, 0, 'latin1');
  if (before !== null) {
    at += secret.reveal((plain) => plain.copy(bytes, at));
    at += bytes.write('\r\n', at, 'latin1');
  }
  at += bytes.write('\r\n', at, 'latin1');
  if (joined > 0) body.copy(bytes, at);
  return { bytes: bytes.subarray(0, at + joined), rest: joined < body.length ? body : undefined };
}
