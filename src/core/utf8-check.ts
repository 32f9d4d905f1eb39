import { isUtf8 } from 'node:buffer';

const EMPTY = Buffer.alloc(0);

/** Checks in chunks that bytes are UTF-8 (RFC 3629: no overlong form, no surrogate). */
export class Utf8Check {
  /** Bytes of a sequence that the last chunk broke off. */
  #partial: Buffer = EMPTY;

  /** Gives the offset in `chunk` of a byte at or shortly before the first that is wrong; -1: none is, so far. */
  push(chunk: Buffer): number {
    let from = 0;
    if (this.#partial.length > 0) {
      const length = sequenceLength(this.#partial[0] as number);
      from = Math.min(length - this.#partial.length, chunk.length);
      this.#partial = Buffer.concat([this.#partial, chunk.subarray(0, from)]);
      if (this.#partial.length < length) return -1;
      if (!isUtf8(this.#partial)) return 0;
      this.#partial = EMPTY;
    }
    const to = wholeSequences(chunk, from);
    if (!isUtf8(chunk.subarray(from, to))) return firstNotUtf8(chunk, from, to);
    if (to < chunk.length) this.#partial = Buffer.from(chunk.subarray(to));
    return -1;
  }

  /** False: the bytes so far end within a sequence. */
  get isWhole(): boolean {
    return this.#partial.length === 0;
  }
}

/** Bytes of the UTF-8 sequence that `lead` announces. */
const sequenceLength = (lead: number): number => (lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1);

/** Where a sequence starts that the end of the chunk breaks off; the chunk's length if there is none. */
function wholeSequences(chunk: Buffer, from: number): number {
  for (let at = chunk.length - 1; at >= Math.max(from, chunk.length - 3); at--) {
    const byte = chunk[at] as number;
    if (byte >= 0xc0) return at + sequenceLength(byte) > chunk.length ? at : chunk.length;
    if (byte < 0x80) break;
  }
  return chunk.length;
}

/** The first byte that is not UTF-8, by halving: called only when there is one. */
function firstNotUtf8(chunk: Buffer, from: number, to: number): number {
  let [good, bad] = [from, to];
  while (bad - good > 4) {
    const middle = wholeSequences(chunk.subarray(0, good + ((bad - good) >> 1)), good);
    if (middle > good && isUtf8(chunk.subarray(good, middle))) good = middle;
    else bad = Math.max(middle, good + ((bad - good) >> 1));
  }
  return good;
}
