import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_USAGE, type TokenUsage } from '../core/usage.ts';
import { priceUsage, type Price } from './price.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const price = (usage: Partial<TokenUsage>, model: string, list: string): Price => priceUsage({ ...NO_USAGE, ...usage }, model, list, NOW);
const sum = ({ picodollars, known }: Price): readonly [bigint, boolean] => [picodollars, known];

describe('fees beside tokens', () => {
  for (const [what, usage, model, list, costs] of [
    // 1,000 × $3 and $15 a million, 3 × $10 a thousand
    [
      'web searches',
      { input: 1_000, output: 1_000, units: { search: 3 } },
      'claude-sonnet-4-6',
      'anthropic',
      18_000_000_000n + 30_000_000_000n,
    ],
    ['file searches', { units: { file_search: 2 } }, 'gpt-5', 'openai', 5_000_000_000n],
    ['a container', { units: { container: 1 } }, 'gpt-5', 'openai', 30_000_000_000n],
    // $0.36 an hour
    ['seconds of sound', { units: { second: 61 } }, 'whisper-1', 'openai', 61n * 100_000_000n],
    // $0.111 an hour, rounded up to a picodollar a second
    ['seconds of sound that do not divide', { units: { second: 7 } }, 'whisper-large-v3', 'groq', 7n * 30_833_334n],
    ['pages', { units: { page: 29 } }, 'mistral-ocr-2512', 'mistral', 29n * 2_000_000_000n],
    ['characters', { units: { character: 100 } }, 'tts-1', 'openai', 1_500_000_000n],
    ['characters in high definition', { units: { character: 100 } }, 'tts-1-hd-1106', 'openai', 3_000_000_000n],
    ['pictures by the piece', { units: { image: 2 } }, 'dall-e-3', 'openai', 240_000_000_000n],
    ['reranking', { units: { search: 1 } }, 'rerank-v3.5', 'cohere', 2_000_000_000n],
    ['grounding', { units: { search: 2 } }, 'gemini-3-flash-preview', 'google', 28_000_000_000n],
    ['grounding of older models', { units: { search: 1 } }, 'gemini-2.5-flash', 'google', 35_000_000_000n],
  ] as const) {
    it(`${what} are charged each`, () => assert.deepEqual(sum(price(usage, model, list)), [costs, true]));
  }

  it('a picture that cost tokens is charged by them alone', () => {
    // gpt-image-1: $5 text in, $40 out.
    assert.deepEqual(sum(price({ input: 10, output: 100, units: { image: 1 } }, 'gpt-image-1', 'openai')), [4_050_000_000n, true]);
  });

  it('pictures among the tokens cost what pictures do', () => {
    // gpt-image-1.5: $5 text and $8 pictures in, $10 text and $32 pictures out.
    const usage = { input: 100, inputImage: 60, output: 50, outputImage: 40 };
    assert.equal(
      price(usage, 'gpt-image-1.5', 'openai').picodollars,
      40n * 5_000_000n + 60n * 8_000_000n + 10n * 10_000_000n + 40n * 32_000_000n,
    );
    // gemini-2.5-flash-image: $0.30 in, $30 for pictures out.
    const made = price({ input: 10, output: 1_290, outputImage: 1_290, units: { image: 1 } }, 'gemini-2.5-flash-image', 'google');
    assert.deepEqual(sum(made), [10n * 300_000n + 1_290n * 30_000_000n, true]);
  });

  it('sound that can only have come from the cache costs what cached sound does, once', () => {
    // gpt-realtime: $4 text, $32 sound, $0.40 cached text, $0.40 cached sound.
    const { lines } = price({ input: 100, cachedInput: 60, inputAudio: 70 }, 'gpt-realtime', 'openai');
    assert.deepEqual(
      lines.map(({ item, quantity }) => [item, quantity]),
      [
        ['input_audio', 40],
        ['cached_input', 30],
        ['cached_audio', 30],
      ],
    );
  });

  it('a fee for the request is what its search costs', () => {
    assert.equal(price({ units: { search: 1 } }, 'sonar', 'perplexity').picodollars, 12_000_000_000n);
    assert.equal(price({ units: { search: 4 } }, 'sonar-deep-research', 'perplexity').picodollars, 20_000_000_000n);
  });

  it('a unit without a price costs the dearest of its list, or of all, and that is flagged', () => {
    assert.deepEqual(sum(price({ units: { search: 1 } }, 'gpt-3.5-turbo', 'openai')), [10_000_000_000n, false]);
    assert.deepEqual(sum(price({ units: { image: 1 } }, 'claude-sonnet-4-6', 'anthropic')), [120_000_000_000n, false]);
    assert.deepEqual(sum(price({ units: { image: 1 } }, 'a-model-of-tomorrow', 'openai')), [120_000_000_000n, false]);
  });

  it('a grounded prompt costs once before Gemini 3, and each of its queries since', () => {
    assert.equal(price({ units: { search: 3 } }, 'gemini-2.5-pro', 'google').picodollars, 35_000_000_000n);
    assert.equal(price({ units: { search: 3 } }, 'gemini-3-flash-preview', 'google').picodollars, 42_000_000_000n);
  });

  it('moderation costs nothing, and that is known', () => {
    assert.deepEqual(sum(price({ input: 1_000 }, 'omni-moderation-latest', 'openai')), [0n, true]);
  });
});

describe('service tiers', () => {
  const base = price({ input: 1_000, output: 1_000 }, 'gpt-5', 'openai').picodollars;
  /** Of everything that it costs the usual way: so many parts of so many. */
  for (const [tier, model, list, [parts, of], isKnown] of [
    ['flex', 'gpt-5', 'openai', [1n, 2n], true],
    ['batch', 'gpt-5', 'openai', [1n, 2n], true],
    ['batch', 'gpt-3.5-turbo-1106', 'openai', [1n, 1n], true],
    ['flex', 'gpt-4.1', 'openai', [1n, 1n], true],
    ['priority', 'gpt-5', 'openai', [2n, 1n], true],
    ['fast', 'gpt-5', 'openai', [2n, 1n], true],
    ['priority', 'gpt-5.5', 'openai', [5n, 2n], true],
    ['priority', 'gpt-5.6-luna', 'openai', [2n, 1n], true],
    ['priority', 'gpt-5-mini', 'openai', [9n, 5n], true],
    ['priority', 'gpt-4.1', 'openai', [7n, 4n], true],
    ['priority', 'gpt-4.1-nano', 'openai', [2n, 1n], true],
    ['priority', 'gpt-4o', 'openai', [17n, 10n], true],
    ['priority', 'gpt-4o-2024-05-13', 'openai', [7n, 4n], true],
    ['priority', 'gpt-4o-mini', 'openai', [5n, 3n], true],
    ['priority', 'o4-mini', 'openai', [20n, 11n], true],
    ['priority', 'gemini-2.5-pro', 'google', [9n, 5n], true],
    ['priority', 'gemini-3-flash-preview', 'google', [2n, 1n], true],
    ['batch', 'gemini-3.1-flash-lite', 'google', [1n, 2n], true],
    ['fast', 'claude-opus-4-6', 'anthropic', [6n, 1n], true],
    // Nobody publishes these: the dearest that the list has, and the base.
    ['priority', 'o1', 'openai', [5n, 2n], false],
    ['fast', 'claude-opus-5', 'anthropic', [2n, 1n], true],
    ['fast', 'claude-opus-5-5', 'anthropic', [2n, 1n], true],
    ['fast', 'claude-opus-4-8', 'anthropic', [2n, 1n], true],
    ['fast', 'claude-opus-4-7', 'anthropic', [6n, 1n], false],
    ['a-tier-of-tomorrow', 'gpt-5', 'openai', [1n, 1n], false],
    ['flex', 'deepseek-chat', 'deepseek', [1n, 1n], true],
    ['batch', 'claude-sonnet-4-6', 'anthropic', [1n, 2n], true],
    ['priority', 'claude-sonnet-4-6', 'anthropic', [1n, 1n], true],
  ] as const) {
    it(`${model} served as ${tier} costs ${parts}/${of}`, () => {
      // 1,100 of each, so that elevenths and thirds come out whole.
      const use = { input: 3_300, cachedInput: 1_100, output: 3_300 };
      const usual = price(use, model, list).picodollars;
      const served = price({ ...use, tier }, model, list);
      assert.deepEqual([served.known, served.source.tier], [isKnown, tier]);
      // A price per token is rounded up to a picodollar.
      const rounded = served.picodollars - (usual * parts) / of;
      assert.ok(rounded >= 0n && rounded <= 7_700n, String(rounded));
    });
  }

  it('Gemini’s cached price is the same in a batch and as flex', () => {
    // gemini-2.5-flash: $0.30 and $2.50, half of them; cached $0.03 as ever.
    for (const tier of ['batch', 'flex']) {
      const served = price({ input: 300, cachedInput: 100, output: 10, tier }, 'gemini-2.5-flash', 'google');
      assert.equal(served.picodollars, 200n * 150_000n + 100n * 30_000n + 10n * 1_250_000n);
    }
  });

  it('older models of OpenAI have no cached price in a batch', () => {
    assert.equal(price({ input: 300, cachedInput: 100, tier: 'batch' }, 'gpt-4o', 'openai').picodollars, 300n * 1_250_000n);
  });

  it('how much was read from the web is Perplexity’s fee for the request', () => {
    const fee = (model: string, size: string): bigint => price({ tier: `search_${size}` }, model, 'perplexity').picodollars;
    assert.deepEqual(
      ['low', 'medium', 'high'].map((size) => [fee('sonar', size), fee('sonar-pro', size)]),
      [
        [5_000_000_000n, 6_000_000_000n],
        [8_000_000_000n, 10_000_000_000n],
        [12_000_000_000n, 14_000_000_000n],
      ],
    );
  });

  it('fees are the same in every tier', () => {
    const served = price({ input: 1_000, output: 1_000, units: { search: 1 }, tier: 'flex' }, 'gpt-5', 'openai');
    assert.equal(served.picodollars, base / 2n + 10_000_000_000n);
  });

  it('a tier that says nothing good of itself is no property of an object', () => {
    for (const tier of ['constructor', '__proto__']) assert.equal(price({ input: 1, tier }, 'gpt-5', 'openai').known, false);
  });
});
