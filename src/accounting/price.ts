/** Accounting turns what a provider call used into money, in whole picodollars, from the checked-in price table. */
import { picodollars, type Picodollars } from '../core/money.ts';
import type { TokenUsage } from '../core/usage.ts';
import { CATALOGUE, compileMatch, type CompiledModel, type ModelPrices, type Rate, type Rates } from './catalogue.ts';

export interface Price {
  readonly picodollars: Picodollars;
  /** The table it comes from; a row keeps it, so that an old row stays explained after a price change. */
  readonly version: string;
  /** False: the table does not price this model, so the dearest price of its list was charged. */
  readonly known: boolean;
}

/** Lists of providers that charge nobody: the built-in sandbox, and models on the operator's own machines. */
const FREE_LISTS: ReadonlySet<string> = new Set(['sandbox', 'none']);
const FREE_VERSION = 'free/1';
/** A model that no list prices is charged like the dearest one of this list. */
const DEFAULT_LIST = 'openai';
/** Names come from clients, so that what is remembered of them has a bound. */
const REMEMBERED_MODELS = 4096;

/** Prices `usage` of `model` at the Unix time `at` (milliseconds). A price that is not known is never taken for free. */
export function priceUsage(usage: TokenUsage, model: string, priceList: string, at: number): Price {
  if (FREE_LISTS.has(priceList)) return { picodollars: picodollars(0n), version: FREE_VERSION, known: true };
  const rates = ratesAt(findModel(priceList, model)?.prices ?? [], at);
  const charged = rates === undefined ? undefined : charge(usage, rates);
  if (charged !== undefined) return { picodollars: charged, version: CATALOGUE.version, known: true };
  const dearest = charge(usage, dearestOf(priceList)) ?? picodollars(0n);
  return { picodollars: dearest, version: CATALOGUE.version, known: false };
}

/** The rates that hold at a time: the last entry whose condition does. */
function ratesAt(prices: readonly Rates[], at: number): Rates | undefined {
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

/** Undefined when there are tokens of a kind for which these rates have no price at all. */
function charge(usage: TokenUsage, rates: Rates): Picodollars | undefined {
  const tier = usage.input;
  const input = rates.input === undefined ? undefined : rateFor(rates.input, tier);
  const output = rates.output === undefined ? undefined : rateFor(rates.output, tier);
  if ((input === undefined && usage.input > 0) || (output === undefined && usage.output > 0)) return undefined;
  let total = BigInt(rates.request ?? 0);
  if (input !== undefined) total += chargeInput(usage, rates, input);
  if (output !== undefined) total += chargeOutput(usage, rates, output);
  return picodollars(total);
}

function chargeInput(usage: TokenUsage, rates: Rates, input: number): bigint {
  const short = rates.cacheWrite === undefined ? input : rateFor(rates.cacheWrite, usage.input);
  const hour = rates.cacheWrite1h === undefined ? short : rateFor(rates.cacheWrite1h, usage.input);
  const cached = rates.cachedInput === undefined ? input : rateFor(rates.cachedInput, usage.input);
  const audio = rates.inputAudio === undefined ? input : rateFor(rates.inputAudio, usage.input);
  // Audio may lie in the cache as well; what was read from there is charged as cached, once.
  const uncached = Math.max(0, usage.input - usage.cachedInput - usage.cacheWrite - usage.cacheWrite1h);
  const spoken = Math.min(usage.inputAudio, uncached);
  return (
    times(uncached - spoken, input) +
    times(spoken, audio) +
    times(usage.cachedInput, cached) +
    times(usage.cacheWrite, short) +
    times(usage.cacheWrite1h, hour)
  );
}

function chargeOutput(usage: TokenUsage, rates: Rates, output: number): bigint {
  const thought = rates.reasoning === undefined ? output : rateFor(rates.reasoning, usage.input);
  const audio = rates.outputAudio === undefined ? output : rateFor(rates.outputAudio, usage.input);
  const spoken = Math.min(usage.outputAudio, usage.output);
  const reasoning = Math.min(usage.reasoning, usage.output - spoken);
  return times(usage.output - spoken - reasoning, output) + times(spoken, audio) + times(reasoning, thought);
}

const times = (tokens: number, rate: number): bigint => (tokens === 0 ? 0n : BigInt(tokens) * BigInt(rate));

/** Tiers count by the whole input: above its start, a tier prices every token of the call. */
function rateFor(rate: Rate, inputTokens: number): number {
  if (typeof rate === 'number') return rate;
  let price = rate[0] as number;
  for (let i = 1; i < rate.length; i += 2) if (inputTokens > (rate[i] as number)) price = rate[i + 1] as number;
  return price;
}

const compiled = new Map<string, readonly CompiledModel[]>();
const remembered = new Map<string, CompiledModel | undefined>();
const dearest = new Map<string, Rates>();

function compiledList(name: string): readonly CompiledModel[] {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const list = (CATALOGUE.lists[name]?.models ?? []).map(({ id, match, prices }: ModelPrices) => ({
    id,
    prices,
    matches: compileMatch(match),
  }));
  if (Object.hasOwn(CATALOGUE.lists, name)) compiled.set(name, list);
  return list;
}

/** The entry that the catalogue would take, remembered by list and name. */
function findModel(list: string, model: string): CompiledModel | undefined {
  const key = `${list}\n${model}`;
  if (remembered.has(key)) return remembered.get(key);
  if (remembered.size >= REMEMBERED_MODELS) remembered.clear();
  const name = model.toLowerCase().trim();
  const found = searchLists(list, name) ?? searchLists(list, withDashedDates(name));
  remembered.set(key, found);
  return found;
}

function searchLists(list: string, model: string): CompiledModel | undefined {
  const lists = [list, ...(CATALOGUE.lists[list]?.fallback ?? [])];
  for (const name of lists) {
    const found = compiledList(name).find(({ matches }) => matches(model));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Some resellers write a release date without dashes: `gpt-5.4-20260305` is the catalogue's `gpt-5.4-2026-03-05`. */
const withDashedDates = (model: string): string => model.replace(/-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g, '-$1-$2-$3');

/** The highest price of a list for each direction, over all models, tiers and times. */
function dearestOf(list: string): Rates {
  const name = Object.hasOwn(CATALOGUE.lists, list) ? list : DEFAULT_LIST;
  const known = dearest.get(name);
  if (known !== undefined) return known;
  const all = (CATALOGUE.lists[name]?.models ?? []).flatMap(({ prices }) => prices);
  const highest = (rates: readonly (Rate | undefined)[]): number => Math.max(0, ...rates.map(highestTier));
  const rates: Rates = {
    input: highest(all.flatMap((one) => [one.input, one.cacheWrite, one.cacheWrite1h, one.inputAudio])),
    output: highest(all.flatMap((one) => [one.output, one.reasoning, one.outputAudio])),
    request: highest(all.map((one) => one.request)),
  };
  dearest.set(name, rates);
  return rates;
}

/** Prices stand at the even places of a tiered rate; the odd ones are token counts. */
const highestTier = (rate: Rate | undefined): number =>
  rate === undefined ? 0 : typeof rate === 'number' ? rate : Math.max(...rate.filter((_, place) => place % 2 === 0));
