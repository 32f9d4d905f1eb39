import { TAIL_PLACES, type Column, type Head } from './blocks.ts';
import type { Slots } from './slots.ts';
import { SUM_NAMES } from './sums.ts';

/** Adds up packed sums by combination of dimensions, one stretch of time after the other, and keeps the dearest. */

/** Sums that count in one stretch of time. */
export interface Source {
  /** `groups` holds numbers of groups, or of combinations where `isSlots`. */
  readonly head: Head;
  readonly isSlots: boolean;
  readonly sign: 1 | -1;
  /** In the order of `TAIL_SUMS`; read only where something of it is shown. */
  tail(): readonly (Column | undefined)[];
}

/** One line of a report: sums in the order of `SUM_NAMES`. */
export interface Line {
  readonly bucket: number;
  readonly slot: number;
  readonly sums: Float64Array;
}

/** A sum is larger than numbers are exact. */
export class Inexact extends Error {
  override readonly name = 'Inexact';
}

/** Sums must be added up by SQL: SQLite, too, refuses to give an integer as a number that is not exact. */
export const isInexact = (error: unknown): boolean =>
  error instanceof Inexact || (error instanceof Error && 'code' in error && error.code === 'ERR_OUT_OF_RANGE');

const WIDTH = SUM_NAMES.length;
const [REQUESTS, MICRO, REST] = (['requests', 'micro', 'rest'] as const).map((name) => SUM_NAMES.indexOf(name)) as [number, number, number];
const HEAD = [REQUESTS, MICRO, REST] as const;
const MILLION = 1_000_000;

const dearer = (a: Line, b: Line): number => costOf(b) - costOf(a) || (b.sums[REQUESTS] ?? 0) - (a.sums[REQUESTS] ?? 0);
const costOf = ({ sums }: Line): number => (sums[MICRO] ?? 0) + (sums[REST] ?? 0) / MILLION;

/** A column as numbers of one width, so that one loop serves all. Valid until the next call. */
class Floats {
  #scratch = new Float64Array(1024);

  of(column: Column): Float64Array {
    if (column instanceof Float64Array) return column;
    if (column.length > this.#scratch.length) this.#scratch = new Float64Array(column.length * 2);
    this.#scratch.set(column);
    return this.#scratch;
  }
}

export class Tally {
  readonly #slots: Slots;
  readonly #limit: number;
  readonly #floats = new Floats();
  #totals = HEAD.map(() => new Float64Array(0));
  #lines: Line[] = [];
  /** Nothing cheaper is among the first any more. */
  #least = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(slots: Slots, limit: number) {
    this.#slots = slots;
    this.#limit = limit;
  }

  /** Combinations with requests, over all stretches. */
  get count(): number {
    return this.#count;
  }

  /** The dearest, dearest first. Throws Inexact. */
  lines(): readonly Line[] {
    this.#cut();
    return this.#lines;
  }

  add(bucket: number, sources: readonly Source[]): void {
    const places = sources.map(({ head: { groups }, isSlots }) => (isSlots ? groups : this.#slots.of(groups)));
    const slots = this.#slots.count;
    this.#sumHeads(sources, places, slots);
    const chosen = this.#choose(slots);
    if (chosen.length === 0) return;
    const rows = new Int32Array(slots).fill(-1);
    for (const [row, slot] of chosen.entries()) rows[slot] = row;
    const sums = new Float64Array(chosen.length * WIDTH);
    for (const [row, slot] of chosen.entries()) HEAD.forEach((place, i) => (sums[row * WIDTH + place] = this.#totals[i]?.[slot] ?? 0));
    for (const [i, source] of sources.entries()) this.#sumTail(source, places[i] as Int32Array, rows, sums);
    for (const sum of sums) if (!Number.isSafeInteger(sum)) throw new Inexact();
    for (const [row, slot] of chosen.entries()) this.#lines.push({ bucket, slot, sums: sums.subarray(row * WIDTH, (row + 1) * WIDTH) });
    if (this.#lines.length > 4 * this.#limit) this.#cut();
  }

  #sumHeads(sources: readonly Source[], places: readonly Int32Array[], slots: number): void {
    if ((this.#totals[0] as Float64Array).length < slots) this.#totals = HEAD.map(() => new Float64Array(slots));
    else for (const total of this.#totals) total.fill(0, 0, slots);
    for (const [i, { head, sign }] of sources.entries()) {
      for (const [place, column] of [head.requests, head.micro, head.rest].entries())
        if (column !== undefined) scatter(this.#totals[place] as Float64Array, places[i] as Int32Array, this.#floats.of(column), sign);
    }
  }

  /** Combinations that have requests and may be among the dearest. */
  #choose(slots: number): readonly number[] {
    const [requests, micro, rest] = this.#totals as [Float64Array, Float64Array, Float64Array];
    const found: number[] = [];
    for (let slot = 0; slot < slots; slot++) {
      const count = requests[slot] as number;
      if (!Number.isSafeInteger(count) || !Number.isSafeInteger(micro[slot])) throw new Inexact();
      if (count <= 0) continue;
      this.#count++;
      if ((micro[slot] as number) + (rest[slot] as number) / MILLION >= this.#least) found.push(slot);
    }
    if (found.length <= this.#limit) return found;
    const costs = Float64Array.from(found, (slot) => (micro[slot] as number) + (rest[slot] as number) / MILLION).sort();
    const least = costs[costs.length - this.#limit] ?? 0;
    // Those of the same cost as the last are told apart by their requests.
    return found.filter((slot) => (micro[slot] as number) + (rest[slot] as number) / MILLION >= least);
  }

  #sumTail(source: Source, places: Int32Array, rows: Int32Array, sums: Float64Array): void {
    const at = new Int32Array(places.length);
    let hits = 0;
    for (let i = 0; i < places.length; i++) {
      const slot = places[i] as number;
      const row = slot < 0 ? -1 : (rows[slot] as number);
      at[i] = row < 0 ? -1 : row * WIDTH;
      if (row >= 0) hits++;
    }
    if (hits === 0) return;
    for (const [i, column] of source.tail().entries())
      if (column !== undefined) scatter(sums.subarray(TAIL_PLACES[i]), at, this.#floats.of(column), source.sign);
  }

  #cut(): void {
    this.#lines.sort(dearer);
    if (this.#lines.length <= this.#limit) return;
    // Lines of a stretch share one array: what stays is copied, so that the others are free.
    this.#lines = this.#lines.slice(0, this.#limit).map((line) => ({ ...line, sums: line.sums.slice() }));
    const last = this.#lines.at(-1);
    if (last !== undefined) this.#least = costOf(last);
  }
}

/** Adds each value where its place says; −1: nowhere. */
function scatter(into: Float64Array, places: Int32Array, values: Float64Array, sign: 1 | -1): void {
  for (let i = 0; i < places.length; i++) {
    const place = places[i] as number;
    if (place >= 0) into[place] = (into[place] as number) + sign * (values[i] as number);
  }
}
