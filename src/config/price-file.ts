import { z } from 'zod';
import type { ModelPrices, PriceList, Rates } from '../accounting/catalogue.ts';
import { isPlainTest, LIST_NAME, MOST_LISTS, MOST_MODELS, MOST_PRICES, TABLE_VERSION, type PriceTable } from '../accounting/price-table.ts';
import { TOKEN_RATES } from '../accounting/rate-names.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { UNITS } from '../core/usage.ts';
import type { ConfigProblem } from './config.ts';
import { parseConfigDocument, type ConfigDocument, type Path } from './document.ts';
import { innermost, pathText, quoteName, reasonOf } from './schema-problems.ts';

/**
 * A prices file: list prices as data, in the shape of `src/accounting/prices/catalogue.json`, so that a newer one of a later version can be
 * used as it is. Read as JSON with places; every problem is told with its line. Its amounts are whole picodollars.
 */

const MOMENT = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?Z)?$/;
const REMEDY = 'See docs/guide/prices.md, “A prices file”.';

const amount = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const rate = z.union([amount, z.array(amount).min(1).max(17)]);
const moment = z.union([amount, z.string().regex(MOMENT, 'must be Unix milliseconds or a day such as 2026-12-01')]);
const tokenShape = Object.fromEntries(TOKEN_RATES.map((name) => [name, rate.optional()])) as Readonly<
  Record<(typeof TOKEN_RATES)[number], z.ZodOptional<typeof rate>>
>;
const unitShape = Object.fromEntries(UNITS.map((name) => [name, amount.optional()])) as Readonly<
  Record<(typeof UNITS)[number], z.ZodOptional<typeof amount>>
>;

const rates = z.strictObject({
  from: moment.optional(),
  daily: z.tuple([z.number().int().min(0).max(86_400), z.number().int().min(0).max(86_400)]).optional(),
  ...tokenShape,
  request: amount.optional(),
  units: z.strictObject(unitShape).optional(),
  once: z.array(z.enum(UNITS)).max(UNITS.length).optional(),
});

const plainTest = z
  .string()
  .refine(
    isPlainTest,
    'must begin with one of = ^ $ ~ / and be lower case; a pattern must have no repeated group and at most two open repeats',
  );
type TestWords = string | { readonly or: readonly TestWords[] } | { readonly and: readonly TestWords[] };
const testAt = (depth: number): z.ZodType<TestWords> =>
  depth === 0
    ? plainTest
    : z.union([
        plainTest,
        z.strictObject({
          or: z
            .array(testAt(depth - 1))
            .min(1)
            .max(64),
        }),
        z.strictObject({
          and: z
            .array(testAt(depth - 1))
            .min(1)
            .max(64),
        }),
      ]);

const model = z.strictObject({
  id: z.string().min(1).max(256),
  match: testAt(4),
  prices: z.array(rates).max(MOST_PRICES),
  source: z.string().min(1).max(256).optional(),
  seen: z.string().min(1).max(32).optional(),
});

const listName = z.string().regex(LIST_NAME, 'must be lower-case letters, digits, `-`, `_` or `.`, at most 64');

const priceFile = z.strictObject({
  version: z.string().regex(TABLE_VERSION, 'must be letters, digits or one of `._@-`, at most 64'),
  source: z.string().min(1).max(256).optional(),
  notice: z.string().max(16_384).optional(),
  lists: z
    .record(listName, z.strictObject({ fallback: z.array(listName).max(64).optional(), models: z.array(model).max(MOST_MODELS) }))
    .refine((lists) => Object.keys(lists).length <= MOST_LISTS, `must have at most ${MOST_LISTS} lists`),
});

type RateWords = z.output<typeof rates>;

/** The table, or every problem found, in the file's order. */
export function loadPriceFile(text: string, file: string): Result<PriceTable, readonly ConfigProblem[]> {
  const parsed = parseConfigDocument(text, file);
  if (!parsed.ok) return parsed;
  const document = parsed.value;
  const checked = priceFile.safeParse(document.value);
  if (!checked.success) return fail(inOrder(checked.error.issues.flatMap((issue) => problemsOf(issue as z.core.$ZodIssue, document))));
  const reader = new PriceFileReader(document);
  const table = reader.table(checked.data);
  return reader.problems.length > 0 ? fail(inOrder(reader.problems)) : ok(table);
}

function problemsOf(found: z.core.$ZodIssue, document: ConfigDocument): readonly ConfigProblem[] {
  const issue = innermost(found);
  const { path } = issue;
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      ...document.placeOfKey([...path, key]),
      reason: `unknown key ${quoteName(key)} in ${pathText(path)}`,
      remedy: REMEDY,
    }));
  const place = issue.code === 'invalid_key' ? document.placeOfKey(path) : document.placeOf(path);
  const reason = issue.code === 'custom' ? `${pathText(path)} ${issue.message}` : reasonOf(issue, pathText(path), document);
  return [{ ...place, reason, remedy: REMEDY }];
}

/** What no schema says: tiers that rise, days that exist, names that stand once. */
class PriceFileReader {
  readonly problems: ConfigProblem[] = [];
  readonly #document: ConfigDocument;

  constructor(document: ConfigDocument) {
    this.#document = document;
  }

  table({ version, source = '', lists }: z.output<typeof priceFile>): PriceTable {
    const read = Object.entries(lists).map(([name, list]) => [name, this.#list(list, ['lists', name])] as const);
    return { version, ...(source === '' ? { source: version } : { source }), lists: Object.fromEntries(read) };
  }

  #list({ fallback, models }: z.output<typeof priceFile>['lists'][string], path: Path): PriceList {
    const seen = new Set<string>();
    const read = models.map((one, i): ModelPrices => {
      const at = [...path, 'models', i];
      if (seen.has(one.id)) this.#complain([...at, 'id'], 'this list has a model of that id already');
      seen.add(one.id);
      return {
        id: one.id,
        match: one.match as ModelPrices['match'],
        prices: one.prices.map((words, k) => this.#rates(words, [...at, 'prices', k])),
        ...(one.source === undefined ? {} : { source: one.source }),
        ...(one.seen === undefined ? {} : { seen: one.seen }),
      };
    });
    return { ...(fallback === undefined ? {} : { fallback }), models: read };
  }

  #rates({ from, daily, once, units, ...words }: RateWords, path: Path): Rates {
    for (const name of TOKEN_RATES) this.#checkRate(words[name], [...path, name]);
    const begins = from === undefined ? undefined : this.#moment(from, [...path, 'from']);
    return {
      ...(begins === undefined ? {} : { from: begins }),
      ...(daily === undefined ? {} : { daily }),
      ...(words as Rates),
      ...(units === undefined ? {} : { units: units as NonNullable<Rates['units']> }),
      ...(once === undefined ? {} : { once }),
    };
  }

  #checkRate(words: RateWords['input'], path: Path): void {
    if (!Array.isArray(words)) return;
    const starts = words.filter((_, place) => place % 2 === 1);
    if (words.length % 2 === 0) this.#complain(path, 'a size without its price: a base, then pairs of size and price');
    else if (starts.some((start, place) => place > 0 && start <= (starts[place - 1] ?? 0))) this.#complain(path, 'the sizes do not rise');
  }

  #moment(words: number | string, path: Path): number {
    if (typeof words === 'number') return words;
    const at = Date.parse(words);
    if (Number.isFinite(at) && at >= 0 && (words.length > 10 || new Date(at).toISOString().startsWith(words))) return at;
    this.#complain(path, 'there is no such day or time');
    return 0;
  }

  #complain(path: Path, reason: string): void {
    this.problems.push({ ...this.#document.placeOf(path), reason, remedy: REMEDY });
  }
}

const inOrder = (problems: readonly ConfigProblem[]): readonly ConfigProblem[] =>
  [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
