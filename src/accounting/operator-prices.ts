import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Rates } from './catalogue.ts';
import { BUILT_IN, PriceBook } from './price-book.ts';
import { readPriceTable, type PriceTable } from './price-table.ts';
import { TOKEN_RATES } from './rate-names.ts';
import { integer, Malformed, malformed, objects, readRates, word } from './read-rates.ts';

/**
 * The operator's own prices as control signs them and the ledger holds them: plain JSON, every amount a whole number of picodollars,
 * every percentage whole millionths. `version` rises with every change, and stands in each row that was priced by it.
 */
export interface OperatorPriceTable {
  readonly kind: 'prices';
  readonly version: number;
  /** The first that fits a call counts. */
  readonly entries: readonly OperatorPrice[];
  /** Off the provider's price, whichever it is. The first that fits counts. */
  readonly discounts: readonly OperatorShare[];
  /** On top of what the provider costs. The first that fits counts. */
  readonly margins: readonly OperatorShare[];
  /** His own table of list prices, in front of the built-in one. */
  readonly table?: PriceTable | undefined;
}

/** Unix milliseconds [from, until); absent: always. */
interface Validity {
  readonly from?: number | undefined;
  readonly until?: number | undefined;
}

export interface OperatorPrice extends Validity {
  readonly provider?: string | undefined;
  /** Lower case; exact, or a prefix ending in `*`. */
  readonly model: string;
  readonly rates: Rates;
  /** Prices per token of other service tiers. */
  readonly tiers?: Readonly<Record<string, Rates>> | undefined;
}

export interface OperatorShare extends Validity {
  readonly provider?: string | undefined;
  readonly credential?: string | undefined;
  readonly model?: string | undefined;
  readonly ppm: number;
}

export interface OwnPrice extends OperatorPrice {
  /** It names a price per token, so that none of the catalogue's counts. */
  readonly hasTokens: boolean;
}

/** Ready for use: nothing is parsed per call. */
export interface OperatorPrices {
  /** 0: there are none. */
  readonly version: number;
  /** What rows say they were priced by. */
  readonly label: string;
  readonly entries: readonly OwnPrice[];
  readonly discounts: readonly OperatorShare[];
  readonly margins: readonly OperatorShare[];
  /** List prices: the built-in ones, with his table in front where he has one. */
  readonly book: PriceBook;
}

export const NO_OPERATOR_PRICES: OperatorPrices = {
  version: 0,
  label: BUILT_IN.version,
  entries: [],
  discounts: [],
  margins: [],
  book: BUILT_IN,
};

const MAX_ENTRIES = 10_000;
/** Discounts: all of it. Margins: a hundredfold. */
const MOST_DISCOUNT = 1_000_000;
const MOST_MARGIN = 100_000_000;

/** `a*` fits what begins with `a`; anything else only itself. Names are compared in lower case. */
const fits = (pattern: string, name: string): boolean => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern);

const holds = ({ from, until }: Validity, at: number): boolean => (from === undefined || at >= from) && (until === undefined || at < until);

/** The first entry that fits, of those that hold at `at`. */
export function ownPriceFor({ entries }: OperatorPrices, provider: string, model: string, at: number): OwnPrice | undefined {
  const name = model.toLowerCase().trim();
  return entries.find((one) => (one.provider === undefined || one.provider === provider) && holds(one, at) && fits(one.model, name));
}

interface PricedCall {
  readonly provider: string;
  readonly credential: string;
  readonly model: string;
  /** The model behind that name; a pattern may mean either. */
  readonly baseModel?: string | undefined;
  readonly at: number;
}

/** Millionths; undefined: none fits. */
export function adjustmentFor(shares: readonly OperatorShare[], call: PricedCall): number | undefined {
  const names = [call.model, call.baseModel].flatMap((name) => (name === undefined ? [] : [name.toLowerCase().trim()]));
  return shares.find(
    (one) =>
      (one.provider === undefined || one.provider === call.provider) &&
      (one.credential === undefined || one.credential === call.credential) &&
      (one.model === undefined || names.some((name) => fits(one.model as string, name))) &&
      holds(one, call.at),
  )?.ppm;
}

const TOKEN_NAMES: ReadonlySet<string> = new Set(TOKEN_RATES);

/** Reads a table as it was signed. The error says which part is wrong; nothing of such a table is used. */
export function readOperatorPrices(text: string): Result<OperatorPrices, string> {
  try {
    return ok(compile(JSON.parse(text) as Json));
  } catch (error) {
    if (error instanceof Malformed || error instanceof SyntaxError) return fail(error.message);
    throw error;
  }
}

function compile(value: Json): OperatorPrices {
  if (!isJsonObject(value) || value['kind'] !== 'prices') return malformed('kind');
  const version = integer(value, 'version', Number.MAX_SAFE_INTEGER) ?? malformed('version');
  const book = value['table'] === undefined ? BUILT_IN : new PriceBook(readPriceTable(value['table']));
  return {
    version,
    label: version === 0 ? book.version : `${book.version}+${version}`,
    entries: objects(value['entries'], 'entries', MAX_ENTRIES).map(readEntry),
    discounts: objects(value['discounts'], 'discounts', MAX_ENTRIES).map((one) => readShare(one, MOST_DISCOUNT)),
    margins: objects(value['margins'], 'margins', MAX_ENTRIES).map((one) => readShare(one, MOST_MARGIN)),
    book,
  };
}

const validity = (from: JsonObject): Validity => ({
  from: integer(from, 'from', Number.MAX_SAFE_INTEGER),
  until: integer(from, 'until', Number.MAX_SAFE_INTEGER),
});

function readEntry(from: JsonObject): OwnPrice {
  const rates = readRates(from['rates']);
  const tiers = from['tiers'];
  if (tiers !== undefined && !isJsonObject(tiers)) return malformed('tiers');
  return {
    provider: word(from, 'provider'),
    model: (word(from, 'model') ?? malformed('model')).toLowerCase(),
    ...validity(from),
    rates,
    tiers: tiers === undefined ? undefined : Object.fromEntries(Object.entries(tiers).map(([name, value]) => [name, readRates(value)])),
    hasTokens: Object.keys(rates).some((name) => TOKEN_NAMES.has(name)),
  };
}

const readShare = (from: JsonObject, most: number): OperatorShare => ({
  provider: word(from, 'provider'),
  credential: word(from, 'credential'),
  model: word(from, 'model')?.toLowerCase(),
  ...validity(from),
  ppm: integer(from, 'ppm', most) ?? malformed('ppm'),
});
