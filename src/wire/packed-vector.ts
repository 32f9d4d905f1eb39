import { FieldFault } from './fields.ts';

/** How the numbers of a vector lie in its base64: OpenAI's are floats of 32 bits, others (Voyage, Cohere) also send bytes, with or without a sign. Bits come eight to a byte. */
const KINDS = {
  float: {
    bytes: 4,
    read: (bytes: Buffer, at: number) => bytes.readFloatLE(at),
    write: (bytes: Buffer, value: number, at: number) => bytes.writeFloatLE(value, at),
  },
  int8: {
    bytes: 1,
    read: (bytes: Buffer, at: number) => bytes.readInt8(at),
    write: (bytes: Buffer, value: number, at: number) => bytes.writeInt8(value, at),
  },
  uint8: {
    bytes: 1,
    read: (bytes: Buffer, at: number) => bytes.readUInt8(at),
    write: (bytes: Buffer, value: number, at: number) => bytes.writeUInt8(value, at),
  },
} as const;
export type PackedKind = keyof typeof KINDS;

/** By the provider's word for the type of its numbers; anything unknown is taken for floats. */
export function packedKind(word: unknown): PackedKind {
  if (word === 'int8' || word === 'binary') return 'int8';
  return word === 'uint8' || word === 'ubinary' ? 'uint8' : 'float';
}

/** Base64 of little-endian numbers. Throws FieldFault where the bytes are no whole number of them. */
export function unpackVector(base64: string, kind: PackedKind, path: string): readonly number[] {
  const { bytes: size, read } = KINDS[kind];
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length % size !== 0) throw new FieldFault(path, `must be base64 of numbers of ${size} bytes`);
  return Array.from({ length: bytes.length / size }, (_, index) => read(bytes, index * size));
}

/** Numbers of more than 32 bits lose what a float does not hold. Throws RangeError for numbers that the kind does not hold at all. */
export function packVector(vector: readonly number[], kind: PackedKind): string {
  const { bytes: size, write } = KINDS[kind];
  const bytes = Buffer.alloc(vector.length * size);
  vector.forEach((value, index) => write(bytes, value, index * size));
  return bytes.toString('base64');
}
