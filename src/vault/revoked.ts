import fs from 'node:fs';

const LINE_BYTES = 65;
/** What a line of each ends with. */
const ENDS = { revoke: '\n', block: '!', unblock: ' ' } as const;

/** Digests of virtual keys that are not taken: one line each in a file, and in memory. A revoke is for ever, a block until it is undone. */
export class RevokedSet {
  readonly digests = new Set<string>();
  /** Lines of those that are blocked, or were. */
  readonly #blocked = new Map<string, number>();
  readonly #fd: number;
  #lines: number;

  constructor(file: string) {
    this.#fd = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
    const text = fs.readFileSync(this.#fd, 'latin1');
    // A torn last line was never acknowledged; the next one overwrites it.
    this.#lines = Math.floor(text.length / LINE_BYTES);
    for (let line = 0; line < this.#lines; line++) {
      const [digest, end] = [text.substr(line * LINE_BYTES, 64), text[line * LINE_BYTES + 64]];
      if (end !== ENDS.revoke) this.#blocked.set(digest, line);
      if (end !== ENDS.unblock) this.digests.add(digest);
    }
  }

  /** On disk when this returns; what refuses is effective at once. Every act may be tried again where the disk refused. */
  mark(act: keyof typeof ENDS, digest: string): void {
    const blocked = this.#blocked.get(digest);
    if (act !== 'revoke' && blocked === undefined && (act === 'unblock' || this.digests.has(digest))) return;
    const line = blocked ?? this.#lines++;
    if (act !== 'unblock') this.digests.add(digest);
    if (act !== 'revoke') this.#blocked.set(digest, line);
    fs.writeSync(this.#fd, digest + ENDS[act], line * LINE_BYTES, 'latin1');
    fs.fdatasyncSync(this.#fd);
    if (act === 'revoke') this.#blocked.delete(digest);
    if (act === 'unblock') this.digests.delete(digest);
  }
}
