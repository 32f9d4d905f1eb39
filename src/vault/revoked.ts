import fs from 'node:fs';

const LINE_BYTES = 65;

/** Digests of revoked virtual keys: one line each in an append-only file, and in memory. */
export class RevokedSet {
  readonly digests: Set<string>;
  readonly #fd: number;
  #lines: number;

  constructor(file: string) {
    this.#fd = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
    const text = fs.readFileSync(this.#fd, 'latin1');
    // A torn last line was never acknowledged; the next one overwrites it.
    this.#lines = Math.floor(text.length / LINE_BYTES);
    this.digests = new Set(text.split('\n', this.#lines));
  }

  /** Effective at once, and on disk when this returns. */
  add(digest: string): void {
    this.digests.add(digest);
    fs.writeSync(this.#fd, `${digest}\n`, this.#lines * LINE_BYTES, 'latin1');
    fs.fdatasyncSync(this.#fd);
    this.#lines++;
  }
}
