import type { Rate, Rates } from './catalogue.ts';
import { dearestFactor, TIER_FACTORS, type TierFactor } from './published-tiers.ts';
import { TOKEN_RATES } from './rate-names.ts';

/** What a service tier is applied to. */
export interface TierBase {
  readonly rates: Rates;
  readonly list: string;
  /** The catalogue's id of the model. */
  readonly id: string;
  /** The tokens' prices are the operator's. */
  readonly isOwn: boolean;
  /** The fee for a request is the operator's. */
  readonly hasOwnRequest: boolean;
  readonly tiers?: Readonly<Record<string, Rates>> | undefined;
}

export interface Tiered {
  readonly rates: Rates;
  /** False: nobody publishes what this way of being served costs. */
  readonly known: boolean;
}

type Change = Pick<TierFactor, 'times' | 'keeps' | 'without' | 'request'>;

const USUAL: Change = { times: [1, 1] };
/** Ways that cost less than the usual one everywhere: without a price of their own they cost as much. */
const CHEAPER: ReadonlySet<string> = new Set(['batch', 'flex']);

const isDearer = ({ times: [parts, of] }: Change): boolean => parts > of;

/**
 * The rates of a tier: the operator's, else the vendor's factor on the base. An operator's own price is only ever raised by such a
 * factor, because he may have agreed on it for just this tier. A tier that nobody prices costs at least the base and is flagged.
 */
export function atTier(base: TierBase, tier: string): Tiered {
  const own = base.tiers !== undefined && Object.hasOwn(base.tiers, tier) ? base.tiers[tier] : undefined;
  if (own !== undefined) return { rates: { ...own, ...feesIn(base.rates) }, known: true };
  const published = TIER_FACTORS.find((one) => one.list === base.list && one.tier === tier && one.matches.test(base.id));
  const change = published ?? dearestOrUsual(base.list, tier);
  const known = published !== undefined || CHEAPER.has(tier);
  const tokens = base.isOwn && !isDearer(change) ? base.rates : changed(base.rates, change);
  const { request } = change;
  return { rates: request === undefined || base.hasOwnRequest ? tokens : { ...tokens, request }, known };
}

function dearestOrUsual(list: string, tier: string): Change {
  const dearest = dearestFactor(list, tier);
  return dearest !== undefined && isDearer(dearest) ? { times: dearest.times } : USUAL;
}

const feesIn = ({ request, units, once }: Rates): Rates => ({
  ...(request === undefined ? {} : { request }),
  ...(units === undefined ? {} : { units }),
  ...(once === undefined ? {} : { once }),
});

/** Tokens cost so many parts of what they did, rounded up; fees stay. */
function changed(rates: Rates, { times, keeps = [], without = [] }: Change): Rates {
  if (times[0] === times[1] && without.length === 0) return rates;
  const parts = TOKEN_RATES.flatMap((part) => {
    const rate = rates[part];
    if (rate === undefined || without.includes(part)) return [];
    return [[part, keeps.includes(part) ? rate : scaledRate(rate, times)] as const];
  });
  return { ...feesIn(rates), ...Object.fromEntries(parts) };
}

const scaledRate = (rate: Rate, times: TierFactor['times']): Rate =>
  typeof rate === 'number' ? scaled(rate, times) : rate.map((value, place) => (place % 2 === 0 ? scaled(value, times) : value));

const scaled = (rate: number, [parts, of]: TierFactor['times']): number =>
  Number((BigInt(rate) * BigInt(parts) + BigInt(of) - 1n) / BigInt(of));
