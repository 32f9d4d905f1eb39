import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readOperatorPrices } from '../../../accounting/operator-prices.ts';
import { writePriceDetail } from '../../../accounting/price-detail.ts';
import { BUILT_IN } from '../../../accounting/price-book.ts';
import { priceUsage } from '../../../accounting/price.ts';
import { usageExplain } from '../../../api/usage-explain.ts';
import { NO_USAGE, type TokenUsage } from '../../../core/usage.ts';
import type { UsageRow } from '../../../ipc/messages/reports.ts';
import { explain } from './explain.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const OPERATOR = readOperatorPrices(
  JSON.stringify({
    kind: 'prices',
    version: 7,
    entries: [{ model: 'mine', from: 0, rates: { input: [1, 100, 3], output: 7, units: { image: 5 } } }],
    discounts: [{ model: 'gpt*', ppm: 125_000 }],
    margins: [{ ppm: 33_333 }],
  }),
);

function row(usage: Partial<TokenUsage>, model: string, more: Partial<UsageRow> = {}): UsageRow {
  assert.ok(OPERATOR.ok);
  const context = { provider: 'openai', credential: 'openai', operator: OPERATOR.value };
  const price = priceUsage({ ...NO_USAGE, ...usage }, model, 'openai', NOW, context);
  return {
    attempt: 1,
    state: 'confirmed',
    provider: 'openai',
    model,
    startedAt: NOW,
    picodollars: price.picodollars.toString(),
    priceVersion: price.version,
    priceKnown: price.known,
    priceDetail: writePriceDetail(price),
    estimated: false,
    ...more,
  } as UsageRow;
}

describe('explanation of a cost', () => {
  it('shows every factor, and its parts come to the row', () => {
    const { attempts, cost_usd: cost } = explain('req_1', [row({ input: 1_000, cachedInput: 200, output: 100, tier: 'flex' }, 'gpt-5')]);
    assert.deepEqual(attempts, [
      {
        attempt: 1,
        state: 'confirmed',
        provider: 'openai',
        model: 'gpt-5',
        started_at: '2026-11-20T12:00:00.000Z',
        price: {
          list: 'openai',
          model: 'gpt-5',
          as: null,
          version: `${BUILT_IN.version}+7`,
          known: true,
          from: null,
          tier: 'flex',
          in_file: false,
          above_input_tokens: null,
        },
        lines: [
          { item: 'input', quantity: 800, unit_price_usd: '0.000000625', amount_usd: '0.0005' },
          { item: 'cached_input', quantity: 200, unit_price_usd: '0.0000000625', amount_usd: '0.0000125' },
          { item: 'output', quantity: 100, unit_price_usd: '0.000005', amount_usd: '0.0005' },
        ],
        discount: { percent: '12.5', amount_usd: '0.0001265625' },
        provider_cost_usd: '0.0008859375',
        margin: { percent: '3.3333', amount_usd: '0.000029530955' },
        cost_usd: '0.000915468455',
        adds_up: true,
        estimated: false,
        unconfirmed: false,
      },
    ]);
    assert.equal(cost, '0.000915468455');
  });

  it('adds up for every usage, with the shape that the API says', () => {
    const count = fc.nat(1_000_000);
    const usage = fc.record({ input: count, output: count, cachedInput: count, cacheWrite: count, reasoning: count });
    fc.assert(
      fc.property(usage, fc.constantFrom('mine', 'gpt-5', 'a-model-of-tomorrow'), (used, model) => {
        const answer = usageExplain.parse(explain('req_1', [row({ ...used, units: { image: 2 } }, model), row({}, model)]));
        assert.ok(answer.attempts.every(({ adds_up: isSum }) => isSum));
      }),
    );
  });

  it('says where a row was changed, and where it keeps no sum', () => {
    const [changed] = explain('req_1', [row({ input: 10 }, 'gpt-5', { picodollars: '1' })]).attempts;
    assert.equal(changed?.adds_up, false);
    const [old] = explain('req_1', [row({ input: 10 }, 'gpt-5', { priceDetail: '' })]).attempts;
    assert.deepEqual([old?.price, old?.lines, old?.adds_up], [null, [], false]);
    const [open] = explain('req_1', [row({}, 'gpt-5', { priceDetail: '', picodollars: '0', state: 'open' })]).attempts;
    assert.equal(open?.adds_up, true);
  });

  it('tells the operator’s prices, their size and their day', () => {
    const [attempt] = explain('req_1', [row({ input: 101 }, 'mine')]).attempts;
    assert.deepEqual(
      [attempt?.price?.list, attempt?.price?.model, attempt?.price?.from, attempt?.price?.above_input_tokens],
      ['operator', 'mine', '1970-01-01T00:00:00.000Z', 100],
    );
  });
});
