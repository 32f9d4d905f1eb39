/**
 * Amazon's event-stream frames (docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html) in and out. A frame is a prelude of two lengths and their
 * CRC-32, typed headers, the payload, and a CRC-32 of all before it. Numbers are big-endian.
 */
import { crc32 } from 'node:zlib';
import { BulkheadError } from '../core/errors.ts';
import type { SseEvent } from './sse.ts';

/** As the wire types headers. `long` and `timestamp` (Unix milliseconds) are 64 bits wide, a `uuid` is hexadecimal with hyphens. */
export type FrameHeader =
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'byte' | 'short' | 'integer'; readonly value: number }
  | { readonly type: 'long' | 'timestamp'; readonly value: bigint }
  | { readonly type: 'binary'; readonly value: Buffer }
  | { readonly type: 'string' | 'uuid'; readonly value: string };

export interface Frame {
  readonly headers: ReadonlyMap<string, FrameHeader>;
  readonly payload: Buffer;
}

const PRELUDE_BYTES = 12;
const CRC_BYTES = 4;
/** Amazon's own limit of the headers. */
const MAX_HEADER_BYTES = 128 * 1024;
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

const invalid = (source: string, reason: string): BulkheadError => new BulkheadError('upstream_invalid', { provider: source, reason });

/**
 * Cuts a byte stream into frames, both checksums verified. `onFrame` gets each frame's exact bytes, which are its own to keep. All frames and `rest()`
 * together are the stream's bytes: a rest at the end of the stream means that it was cut inside a frame.
 */
export class EventStreamSplitter {
  readonly #onFrame: (raw: Buffer) => void;
  readonly #source: string;
  /** Sized for the prelude until that has told the frame's length. */
  #frame = Buffer.allocUnsafe(PRELUDE_BYTES);
  #filled = 0;

  constructor(onFrame: (raw: Buffer) => void, { source }: { readonly source: string }) {
    this.#onFrame = onFrame;
    this.#source = source;
  }

  /** Throws upstream_invalid when a frame is larger than 16 MiB or a checksum is wrong: nothing behind such a frame can be trusted. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const taken = chunk.copy(this.#frame, this.#filled, at);
      at += taken;
      this.#filled += taken;
      if (this.#filled < this.#frame.length) return;
      if (this.#filled === PRELUDE_BYTES) this.#grow();
      else this.#emit();
    }
  }

  /** Bytes after the last whole frame. */
  rest(): Buffer {
    return this.#frame.subarray(0, this.#filled);
  }

  #grow(): void {
    const total = frameLength(this.#frame, this.#source);
    const frame = Buffer.allocUnsafe(total);
    this.#frame.copy(frame);
    this.#frame = frame;
  }

  #emit(): void {
    const frame = this.#frame;
    const end = frame.length - CRC_BYTES;
    if (crc32(frame.subarray(0, end)) !== frame.readUInt32BE(end)) throw invalid(this.#source, 'the checksum of a frame is wrong');
    this.#frame = Buffer.allocUnsafe(PRELUDE_BYTES);
    this.#filled = 0;
    this.#onFrame(frame);
  }
}

/** The length of the frame that begins with this prelude. */
function frameLength(prelude: Buffer, source: string): number {
  if (crc32(prelude.subarray(0, 8)) !== prelude.readUInt32BE(8)) throw invalid(source, 'the checksum of a frame’s prelude is wrong');
  const total = prelude.readUInt32BE(0);
  const headers = prelude.readUInt32BE(4);
  if (total > MAX_FRAME_BYTES) throw invalid(source, `a frame is larger than ${MAX_FRAME_BYTES} bytes`);
  if (headers > MAX_HEADER_BYTES || PRELUDE_BYTES + headers + CRC_BYTES > total) throw invalid(source, 'the lengths of a frame are wrong');
  return total;
}

const HEX = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/;
const uuid = (bytes: Buffer): string => bytes.toString('hex').replace(HEX, '$1-$2-$3-$4-$5');

/** Reads header values in order; running over the end throws RangeError, as Buffer's own reads do. */
class HeaderReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError('a header runs over its end');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  name(): string {
    return this.take(this.take(1).readUInt8()).toString('utf8');
  }

  value(): FrameHeader {
    const type = this.take(1).readUInt8();
    switch (type) {
      case 0:
      case 1:
        return { type: 'boolean', value: type === 0 };
      case 2:
        return { type: 'byte', value: this.take(1).readInt8() };
      case 3:
        return { type: 'short', value: this.take(2).readInt16BE() };
      case 4:
        return { type: 'integer', value: this.take(4).readInt32BE() };
      case 5:
        return { type: 'long', value: this.take(8).readBigInt64BE() };
      case 6:
        return { type: 'binary', value: this.take(this.take(2).readUInt16BE()) };
      case 7:
        return { type: 'string', value: this.take(this.take(2).readUInt16BE()).toString('utf8') };
      case 8:
        return { type: 'timestamp', value: this.take(8).readBigInt64BE() };
      case 9:
        return { type: 'uuid', value: uuid(this.take(16)) };
      default:
        throw new RangeError(`a header is of unknown type ${type}`);
    }
  }
}

/** Headers and payload of a frame, whose checksums the splitter has verified. Throws upstream_invalid for half a frame (a splitter's rest) and for headers that cannot be read. */
export function readFrame(raw: Buffer, source = 'upstream'): Frame {
  if (raw.length < PRELUDE_BYTES + CRC_BYTES || raw.readUInt32BE(0) !== raw.length)
    throw invalid(source, 'the stream ended inside a frame');
  const headersEnd = PRELUDE_BYTES + raw.readUInt32BE(4);
  const reader = new HeaderReader(raw.subarray(PRELUDE_BYTES, headersEnd));
  const headers = new Map<string, FrameHeader>();
  try {
    while (!reader.done) headers.set(reader.name(), reader.value());
  } catch (error) {
    if (error instanceof RangeError) throw invalid(source, error.message);
    throw error;
  }
  return { headers, payload: raw.subarray(headersEnd, raw.length - CRC_BYTES) };
}

/**
 * A frame as an event. A message of type `event` has its own name, an `exception` that of its type with `exception:` before it; an `error`, which has no
 * payload but a code and a message in its headers, is `error:CODE` with `{"message": …}`.
 */
export function parseFrame(raw: Buffer, source = 'upstream'): SseEvent {
  const { headers, payload } = readFrame(raw, source);
  const word = (name: string): string => {
    const header = headers.get(name);
    if (header?.type === 'string') return header.value;
    throw invalid(source, `a frame has no header ${name}`);
  };
  switch (word(':message-type')) {
    case 'event':
      return { event: word(':event-type'), data: payload.toString('utf8') };
    case 'exception':
      return { event: `exception:${word(':exception-type')}`, data: payload.toString('utf8') };
    case 'error':
      return { event: `error:${word(':error-code')}`, data: JSON.stringify({ message: word(':error-message') }) };
    default:
      throw invalid(source, `a frame is of unknown type ${word(':message-type')}`);
  }
}

function encodeValue(header: FrameHeader): Buffer {
  const sized = (type: number, bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from([type, bytes.length >> 8, bytes.length & 0xff]), bytes]);
  const number = (type: number, length: number, write: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.alloc(1 + length, type);
    write(bytes.subarray(1));
    return bytes;
  };
  switch (header.type) {
    case 'boolean':
      return Buffer.from([header.value ? 0 : 1]);
    case 'byte':
      return number(2, 1, (bytes) => bytes.writeInt8(header.value));
    case 'short':
      return number(3, 2, (bytes) => bytes.writeInt16BE(header.value));
    case 'integer':
      return number(4, 4, (bytes) => bytes.writeInt32BE(header.value));
    case 'long':
      return number(5, 8, (bytes) => bytes.writeBigInt64BE(header.value));
    case 'binary':
      return sized(6, header.value);
    case 'string':
      return sized(7, Buffer.from(header.value));
    case 'timestamp':
      return number(8, 8, (bytes) => bytes.writeBigInt64BE(header.value));
    case 'uuid':
      return Buffer.concat([Buffer.from([9]), Buffer.from(header.value.replaceAll('-', ''), 'hex')]);
  }
}

const encodeHeader = ([name, header]: readonly [string, FrameHeader]): readonly Buffer[] => {
  const bytes = Buffer.from(name);
  return [Buffer.from([bytes.length]), bytes, encodeValue(header)];
};

/** One frame's bytes. Names take up to 255 bytes, strings and binaries up to 65,535. */
export function encodeFrame({ headers, payload }: Frame): Buffer {
  const head = Buffer.concat([...headers].flatMap(encodeHeader));
  const frame = Buffer.alloc(PRELUDE_BYTES + head.length + payload.length + CRC_BYTES);
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(head.length, 4);
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8);
  head.copy(frame, PRELUDE_BYTES);
  payload.copy(frame, PRELUDE_BYTES + head.length);
  const end = frame.length - CRC_BYTES;
  frame.writeUInt32BE(crc32(frame.subarray(0, end)), end);
  return frame;
}

const text = (value: string): FrameHeader => ({ type: 'string', value });

/** An event as the frame that `parseFrame` reads it from. */
export function encodeEventFrame({ event = '', data }: SseEvent): Buffer {
  const payload = Buffer.from(data);
  const [kind, name] = event.startsWith('exception:') ? ['exception', event.slice('exception:'.length)] : ['event', event];
  const headers = new Map([
    [`:${kind}-type`, text(name)],
    [':content-type', text('application/json')],
    [':message-type', text(kind)],
  ]);
  return encodeFrame({ headers, payload });
}
