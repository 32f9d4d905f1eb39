import type { Rate, Rates } from '../../../accounting/catalogue.ts';
import { TOKEN_WORDS } from '../../../accounting/rate-names.ts';
import type { ModelPriceView, PriceAmount } from '../../../api/price-operations.ts';
import { formatDollars, picodollars } from '../../../core/money.ts';

/** A million tokens at so many picodollars each, and one of what is counted singly, as decimal dollars. */
const MILLION = 1_000_000n;

const dollars = (amount: bigint): string => formatDollars(picodollars(amount));

function tokenAmounts(item: string, rate: Rate): readonly PriceAmount[] {
  const [base = 0, ...tiers] = typeof rate === 'number' ? [rate] : rate;
  const amount = (price: number, above: number | null): PriceAmount => ({
    item,
    per: 'million tokens',
    usd: dollars(BigInt(price) * MILLION),
    above_input_tokens: above,
  });
  const above = tiers.flatMap((value, place) => (place % 2 === 0 ? [amount(tiers[place + 1] ?? 0, value)] : []));
  return [amount(base, null), ...above];
}

export function ratesView(rates: Rates): ModelPriceView['now'] {
  const tokens = Object.entries(TOKEN_WORDS).flatMap(([word, name]) => {
    const rate = rates[name];
    return rate === undefined ? [] : tokenAmounts(word, rate);
  });
  const fees = Object.entries(rates.units ?? {}).map(([unit, price]) => ({
    item: unit,
    per: rates.once?.some((one) => one === unit) === true ? ('call' as const) : ('each' as const),
    usd: dollars(BigInt(price)),
    above_input_tokens: null,
  }));
  const request =
    rates.request === undefined
      ? []
      : [{ item: 'request', per: 'each' as const, usd: dollars(BigInt(rates.request)), above_input_tokens: null }];
  return {
    from: rates.from === undefined ? null : new Date(rates.from).toISOString(),
    daily: rates.daily === undefined ? null : [...rates.daily],
    amounts: [...tokens, ...request, ...fees],
  };
}
