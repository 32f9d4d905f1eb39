import { randomFillSync } from 'node:crypto';

/**
 * A secret at rest in memory: XORed with a pad of its own, so that no copy of the plaintext lies in the process
 * between two uses (measured by serve.test.ts, "key residue").
 */
export class Masked {
  /** Whole words, of which `length` bytes count. */
  readonly #masked: Uint32Array;
  readonly #pad: Uint32Array;
  /** Zeros but for the length of a `reveal`. */
  readonly #scratch: Uint32Array;
  readonly length: number;

  /** Takes the bytes and overwrites `plain`. */
  constructor(plain: Buffer) {
    const words = Math.ceil(plain.length / 4);
    this.length = plain.length;
    this.#pad = randomFillSync(new Uint32Array(words));
    this.#scratch = new Uint32Array(words);
    Buffer.from(this.#scratch.buffer).set(plain);
    this.#masked = this.#scratch.map((word, i) => word ^ (this.#pad[i] as number));
    this.#scratch.fill(0);
    plain.fill(0);
  }

  /** Lends the plaintext for the length of the call. `use` must be synchronous, must not nest and must not keep it. */
  reveal<T>(use: (plain: Buffer) => T): T {
    const scratch = this.#scratch;
    for (let i = 0; i < scratch.length; i++) scratch[i] = (this.#masked[i] as number) ^ (this.#pad[i] as number);
    try {
      return use(Buffer.from(scratch.buffer, 0, this.length));
    } finally {
      scratch.fill(0);
    }
  }
}
