import { z } from 'zod';
import { configProblem } from './node.ts';
import { admin, type Operation } from './operation.ts';

/** A table in words of people: what a model costs, where that stands, and what a newer table would change. */

const amount = z.strictObject({
  item: z.string().describe('Tokens of a kind, or a fee.'),
  per: z.enum(['million tokens', 'each', 'call']),
  usd: z.string().describe('US dollars in decimal digits, exact.'),
  above_input_tokens: z.number().nullable().describe('For calls whose input is larger than this; null: for all others.'),
});
export type PriceAmount = z.output<typeof amount>;

const rates = z.strictObject({
  from: z.string().nullable().describe('Since when it holds; null: always did.'),
  daily: z.array(z.number()).nullable().describe('Seconds of the UTC day [start, end) in which it holds.'),
  amounts: z.array(amount),
});

const tableInForce = z.strictObject({
  version: z.string(),
  name: z.string().describe('What the file was called.'),
  origin: z
    .enum(['file', 'given'])
    .describe('`file`: bulkhead.yaml names it and it is read again when it changes. `given`: applied by hand.'),
  source: z.string(),
  models: z.number(),
  applied_at: z.string(),
});

const pricesView = z.strictObject({
  built_in: z.strictObject({ version: z.string(), source: z.string(), lists: z.number(), models: z.number() }),
  table: tableInForce.nullable().describe('The operator’s table of list prices, in front of the built-in one; null: there is none.'),
  entries: z.number().describe('Prices of bulkhead.yaml, in front of both.'),
  discounts: z.number(),
  margins: z.number(),
  unknown_price: z.enum(['dearest', 'refuse']),
  problems: z.array(configProblem).describe('Why the newest prices file was not applied; empty when it was.'),
});
export type PricesView = z.output<typeof pricesView>;

const modelPriceView = z.strictObject({
  provider: z.string(),
  model: z.string(),
  base_model: z
    .string()
    .nullable()
    .describe('The model that bulkhead.yaml says is behind that name, and whose price it is; null: it says none.'),
  list: z.string(),
  known: z.boolean().describe('False: nobody has a price for it, and these are the dearest of its list.'),
  entry: z.string().describe('What it is found by there; empty where the dearest of all counts.'),
  origin: z
    .enum(['bulkhead.yaml', 'prices file', 'built in', 'free', 'unknown'])
    .describe('`free`: the provider has the price list `none`, or is the sandbox.'),
  source: z.string().nullable().describe('Where the price was read.'),
  seen: z.string().nullable().describe('The day of that.'),
  version: z.string(),
  now: rates.describe('What a call of now costs.'),
  all: z.array(rates).describe('All that the entry says, the last that holds counting.'),
});
export type ModelPriceView = z.output<typeof modelPriceView>;

/** A prices file as text. */
const file = z.strictObject({
  name: z.string().min(1).max(256).describe('What it is called, for problems and the log.'),
  text: z.string().min(1).max(1_048_576),
});

const change = z.strictObject({
  list: z.string(),
  model: z.string(),
  change: z.enum(['new', 'changed', 'gone']),
  before: z.array(rates),
  after: z.array(rates),
});
const comparison = z.strictObject({
  version: z.string().nullable().describe('Of the file; null: it has problems.'),
  problems: z.array(configProblem),
  changes: z.array(change),
  same: z.number().describe('Models of the file that cost what they do now.'),
});

const applied = z.strictObject({
  applied: z.boolean().describe('False: it has problems, and nothing changed.'),
  version: z.string().nullable(),
  problems: z.array(configProblem),
});

export const PRICES = {
  'prices.show': admin('GET', '/prices', 'Which prices are in force.', { reply: pricesView }),
  'prices.model': admin('GET', '/prices/model', 'What a model costs now, and where that stands.', {
    query: z.strictObject({ provider: z.string().min(1).max(64), model: z.string().min(1).max(256) }),
    reply: modelPriceView,
  }),
  'prices.compare': admin('POST', '/prices/compare', 'What a prices file would change.', { body: file, reply: comparison }),
  'prices.apply': admin('PUT', '/prices', 'Put a prices file in force. Rows that have a price keep it.', { body: file, reply: applied }),
  'prices.reset': admin('DELETE', '/prices', 'Go back to the built-in prices.', { reply: z.strictObject({ reset: z.boolean() }) }),
} as const satisfies Record<string, Operation>;
