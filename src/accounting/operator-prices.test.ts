import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_USAGE, type TokenUsage } from '../core/usage.ts';
import { BUILT_IN } from './price-book.ts';
import { readOperatorPrices, type OperatorPrices, type OperatorPriceTable } from './operator-prices.ts';
import { priceBound, priceUsage, type Price } from './price.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');

function table(parts: Partial<OperatorPriceTable>): OperatorPrices {
  const read = readOperatorPrices(JSON.stringify({ kind: 'prices', version: 7, entries: [], discounts: [], margins: [], ...parts }));
  if (!read.ok) throw new Error(read.error);
  return read.value;
}

interface Call {
  readonly model?: string;
  readonly list?: string;
  readonly provider?: string;
  readonly credential?: string;
  readonly at?: number;
}

const price = (operator: OperatorPrices, usage: Partial<TokenUsage>, call: Call = {}): Price => {
  const { model = 'gpt-5', list = 'openai', provider = 'openai', credential = 'openai', at = NOW } = call;
  return priceUsage({ ...NO_USAGE, ...usage }, model, list, at, { provider, credential, operator });
};

describe('prices of the operator', () => {
  const own = table({ entries: [{ provider: 'openai', model: 'gpt-5', rates: { input: 1_000_000, output: 2_000_000 } }] });

  it('go in front of the catalogue, and rows say so', () => {
    const { picodollars, known, version, source } = price(own, { input: 10, output: 10 });
    assert.deepEqual([picodollars, known, version], [30_000_000n, true, `${BUILT_IN.version}+7`]);
    assert.deepEqual([source.list, source.model], ['operator', 'gpt-5']);
  });

  it('replace every price per token, and keep fees that they do not name', () => {
    // Cached input costs what input does: the catalogue's discount is not the operator's.
    assert.equal(price(own, { input: 10, cachedInput: 10 }).picodollars, 10_000_000n);
    assert.equal(price(own, { units: { search: 1 } }).picodollars, 10_000_000_000n);
    const fee = table({ entries: [{ model: 'gpt-5', rates: { units: { search: 5 } } }] });
    assert.equal(price(fee, { input: 10, units: { search: 1 } }).picodollars, 10n * 1_250_000n + 5n);
  });

  it('hold for their provider and their model alone', () => {
    const catalogue = price(table({}), { input: 10, output: 10 }).picodollars;
    assert.equal(price(own, { input: 10, output: 10 }, { provider: 'azure' }).picodollars, catalogue);
    assert.equal(price(own, { input: 10, output: 10 }, { model: 'gpt-5-2025-08-07' }).picodollars, catalogue);
    assert.equal(price(own, { input: 10, output: 10 }, { model: 'GPT-5' }).picodollars, 30_000_000n);
    const prefix = table({ entries: [{ model: 'gpt-5*', rates: { input: 1 } }] });
    assert.equal(price(prefix, { input: 10 }, { model: 'gpt-5-2025-08-07' }).picodollars, 10n);
  });

  it('hold within their dates, the first that fits counting', () => {
    const dated = table({
      entries: [
        { model: 'gpt-5', from: NOW, until: NOW + 10, rates: { input: 3 } },
        { model: 'gpt-*', until: NOW + 20, rates: { input: 2 } },
      ],
    });
    const cost = (at: number): bigint => price(dated, { input: 1 }, { at }).picodollars;
    assert.deepEqual([cost(NOW - 1), cost(NOW), cost(NOW + 9), cost(NOW + 10), cost(NOW + 20)], [2n, 3n, 3n, 2n, 1_250_000n]);
  });

  it('price what is free or unknown otherwise, but never the sandbox', () => {
    const everything = table({ entries: [{ model: '*', rates: { input: 5, units: { image: 9 } } }] });
    assert.deepEqual([price(everything, { input: 2, output: 7 }, { list: 'none' }).picodollars], [10n]);
    const { picodollars, known } = price(everything, { input: 2, units: { image: 1 } }, { model: 'a-model-of-tomorrow' });
    assert.deepEqual([picodollars, known], [19n, true]);
    assert.equal(price(everything, { input: 2 }, { list: 'sandbox' }).picodollars, 0n);
  });

  it('a fee alone leaves the tokens of an unknown model unknown', () => {
    const fee = table({ entries: [{ model: 'mine', rates: { units: { image: 9 } } }] });
    assert.equal(price(fee, { input: 2, units: { image: 1 } }, { model: 'mine' }).known, false);
    assert.deepEqual(price(fee, { input: 2, units: { image: 1 } }, { model: 'mine', list: 'none' }).picodollars, 9n);
  });

  it('tiers cost what they say; one that is not named is never cheaper than the usual way', () => {
    const tiers = table({ entries: [{ model: 'gpt-5', rates: { input: 10 }, tiers: { flex: { input: 4 } } }] });
    const cost = (tier: string): bigint => price(tiers, { input: 1, tier }).picodollars;
    assert.deepEqual([cost('flex'), cost('batch'), cost('priority')], [4n, 10n, 20n]);
  });

  it('larger inputs cost what they say', () => {
    const above = table({ entries: [{ model: 'gpt-5', rates: { input: [1, 200_000, 2] } }] });
    const { picodollars, source } = price(above, { input: 200_001 });
    assert.deepEqual([price(above, { input: 200_000 }).picodollars, picodollars, source.above], [200_000n, 400_002n, 200_000]);
  });
});

describe('discounts and margins', () => {
  it('round so that nothing is charged below what it should be', () => {
    const shares = table({ discounts: [{ ppm: 333_333 }], margins: [{ ppm: 1 }], entries: [{ model: 'm', rates: { input: 1 } }] });
    const { picodollars, discount, margin } = price(shares, { input: 10 }, { model: 'm' });
    assert.deepEqual([discount, margin, picodollars], [{ ppm: 333_333, amount: 3n }, { ppm: 1, amount: 1n }, 8n]);
  });

  it('the first that fits counts, by provider, credential, model and day', () => {
    const shares = table({
      discounts: [
        { provider: 'azure', ppm: 100_000 },
        { credential: 'second', ppm: 200_000 },
        { model: 'gpt-5*', until: NOW, ppm: 300_000 },
        { model: 'gpt-5', ppm: 400_000 },
      ],
    });
    const ppm = (call: Call): number | undefined => price(shares, { input: 1 }, call).discount?.ppm;
    assert.deepEqual(
      [ppm({ provider: 'azure' }), ppm({ credential: 'second' }), ppm({ at: NOW - 1 }), ppm({}), ppm({ model: 'o3' })],
      [100_000, 200_000, 300_000, 400_000, undefined],
    );
  });

  it('all off is nothing, and nothing stays nothing', () => {
    const shares = table({ discounts: [{ ppm: 1_000_000 }], margins: [{ ppm: 100_000_000 }] });
    assert.equal(price(shares, { input: 1_000 }).picodollars, 0n);
    assert.equal(price(shares, { input: 1_000 }, { list: 'sandbox' }).picodollars, 0n);
  });
});

describe('a table that is not whole', () => {
  const entry = (rates: unknown): object => ({ entries: [{ model: 'm', rates }] });
  for (const [what, parts] of [
    ['another kind', { kind: 'policy' }],
    ['no version', { version: undefined }],
    ['a version that is no number', { version: '7' }],
    ['no discounts', { discounts: undefined }],
    ['an entry without a model', { entries: [{ rates: {} }] }],
    ['a price below nothing', entry({ input: -1 })],
    ['a price that is not whole', entry({ input: 0.5 })],
    ['a tier without its price', entry({ input: [1, 200_000] })],
    ['tiers that fall', entry({ input: [1, 2, 2, 1, 3] })],
    ['a fee that is text', entry({ units: { image: '1' } })],
    ['more off than all', { discounts: [{ ppm: 1_000_001 }] }],
    ['a discount without a part', { discounts: [{}] }],
  ] as const) {
    it(`${what}: nothing of it is used`, () => {
      const text = JSON.stringify({ kind: 'prices', version: 7, entries: [], discounts: [], margins: [], ...parts });
      assert.equal(readOperatorPrices(text).ok, false);
    });
  }
  it('no JSON', () => assert.equal(readOperatorPrices('{').ok, false));
});

describe('bound of a price', () => {
  it('is what the dearest use of so many tokens costs', () => {
    // claude-sonnet-4-6: an hour's cache write is $6, output $15.
    const { picodollars } = priceBound({ input: 100, output: 10 }, 'claude-sonnet-4-6', 'anthropic', NOW);
    assert.equal(picodollars, 100n * 6_000_000n + 10n * 15_000_000n);
    const { picodollars: own } = priceBound({ input: 1, output: 1 }, 'gpt-5', 'openai', NOW, {
      provider: 'openai',
      credential: 'openai',
      operator: table({ entries: [{ model: 'gpt-5', rates: { input: 2, output: 3, reasoning: 5 } }] }),
    });
    assert.equal(own, 7n);
  });

  it('of what is unknown is the dearest of its list, and of what is free nothing', () => {
    assert.equal(priceBound({ input: 1, output: 1 }, 'a-model-of-tomorrow', 'openai', NOW).known, false);
    assert.equal(priceBound({ input: 1, output: 1 }, 'x', 'sandbox', NOW).picodollars, 0n);
  });
});
