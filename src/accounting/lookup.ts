import { UNITS, type Unit } from '../core/usage.ts';
import { CATALOGUE, compileMatch, type CompiledModel, type ModelPrices, type Rate, type Rates } from './catalogue.ts';
import { FREE_MODELS, PUBLISHED_FEES } from './published.ts';

/** A model that no list prices is charged like the dearest one of this list. */
const DEFAULT_LIST = 'openai';
/** Names come from clients, so that what is remembered of them has a bound. */
const REMEMBERED_MODELS = 4096;

const compiled = new Map<string, readonly CompiledModel[]>();
const remembered = new Map<string, CompiledModel | undefined>();
const dearest = new Map<string, Rates>();

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

function compiledList(name: string): readonly CompiledModel[] {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const list = [...(CATALOGUE.lists[name]?.models ?? []).map((model) => compile(name, model)), ...publishedAlone(name)];
  if (Object.hasOwn(CATALOGUE.lists, name)) compiled.set(name, list);
  return list;
}

function compile(list: string, { id, match, prices }: ModelPrices): CompiledModel {
  const isFree = prices.length === 0 && FREE_MODELS.some((one) => one.list === list && one.id === id);
  const told = isFree ? [{ input: 0, output: 0 }] : prices;
  return { list, id, matches: compileMatch(match), prices: told.map((rates) => withFees(list, id, rates)) };
}

/** Fees that the catalogue leaves out stand beside its own prices; one that it has is its own. */
function withFees(list: string, id: string, rates: Rates): Rates {
  const fee = PUBLISHED_FEES.find((one) => one.list === list && one.matches.test(id));
  if (fee === undefined) return rates;
  const units = { ...fee.units, ...rates.units };
  return { ...fee.tokens, ...rates, ...(Object.keys(units).length === 0 ? {} : { units }) };
}

/** What the catalogue has no tokens' price for, and a vendor publishes a fee for: images, speech, reranking. */
const publishedAlone = (list: string): readonly CompiledModel[] =>
  PUBLISHED_FEES.filter((fee) => fee.list === list && fee.alone).map((fee) => ({
    list,
    id: fee.id,
    matches: (model) => fee.matches.test(model),
    prices: [fee.freeTokens === true ? { input: 0, output: 0, units: fee.units ?? {} } : { units: fee.units ?? {} }],
  }));

/** The entry that the catalogue would take, remembered by list and name. */
export function findModel(list: string, model: string): CompiledModel | undefined {
  const key = `${list}\n${model}`;
  if (remembered.has(key)) return remembered.get(key);
  if (remembered.size >= REMEMBERED_MODELS) remembered.clear();
  const name = model.toLowerCase().trim();
  const found = searchLists(list, name) ?? searchLists(list, withDashedDates(name));
  remembered.set(key, found);
  return found;
}

function searchLists(list: string, model: string): CompiledModel | undefined {
  const lists = [list, ...(Object.hasOwn(CATALOGUE.lists, list) ? (CATALOGUE.lists[list]?.fallback ?? []) : [])];
  for (const name of lists) {
    const found = compiledList(name).find(({ matches }) => matches(model));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Some resellers write a release date without dashes: `gpt-5.4-20260305` is the catalogue's `gpt-5.4-2026-03-05`. */
const withDashedDates = (model: string): string => model.replace(/-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g, '-$1-$2-$3');

const EACH_INPUT = ['input', 'cacheWrite', 'cacheWrite1h', 'inputAudio', 'inputImage'] as const;
const EACH_OUTPUT = ['output', 'reasoning', 'outputAudio', 'outputImage'] as const;

/** The highest price of a list for each direction and each unit, over all models, tiers and times. */
export function dearestOf(list: string): Rates {
  const name = Object.hasOwn(CATALOGUE.lists, list) ? list : DEFAULT_LIST;
  const known = dearest.get(name);
  if (known !== undefined) return known;
  const all = compiledList(name).flatMap(({ prices }) => prices);
  const rates: Rates = {
    input: highest(all.flatMap((one) => EACH_INPUT.map((part) => one[part]))),
    output: highest(all.flatMap((one) => EACH_OUTPUT.map((part) => one[part]))),
    request: highest(all.map((one) => one.request)),
    units: Object.fromEntries(UNITS.map((unit) => [unit, dearestUnit(unit, all)])),
  };
  dearest.set(name, rates);
  return rates;
}

/** Of a unit that nothing of the list has a price for, the dearest of all lists. */
function dearestUnit(unit: Unit, list: readonly Rates[]): number {
  const own = highest(list.map(({ units }) => units?.[unit]));
  if (own > 0) return own;
  const everywhere = Object.keys(CATALOGUE.lists)
    .flatMap(compiledList)
    .flatMap(({ prices }) => prices);
  return highest(everywhere.map(({ units }) => units?.[unit]));
}

const highest = (rates: readonly (Rate | undefined)[]): number =>
  rates.reduce<number>((most, rate) => Math.max(most, highestTier(rate)), 0);

/** Prices stand at the even places of a tiered rate; the odd ones are token counts. */
const highestTier = (rate: Rate | undefined): number =>
  rate === undefined ? 0 : typeof rate === 'number' ? rate : Math.max(...rate.filter((_, place) => place % 2 === 0));
