import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MostUse } from './charge.ts';
import { priceBound } from './price.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const bound = (most: MostUse, model: string, list: string): readonly [bigint, boolean] => {
  const { picodollars, known } = priceBound(most, model, list, NOW);
  return [picodollars, known];
};

describe('bound of a price by the unit', () => {
  const tokens = { input: 30_000, output: 30_000 };
  for (const [what, units, model, list, costs] of [
    // $0.006 a minute, $0.12 and $0.02 a picture, $15 a million characters, $2 a thousand searches.
    ['a recording', { second: 3_495 }, 'whisper-1', 'openai', 3_495n * 100_000_000n],
    ['pictures', { image: 3 }, 'dall-e-3', 'openai', 3n * 120_000_000_000n],
    ['speech', { character: 1_000 }, 'tts-1', 'openai', 1_000n * 15_000_000n],
    ['an order of documents', { search: 2 }, 'rerank-v3.5', 'cohere', 2n * 2_000_000_000n],
  ] as const) {
    it(`${what} costs its units, and no tokens that nobody has a price for`, () =>
      assert.deepEqual(bound({ ...tokens, units }, model, list), [costs, true]));
  }

  it('is of tokens where the model is priced by them', () =>
    assert.deepEqual(bound({ input: 10, output: 100, units: { image: 1 } }, 'gpt-image-1', 'openai'), [
      // $10 a million for pictures read, $40 for those made.
      10n * 10_000_000n + 100n * 40_000_000n,
      true,
    ]));

  it('leaves out a fee that this model does not have, which makes nothing unknown', () => {
    const most = { input: 1_000, output: 0 };
    assert.deepEqual(bound({ ...most, units: { search: 1 } }, 'gpt-5', 'openai')[1], true);
    assert.deepEqual(
      bound({ ...most, units: { second: 1 } }, 'claude-sonnet-4-6', 'anthropic'),
      bound(most, 'claude-sonnet-4-6', 'anthropic'),
    );
  });

  it('of a model that nobody knows is not below that of its tokens, and says so', () => {
    const most = { input: 100, output: 100 };
    assert.deepEqual(
      bound({ ...most, units: { second: 1 } }, 'a-model-of-tomorrow', 'openai'),
      bound(most, 'a-model-of-tomorrow', 'openai'),
    );
    assert.equal(bound(most, 'a-model-of-tomorrow', 'openai')[1], false);
  });
});
