import { formatDollars, picodollars } from '../core/money.ts';

const DIGITS = 12;

/** `0.00000125` → picodollars. A text that is no decimal number counts as nothing. */
function parse(text: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,12}))?$/.exec(text);
  if (match === null) return 0n;
  const amount = BigInt(match[2] + (match[3] ?? '').padEnd(DIGITS, '0'));
  return match[1] === '-' ? -amount : amount;
}

/** Adds two decimal amounts of dollars without rounding: floating point stays away from money. */
export const addDollars = (a: string, b: string): string => formatDollars(picodollars(parse(a) + parse(b)));
