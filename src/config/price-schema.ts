import { z } from 'zod';
import type { FEE_WORDS, TOKEN_WORDS } from '../accounting/rate-names.ts';

/** The words of bulkhead.yaml for money. Amounts are decimal digits, as a number or as text, and never pass through floating point. */

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const AMOUNT = /^\d{1,9}(?:\.\d{1,12})?$/;
const MOMENT = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

const provider = z.string().regex(NAME, 'must be the name of a provider').optional().describe('Only for this provider. Default: all.');
const pattern = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^*\s]*\*?$/, 'must be a model’s name, or the beginning of one and `*`');
const moment = z.string().regex(MOMENT, 'must be like 2027-01-31 or 2027-01-31T12:00:00Z');
const validity = {
  from: moment.optional().describe('Calls from this day or time on (UTC). Default: always.'),
  until: moment.optional().describe('Calls before this day or time (UTC). Default: for ever.'),
};

const amount = z.union([z.number().min(0), z.string().regex(AMOUNT, 'must be dollars in digits, such as 2.50')]);

const TOKEN_TEXTS: Readonly<Record<keyof typeof TOKEN_WORDS, string>> = {
  input: 'Dollars per million input tokens.',
  output: 'Dollars per million output tokens.',
  cached_input: 'Input read from the provider’s cache. Default: as `input`; so for all below, the part costs what its whole does.',
  cache_write: 'Input written to the provider’s cache (5 minutes).',
  cache_write_1h: 'Input written to it for an hour. Default: as `cache_write`.',
  reasoning: 'Output spent on reasoning.',
  input_audio: 'Sound in the input.',
  output_audio: 'Sound in the output.',
  cached_audio: 'Sound read from the cache. Default: as `cached_input`.',
  input_image: 'Pictures in the input.',
  output_image: 'Pictures in the output.',
  cached_image: 'Pictures read from the cache. Default: as `cached_input`.',
};

const tokenShape = Object.fromEntries(
  Object.entries(TOKEN_TEXTS).map(([name, text]) => [name, amount.optional().describe(text)]),
) as Readonly<Record<keyof typeof TOKEN_WORDS, z.ZodOptional<typeof amount>>>;

const above = z
  .array(
    z.strictObject({ tokens: z.number().int().min(1).max(1_000_000_000).describe('The input has more tokens than this.'), ...tokenShape }),
  )
  .max(8)
  .default([])
  .describe('Prices of all tokens of a call with a large input, by rising size. What is not named costs as below that size.');

const FEE_TEXTS: Readonly<Record<keyof typeof FEE_WORDS, string>> = {
  per_image: 'Dollars per picture made.',
  per_second: 'Dollars per second of sound.',
  per_character: 'Dollars per character spoken.',
  per_page: 'Dollars per page read.',
  per_search: 'Dollars per web search, or per reranking.',
  per_file_search: 'Dollars per file search.',
  per_container: 'Dollars per container of a code interpreter.',
};

const feeShape = Object.fromEntries(Object.entries(FEE_TEXTS).map(([name, text]) => [name, amount.optional().describe(text)])) as Readonly<
  Record<keyof typeof FEE_WORDS, z.ZodOptional<typeof amount>>
>;

const tokens = z.strictObject({ ...tokenShape, above });

const price = z.strictObject({
  provider,
  model: pattern.describe('The provider’s name of the model, or the beginning of it and `*`. Case does not matter.'),
  ...validity,
  ...tokenShape,
  above,
  ...feeShape,
  per_request: amount.optional().describe('Dollars per request.'),
  tiers: z
    .record(z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, 'must be lower-case, such as flex'), tokens)
    .default({})
    .describe('Prices per token of calls that the provider served as `batch`, `flex`, `priority` or under another name of its own.'),
});

const share = (text: string) => ({
  provider,
  credential: z.string().regex(NAME, 'must be the name of a credential').optional().describe('Only for calls with this credential.'),
  model: pattern.optional().describe('Only for this model, or what begins like it (`gpt-5*`).'),
  ...validity,
  percent: z.union([z.number().min(0), z.string().regex(/^\d{1,5}(?:\.\d{1,4})?$/, 'must be a percentage, such as 12.5')]).describe(text),
});

export const pricesFileSchema = z
  .string()
  .min(1)
  .max(4096)
  .optional()
  .describe(
    'Path of a JSON file with list prices, relative to this file: newer ones than those built in, or your own. It is read again when it changes; naming another one takes a restart. See docs/guide/prices.md. *Restart.*',
  );

export const pricesSchema = z
  .array(price)
  .max(10_000)
  .default([])
  .describe(
    'Your own prices, in front of the built-in catalogue; the first that fits a call counts. One that names a price per token replaces all of the catalogue’s for that model; a fee replaces that fee. Amounts are US dollars with at most 6 decimals per million tokens, 12 for the others. A change never alters what was charged before.',
  );

export const discountsSchema = z
  .array(z.strictObject(share('Percent off the price.')))
  .max(10_000)
  .default([])
  .describe('What a provider takes off its prices for you. The first that fits a call counts.');

export const marginsSchema = z
  .array(z.strictObject(share('Percent on top of what the provider costs.')))
  .max(10_000)
  .default([])
  .describe(
    'What is charged to teams on top of what the provider costs. The first that fits a call counts. Costs in reports and budgets hold it; `bulkhead usage explain` shows both.',
  );

export const unknownPriceSchema = z
  .enum(['dearest', 'refuse'])
  .default('dearest')
  .describe(
    'A model whose price nobody knows: charge it like the dearest one of its price list, flagged as such, or refuse the call (402).',
  );

export type PriceWords = z.output<typeof price>;
export type TokenPrices = z.output<typeof tokens>;
export type ShareWords = z.output<typeof discountsSchema>[number];
