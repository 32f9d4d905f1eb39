import { BulkheadError } from '../core/errors.ts';

const LF = 0x0a;
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** Cuts a stream of JSON lines; `onLine` gets each with its line break. All pieces and `rest()` together are the stream's bytes. */
export class NdjsonSplitter {
  readonly #onLine: (raw: Buffer) => void;
  readonly #source: string;
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(onLine: (raw: Buffer) => void, { source }: { readonly source: string }) {
    this.#onLine = onLine;
    this.#source = source;
  }

  /** Throws upstream_invalid when a line is larger than 16 MiB. */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      this.#emit(chunk.subarray(start, end + 1));
      start = end + 1;
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
  }

  /** Bytes after the last line break. */
  rest(): Buffer {
    return Buffer.concat(this.#held);
  }

  #emit(tail: Buffer): void {
    if (this.#heldBytes === 0) return this.#onLine(tail);
    this.#hold(tail);
    const line = Buffer.concat(this.#held, this.#heldBytes);
    this.#held = [];
    this.#heldBytes = 0;
    this.#onLine(line);
  }

  #hold(bytes: Buffer): void {
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > MAX_LINE_BYTES)
      throw new BulkheadError('upstream_invalid', { provider: this.#source, reason: `a line is larger than ${MAX_LINE_BYTES} bytes` });
    this.#held.push(bytes);
  }
}
