/** Each search reads the whole text: an answer that cites wrong places all over must not cost its length times their number. */
const MOST_SEARCHES = 100;

/**
 * Places in a text. Google counts them in bytes of UTF-8, everyone else here in UTF-16 units. Both ways go through one table, made in one
 * pass, so that many citations of a long text cost no more than its length.
 */
export class Offsets {
  readonly text: string;
  /** Bytes before each UTF-16 unit, and of the whole at the end. */
  readonly #bytes: Uint32Array;
  #searches = 0;

  constructor(text: string) {
    this.text = text;
    this.#bytes = new Uint32Array(text.length + 1);
    let bytes = 0;
    for (let at = 0; at < text.length; at++) {
      this.#bytes[at] = bytes;
      const unit = text.charCodeAt(at);
      // The two halves of a pair have four bytes together.
      bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3;
    }
    this.#bytes[text.length] = bytes;
  }

  bytesAt(unit: number): number {
    return this.#bytes[Math.min(Math.max(unit, 0), this.#bytes.length - 1)] ?? 0;
  }

  /** The first unit that begins at or behind the byte. */
  unitAt(byte: number): number {
    let [low, high] = [0, this.#bytes.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#bytes[middle] ?? 0) < byte) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where the words stand; undefined: nowhere, or too much was looked for already. */
  find(words: string): number | undefined {
    this.#searches++;
    const found = this.#searches > MOST_SEARCHES ? -1 : this.text.indexOf(words);
    return found === -1 ? undefined : found;
  }
}
