import { UNITS, type Unit } from '../core/usage.ts';
import { CATALOGUE, compileMatch, CORRECTIONS, type ModelPrices, type PriceList, type Rate, type Rates } from './catalogue.ts';
import { FREE_MODELS, PUBLISHED_FEES } from './published-fees.ts';
import type { PriceTable } from './price-table.ts';

/** A model that no list prices is charged like the dearest one of this list. */
const DEFAULT_LIST = 'openai';
/** Names come from clients, so that what is remembered of them has a bound. */
const REMEMBERED_MODELS = 4096;

/** A model of a list, ready for lookups. */
export interface BookModel {
  /** The list that it stands in. */
  readonly list: string;
  readonly id: string;
  readonly matches: (model: string) => boolean;
  readonly prices: readonly Rates[];
  /** Where it stands: the operator's table, what was corrected by hand, or the generated catalogue. */
  readonly origin: 'file' | 'built-in' | 'catalogue';
  readonly source?: string | undefined;
  readonly seen?: string | undefined;
}

type Lists = Readonly<Record<string, PriceList>>;

const listOf = (lists: Lists, name: string): PriceList | undefined => (Object.hasOwn(lists, name) ? lists[name] : undefined);

/**
 * List prices: the operator's table in front of the corrections in front of the catalogue, with the fees that vendors publish beside it.
 * Compiled list by list as they are asked for. Everything in it is constant, so that what was found once is found again.
 */
export class PriceBook {
  /** What rows say that they were priced by. */
  readonly version: string;
  readonly table: PriceTable | undefined;
  /** Of all lists. */
  readonly names: ReadonlySet<string>;
  readonly #compiled = new Map<string, readonly BookModel[]>();
  readonly #remembered = new Map<string, BookModel | undefined>();
  readonly #dearest = new Map<string, Rates>();

  constructor(table: PriceTable | undefined) {
    this.table = table;
    this.names = new Set([CATALOGUE.lists, CORRECTIONS.lists, table?.lists ?? {}].flatMap((lists) => Object.keys(lists)));
    const builtIn = `${CATALOGUE.version}/${CORRECTIONS.version}`;
    this.version = table === undefined ? builtIn : `${builtIn}+${table.version}`;
  }

  /** The entry that counts for a model, remembered by list and name. */
  find(list: string, model: string): BookModel | undefined {
    const key = `${list}\n${model}`;
    if (this.#remembered.has(key)) return this.#remembered.get(key);
    if (this.#remembered.size >= REMEMBERED_MODELS) this.#remembered.clear();
    const name = model.toLowerCase().trim();
    const found = this.#search(list, name) ?? this.#search(list, withDashedDates(name)) ?? this.#atBedrock(list, name);
    this.#remembered.set(key, found);
    return found;
  }

  /** The highest price of a list for each direction and each unit, over all models, tiers and times. */
  dearest(list: string): Rates {
    const name = this.names.has(list) ? list : DEFAULT_LIST;
    const known = this.#dearest.get(name);
    if (known !== undefined) return known;
    const all = this.models(name).flatMap(({ prices }) => prices);
    const rates: Rates = {
      input: highest(all.flatMap((one) => EACH_INPUT.map((part) => one[part]))),
      output: highest(all.flatMap((one) => EACH_OUTPUT.map((part) => one[part]))),
      request: highest(all.map((one) => one.request)),
      units: Object.fromEntries(UNITS.map((unit) => [unit, this.#dearestUnit(unit, all)])),
    };
    // A table may name a list of its own without saying what tokens cost there: nothing is free for that.
    const whole =
      name === DEFAULT_LIST || highest([rates.input, rates.output]) > 0
        ? rates
        : { ...this.dearest(DEFAULT_LIST), units: rates.units ?? {} };
    this.#dearest.set(name, whole);
    return whole;
  }

  /** All of a list, the first that matches a name counting. */
  models(list: string): readonly BookModel[] {
    const known = this.#compiled.get(list);
    if (known !== undefined) return known;
    const own = this.table === undefined ? [] : compileAll(this.table.lists, list, 'file');
    const models = [
      ...own,
      ...compileAll(CORRECTIONS.lists, list, 'built-in'),
      ...compileAll(CATALOGUE.lists, list, 'catalogue'),
      ...publishedAlone(list),
    ];
    // Lists are asked for by the operator's names; only those that exist are kept.
    if (models.length > 0) this.#compiled.set(list, models);
    return models;
  }

  #atBedrock(list: string, model: string): BookModel | undefined {
    if (list !== BEDROCK_LIST) return undefined;
    const name = profileName(model);
    return this.#search(list, name) ?? this.#search(list, claudeAnywhere(name));
  }

  #search(list: string, model: string): BookModel | undefined {
    const own = this.table === undefined ? undefined : listOf(this.table.lists, list);
    const lists = [list, ...(own?.fallback ?? []), ...(listOf(CATALOGUE.lists, list)?.fallback ?? [])];
    for (const name of lists) {
      const found = this.models(name).find(({ matches }) => matches(model));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Of a unit that nothing of the list has a price for, the dearest of all lists. */
  #dearestUnit(unit: Unit, list: readonly Rates[]): number {
    const own = highest(list.map(({ units }) => units?.[unit]));
    if (own > 0) return own;
    const everywhere = [...this.names].flatMap((name) => this.models(name)).flatMap(({ prices }) => prices);
    return highest(everywhere.map(({ units }) => units?.[unit]));
  }
}

const BEDROCK_LIST = 'aws';
/** Of a profile that AWS made, or of a model: its last part is the name that AWS prices. An application’s profile tells only its own. */
const AWS_NAME = /^arn:aws[a-z-]*:bedrock:[^/]*:(?:inference-profile|foundation-model)\//;
/** Regions and groups of regions, but not the whole world. */
const PLACE = /^(?!global\.)[a-z]{2,5}(?:-[a-z]{2,5})?\.(?=anthropic\.)/;

const profileName = (model: string): string => model.replace(AWS_NAME, '');

/** A place that the table does not know is a region for all that: Anthropic has one price for all of them, above that of `global`. */
const claudeAnywhere = (model: string): string => model.replace(PLACE, '');

const compileAll = (lists: Lists, list: string, origin: BookModel['origin']): readonly BookModel[] =>
  (listOf(lists, list)?.models ?? []).map((model) => compile(list, model, origin));

function compile(list: string, { id, match, prices, source, seen }: ModelPrices, origin: BookModel['origin']): BookModel {
  const isFree = prices.length === 0 && FREE_MODELS.some((one) => one.list === list && one.id === id);
  const told = isFree ? [{ input: 0, output: 0 }] : prices;
  return { list, id, matches: compileMatch(match), prices: told.map((rates) => withFees(list, id, rates)), origin, source, seen };
}

/** Fees that a table leaves out stand beside its own prices; one that it has is its own. */
function withFees(list: string, id: string, rates: Rates): Rates {
  const fee = PUBLISHED_FEES.find((one) => one.list === list && one.matches.test(id));
  if (fee === undefined) return rates;
  const units = { ...fee.units, ...rates.units };
  return {
    ...fee.tokens,
    ...(fee.once === undefined ? {} : { once: fee.once }),
    ...rates,
    ...(Object.keys(units).length === 0 ? {} : { units }),
  };
}

/** What the catalogue has no tokens' price for, and a vendor publishes a fee for: images, speech, reranking. */
const publishedAlone = (list: string): readonly BookModel[] =>
  PUBLISHED_FEES.filter((fee) => fee.list === list && fee.alone).map((fee) => ({
    list,
    id: fee.id,
    matches: (model) => fee.matches.test(model),
    prices: [fee.freeTokens === true ? { input: 0, output: 0, units: fee.units ?? {} } : { units: fee.units ?? {} }],
    origin: 'built-in',
    source: fee.source,
    seen: fee.seen ?? undefined,
  }));

/** Some resellers write a release date without dashes: `gpt-5.4-20260305` is the catalogue's `gpt-5.4-2026-03-05`. */
const withDashedDates = (model: string): string => model.replace(/-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g, '-$1-$2-$3');

const EACH_INPUT = ['input', 'cacheWrite', 'cacheWrite1h', 'inputAudio', 'inputImage'] as const;
const EACH_OUTPUT = ['output', 'reasoning', 'outputAudio', 'outputImage'] as const;

const highest = (rates: readonly (Rate | undefined)[]): number =>
  rates.reduce<number>((most, rate) => Math.max(most, highestTier(rate)), 0);

/** Prices stand at the even places of a tiered rate; the odd ones are token counts. */
const highestTier = (rate: Rate | undefined): number =>
  rate === undefined ? 0 : typeof rate === 'number' ? rate : Math.max(...rate.filter((_, place) => place % 2 === 0));

/** The prices of this version of the program, without any table of the operator's. */
export const BUILT_IN = new PriceBook(undefined);
