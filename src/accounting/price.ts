/**
 * Accounting turns what a provider call used into money, in whole picodollars: from the operator's own prices where he has
 * any, else from the checked-in table. Every price is a sum of lines, so that it can be told how it came about.
 */
import { picodollars, type Picodollars } from '../core/money.ts';
import type { TokenUsage, Unit } from '../core/usage.ts';
import type { Rates } from './catalogue.ts';
import { addUnitLines, lineCost, mostUse, tierStart, tokenLines, type MostUse, type PriceLine } from './charge.ts';
import { adjustmentFor, ownPriceFor, NO_OPERATOR_PRICES, type OperatorPrices, type OwnPrice } from './operator-prices.ts';
import type { BookModel } from './price-book.ts';
import { ratesAt } from './rates-at.ts';
import { atTier } from './tier.ts';

/** Where a price comes from. */
export interface PriceSource {
  /** A list of the catalogue, or `operator`. */
  readonly list: string;
  /** The entry of that list; '' where the dearest of all its entries was charged. */
  readonly model: string;
  /** Unix milliseconds from which it holds; absent: always did. */
  readonly from?: number | undefined;
  /** It stands in the operator's prices file. */
  readonly file?: boolean | undefined;
  /** How it was served, where that was not the usual way. */
  readonly tier?: string | undefined;
  /** Above so many input tokens. */
  readonly above?: number | undefined;
  /** The model that the call was priced as, where the operator says what is behind the target's name. */
  readonly as?: string | undefined;
}

/** A part of a sum in millionths, and what it came to: whole picodollars, not negative. */
export interface Adjustment {
  readonly ppm: number;
  readonly amount: bigint;
}

export interface Price {
  /** What is charged: the sum of the lines, less the discount, and the margin. */
  readonly picodollars: Picodollars;
  /** The tables it comes from; a row keeps it, so that an old row stays explained after a price change. */
  readonly version: string;
  /** False: some of it has no price, so that the dearest of the list was charged for that. */
  readonly known: boolean;
  readonly source: PriceSource;
  readonly lines: readonly PriceLine[];
  readonly discount?: Adjustment | undefined;
  readonly margin?: Adjustment | undefined;
}

/** Whom a call went to, and the operator's own prices. */
export interface PriceContext {
  readonly provider: string;
  readonly credential: string;
  /** The model behind the name that was asked for, where the operator says so. */
  readonly baseModel?: string | undefined;
  readonly operator: OperatorPrices;
}

const NO_CONTEXT: PriceContext = { provider: '', credential: '', operator: NO_OPERATOR_PRICES };

/** The built-in sandbox, which nobody pays for. */
const SANDBOX_LIST = 'sandbox';
/** Models on the operator's own machines: free unless he prices them. */
const FREE_LIST = 'none';
const FREE_VERSION = 'free/1';
const FREE_RATES: Rates = { input: 0, output: 0 };
const NO_RATES: Rates = {};
const OPERATOR_LIST = 'operator';

/** Prices `usage` of `model` at the Unix time `at` (milliseconds). A price that is not known is never taken for free. */
export function priceUsage(usage: TokenUsage, model: string, priceList: string, at: number, context: PriceContext = NO_CONTEXT): Price {
  const found = effectiveRates(model, priceList, at, context);
  return found === undefined ? free(priceList) : total(usage, found, model, at, context);
}

/** What a call uses at most costs at most, whatever its tokens turn out to be: written to a cache, spoken, thought. Service tiers and tools' fees come on top. */
export function priceBound(most: MostUse, model: string, priceList: string, at: number, context: PriceContext = NO_CONTEXT): Price {
  const found = effectiveRates(model, priceList, at, context);
  if (found === undefined) return free(priceList);
  return total(mostUse(found.rates, most), found, model, at, context);
}

/** What a call of now is priced by. Undefined: nobody pays for it. */
export function effectiveRates(model: string, priceList: string, at: number, context: PriceContext): Found | undefined {
  if (priceList === SANDBOX_LIST) return undefined;
  const { operator, baseModel } = context;
  const own = operator.entries.length === 0 ? undefined : ownFor(model, at, context);
  if (own === undefined && priceList === FREE_LIST) return undefined;
  const listed = priceList === FREE_LIST ? undefined : listedFor(model, priceList, context);
  const base = priceList === FREE_LIST ? FREE_RATES : listed && ratesAt(listed.prices, at);
  const { list = priceList, id = '' } = listed ?? {};
  const as = baseModel === undefined ? {} : { as: baseModel };
  if (own === undefined) {
    const file = listed?.origin === 'file' ? { file: true } : {};
    const source = { list, model: base === undefined ? '' : id, from: base?.from, ...file, ...as };
    return { rates: base ?? NO_RATES, list, priceList, id, source, isOwn: false, hasOwnRequest: false };
  }
  const { hasTokens: isOwn, tiers, from } = own;
  const source = { list: OPERATOR_LIST, model: own.model, from, ...as };
  const hasOwnRequest = own.rates.request !== undefined;
  return { rates: inFront(own, base), list, priceList, id, source, isOwn, hasOwnRequest, tiers };
}

/** His own price for the name that is asked for goes in front of his price for the model behind it. */
function ownFor(model: string, at: number, { operator, provider, baseModel }: PriceContext): OwnPrice | undefined {
  const own = ownPriceFor(operator, provider, model, at);
  return own !== undefined || baseModel === undefined ? own : ownPriceFor(operator, provider, baseModel, at);
}

/** What is behind the name has the price; the name itself, where no list knows that. */
export function listedFor(model: string, priceList: string, { operator: { book }, baseModel }: PriceContext): BookModel | undefined {
  return (baseModel === undefined ? undefined : book.find(priceList, baseModel)) ?? book.find(priceList, model);
}

const free = (list: string): Price => ({
  picodollars: picodollars(0n),
  version: FREE_VERSION,
  known: true,
  source: { list, model: '' },
  lines: [],
});

/**
 * What the operator says goes in front of the catalogue: prices per token as a whole, for half of his and half of another's would be
 * nobody's price; fees one by one.
 */
function inFront({ rates, hasTokens }: OwnPrice, base: Rates = NO_RATES): Rates {
  const request = rates.request ?? base.request;
  const units = { ...base.units, ...rates.units };
  const { request: _, ...tokens } = hasTokens ? { ...(base === FREE_RATES ? FREE_RATES : NO_RATES), ...rates } : base;
  return { ...tokens, ...(request === undefined ? {} : { request }), units };
}

export interface Found {
  readonly rates: Rates;
  /** Where the model stands, for what its vendor publishes. */
  readonly list: string;
  /** What was asked for, for the dearest of it. */
  readonly priceList: string;
  /** The catalogue's id of the model; '' for none. */
  readonly id: string;
  readonly source: PriceSource;
  /** The tokens' prices are the operator's. */
  readonly isOwn: boolean;
  /** The fee for a request is. */
  readonly hasOwnRequest: boolean;
  /** The operator's prices by tier. */
  readonly tiers?: Readonly<Record<string, Rates>> | undefined;
}

function total(usage: TokenUsage, found: Found, model: string, at: number, context: PriceContext): Price {
  const { priceList, source } = found;
  const served = usage.tier === undefined ? undefined : atTier(found, usage.tier);
  const rates = served?.rates ?? found.rates;
  const priced = tokenLines(usage, rates);
  const { operator } = context;
  const lines = priced ?? tokenLines(usage, operator.book.dearest(priceList)) ?? [];
  const unpriced = addUnitLines(lines, usage, rates);
  if (unpriced.length > 0) addDearest(lines, usage, unpriced, operator.book.dearest(priceList));
  let sum = 0n;
  for (const line of lines) sum += lineCost(line);
  const price: Price = {
    picodollars: picodollars(sum),
    version: operator.label,
    known: priced !== undefined && unpriced.length === 0 && served?.known !== false && source.model !== '',
    source: priced === undefined ? nobodys(priceList, source) : tiered(source, usage, rates),
    lines,
  };
  return operator.discounts.length === 0 && operator.margins.length === 0 ? price : adjusted(price, at, model, context);
}

const nobodys = (list: string, { as }: PriceSource): PriceSource => ({ list, model: '', ...(as === undefined ? {} : { as }) });

function tiered(source: PriceSource, usage: TokenUsage, rates: Rates): PriceSource {
  const above = tierStart(rates.input ?? rates.output, usage.input);
  return usage.tier === undefined && above === undefined ? source : { ...source, tier: usage.tier, above };
}

function addDearest(lines: PriceLine[], { units = {} }: TokenUsage, unpriced: readonly Unit[], dearest: Rates): void {
  for (const unit of unpriced) lines.push({ item: unit, quantity: units[unit] ?? 0, rate: dearest.units?.[unit] ?? 0 });
}

const MILLION = 1_000_000n;

/** The discount rounds down and the margin up: what is charged is never below what it should be, by less than a picodollar each. */
function adjusted(price: Price, at: number, model: string, { operator, provider, credential, baseModel }: PriceContext): Price {
  const call = { provider, credential, model, baseModel, at };
  const less = adjustmentFor(operator.discounts, call);
  const more = adjustmentFor(operator.margins, call);
  if (less === undefined && more === undefined) return price;
  const discount = less === undefined ? undefined : { ppm: less, amount: (price.picodollars * BigInt(less)) / MILLION };
  const cost = price.picodollars - (discount?.amount ?? 0n);
  const margin = more === undefined ? undefined : { ppm: more, amount: (cost * BigInt(more) + MILLION - 1n) / MILLION };
  return { ...price, picodollars: picodollars(cost + (margin?.amount ?? 0n)), discount, margin };
}
