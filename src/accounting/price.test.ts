import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NO_USAGE, type TokenUsage } from '../core/usage.ts';
import { CATALOGUE } from './catalogue.ts';
import { priceUsage } from './price.ts';

const WIRE = new URL('../../../shared/wire/', import.meta.url);
const NOW = Date.parse('2026-11-20T12:00:00Z');

interface Recorded {
  /** Case below shared/wire; its provider is the price list. */
  readonly of: string;
  readonly model: string;
  readonly at?: string;
  /** Numbers that stand in the recording. */
  readonly wire: Readonly<Record<string, number>>;
  readonly usage: Partial<TokenUsage>;
  /** Worked out by hand: tokens × dollars per million, times 10⁶. */
  readonly costs: bigint;
}

const RECORDED: readonly Recorded[] = [
  // 24×3 + 1857×0.3 + 33×15
  {
    of: 'anthropic/messages/crewai-cached-prompt-tokens-with-tools',
    model: 'claude-sonnet-4-5-20250929',
    wire: { input_tokens: 24, cache_read_input_tokens: 1857, output_tokens: 33 },
    usage: { input: 1881, output: 33, cachedInput: 1857 },
    costs: 1_124_100_000n,
  },
  // 3×0.8 + 2091×0.08 + 95×4
  {
    of: 'anthropic/messages/crewai-testagentmultimodalanthropic-test-mixed-files-anthropic-claude-3-t1',
    model: 'claude-3-5-haiku-20241022',
    wire: { input_tokens: 3, cache_read_input_tokens: 2091, output_tokens: 95 },
    usage: { input: 2094, output: 95, cachedInput: 2091 },
    costs: 549_680_000n,
  },
  // 2×2 + 1135×2.5 + 142×10
  {
    of: 'anthropic/messages/ellmer-tool-image-t3',
    model: 'claude-sonnet-5',
    wire: { input_tokens: 2, cache_creation_input_tokens: 1135, output_tokens: 142, thinking_tokens: 67 },
    usage: { input: 1137, output: 142, cacheWrite: 1135, reasoning: 67 },
    costs: 4_261_500_000n,
  },
  // 2×2 + 44×2.5 + 1650×0.2 + 7×10
  {
    of: 'anthropic/messages/ellmer-upload-file-t2',
    model: 'claude-sonnet-5',
    wire: { input_tokens: 2, cache_creation_input_tokens: 44, cache_read_input_tokens: 1650, output_tokens: 7 },
    usage: { input: 1696, output: 7, cacheWrite: 44, cachedInput: 1650 },
    costs: 514_000_000n,
  },
  // 4×2 + 3522×2.5 + 1150×0.2 + 113×10
  {
    of: 'anthropic/messages/ellmer-web-fetch',
    model: 'claude-sonnet-5',
    wire: { input_tokens: 4, cache_creation_input_tokens: 3522, cache_read_input_tokens: 1150, output_tokens: 113 },
    usage: { input: 4676, output: 113, cacheWrite: 3522, cachedInput: 1150 },
    costs: 10_173_000_000n,
  },
  // 15×5 + 837×6.25 + 81×25
  {
    of: 'anthropic/messages/genai-claude-opus-5-thinking-genstream-citations-text-plain',
    model: 'claude-opus-5',
    wire: { input_tokens: 15, cache_creation_input_tokens: 837, output_tokens: 81, thinking_tokens: 11 },
    usage: { input: 852, output: 81, cacheWrite: 837, reasoning: 11 },
    costs: 7_331_250_000n,
  },
  // 21×3 + 1733×0.3 + 568×15
  {
    of: 'anthropic/messages/oinf-instrumentation-messages-token-counts-t1',
    model: 'claude-3-7-sonnet-20250219',
    wire: { input_tokens: 21, cache_read_input_tokens: 1733, output_tokens: 568 },
    usage: { input: 1754, output: 568, cachedInput: 1733 },
    costs: 9_102_900_000n,
  },
  // 4×3 + 237×3.75 + 9134×0.3 + 156×15
  {
    of: 'anthropic/messages/pydai-code-execution-files-cache-prefix-stable-messages-sonnet-4-6-t2',
    model: 'claude-sonnet-4-6',
    wire: { input_tokens: 4, cache_creation_input_tokens: 237, cache_read_input_tokens: 9134, output_tokens: 156 },
    usage: { input: 9375, output: 156, cacheWrite: 237, cachedInput: 9134 },
    costs: 5_980_950_000n,
  },
  // 2×5 + 1590×0.5 + 4×25
  {
    of: 'anthropic/messages/pydai-inline-system-prompt-cache-prefix-is-reused-t1',
    model: 'claude-opus-4-8',
    wire: { input_tokens: 2, cache_read_input_tokens: 1590, output_tokens: 4 },
    usage: { input: 1592, output: 4, cachedInput: 1590 },
    costs: 905_000_000n,
  },
  // 35×2 + 1152×0.5 + 14×8
  {
    of: 'openai/chat-completions/crewai-completions-cached-prompt-tokens-with-tools',
    model: 'gpt-4.1-2025-04-14',
    wire: { prompt_tokens: 1187, completion_tokens: 14, cached_tokens: 1152 },
    usage: { input: 1187, output: 14, cachedInput: 1152 },
    costs: 758_000_000n,
  },
  // 683×2.5 + 1408×1.25 + 634×10
  {
    of: 'openai/chat-completions/crewai-hierarchical-process-t5',
    model: 'gpt-4o-2024-08-06',
    wire: { prompt_tokens: 2091, completion_tokens: 634, cached_tokens: 1408 },
    usage: { input: 2091, output: 634, cachedInput: 1408 },
    costs: 9_807_500_000n,
  },
  // 402×0.15 + 1024×0.075 + 17×0.6
  {
    of: 'openai/chat-completions/crewai-task-emits-failed-event-on-execution-error-t6',
    model: 'gpt-4o-mini-2024-07-18',
    wire: { prompt_tokens: 1426, completion_tokens: 17, cached_tokens: 1024 },
    usage: { input: 1426, output: 17, cachedInput: 1024 },
    costs: 147_300_000n,
  },
  // 3×4 + 1217×5 + 100×20
  {
    of: 'openai/chat-completions/ddpy-chat-completion-prompt-caching-5-6-cache-write',
    model: 'gpt-5.6-sol',
    wire: { prompt_tokens: 1220, completion_tokens: 100, cache_write_tokens: 1217, reasoning_tokens: 100 },
    usage: { input: 1220, output: 100, cacheWrite: 1217, reasoning: 100 },
    costs: 8_097_000_000n,
  },
  // 56×0.1 + 1024×0.025 + 7×0.4
  {
    of: 'openai/chat-completions/ellmer-pdf-t1',
    model: 'gpt-4.1-nano-2025-04-14',
    wire: { prompt_tokens: 1080, completion_tokens: 7, cached_tokens: 1024 },
    usage: { input: 1080, output: 7, cachedInput: 1024 },
    costs: 34_000_000n,
  },
  // 28×2.5 + 17×10
  {
    of: 'openai/chat-completions/envoy-chat-audio-to-text',
    model: 'gpt-4o-audio-preview-2025-06-03',
    wire: { prompt_tokens: 28, completion_tokens: 17 },
    usage: { input: 28, output: 17, inputAudio: 1 },
    costs: 240_000_000n,
  },
  // 22×0.15 + 18×0.6
  {
    of: 'openai/chat-completions/envoy-chat-text-to-audio',
    model: 'gpt-4o-mini-audio-preview-2024-12-17',
    wire: { prompt_tokens: 22, completion_tokens: 18, audio_tokens: 12 },
    usage: { input: 22, output: 18, outputAudio: 12 },
    costs: 14_100_000n,
  },
  // 23×2.5 + 7×32 + 1×10
  {
    of: 'openai/chat-completions/genai-gpt-audio-genstreammultimodal-audio-mp3-inline',
    model: 'gpt-audio-2025-08-28',
    wire: { prompt_tokens: 30, completion_tokens: 1, audio_tokens: 7 },
    usage: { input: 30, output: 1, inputAudio: 7 },
    costs: 291_500_000n,
  },
  // 156×1.25 + 820×10
  {
    of: 'openai/chat-completions/fantasy-gpt-5-complex-object-streaming',
    model: 'gpt-5-2025-08-07',
    wire: { prompt_tokens: 156, completion_tokens: 820, reasoning_tokens: 768 },
    usage: { input: 156, output: 820, reasoning: 768 },
    costs: 8_395_000_000n,
  },
  // 64×1.1 + 89×4.4
  {
    of: 'openai/chat-completions/fantasy-o4-mini-tool-streaming',
    model: 'o4-mini-2025-04-16',
    wire: { prompt_tokens: 64, completion_tokens: 89, reasoning_tokens: 64 },
    usage: { input: 64, output: 89, reasoning: 64 },
    costs: 462_000_000n,
  },
  // 155×0.2 + 18×1.2
  {
    of: 'openai/chat-completions/genai-gpt-5-6-luna-thinking-gensync-tools-squareroot-1',
    model: 'gpt-5.6-luna',
    wire: { prompt_tokens: 155, completion_tokens: 18 },
    usage: { input: 155, output: 18 },
    costs: 52_600_000n,
  },
  // 187×2.5 + 6×15
  {
    of: 'openai/chat-completions/genai-gpt-5-6-terra-thinking-genstream-tools-squareroot-2',
    model: 'gpt-5.6-terra',
    at: '2026-07-01',
    wire: { prompt_tokens: 187, completion_tokens: 6 },
    usage: { input: 187, output: 6 },
    costs: 557_500_000n,
  },
  // 1118×10 + 16×30
  {
    of: 'openai/chat-completions/ddpy-chat-completion-image-input',
    model: 'gpt-4-1106-vision-preview',
    wire: { prompt_tokens: 1118, completion_tokens: 16 },
    usage: { input: 1118, output: 16 },
    costs: 11_660_000_000n,
  },
  // 80×0.5 + 47×1.5
  {
    of: 'openai/chat-completions/instructor-rb-valid-response',
    model: 'gpt-3.5-turbo-0125',
    wire: { prompt_tokens: 80, completion_tokens: 47 },
    usage: { input: 80, output: 47 },
    costs: 110_500_000n,
  },
  // 17×2.5 + 5×10 + 11×64
  {
    of: 'openai/chat-completions/genai-gpt-audio-genstream-maxtokens',
    model: 'gpt-audio-2025-08-28',
    wire: { prompt_tokens: 17, completion_tokens: 16, audio_tokens: 11 },
    usage: { input: 17, output: 16, outputAudio: 11 },
    costs: 796_500_000n,
  },
  // 20×0.02
  {
    of: 'openai/embeddings/oinf-document-embedder-embedding-span-has-expected-attributes',
    model: 'text-embedding-3-small',
    wire: { prompt_tokens: 20 },
    usage: { input: 20 },
    costs: 400_000n,
  },
];

const price = (usage: Partial<TokenUsage>, model: string, list: string, at: number = NOW): ReturnType<typeof priceUsage> =>
  priceUsage({ ...NO_USAGE, ...usage }, model, list, at);

function recordedText(of: string): string {
  const meta = JSON.parse(fs.readFileSync(new URL(`${of}/meta.json`, WIRE), 'utf8')) as { response_file: string };
  return fs.readFileSync(new URL(`${of}/${meta.response_file}`, WIRE), 'utf8');
}

describe('price of recorded usage', () => {
  for (const { of, model, at, wire, usage, costs } of RECORDED) {
    it(`${of} costs ${costs}`, () => {
      const text = recordedText(of);
      for (const [name, count] of Object.entries({ ...wire })) assert.match(text, new RegExp(`"${name}"\\s*:\\s*${count}\\b`));
      const { picodollars, known, version } = price(usage, model, of.split('/')[0] ?? '', at === undefined ? NOW : Date.parse(at));
      assert.deepEqual([picodollars, known, version], [costs, true, CATALOGUE.version]);
    });
  }
});

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
      [cost('00:29:59'), cost('00:30:00'), cost('16:29:59'), cost('16:30:00')],
      [135_000_000n, 270_000_000n, 270_000_000n, 135_000_000n],
    );
  });

  it('charges an hour-long cache write more than a short one', () => {
    // claude-sonnet-4-5: 3.75 and 6 dollars.
    const cost = price({ input: 300, cacheWrite: 100, cacheWrite1h: 200 }, 'claude-sonnet-4-5', 'anthropic').picodollars;
    assert.equal(cost, 100n * 3_750_000n + 200n * 6_000_000n);
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

  it('takes a model the catalogue names without a price per token for unknown', () => {
    const cost = price({ input: 10 }, 'whisper-1', 'openai');
    assert.deepEqual([cost.known, cost.picodollars > 0n], [false, true]);
  });

  it('charges nothing in the sandbox and on own machines, and that is known', () => {
    for (const list of ['sandbox', 'none'])
      assert.deepEqual(price({ input: 1e9, output: 1e9 }, 'any', list), { picodollars: 0n, version: 'free/1', known: true });
  });

  it('never charges less than nothing, whatever parts a provider claims', () => {
    const tokens = fc.record(
      Object.fromEntries(Object.keys(NO_USAGE).map((name) => [name, fc.nat(1_000_000)])) as Record<keyof TokenUsage, fc.Arbitrary<number>>,
    );
    fc.assert(
      fc.property(
        tokens,
        fc.constantFrom('gpt-4o', 'gpt-audio', 'claude-sonnet-4-6', 'nobody'),
        (usage, model) => price(usage, model, 'openai').picodollars >= 0n,
      ),
    );
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

  it('remembers no more names than its bound', () => {
    for (let i = 0; i < 10_000; i++) price({ input: 1 }, `model-${i}`, 'typesafe');
    assert.equal(price({ input: 1 }, 'gpt-4o', 'openai').picodollars, 2_500_000n);
  });
});
