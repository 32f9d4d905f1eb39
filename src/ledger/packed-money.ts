import type { SqliteDatabase } from '../store/sqlite/open.ts';
import { marginFor } from './blocks.ts';
import type { Cover } from './cover.ts';
import { GroupColumns } from './group-columns.ts';
import { Slots } from './slots.ts';
import { SumSources } from './sum-sources.ts';
import { kindFor, moneyOf, type GroupColumn } from './sums.ts';
import { Inexact } from './tally.ts';

/** Of the groups that count, what one of their columns must be. */
export interface TextCondition {
  readonly column: GroupColumn;
  readonly holds: (text: string) => boolean;
}

/** Money of many groups at once from packed sums, a few milliseconds for a year of a large ledger. */
export class PackedMoney {
  readonly #groups: GroupColumns;
  readonly #sources: SumSources;

  constructor(db: SqliteDatabase) {
    this.#groups = new GroupColumns(db);
    this.#sources = new SumSources(db);
  }

  /** Picodollars of the days and hours of a cover. Throws Inexact where sums are too large for it. Call it within a transaction. */
  sum(scope: readonly TextCondition[], cover: Cover): bigint {
    const columns = [...new Set(scope.map(({ column }) => column))];
    this.#groups.refresh(columns);
    const slots = new Slots(this.#groups, columns, new Map());
    let [micro, rest] = [new Float64Array(0), new Float64Array(0)];
    for (const { head, sign } of this.#sources.of(cover, kindFor(columns), marginFor(columns))) {
      const places = slots.of(head.groups);
      if (slots.count > micro.length) [micro, rest] = [larger(micro, slots.count), larger(rest, slots.count)];
      for (let i = 0; i < places.length; i++) {
        const slot = places[i] as number;
        if (head.micro !== undefined) micro[slot] = (micro[slot] as number) + sign * (head.micro[i] as number);
        if (head.rest !== undefined) rest[slot] = (rest[slot] as number) + sign * (head.rest[i] as number);
      }
    }
    let sum = 0n;
    for (let slot = 0; slot < slots.count; slot++) {
      const texts = slots.texts(slot);
      if (!scope.every(({ column, holds }) => holds(texts[columns.indexOf(column)] ?? ''))) continue;
      const [whole, part] = [micro[slot] as number, rest[slot] as number];
      if (!Number.isSafeInteger(whole) || !Number.isSafeInteger(part)) throw new Inexact();
      sum += moneyOf(BigInt(whole), BigInt(part));
    }
    return sum;
  }
}

function larger(array: Float64Array<ArrayBuffer>, size: number): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(size * 2);
  grown.set(array);
  return grown;
}
