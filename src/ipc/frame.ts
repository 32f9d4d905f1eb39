import type { Duplex } from 'node:stream';
import { BulkheadError } from '../core/error.ts';
import type { JsonObject } from '../core/json.ts';

/**
 * Frames of every local socket: `u32 length, u32 id, u8 type, payload` (big-endian; length counts what follows it).
 * A head is JSON behind its own `u32` length, so that a bounded body can ride in the same frame.
 */
export const FRAME = {
  /** First frame of each side: version, role, features. id 0. */
  hello: 0,
  /** Opens a call: head, bounded body. The connecting side uses odd ids, the accepting side even ones. */
  call: 1,
  /** Start of a streamed reply: head, first bytes. */
  head: 2,
  /** Body bytes of either direction. Takes credit. */
  data: 3,
  /** Half-close of the sender's direction: trailers. From the accepting side it ends the call. */
  end: 4,
  /** The caller wants nothing more of this call. */
  cancel: 5,
  /** Ends the call with a code and a safe message. */
  error: 6,
  /** The receiver has consumed so many body bytes (u32). */
  credit: 7,
  /** Whole reply of a unary call: head, bounded body. Ends the call. */
  reply: 8,
  /** One-way message. id 0. */
  note: 9,
  /** No new calls on this connection; those under way end normally. id 0. */
  goaway: 10,
} as const;
export type FrameType = (typeof FRAME)[keyof typeof FRAME];

const PREFIX_BYTES = 9;
/** Bodies up to this size are copied into the frame of their head; larger ones are written beside it. */
const COPY_BYTES = 16 * 1024;
/** What one turn of the event loop writes is joined up to this size: copying costs less than a list of buffers. */
const JOINED_BYTES = 64 * 1024;
/** Larger than any bounded body plus head that a configuration allows. */
export const MAX_FRAME_BYTES = 128 * 1024 * 1024;

export interface Frame {
  readonly id: number;
  readonly type: number;
  readonly payload: Buffer;
}

/** Writes the prefix of a frame whose payload has `payloadBytes` bytes. */
function writePrefix(target: Buffer, id: number, type: FrameType, payloadBytes: number): void {
  target.writeUInt32BE(payloadBytes + 5, 0);
  target.writeUInt32BE(id, 4);
  target[8] = type;
}

/** One buffer with prefix, head and body: for heads, and for bodies small enough to copy. */
export function encodeWithHead(id: number, type: FrameType, head: string, body: Uint8Array | undefined): Buffer {
  const headBytes = Buffer.byteLength(head);
  const bodyBytes = body?.length ?? 0;
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + 4 + headBytes + bodyBytes);
  writePrefix(frame, id, type, 4 + headBytes + bodyBytes);
  frame.writeUInt32BE(headBytes, PREFIX_BYTES);
  frame.write(head, PREFIX_BYTES + 4, headBytes, 'utf8');
  if (body !== undefined) frame.set(body, PREFIX_BYTES + 4 + headBytes);
  return frame;
}

const malformed = (reason: string): BulkheadError => new BulkheadError('internal', {}, { cause: new Error(reason) });

/** Splits a head-and-body payload. Throws when the head's length does not fit. */
export function splitHead(payload: Buffer): { head: string; body: Buffer } {
  const end = payload.length < 4 ? Infinity : 4 + payload.readUInt32BE(0);
  if (end > payload.length) throw malformed('frame head is longer than its frame');
  return { head: payload.toString('utf8', 4, end), body: payload.subarray(end) };
}

/** Writes frames to a stream. Those of one turn of the event loop leave in one write. */
export class FrameWriter {
  readonly #stream: Duplex;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  readonly #flushSoon = (): void => this.#flush();

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  /** `head`: an object, or one that is JSON text already. */
  head(id: number, type: FrameType, head: JsonObject | string, body?: Uint8Array): void {
    const text = typeof head === 'string' ? head : JSON.stringify(head);
    if (body === undefined || body.length <= COPY_BYTES) return this.#push(encodeWithHead(id, type, text, body));
    const frame = encodeWithHead(id, type, text, undefined);
    writePrefix(frame, id, type, frame.length - PREFIX_BYTES + body.length);
    this.#push(frame);
    this.#push(Buffer.from(body.buffer, body.byteOffset, body.length));
  }

  data(id: number, chunk: Buffer): void {
    const copied = chunk.length <= COPY_BYTES ? chunk.length : 0;
    const frame = Buffer.allocUnsafe(PREFIX_BYTES + copied);
    writePrefix(frame, id, FRAME.data, chunk.length);
    if (copied > 0) frame.set(chunk, PREFIX_BYTES);
    this.#push(frame);
    if (copied < chunk.length) this.#push(chunk);
  }

  credit(id: number, bytes: number): void {
    const frame = Buffer.allocUnsafe(PREFIX_BYTES + 4);
    writePrefix(frame, id, FRAME.credit, 4);
    frame.writeUInt32BE(bytes, PREFIX_BYTES);
    this.#push(frame);
  }

  #push(bytes: Buffer): void {
    if (this.#queue.length === 0) setImmediate(this.#flushSoon);
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
  }

  #flush(): void {
    const [queue, bytes] = [this.#queue, this.#queuedBytes];
    this.#queue = [];
    this.#queuedBytes = 0;
    if (this.#stream.destroyed) return;
    if (bytes <= JOINED_BYTES) return void this.#stream.write(queue.length === 1 ? queue[0] : Buffer.concat(queue, bytes));
    this.#stream.cork();
    for (const part of queue) this.#stream.write(part);
    this.#stream.uncork();
  }
}

/**
 * Reassembles frames from chunks of any size. `push` calls `onFrame` once per whole frame, in order; payloads are
 * views of the received chunks where a frame lies within one, copies otherwise. Throws on a frame that is too long
 * or too short: the connection cannot be trusted further and must be destroyed.
 */
export class FrameReader {
  readonly #onFrame: (frame: Frame) => void;
  readonly #maxBytes: number;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #needed = PREFIX_BYTES;

  constructor(onFrame: (frame: Frame) => void, maxBytes = MAX_FRAME_BYTES) {
    this.#onFrame = onFrame;
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    if (this.#heldBytes === 0) return this.#consume(chunk);
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes < this.#needed) return;
    const joined = Buffer.concat(this.#held, this.#heldBytes);
    this.#held = [];
    this.#heldBytes = 0;
    this.#consume(joined);
  }

  #consume(bytes: Buffer): void {
    let offset = 0;
    while (bytes.length - offset >= PREFIX_BYTES) {
      const length = bytes.readUInt32BE(offset);
      if (length < 5 || length > this.#maxBytes) throw malformed(`frame of ${length} bytes`);
      const end = offset + 4 + length;
      if (end > bytes.length) break;
      const payload = bytes.subarray(offset + PREFIX_BYTES, end);
      this.#onFrame({ id: bytes.readUInt32BE(offset + 4), type: bytes[offset + 8] as number, payload });
      offset = end;
    }
    this.#hold(bytes, offset);
  }

  #hold(bytes: Buffer, offset: number): void {
    const rest = bytes.length - offset;
    if (rest === 0) return;
    this.#held = [bytes.subarray(offset)];
    this.#heldBytes = rest;
    this.#needed = rest >= PREFIX_BYTES ? bytes.readUInt32BE(offset) + 4 : PREFIX_BYTES;
  }
}
