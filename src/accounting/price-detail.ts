import type { PriceItem, PriceLine } from './charge.ts';
import type { Adjustment, Price, PriceSource } from './price.ts';

/** What a price was made of, as a row of the ledger keeps it: enough to do the sum again without any table. */
export interface PriceDetail {
  readonly source: PriceSource;
  readonly lines: readonly PriceLine[];
  readonly discount?: Adjustment | undefined;
  readonly margin?: Adjustment | undefined;
}

type Written = readonly [
  source: PriceSource,
  /** item, quantity, rate. */
  lines: readonly (readonly [string, number, number])[],
  /** Millionths and decimal digits; null: none. */
  discount?: readonly [number, string] | null,
  margin?: readonly [number, string] | null,
];

const share = (one: Adjustment | undefined): readonly [number, string] | null =>
  one === undefined ? null : [one.ppm, one.amount.toString()];

/** Compact JSON text; '' for what costs nothing by nature. */
export function writePriceDetail({ source, lines, discount, margin }: Price): string {
  if (lines.length === 0) return '';
  const written: Written = [source, lines.map(({ item, quantity, rate }) => [item, quantity, rate])];
  return JSON.stringify(discount === undefined && margin === undefined ? written : [...written, share(discount), share(margin)]);
}

const adjustment = (one: readonly [number, string] | null | undefined): Adjustment | undefined =>
  one === null || one === undefined ? undefined : { ppm: one[0], amount: BigInt(one[1]) };

/** Of a text that `writePriceDetail` made. Undefined for ''. */
export function readPriceDetail(text: string): PriceDetail | undefined {
  if (text === '') return undefined;
  const [source, lines, discount, margin] = JSON.parse(text) as Written;
  return {
    source,
    lines: lines.map(([item, quantity, rate]) => ({ item: item as PriceItem, quantity, rate })),
    discount: adjustment(discount),
    margin: adjustment(margin),
  };
}

/** What the lines, the discount and the margin come to. */
export function sumOf({ lines, discount, margin }: PriceDetail): bigint {
  const listed = lines.reduce((sum, { quantity, rate }) => sum + BigInt(quantity) * BigInt(rate), 0n);
  return listed - (discount?.amount ?? 0n) + (margin?.amount ?? 0n);
}
