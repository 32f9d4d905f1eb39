/** A map that keeps at least the `kept` newest entries and at most twice as many: when it is full, the older half goes at once. */
export class Recent<Value> {
  readonly #kept: number;
  #newer = new Map<string, Value>();
  #older = new Map<string, Value>();

  constructor(kept: number) {
    this.#kept = kept;
  }

  get(name: string): Value | undefined {
    const value = this.#newer.get(name);
    if (value !== undefined) return value;
    const older = this.#older.get(name);
    if (older !== undefined) this.set(name, older);
    return older;
  }

  set(name: string, value: Value): void {
    if (this.#newer.size >= this.#kept) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(name, value);
  }
}
