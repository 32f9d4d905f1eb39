import type { ModelPrices, Rates } from './catalogue.ts';
import { PriceBook } from './price-book.ts';
import type { PriceTable } from './price-table.ts';

interface TableChange {
  readonly list: string;
  readonly model: string;
  /** `new`: no list had it. `gone`: it left the table, and what is built in holds again, or nothing. */
  readonly change: 'new' | 'changed' | 'gone';
  readonly before: readonly Rates[];
  readonly after: readonly Rates[];
}

export interface TableComparison {
  readonly changes: readonly TableChange[];
  /** Models of the newer table that cost what they did. */
  readonly same: number;
}

/** What putting `after` in the place of `before` changes, in the order of the tables. Undefined: no table, so that what is built in holds. */
export function compareTables(before: PriceTable | undefined, after: PriceTable | undefined): TableComparison {
  const [old, next] = [new PriceBook(before), new PriceBook(after)];
  const changes: TableChange[] = [];
  let same = 0;
  for (const [list, { id }] of entries(after)) {
    const change = changeOf(list, id, old, next);
    if (change === undefined) same++;
    else changes.push(change);
  }
  for (const [list, { id }] of entries(before)) {
    if (after?.lists[list]?.models.some((one) => one.id === id) === true) continue;
    const change = changeOf(list, id, old, next);
    if (change !== undefined) changes.push({ ...change, change: 'gone' });
  }
  return { changes, same };
}

const entries = (table: PriceTable | undefined): readonly (readonly [string, ModelPrices])[] =>
  Object.entries(table?.lists ?? {}).flatMap(([list, { models }]) => models.map((model) => [list, model] as const));

function changeOf(list: string, model: string, old: PriceBook, next: PriceBook): TableChange | undefined {
  const [before, after] = [pricesOf(old, list, model), pricesOf(next, list, model)];
  if (JSON.stringify(before) === JSON.stringify(after)) return undefined;
  return { list, model, change: before.length === 0 ? 'new' : 'changed', before, after };
}

/** Ids are names that an entry is found by in all but a few; an entry of that very id goes first. */
const pricesOf = (book: PriceBook, list: string, model: string): readonly Rates[] =>
  (book.models(list).find(({ id }) => id === model) ?? book.find(list, model))?.prices.map(inOrder) ?? [];

/** The same whatever order a file has its members in. */
const inOrder = (rates: Rates): Rates => Object.fromEntries(Object.entries(rates).sort(([a], [b]) => (a < b ? -1 : 1))) as Rates;
