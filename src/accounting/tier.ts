import type { Rate, Rates } from './catalogue.ts';
import { dearestFactor, TIER_FACTORS } from './published.ts';
import { TOKEN_RATES } from './rate-names.ts';

/** What a service tier is applied to. */
export interface TierBase {
  readonly rates: Rates;
  readonly list: string;
  /** The catalogue's id of the model. */
  readonly id: string;
  /** The tokens' prices are the operator's. */
  readonly isOwn: boolean;
  readonly tiers?: Readonly<Record<string, Rates>> | undefined;
}

export interface Tiered {
  readonly rates: Rates;
  /** False: nobody publishes what this way of being served costs. */
  readonly known: boolean;
}

const WHOLE = 1_000_000;
/** Ways that cost less than the usual one everywhere: without a price of their own they cost as much. */
const CHEAPER: ReadonlySet<string> = new Set(['batch', 'flex']);

/**
 * The rates of a tier: the operator's, else the vendor's factor on the base. An operator's own price is only ever raised by such a
 * factor, because he may have agreed on it for just this tier. A tier that nobody prices costs at least the base and is flagged.
 */
export function atTier(base: TierBase, tier: string): Tiered {
  const own = base.tiers !== undefined && Object.hasOwn(base.tiers, tier) ? base.tiers[tier] : undefined;
  if (own !== undefined) return { rates: { ...own, ...feesIn(base.rates) }, known: true };
  const published = TIER_FACTORS.find((one) => one.list === base.list && one.tier === tier && one.matches.test(base.id));
  const ppm = published?.ppm ?? Math.max(WHOLE, dearestFactor(base.list, tier) ?? WHOLE);
  const known = published !== undefined || CHEAPER.has(tier);
  const applied = base.isOwn ? Math.max(WHOLE, ppm) : ppm;
  return { rates: applied === WHOLE ? base.rates : scaled(base.rates, applied), known };
}

const feesIn = ({ request, units }: Rates): Rates => ({
  ...(request === undefined ? {} : { request }),
  ...(units === undefined ? {} : { units }),
});

/** Tokens cost so many millionths of what they did, rounded up; fees stay. */
function scaled(rates: Rates, ppm: number): Rates {
  const parts = TOKEN_RATES.flatMap((part) => {
    const rate = rates[part];
    return rate === undefined ? [] : [[part, scaledRate(rate, ppm)] as const];
  });
  return { ...rates, ...Object.fromEntries(parts) };
}

const scaledRate = (rate: Rate, ppm: number): Rate =>
  typeof rate === 'number' ? times(rate, ppm) : rate.map((value, place) => (place % 2 === 0 ? times(value, ppm) : value));

const times = (rate: number, ppm: number): number => Number((BigInt(rate) * BigInt(ppm) + 999_999n) / 1_000_000n);
