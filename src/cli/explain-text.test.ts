import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UsageExplain } from '../api/usage-explain.ts';
import { explainText } from './explain-text.ts';

const PRICE: NonNullable<UsageExplain['attempts'][number]['price']> = {
  list: 'openai',
  model: 'gpt-5',
  as: null,
  version: 'genai-prices@0.1.8+7',
  known: true,
  from: '2026-11-01T00:00:00.000Z',
  tier: 'flex',
  in_file: false,
  above_input_tokens: 200_000,
};

const ATTEMPT: UsageExplain['attempts'][number] = {
  attempt: 1,
  state: 'confirmed',
  provider: 'openai',
  model: 'gpt-5',
  started_at: '2026-11-20T12:00:00.000Z',
  price: PRICE,
  lines: [{ item: 'cached_input', quantity: 300_000, unit_price_usd: '0.0000001', amount_usd: '0.03' }],
  discount: { percent: '10', amount_usd: '0.003' },
  provider_cost_usd: '0.027',
  margin: { percent: '100', amount_usd: '0.027' },
  cost_usd: '0.054',
  adds_up: true,
  estimated: false,
  unconfirmed: false,
};

describe('explanation for people', () => {
  it('is the sum with where its prices come from', () => {
    assert.equal(
      explainText({ request_id: 'req_1', cost_usd: '0.054', attempts: [ATTEMPT] }),
      `Attempt 1: gpt-5 at openai, 2026-11-20 12:00Z, confirmed
price list openai, gpt-5 · since 2026-11-01 · served as flex · above 200,000 input tokens · version genai-prices@0.1.8+7

WHAT                     QUANTITY   USD EACH     USD
cached input              300,000  0.0000001    0.03
discount 10 %                                 -0.003
what the provider costs                        0.027
margin 100 %                                   0.027
───────────────────────  ────────  ─────────  ──────
cost                                           0.054
`,
    );
  });

  it('marks what is not certain', () => {
    const text = (more: Partial<typeof ATTEMPT>): string =>
      explainText({ request_id: 'r', cost_usd: '1.00', attempts: [{ ...ATTEMPT, ...more }] });
    assert.match(text({ estimated: true }), /Estimated: the provider told no figures/);
    assert.match(text({ estimated: true, unconfirmed: true }), /Unconfirmed: only the vault saw/);
    assert.match(text({ adds_up: false }), /do not come to the cost/);
    assert.match(text({ price: null, lines: [], adds_up: false }), /Only its cost is known/);
    assert.match(text({ price: { ...PRICE, model: '', known: false } }), /no price is known, the dearest of all counts/);
    assert.match(text({ price: { ...PRICE, known: false } }), /Some of it has no known price/);
    assert.match(text({ price: { ...PRICE, list: 'operator', model: 'gpt-5*' } }), /prices of bulkhead.yaml, gpt-5\*/);
  });

  it('adds attempts up', () => {
    assert.match(
      explainText({ request_id: 'r', cost_usd: '0.108', attempts: [ATTEMPT, { ...ATTEMPT, attempt: 2 }] }),
      /Together 0\.108 usd/,
    );
  });
});
