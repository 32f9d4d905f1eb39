import { z } from 'zod';

const dollars = z.string().describe('US dollars in decimal digits, exact.');

/** One attempt’s price as a sum. Every amount is exact; `cost_usd` is what the row says, and the parts come to it. */
const explained = z.strictObject({
  attempt: z.number(),
  state: z.string(),
  provider: z.string(),
  model: z.string(),
  started_at: z.string(),
  price: z
    .strictObject({
      list: z.string().describe('A list of the price catalogue, or `operator`: prices of bulkhead.yaml.'),
      model: z.string().describe('The entry of it; empty where the dearest of all was charged.'),
      as: z.string().nullable().describe('The model that it was priced as: `base_model` of the target. Null: the target has none.'),
      in_file: z.boolean().describe('It stands in the operator’s prices file.'),
      version: z.string().describe('Of the built-in prices, and after each `+` of the prices file and of the prices of bulkhead.yaml.'),
      known: z.boolean().describe('False: something of it has no known price, and the dearest was charged for that.'),
      from: z.string().nullable().describe('Since when the price holds; null: always did.'),
      tier: z.string().nullable().describe('How the provider served it, where that was not the usual way.'),
      above_input_tokens: z.number().nullable().describe('The price is the one for inputs larger than this.'),
    })
    .nullable()
    .describe('Null: the row cost nothing by nature, is not finished, or was written by a version that did not keep the sum.'),
  lines: z.array(
    z.strictObject({
      item: z.string().describe('Tokens of a kind, or a fee.'),
      quantity: z.number(),
      unit_price_usd: dollars.describe('Per token, or per unit of the fee.'),
      amount_usd: dollars,
    }),
  ),
  discount: z.strictObject({ percent: z.string(), amount_usd: dollars }).nullable(),
  provider_cost_usd: dollars.describe('Without the margin.'),
  margin: z.strictObject({ percent: z.string(), amount_usd: dollars }).nullable(),
  cost_usd: dollars,
  adds_up: z.boolean().describe('Whether the parts come to `cost_usd`. False: the row was changed behind the ledger’s back.'),
  estimated: z.boolean().describe('True: tokens were counted by us, because the provider told none.'),
  unconfirmed: z.boolean().describe('True: only the vault saw the call; charged by its count of bytes.'),
});

/** The arithmetic of one request’s cost, by attempt. */
export const usageExplain = z.strictObject({ request_id: z.string(), cost_usd: dollars, attempts: z.array(explained) });
export type UsageExplain = z.output<typeof usageExplain>;
