/**
 * Token counts where a provider sent none: one pass over bytes, no tokenizer. Meant to be near, marked `estimated`, and
 * never billed as exact.
 */

/** Longer runs without a break are files in base64, not words. */
const FILE_RUN = 1024;
/** What providers charge for a picture of usual size. */
const FILE_TOKENS = 1000;
const BYTES_PER_TOKEN = 4;

const WORD = Uint8Array.from({ length: 256 }, (_, byte) =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x2b || byte === 0x2f
    ? 1
    : 0,
);

/** Tokens of a request body: words by their length, other scripts by their characters. */
export function estimateInputTokens(body: Uint8Array): number {
  let tokens = 0;
  let run = 0;
  let characters = 0;
  for (const byte of body) {
    if (WORD[byte] === 1) {
      run++;
      continue;
    }
    if (run > 0) tokens += runTokens(run);
    run = 0;
    // Lead bytes of multi-byte characters, one each.
    if (byte >= 0xc0) characters++;
  }
  return tokens + (run > 0 ? runTokens(run) : 0) + Math.ceil(characters * 0.75);
}

const runTokens = (run: number): number => (run > FILE_RUN ? FILE_TOKENS : Math.ceil(run / 6));

/**
 * Tokens of a stream, from the sizes of its events alone: what an event has beyond the smallest one is text, and every
 * event is at least one token.
 */
export class OutputEstimate {
  #events = 0;
  #bytes = 0;
  #smallest = Number.POSITIVE_INFINITY;

  add(eventBytes: number): void {
    this.#events++;
    this.#bytes += eventBytes;
    if (eventBytes < this.#smallest) this.#smallest = eventBytes;
  }

  get tokens(): number {
    if (this.#events === 0) return 0;
    return Math.max(this.#events, Math.ceil((this.#bytes - this.#events * this.#smallest) / BYTES_PER_TOKEN));
  }
}

/** Tokens of a whole answer without figures. */
export const estimateOutputTokens = (bytes: number): number => Math.ceil(bytes / BYTES_PER_TOKEN);
