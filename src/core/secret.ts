import { inspect } from 'node:util';

/**
 * Bytes that must never be printed, compared by value or serialised.
 *
 * Every textual form is `[secret]`, so a log line, an error or `JSON.stringify` cannot leak it.
 * The bytes live in memory of their own (`allocUnsafeSlow`), so that `wipe` leaves no pooled copy.
 */
export class Secret {
  readonly #bytes: Buffer;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Copies `source` and overwrites it: afterwards the secret is the only copy. */
  static take(source: Buffer): Secret {
    const own = Buffer.allocUnsafeSlow(source.length);
    source.copy(own);
    source.fill(0);
    return new Secret(own);
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Lends the bytes to `use` for the length of the call. `use` must not keep them. */
  reveal<T>(use: (bytes: Buffer) => T): T {
    return use(this.#bytes);
  }

  /** Overwrites the bytes. The secret reads as zeros afterwards. */
  wipe(): void {
    this.#bytes.fill(0);
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
