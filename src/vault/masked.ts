import { randomFillSync } from 'node:crypto';

/**
 * A secret at rest in memory: XORed with a pad of its own, so that no copy of the plaintext lies in the process
 * between two uses (measured by residue.test.ts).
 */
export class Masked {
  readonly #masked: Buffer;
  readonly #pad: Buffer;

  /** Takes the bytes and overwrites `plain`. */
  constructor(plain: Buffer) {
    this.#pad = randomFillSync(Buffer.allocUnsafeSlow(plain.length));
    this.#masked = Buffer.allocUnsafeSlow(plain.length);
    for (let i = 0; i < plain.length; i++) this.#masked[i] = (plain[i] as number) ^ (this.#pad[i] as number);
    plain.fill(0);
  }

  get length(): number {
    return this.#masked.length;
  }

  /** Writes the plaintext into `target`, which the caller wipes. */
  copy(target: Buffer, offset: number): void {
    for (let i = 0; i < this.#masked.length; i++) target[offset + i] = (this.#masked[i] as number) ^ (this.#pad[i] as number);
  }

  /** Lends the plaintext for the length of the call. `use` must be synchronous and must not keep it. */
  reveal<T>(use: (plain: Buffer) => T): T {
    const plain = Buffer.allocUnsafeSlow(this.#masked.length);
    this.copy(plain, 0);
    try {
      return use(plain);
    } finally {
      plain.fill(0);
    }
  }
}
