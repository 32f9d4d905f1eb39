import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import type { Match, ModelPrices, PriceList, Rates } from './catalogue.ts';
import { integer, malformed, objects, readRates, word } from './read-rates.ts';

/**
 * A table of list prices in the shape of the built-in one, without its notice: what a prices file becomes. Every amount is a whole
 * number of picodollars. A model that it names has the prices that stand here and no others; what it does not name stays as built in.
 */
export interface PriceTable {
  /** The file's own; stands in each row that was priced with it. */
  readonly version: string;
  readonly source: string;
  readonly lists: Readonly<Record<string, PriceList>>;
}

export const TABLE_VERSION = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
export const LIST_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
export const MOST_LISTS = 1_000;
export const MOST_MODELS = 20_000;
export const MOST_PRICES = 32;
const MOST_TESTS = 64;
const DEEPEST_TEST = 4;
const MOST_PATTERN = 256;
const DAY_SECONDS = 86_400;

/** A repeated group or a reference back can take time that grows without bound with a client's name of a model; two open repeats cannot. */
export function isSafePattern(pattern: string): boolean {
  if (pattern.length > MOST_PATTERN || /\)(?:[*+?]|\{)/.test(pattern) || /\\[1-9k]/.test(pattern)) return false;
  if ((pattern.match(/(?<!\\)[*+]|\{\d+,\d*\}/g) ?? []).length > 2) return false;
  try {
    return new RegExp(pattern) instanceof RegExp;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** `=name`, `^beginning`, `$end`, `~part` or `/pattern`, none of them empty. */
export const isPlainTest = (text: string): boolean =>
  text.length > 1 &&
  text.length <= MOST_PATTERN + 1 &&
  /^[=^$~/]/.test(text) &&
  (text.startsWith('/') ? isSafePattern(text.slice(1)) : text === text.toLowerCase());

/** Checks a table as it was signed. Throws `Malformed`. */
export function readPriceTable(value: Json): PriceTable {
  if (!isJsonObject(value)) return malformed('table');
  const version = word(value, 'version');
  const lists = value['lists'];
  if (version === undefined || !TABLE_VERSION.test(version) || !isJsonObject(lists)) return malformed('table');
  const named = Object.entries(lists);
  if (named.length > MOST_LISTS) return malformed('lists');
  return {
    version,
    source: word(value, 'source') ?? '',
    lists: Object.fromEntries(named.map(([name, list]) => [name, readList(name, list ?? null)])),
  };
}

function readList(name: string, value: Json): PriceList {
  if (!LIST_NAME.test(name) || !isJsonObject(value)) return malformed('lists');
  const { fallback = [] } = value;
  if (!Array.isArray(fallback) || fallback.length > MOST_TESTS || !fallback.every((one) => typeof one === 'string'))
    return malformed('fallback');
  return { fallback: fallback as readonly string[], models: objects(value['models'], 'models', MOST_MODELS).map(readModel) };
}

function readModel(from: JsonObject): ModelPrices {
  const source = word(from, 'source');
  const seen = word(from, 'seen');
  return {
    id: word(from, 'id') ?? malformed('id'),
    match: readMatch(from['match'], 0),
    prices: objects(from['prices'], 'prices', MOST_PRICES).map(readDatedRates),
    ...(source === undefined ? {} : { source }),
    ...(seen === undefined ? {} : { seen }),
  };
}

function readMatch(value: Json | undefined, depth: number): Match {
  if (typeof value === 'string') return isPlainTest(value) ? value : malformed('match');
  if (!isJsonObject(value) || depth >= DEEPEST_TEST || Object.keys(value).length !== 1) return malformed('match');
  const { or, and } = value;
  const tests = or ?? and;
  if (!Array.isArray(tests) || tests.length === 0 || tests.length > MOST_TESTS) return malformed('match');
  const read = (tests as readonly Json[]).map((one) => readMatch(one, depth + 1));
  return or === undefined ? { and: read } : { or: read };
}

function readDatedRates(value: JsonObject): Rates {
  const from = integer(value, 'from', Number.MAX_SAFE_INTEGER);
  const { daily } = value;
  const isDay = (one: Json): boolean => typeof one === 'number' && Number.isSafeInteger(one) && one >= 0 && one <= DAY_SECONDS;
  if (daily !== undefined && (!Array.isArray(daily) || daily.length !== 2 || !daily.every(isDay))) return malformed('daily');
  return {
    ...(from === undefined ? {} : { from }),
    ...(daily === undefined ? {} : { daily: daily as readonly number[] }),
    ...readRates(value),
  };
}
