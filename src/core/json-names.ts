/** The names of one open object while its JSON is scanned: made cheaply, compared decoded, forgotten when it closes. */

const SHORT_LIST = 12;

/** The names that bodies repeat (`role`, `content`), by a hash of their bytes: making a string costs ten times a look here. */
const recent: ({ readonly bytes: Uint8Array; readonly text: string } | undefined)[] = Array.from({ length: 512 });
const RECENT_NAME_BYTES = 32;

export function nameText(chunk: Buffer, from: number, to: number): string {
  if (to - from > RECENT_NAME_BYTES) return chunk.toString('utf8', from, to);
  let hash = to - from;
  for (let at = from; at < to; at++) hash = (Math.imul(hash, 31) + (chunk[at] as number)) | 0;
  const slot = (hash ^ (hash >>> 9)) & (recent.length - 1);
  const known = recent[slot];
  if (known !== undefined && isSame(known.bytes, chunk, from, to)) return known.text;
  const text = chunk.toString('utf8', from, to);
  recent[slot] = { bytes: new Uint8Array(chunk.subarray(from, to)), text };
  return text;
}

function isSame(bytes: Uint8Array, chunk: Buffer, from: number, to: number): boolean {
  if (bytes.length !== to - from) return false;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== chunk[from + i]) return false;
  return true;
}

/** Names of one open object: a list while short, a set beyond. */
export class Names {
  readonly #list: string[] = [];
  #count = 0;
  #set: Set<string> | undefined;

  clear(): void {
    this.#count = 0;
    this.#set = undefined;
  }

  /** False: the name is there already. */
  add(name: string): boolean {
    if (this.#set !== undefined) return this.#set.size < this.#set.add(name).size;
    for (let i = 0; i < this.#count; i++) if (this.#list[i] === name) return false;
    if (this.#count === SHORT_LIST) this.#set = new Set(this.#list).add(name);
    else this.#list[this.#count++] = name;
    return true;
  }
}
