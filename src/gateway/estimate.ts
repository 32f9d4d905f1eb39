/**
 * Token counts where a provider sent none: one pass over bytes, no tokenizer. Meant to be near, marked `estimated`, and
 * never billed as exact.
 */

/** Longer runs without a break are files in base64, not words. */
const FILE_RUN = 1024;
/** What providers charge for a picture of usual size. */
const FILE_TOKENS = 1000;
const BYTES_PER_TOKEN = 4;
const QUOTE = 0x22;
const FILE_PROBES = 64;
const BASE64_PADDING = 2;

const WORD = 1;
const LEAD = 2;
/** Letters and digits make words; a lead byte of UTF-8 is a character of another script. */
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[0-9A-Za-z+/]/.test(String.fromCharCode(byte)) ? WORD : byte >= 0xc0 ? LEAD : 0,
);

/**
 * Tokens of a request body: words by their length, other scripts by their characters. It runs over every request, hence an index
 * and whole numbers only.
 */
export function estimateInputTokens(body: Uint8Array): number {
  const { length } = body;
  let tokens = 0;
  let characters = 0;
  let wordFrom = 0;
  for (let at = 0; at < length; at++) {
    const kind = KINDS[body[at] as number];
    if (kind === WORD) {
      if (at - wordFrom === FILE_RUN) at = behindFile(body, at) - 1;
      continue;
    }
    if (at > wordFrom) tokens += runTokens(at - wordFrom);
    wordFrom = at + 1;
    if (kind === LEAD) characters++;
  }
  return tokens + (length > wordFrom ? runTokens(length - wordFrom) : 0) + Math.ceil(characters * 0.75);
}

/**
 * Where a file that runs at `from` ends, found by its closing quote and not byte by byte: files are megabytes. A few bytes between must look like it;
 * otherwise `from` + 1, and the run is counted as it is.
 */
function behindFile(body: Uint8Array, from: number): number {
  const quote = body.indexOf(QUOTE, from);
  if (quote === -1) return from + 1;
  const step = Math.ceil((quote - from) / FILE_PROBES);
  for (let at = from; at < quote - BASE64_PADDING; at += step) if (KINDS[body[at] as number] !== WORD) return from + 1;
  return quote;
}

const runTokens = (run: number): number => (run > FILE_RUN ? FILE_TOKENS : Math.trunc((run + 5) / 6));

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
