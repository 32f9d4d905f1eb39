import { GROUP_KINDS, SUM_NAMES, type GroupColumn, type GroupKind } from './sums.ts';

/**
 * Sums of a whole hour, day or month (UTC) that is over, packed by column: a report over a year adds up arrays instead of millions of rows.
 * A block holds nothing that the tables of sums do not; a change within its time deletes it, and the writer makes it again later.
 *
 * `head` has what groups are chosen and ranked by, `tail` the rest, so that the tail is read for those alone that are shown. Each column
 * has the narrowest width that holds its values; one of zeros alone takes no place.
 */

export const LEVELS = { hour: 0, day: 1, month: 2 } as const;
export type Level = keyof typeof LEVELS;

export type Column = Int8Array | Int16Array | Int32Array | Float64Array;

/** Sums of some groups: for each the place in `SUM_NAMES`, as a column. Undefined: zeros. */
export interface Head {
  readonly groups: Int32Array;
  readonly requests: Column | undefined;
  readonly micro: Column | undefined;
  readonly rest: Column | undefined;
}

export const HEAD_SUMS = ['requests', 'micro', 'rest'] as const;
const TAIL_SUMS = SUM_NAMES.filter((name) => !HEAD_SUMS.some((one) => one === name));
const HEAD_PLACES = HEAD_SUMS.map((name) => SUM_NAMES.indexOf(name));
export const TAIL_PLACES: readonly number[] = TAIL_SUMS.map((name) => SUM_NAMES.indexOf(name));

/** Tells the format, and the order of bytes of the machine that wrote it. */
const MAGIC = 0x0b_10_c5_01;

export interface PackedBlock {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

/** Gathers the sums of one block, and adds up those of a group that comes more than once. */
export class BlockBuilder {
  readonly #places = new Map<number, number>();
  #groups = new Int32Array(64);
  readonly #sums = SUM_NAMES.map(() => new Float64Array(64));

  get size(): number {
    return this.#places.size;
  }

  /** Where the sums of `group` are. */
  place(group: number): number {
    const known = this.#places.get(group);
    if (known !== undefined) return known;
    const place = this.#places.size;
    if (place === this.#groups.length) this.#grow();
    this.#places.set(group, place);
    this.#groups[place] = group;
    return place;
  }

  /** `sum`: its place in `SUM_NAMES`. */
  add(place: number, sum: number, value: number): void {
    const column = this.#sums[sum] as Float64Array;
    column[place] = (column[place] as number) + value;
  }

  #grow(): void {
    const size = this.#groups.length * 2;
    const groups = new Int32Array(size);
    groups.set(this.#groups);
    this.#groups = groups;
    for (const [i, old] of this.#sums.entries()) {
      const column = new Float64Array(size);
      column.set(old);
      this.#sums[i] = column;
    }
  }

  /** As sources of a report take it. The arrays are the builder's own. */
  head(): Head {
    const [requests, micro, rest] = HEAD_PLACES.map((place) => this.column(place));
    return { groups: this.#groups.subarray(0, this.size), requests, micro, rest };
  }

  column(sum: number): Float64Array {
    return (this.#sums[sum] as Float64Array).subarray(0, this.size);
  }

  /** Undefined: a sum is too large to be packed without loss. */
  pack(): PackedBlock | undefined {
    const { groups } = this.head();
    const columns = this.#sums.map((_, place) => narrow(this.column(place)));
    if (columns.includes('inexact')) return undefined;
    const of = (places: readonly number[]): (Column | undefined)[] => places.map((place) => columns[place] as Column | undefined);
    return { head: pack([groups, ...of(HEAD_PLACES)], this.size), tail: pack(of(TAIL_PLACES), this.size) };
  }
}

const WIDTHS = [Int8Array, Int16Array, Int32Array, Float64Array] as const;

function narrow(column: Float64Array): Column | undefined | 'inexact' {
  let [least, most] = [0, 0];
  for (const value of column) {
    if (value < least) least = value;
    else if (value > most) most = value;
  }
  if (least === 0 && most === 0) return undefined;
  if (!Number.isSafeInteger(least) || !Number.isSafeInteger(most)) return 'inexact';
  const bits = [7, 15, 31].findIndex((size) => most < 2 ** size && least >= -(2 ** size));
  return bits < 0 ? column : (WIDTHS[bits] as typeof Int8Array).from(column);
}

const WORD = 8;
const padded = (bytes: number): number => Math.ceil(bytes / WORD) * WORD;

/** A head of 32-bit integers (magic, count, bytes a value of each column), then the columns, each at a multiple of 8. */
function pack(columns: readonly (Column | undefined)[], count: number): Uint8Array {
  const start = padded(4 * (2 + columns.length));
  const bytes = columns.reduce((sum, column) => sum + padded(column?.byteLength ?? 0), start);
  const packed = new Uint8Array(bytes);
  new Int32Array(packed.buffer, 0, 2 + columns.length).set([MAGIC, count, ...columns.map((column) => column?.BYTES_PER_ELEMENT ?? 0)]);
  let at = start;
  for (const column of columns) {
    if (column === undefined) continue;
    packed.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
    at += padded(column.byteLength);
  }
  return packed;
}

/** Undefined: another program, or a machine of another order of bytes, wrote it. */
function unpack(given: Uint8Array, columns: number): (Column | undefined)[] | undefined {
  const bytes = given.byteOffset % WORD === 0 ? given : given.slice();
  const { buffer, byteOffset: base } = bytes;
  const [magic, count = 0, ...widths] = new Int32Array(buffer, base, 2 + columns);
  if (magic !== MAGIC) return undefined;
  let at = base + padded(4 * (2 + columns));
  return widths.map((width) => {
    const Kind = WIDTHS.find(({ BYTES_PER_ELEMENT }) => BYTES_PER_ELEMENT === width);
    if (Kind === undefined) return undefined;
    const column = new Kind(buffer as ArrayBuffer, at, count);
    at += padded(column.byteLength);
    return column;
  });
}

const NO_GROUPS = new Int32Array(0);

export function unpackHead(bytes: Uint8Array): Head | undefined {
  const columns = unpack(bytes, 1 + HEAD_SUMS.length);
  if (columns === undefined) return undefined;
  const [groups, requests, micro, rest] = columns;
  return { groups: groups instanceof Int32Array ? groups : NO_GROUPS, requests, micro, rest };
}

/** In the order of `TAIL_SUMS`. */
export const unpackTail = (bytes: Uint8Array): (Column | undefined)[] => unpack(bytes, TAIL_SUMS.length) ?? [];

/** Days and months have blocks by one column alone as well: few groups instead of many, each standing for all of its text. */
export interface Margin {
  readonly column: GroupColumn;
  readonly of: GroupKind;
  /** In the place of a kind's number. */
  readonly number: number;
}

const FIRST_MARGIN = 16;
export const MARGINS: readonly Margin[] = [
  ...GROUP_KINDS.all.columns.map((column) => ({ column, of: 'all' }) as const),
  { column: 'end_user', of: 'end_user' } as const,
  { column: 'tag', of: 'tag' } as const,
].map((margin, i) => ({ ...margin, number: FIRST_MARGIN + i }));

/** Few groups, which together hold every call. */
const SMALLEST: GroupColumn = 'outcome';

/** The one that holds what these columns ask for; undefined: they are several. */
export function marginFor(columns: readonly GroupColumn[]): Margin | undefined {
  const [column = SMALLEST] = columns;
  return columns.length > 1 ? undefined : MARGINS.find((margin) => margin.column === column);
}

/** Months since the year 0 in UTC. */
export function monthOf(at: number): number {
  const date = new Date(at);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** Unix milliseconds at which it begins. */
export const startOfMonth = (month: number): number => Date.UTC(Math.floor(month / 12), month % 12);
