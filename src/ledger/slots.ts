import type { GroupColumns } from './group-columns.ts';
import type { GroupColumn } from './sums.ts';

/** Numbers pairs of whole numbers from 0 on in the order in which they come. */
class Pairs {
  #mask = 1023;
  /** Number of the pair, and one; 0: free. */
  #places = new Int32Array(1024);
  #first = new Int32Array(512);
  #second = new Int32Array(512);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  pair(number: number): readonly [number, number] {
    return [this.#first[number] ?? 0, this.#second[number] ?? 0];
  }

  number(first: number, second: number): number {
    let at = hash(first, second) & this.#mask;
    for (let place = this.#places[at] as number; place !== 0; place = this.#places[at] as number) {
      if (this.#first[place - 1] === first && this.#second[place - 1] === second) return place - 1;
      at = (at + 1) & this.#mask;
    }
    if (this.#size === this.#first.length) {
      this.#grow();
      return this.number(first, second);
    }
    this.#first[this.#size] = first;
    this.#second[this.#size] = second;
    this.#places[at] = ++this.#size;
    return this.#size - 1;
  }

  /** Half of the places are always free. */
  #grow(): void {
    const [first, second] = [this.#first, this.#second];
    [this.#first, this.#second] = [new Int32Array(first.length * 2), new Int32Array(first.length * 2)];
    this.#first.set(first);
    this.#second.set(second);
    this.#places = new Int32Array(first.length * 4);
    this.#mask = this.#places.length - 1;
    for (let i = 0; i < this.#size; i++) {
      let at = hash(first[i] as number, second[i] as number) & this.#mask;
      while (this.#places[at] !== 0) at = (at + 1) & this.#mask;
      this.#places[at] = i + 1;
    }
  }
}

function hash(first: number, second: number): number {
  const mixed = Math.imul(first ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(second + 0x7f4a7c15, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

const UNKNOWN = -2;
const NOT_ASKED = -1;

/** The combinations of the columns that a report groups by, numbered as they come. */
export class Slots {
  readonly #groups: GroupColumns;
  readonly #columns: readonly Int32Array[];
  readonly #filters: readonly (readonly [Int32Array, number])[];
  readonly #stages: readonly Pairs[];
  readonly #ofGroup: Int32Array;
  #hasNone = false;

  /** `wanted`: what filters ask for. */
  constructor(groups: GroupColumns, columns: readonly GroupColumn[], wanted: ReadonlyMap<GroupColumn, string>) {
    this.#groups = groups;
    this.#columns = columns.map((name) => groups.values(name));
    this.#filters = [...wanted].map(([name, text]) => [groups.values(name), groups.number(text)] as const);
    this.#stages = columns.map(() => new Pairs());
    this.#ofGroup = new Int32Array(groups.size).fill(UNKNOWN);
  }

  get count(): number {
    return this.#stages.at(-1)?.size ?? (this.#hasNone ? 1 : 0);
  }

  /** For each group the number of its combination; −1 where it is not asked for. */
  of(groups: Int32Array): Int32Array {
    const slots = new Int32Array(groups.length);
    const known = this.#ofGroup;
    for (let i = 0; i < groups.length; i++) {
      const group = groups[i] as number;
      let slot = known[group] as number;
      if (slot === UNKNOWN) known[group] = slot = this.#find(group);
      slots[i] = slot;
    }
    return slots;
  }

  /** Texts of a combination, in the order of the columns. */
  texts(slot: number): readonly string[] {
    const texts: string[] = [];
    let at = slot;
    for (const stage of this.#stages.toReversed()) {
      const [before, text] = stage.pair(at);
      texts.unshift(this.#groups.text(text));
      at = before;
    }
    return texts;
  }

  /** What filters ask for is not looked at. */
  ofTexts(texts: readonly string[]): number {
    return this.#slot(texts.map((text) => this.#groups.number(text)));
  }

  #find(group: number): number {
    for (const [values, wanted] of this.#filters) if (values[group] !== wanted) return NOT_ASKED;
    if (this.#columns.length === 0) return this.#slot([]);
    let slot = 0;
    for (let i = 0; i < this.#columns.length; i++)
      slot = (this.#stages[i] as Pairs).number(slot, (this.#columns[i] as Int32Array)[group] as number);
    return slot;
  }

  #slot(numbers: readonly number[]): number {
    this.#hasNone = true;
    return numbers.reduce((slot, number, i) => (this.#stages[i] as Pairs).number(slot, number), 0);
  }
}
