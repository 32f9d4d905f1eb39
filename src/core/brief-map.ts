const TURN = 1024;

/**
 * A map of entries that come and go with requests. V8 links every table that a Map outgrew or shrank to its next one, so that a single table in the old
 * generation keeps what has passed through the map since alive until the next major collection; a new Map every so often ends that chain.
 */
export class BriefMap<Key, Value> {
  #newer = new Map<Key, Value>();
  #older = new Map<Key, Value>();
  #sets = 0;

  get size(): number {
    return this.#newer.size + this.#older.size;
  }

  get(key: Key): Value | undefined {
    return this.#newer.get(key) ?? this.#older.get(key);
  }

  set(key: Key, value: Value): void {
    // As many as are moved have been set since, so that moving costs each of them a constant.
    if (++this.#sets > Math.max(TURN, this.size)) {
      [this.#older, this.#newer] = [this.#newer, new Map(this.#older)];
      this.#sets = 0;
    }
    this.#older.delete(key);
    this.#newer.set(key, value);
  }

  delete(key: Key): boolean {
    return this.#newer.delete(key) || this.#older.delete(key);
  }

  /** Those set before the last turn come first. */
  values(): Value[] {
    return [...this.#older.values(), ...this.#newer.values()];
  }
}
