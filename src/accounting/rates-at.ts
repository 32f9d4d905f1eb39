import type { Rates } from './catalogue.ts';

/** The rates that hold at a time: the last entry whose condition does. */
export function ratesAt(prices: readonly Rates[], at: number): Rates | undefined {
  const second = Math.floor(at / 1000) % 86_400;
  for (let i = prices.length - 1; i >= 0; i--) {
    const rates = prices[i] as Rates;
    if (rates.from !== undefined && at < rates.from) continue;
    if (rates.daily !== undefined && !withinDay(second, rates.daily)) continue;
    return rates;
  }
  return prices[0];
}

function withinDay(second: number, [start = 0, end = 86_400]: readonly number[]): boolean {
  return end < start ? second >= start || second < end : second >= start && second < end;
}
