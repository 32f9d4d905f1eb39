import { randomFillSync } from 'node:crypto';
import { inspect } from 'node:util';

/**
 * Bytes that must never be printed, compared by value or serialised.
 *
 * Every textual form is `[secret]`, so a log line, an error or `JSON.stringify` cannot leak it. At rest they are XORed with a pad
 * of their own, so that no copy of the plaintext lies in memory between two uses (measured in the vault: "key residue").
 */
export class Secret {
  /** Whole words, of which `length` bytes count. */
  readonly #masked: Uint32Array;
  readonly #pad: Uint32Array;
  /** Zeros but for the length of a `reveal`. */
  readonly #scratch: Uint32Array;
  readonly length: number;

  private constructor(plain: Buffer) {
    const words = Math.ceil(plain.length / 4);
    this.length = plain.length;
    this.#pad = randomFillSync(new Uint32Array(words));
    this.#scratch = new Uint32Array(words);
    Buffer.from(this.#scratch.buffer).set(plain);
    this.#masked = this.#scratch.map((word, i) => word ^ (this.#pad[i] as number));
    this.#scratch.fill(0);
  }

  /** Copies `source` and overwrites it: afterwards the secret is the only copy. */
  static take(source: Buffer): Secret {
    const secret = new Secret(source);
    source.fill(0);
    return secret;
  }

  /** Lends the bytes to `use` for the length of the call. `use` must be synchronous, must not nest and must not keep them. */
  reveal<T>(use: (bytes: Buffer) => T): T {
    const scratch = this.#scratch;
    for (let i = 0; i < scratch.length; i++) scratch[i] = (this.#masked[i] as number) ^ (this.#pad[i] as number);
    try {
      return use(Buffer.from(scratch.buffer, 0, this.length));
    } finally {
      scratch.fill(0);
    }
  }

  /** Overwrites the bytes. The secret reads as zeros afterwards. */
  wipe(): void {
    this.#masked.fill(0);
    this.#pad.fill(0);
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
