import { parseExact } from '../core/exact-json.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';

/**
 * Keeps a few top-level members of an answer while its bytes pass. One pass in chunks, bounded, and forgiving: an answer
 * that is not JSON is the client's to judge, so it gives no members and never throws.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const MAX_NAME_BYTES = 64;

const isOpen = (byte: number): boolean => byte === 0x7b || byte === 0x5b;
const isClose = (byte: number): boolean => byte === 0x7d || byte === 0x5d;

export class MemberCapture {
  readonly #wanted: ReadonlySet<string>;
  readonly #maxBytes: number;
  readonly #values = new Map<string, Buffer[]>();
  #depth = 0;
  #inString = false;
  /** The string in hand is a name of the root object. */
  #isName = false;
  #expectsName = false;
  /** The chunk before ended in an odd run of backslashes inside a string. */
  #escaped = false;
  #name = '';
  #capturing = false;
  #bytes = 0;

  constructor(names: readonly string[], maxBytes = 64 * 1024) {
    this.#wanted = new Set(names);
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let at = 0; at < chunk.length;) {
      if (this.#inString) {
        at = this.#string(chunk, at);
        continue;
      }
      const byte = chunk[at] as number;
      if (byte === QUOTE) this.#openString();
      else if (isOpen(byte)) this.#open(byte);
      else if (byte === COLON && this.#depth === 1 && !this.#capturing && this.#wanted.has(this.#name)) {
        this.#capturing = true;
        from = at + 1;
      } else if (isClose(byte) || (byte === COMMA && this.#depth === 1)) {
        if (this.#depth === 1) this.#endMember(chunk, from, at);
        if (byte !== COMMA) this.#depth--;
      }
      at++;
    }
    if (this.#capturing) this.#keep(chunk, from, chunk.length);
  }

  /** The members as far as they were whole and valid JSON of their own. */
  members(): JsonObject {
    const found: Record<string, JsonObject[string]> = {};
    for (const [name, parts] of this.#values) {
      if (this.#capturing && name === this.#name) continue;
      const value = parse(Buffer.concat(parts));
      if (value !== undefined) found[name] = value;
    }
    return found;
  }

  #openString(): void {
    this.#inString = true;
    this.#isName = this.#depth === 1 && this.#expectsName;
    this.#expectsName = false;
    if (this.#isName) this.#name = '';
  }

  #open(byte: number): void {
    this.#depth++;
    this.#expectsName = this.#depth === 1 && byte === 0x7b;
  }

  #endMember(chunk: Buffer, from: number, to: number): void {
    if (this.#capturing) this.#keep(chunk, from, to);
    this.#capturing = false;
    this.#name = '';
    this.#expectsName = true;
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    this.#bytes += to - from;
    // A member that is too large to keep is as good as absent.
    if (this.#bytes > this.#maxBytes) return void this.#values.delete(this.#name);
    const parts = this.#values.get(this.#name) ?? [];
    parts.push(Buffer.from(chunk.subarray(from, to)));
    this.#values.set(this.#name, parts);
  }

  /** Goes behind the quote that ends the string, or to the end of the chunk. */
  #string(chunk: Buffer, from: number): number {
    for (let at = from; ;) {
      const quote = chunk.indexOf(QUOTE, at);
      const end = quote === -1 ? chunk.length : quote;
      const escaped = endsEscaped(chunk, from, end) !== (this.#escaped && runReaches(chunk, from, end));
      if (quote === -1) {
        if (this.#isName) this.#addName(chunk, from, end);
        this.#escaped = escaped;
        return end;
      }
      at = quote + 1;
      if (escaped) continue;
      if (this.#isName) this.#addName(chunk, from, end);
      this.#inString = false;
      this.#isName = false;
      this.#escaped = false;
      return at;
    }
  }

  #addName(chunk: Buffer, from: number, to: number): void {
    this.#name += chunk.toString('latin1', from, Math.min(to, from + MAX_NAME_BYTES));
    if (this.#name.length > MAX_NAME_BYTES) this.#name = this.#name.slice(0, MAX_NAME_BYTES);
  }
}

/** Whether an odd number of backslashes stands before `end`, looking no further back than `from`. */
function endsEscaped(chunk: Buffer, from: number, end: number): boolean {
  let at = end;
  while (at > from && chunk[at - 1] === BACKSLASH) at--;
  return (end - at) % 2 === 1;
}

/** Whether nothing but backslashes stands between `from` and `end`, so that the chunk before decides with them. */
function runReaches(chunk: Buffer, from: number, end: number): boolean {
  let at = end;
  while (at > from && chunk[at - 1] === BACKSLASH) at--;
  return at === from;
}

function parse(bytes: Buffer, read: (text: string) => unknown = parseExact): JsonObject[string] {
  try {
    return read(bytes.toString('utf8')) as JsonObject[string];
  } catch {
    // A broken member is an absent one; the usage is then estimated.
    return undefined;
  }
}

/** The answer as a JSON object; undefined when it is none. `read`: JSON.parse does for one that is read and not passed on. */
export function parseObject(bytes: Buffer, read?: (text: string) => unknown): JsonObject | undefined {
  const value: unknown = parse(bytes, read);
  return isJsonObject(value) ? value : undefined;
}
