import { BulkheadError } from '../core/errors.ts';

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

export const PREFIX_BYTES = 9;
/** Larger than any bounded body plus head that a configuration allows. */
export const MAX_FRAME_BYTES = 128 * 1024 * 1024;

export interface Frame {
  readonly id: number;
  readonly type: number;
  readonly payload: Buffer;
}

/** Writes the prefix of a frame whose payload has `payloadBytes` bytes. */
export function writePrefix(target: Buffer, offset: number, id: number, type: FrameType, payloadBytes: number): void {
  target.writeUInt32BE(payloadBytes + 5, offset);
  target.writeUInt32BE(id, offset + 4);
  target[offset + 8] = type;
}

/** One buffer with prefix, head and body: for heads, and for bodies small enough to copy. */
export function encodeWithHead(id: number, type: FrameType, head: string, body: Uint8Array | undefined): Buffer {
  const headBytes = Buffer.byteLength(head);
  const bodyBytes = body?.length ?? 0;
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + 4 + headBytes + bodyBytes);
  writePrefix(frame, 0, id, type, 4 + headBytes + bodyBytes);
  frame.writeUInt32BE(headBytes, PREFIX_BYTES);
  frame.write(head, PREFIX_BYTES + 4, headBytes, 'utf8');
  if (body !== undefined) frame.set(body, PREFIX_BYTES + 4 + headBytes);
  return frame;
}

/** Splits a head-and-body payload. Throws when the head's length does not fit. */
export function splitHead(payload: Buffer): { head: string; body: Buffer } {
  if (payload.length < 4) throw new BulkheadError('internal', {}, { cause: new Error('frame head is truncated') });
  const headBytes = payload.readUInt32BE(0);
  if (headBytes > payload.length - 4) throw new BulkheadError('internal', {}, { cause: new Error('frame head is longer than its frame') });
  return { head: payload.toString('utf8', 4, 4 + headBytes), body: payload.subarray(4 + headBytes) };
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
      if (length < 5 || length > this.#maxBytes) {
        throw new BulkheadError('internal', {}, { cause: new Error(`frame of ${length} bytes`) });
      }
      const end = offset + 4 + length;
      if (end > bytes.length) break;
      this.#onFrame({
        id: bytes.readUInt32BE(offset + 4),
        type: bytes[offset + 8] as number,
        payload: bytes.subarray(offset + PREFIX_BYTES, end),
      });
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
