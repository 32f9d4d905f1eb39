import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NO_USAGE, type TokenUsage } from '../core/usage.ts';
import { CATALOGUE } from './catalogue.ts';
import { priceUsage } from './price.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');

const price = (usage: Partial<TokenUsage>, model: string, list: string, at: number = NOW): ReturnType<typeof priceUsage> =>
  priceUsage({ ...NO_USAGE, ...usage }, model, list, at);

const TOKENS = fc.nat(400_000);
const UNIT = fc.nat(20);
const USAGE = fc.record({
  // Where no token is told at all, a picture is charged by the piece instead.
  input: fc.integer({ min: 1, max: 400_000 }),
  output: TOKENS,
  cachedInput: TOKENS,
  cacheWrite: TOKENS,
  cacheWrite1h: TOKENS,
  reasoning: TOKENS,
  inputAudio: TOKENS,
  outputAudio: TOKENS,
  inputImage: TOKENS,
  outputImage: TOKENS,
  units: fc.record({ image: UNIT, second: UNIT, character: UNIT, page: UNIT, search: UNIT, file_search: UNIT, container: UNIT }),
  tier: fc.constantFrom(undefined, 'flex', 'batch', 'priority', 'a-tier-of-tomorrow'),
});
const MODEL = fc.constantFrom(
  ['gpt-4o', 'openai'],
  ['gpt-5.6-sol', 'openai'],
  ['gpt-audio', 'openai'],
  ['gpt-image-1.5', 'openai'],
  ['claude-sonnet-4-5', 'anthropic'],
  ['gemini-2.5-pro', 'google'],
  ['sonar-deep-research', 'perplexity'],
  ['dall-e-3', 'openai'],
  ['nobody', 'x-ai'],
) as fc.Arbitrary<readonly [string, string]>;

describe('price', () => {
  it('charges the higher tier for every token once the whole input is above its start', () => {
    // gpt-5.6-sol: 4 and 20 dollars up to 271,999 input tokens, 8 and 30 above.
    assert.equal(price({ input: 271_999, output: 10 }, 'gpt-5.6-sol', 'openai').picodollars, 271_999n * 4_000_000n + 10n * 20_000_000n);
    assert.equal(price({ input: 272_000, output: 10 }, 'gpt-5.6-sol', 'openai').picodollars, 272_000n * 8_000_000n + 10n * 30_000_000n);
  });

  it('charges by the price of the day', () => {
    const before = price({ input: 1_000 }, 'o3', 'openai', Date.parse('2025-06-09T23:59:59.999Z'));
    const after = price({ input: 1_000 }, 'o3', 'openai', Date.parse('2025-06-10T00:00:00Z'));
    assert.deepEqual([before.picodollars, after.picodollars], [10_000_000_000n, 2_000_000_000n]);
  });

  it('charges by the hour of the day where a provider does', () => {
    const cost = (time: string): bigint =>
      price({ input: 1_000 }, 'deepseek-chat', 'deepseek', Date.parse(`2026-11-20T${time}Z`)).picodollars;
    assert.deepEqual(
      [cost('00:59:59'), cost('01:00:00'), cost('03:59:59'), cost('04:00:00')],
      [220_000_000n, 440_000_000n, 440_000_000n, 220_000_000n],
    );
  });

  it('charges an hour-long cache write more than a short one', () => {
    // claude-sonnet-4-5: 3.75 and 6 dollars.
    const cost = price({ input: 300, cacheWrite: 100, cacheWrite1h: 200 }, 'claude-sonnet-4-5', 'anthropic').picodollars;
    assert.equal(cost, 100n * 3_750_000n + 200n * 6_000_000n);
  });

  it('charges reasoning apart where it has a price of its own, else like output', () => {
    // sonar-deep-research: 8 dollars for output, 3 for reasoning. o3: 8 for both.
    const usage = { output: 100, reasoning: 60 };
    assert.equal(price(usage, 'sonar-deep-research', 'perplexity').picodollars, 40n * 8_000_000n + 60n * 3_000_000n);
    assert.equal(price(usage, 'o3', 'openai').picodollars, 100n * 8_000_000n);
  });

  it('charges a fee per request where there is one', () => {
    // sonar at Perplexity: 1 dollar per million each way and 12 dollars per thousand requests.
    assert.equal(price({ input: 10, output: 10 }, 'sonar', 'perplexity').picodollars, 20n * 1_000_000n + 12_000_000_000n);
  });

  it('knows a model by its date suffix, whatever its case', () => {
    const cost = (model: string): bigint => price({ input: 100 }, model, 'openai').picodollars;
    assert.equal(cost('gpt-5.4-20260305'), cost('gpt-5.4-2026-03-05'));
    assert.equal(cost('GPT-4o'), cost('gpt-4o'));
  });

  it('looks in the lists that a reseller falls back on', () => {
    assert.deepEqual(price({ input: 100 }, 'claude-sonnet-4-6', 'azure'), price({ input: 100 }, 'claude-sonnet-4-6', 'anthropic'));
  });

  it('charges an unknown model like the dearest of its list, never nothing, and says so', () => {
    const cost = price({ input: 10, output: 10 }, 'a-model-of-tomorrow', 'anthropic');
    const dearest = Math.max(
      ...(CATALOGUE.lists['anthropic']?.models.flatMap(({ prices }) => prices.flatMap(({ output = 0 }) => output)) ?? []),
    );
    assert.equal(cost.known, false);
    assert.ok(cost.picodollars >= 10n * BigInt(dearest), String(cost.picodollars));
  });

  it('charges an unknown list like the dearest of the default one', () => {
    const cost = price({ input: 10 }, 'x', 'a-list-of-nobody');
    assert.deepEqual([cost.known, cost.picodollars > 0n], [false, true]);
    for (const list of ['constructor', '__proto__', 'toString']) assert.equal(price({ input: 10 }, 'x', list).known, false);
  });

  it('takes a model the catalogue names without a price per token for unknown, where it has tokens', () => {
    const cost = price({ input: 10 }, 'whisper-1', 'openai');
    assert.deepEqual([cost.known, cost.picodollars > 0n], [false, true]);
  });

  it('charges nothing in the sandbox and on own machines, and that is known', () => {
    for (const list of ['sandbox', 'none']) {
      const { picodollars, version, known } = price({ input: 1e9, output: 1e9, units: { image: 4 } }, 'any', list);
      assert.deepEqual([picodollars, version, known], [0n, 'free/1', true]);
    }
  });

  it('gives rows whose sum is the cost of their tokens together', () => {
    const calls = fc.array(fc.record({ input: fc.nat(100_000), output: fc.nat(100_000) }), { maxLength: 50 });
    fc.assert(
      fc.property(calls, (rows) => {
        const sum = rows.reduce((total, usage) => total + price(usage, 'gpt-4o', 'openai').picodollars, 0n);
        const all = rows.reduce((total, { input, output }) => ({ input: total.input + input, output: total.output + output }), {
          input: 0,
          output: 0,
        });
        assert.equal(sum, price(all, 'gpt-4o', 'openai').picodollars);
      }),
    );
  });

  it('is a sum of whole lines, never below nothing, whatever a provider claims', () => {
    fc.assert(
      fc.property(USAGE, MODEL, (usage, [model, list]) => {
        const { lines, picodollars } = price(usage, model, list);
        assert.ok(lines.every(({ quantity, rate }) => [quantity, rate].every((one) => Number.isSafeInteger(one) && one >= 0)));
        assert.equal(
          picodollars,
          lines.reduce((sum, { quantity, rate }) => sum + BigInt(quantity) * BigInt(rate), 0n),
        );
      }),
    );
  });

  it('never falls when more is read, written or used', () => {
    const more = fc.constantFrom('input', 'output', 'search', 'image');
    fc.assert(
      fc.property(USAGE, MODEL, more, fc.nat(100_000), (usage, [model, list], what, count) => {
        const { units } = usage;
        const grown =
          what === 'input' || what === 'output'
            ? { ...usage, [what]: usage[what] + count }
            : { ...usage, units: { ...units, [what]: (units[what] ?? 0) + count } };
        assert.ok(price(grown, model, list).picodollars >= price(usage, model, list).picodollars);
      }),
    );
  });

  it('remembers no more names than its bound', () => {
    for (let i = 0; i < 10_000; i++) price({ input: 1 }, `model-${i}`, 'typesafe');
    assert.equal(price({ input: 1 }, 'gpt-4o', 'openai').picodollars, 2_500_000n);
  });
});
