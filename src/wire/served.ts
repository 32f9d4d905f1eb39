/** What answers say beside their tokens: how they were served, and what was used that is counted in other units. */
import type { Json } from '../core/json.ts';
import type { TokenUsage, Unit, Units } from '../core/usage.ts';

/** Providers' words for the usual way, and for capacity that was paid for ahead. */
const USUAL: ReadonlySet<string> = new Set(['', 'auto', 'default', 'standard', 'on_demand', 'scale', 'provisioned_throughput', 'reserved']);
const WORD = /^[a-z][a-z0-9_-]{0,31}$/;

/** The tier of an answer where its price may differ: `flex`, `priority`, `batch`. Vertex says `ON_DEMAND_FLEX`. */
export function servedTier(value: Json | undefined): string | undefined {
  if (typeof value !== 'string' || value === 'default' || value.length > 64) return undefined;
  const word = value.toLowerCase();
  const tier = USUAL.has(word) ? '' : word.replace(/^on_demand_/, '');
  return WORD.test(tier) ? tier : undefined;
}

const MOST_UNITS = 1_000_000_000;

/** A count as providers send it; seconds may have fractions and are rounded up. Anything else counts as none. */
export const unitCount = (value: Json | undefined): number =>
  typeof value === 'number' && value > 0 && value <= MOST_UNITS ? Math.ceil(value) : 0;

/** Undefined: so many of the unit are none. */
export const unitsOf = (unit: Unit, count: number): Units | undefined => (count === 0 ? undefined : { [unit]: count });

/** The figures with what else was told; the same object where that is nothing, which is nearly always. */
export const withServed = (usage: TokenUsage, tier: string | undefined, units: Units | undefined): TokenUsage =>
  tier === undefined && units === undefined
    ? usage
    : { ...usage, ...(units === undefined ? {} : { units }), ...(tier === undefined ? {} : { tier }) };
