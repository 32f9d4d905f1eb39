import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sumOf } from '../../src/accounting/price-detail.ts';
import { priceUsage, type Price } from '../../src/accounting/price.ts';
import { priceListOf, recordedUsage } from './recorded-usage.ts';

/**
 * What recorded answers cost: read by the codec that reads them in the gateway, priced by the function that prices rows. Each cost is a
 * literal and the sum in the comment above it: tokens × dollars per million (fees: units × dollars per million units), times 10⁶, at the prices that the
 * catalogue of the date has. The page is where the vendor publishes them.
 */

const NOW = '2026-11-20T12:00:00Z';

type Recorded = readonly [of: string, model: string, costs: bigint, at?: string];

const RECORDED: readonly Recorded[] = [
  // https://docs.claude.com/en/docs/about-claude/pricing (2026-09-23)
  // 24×3 + 1857×0.3 + 33×15
  ['anthropic/messages/crewai-cached-prompt-tokens-with-tools', 'claude-sonnet-4-5-20250929', 1_124_100_000n],
  // 3×0.8 + 2091×0.08 + 95×4
  [
    'anthropic/messages/crewai-testagentmultimodalanthropic-test-mixed-files-anthropic-claude-3-t1',
    'claude-3-5-haiku-20241022',
    549_680_000n,
  ],
  // 2×2 + 1135×2.5 + 142×10
  ['anthropic/messages/ellmer-tool-image-t3', 'claude-sonnet-5', 4_261_500_000n],
  // 2×2 + 1650×0.2 + 44×2.5 + 7×10
  ['anthropic/messages/ellmer-upload-file-t2', 'claude-sonnet-5', 514_000_000n],
  // 4×2 + 1150×0.2 + 3522×2.5 + 113×10
  ['anthropic/messages/ellmer-web-fetch', 'claude-sonnet-5', 10_173_000_000n],
  // 4×2 + 2836×0.2 + 11107×2.5 + 155×10 + 1×10000
  ['anthropic/messages/ellmer-web-search', 'claude-sonnet-5', 39_892_700_000n],
  // 15×5 + 837×6.25 + 81×25
  ['anthropic/messages/genai-claude-opus-5-thinking-genstream-citations-text-plain', 'claude-opus-5', 7_331_250_000n],
  // 16006×2 + 65×10 + 1×10000
  ['anthropic/messages/genai-claude-sonnet-5-genstream-tools-websearch', 'claude-sonnet-5', 42_662_000_000n],
  // 10423×15 + 341×75 + 1×10000
  ['anthropic/messages/llm-anthropic-web-search-stream', 'claude-opus-4-1-20250805', 191_920_000_000n],
  // 21×3 + 1733×0.3 + 568×15
  ['anthropic/messages/oinf-instrumentation-messages-token-counts-t1', 'claude-3-7-sonnet-20250219', 9_102_900_000n],
  // 4×3 + 9134×0.3 + 237×3.75 + 156×15
  ['anthropic/messages/pydai-code-execution-files-cache-prefix-stable-messages-sonnet-4-6-t2', 'claude-sonnet-4-6', 5_980_950_000n],
  // 2×5 + 1590×0.5 + 4×25
  ['anthropic/messages/pydai-inline-system-prompt-cache-prefix-is-reused-t1', 'claude-opus-4-8', 905_000_000n],
  // 404500×6 + 943×22.5 + 10×10000 (above 200000)
  ['anthropic/messages/pydai-pause-turn-web-search-streaming-vcr', 'claude-sonnet-4-5', 2_548_217_500_000n],
  // 22205×5 + 1552×25 + 2×10000
  ['anthropic/messages/rig-opus-4-8-web-search-with-dynamic-filtering-succeeds', 'claude-opus-4-8', 169_825_000_000n],
  // 11632×1 + 126×5 + 1×10000
  [
    'anthropic/messages/rubyllm-chat-web-search-with-anthropic-claude-haiku-4-5-replays-search-t',
    'claude-haiku-4-5-20251001',
    22_262_000_000n,
  ],
  // https://azure.microsoft.com/pricing/details/cognitive-services/openai-service/ (2026-09-23)
  // 343×0.05 + 666×0.4
  ['azure-openai/chat-completions/crewai-testazurenativetoolcalling-test-azure-parallel-native-tool-calli', 'gpt-5-nano', 283_550_000n],
  // 145×0.25 + 90×2
  ['azure-openai/chat-completions/fantasy-azure-gpt-5-mini-thinking-streaming', 'gpt-5-mini', 216_250_000n],
  // 1750×0.25 + 400×2 + 1×30000
  ['azure-openai/responses/vercel-azure-code-interpreter-tool-1', 'gpt-5-mini', 31_237_500_000n],
  // 1433×0.25 + 2304×0.025 + 621×2 + 1×2500
  ['azure-openai/responses/vercel-openai-file-search-tool-1-stream', 'gpt-5-mini-2025-08-07', 4_157_850_000n],
  // https://aws.amazon.com/bedrock/pricing/ (2026-09-23)
  // 11×3 + 1028×3.75 + 236×15
  ['bedrock/converse-stream/ddpy-converse-stream-prompt-caching', 'us.anthropic.claude-3-7-sonnet-20250219-v1:0', 7_428_000_000n],
  // 12×3 + 1028×0.3 + 250×15
  ['bedrock/converse-stream/ddpy-converse-stream-prompt-caching-t1', 'us.anthropic.claude-3-7-sonnet-20250219-v1:0', 4_094_400_000n],
  // 3×3.3 + 2074×0.33 + 297×4.125 + 61×16.5
  ['bedrock/converse/pydai-cache-messages-with-image-as-last-content-t1', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 2_925_945_000n],
  // https://www.cerebras.ai/pricing (2026-09-23)
  // 100×0.99 + 29×1.49
  ['cerebras/chat-completions/genai-gemma-4-31b-genstream-tools-toolbias-usa', 'gemma-4-31b', 142_210_000n],
  // https://cohere.com/pricing (2026-09-23)
  // 212×0.15 + 36×0.6
  ['cohere/chat/ollmetry-stream-with-events-with-content', 'command-r-08-2024', 53_400_000n],
  // 505×2.5 + 9×10
  ['cohere/chat/rig-agent-stop-sequences-are-forwarded', 'command-a-03-2025', 1_352_500_000n],
  // 4×0.12
  ['cohere/embed/pydai-testcohere-test-query', 'embed-v4.0', 480_000n],
  // 1×2000
  ['cohere/rerank/langchain-cohere-langchain-cohere-rerank-documents', 'rerank-v3.5', 2_000_000_000n],
  // 1×2000
  ['cohere/rerank/ollmetry-v2-rerank-legacy', 'rerank-english-v3.0', 2_000_000_000n],
  // https://api-docs.deepseek.com/quick_start/pricing (2026-09-23)
  // 51×0.55 + 512×0.14 + 116×2.19
  ['deepseek/chat-completions/pydai-deferred-capability-with-thinking', 'deepseek-reasoner', 353_770_000n],
  // https://ai.google.dev/gemini-api/docs/pricing (2026-09-23)
  // 227×0.3 + 330×0.03 + 143×2.5
  ['gemini/generate-content/crewai-testgeministructuredplanning-test-gemini-research-workflow-gener-t4', 'gemini-2.5-flash', 435_500_000n],
  // 552×1.5 + 176×9
  ['gemini/generate-content/ellmer-google-upload-t3', 'gemini-3.5-flash', 2_412_000_000n],
  // 136×1.25 + 414×10 + 1×35000
  ['gemini/generate-content/pydai-google-model-web-search-tool', 'gemini-2.5-pro', 39_310_000_000n],
  // 41×0.3 + 122×2.5
  ['gemini/generate-content/pydai-multimodal-tool-return-matrix-direct-uploaded-file-audio-google', 'gemini-2.5-flash', 317_300_000n],
  // 526×0.5 + 27×3 + 2×14000
  ['gemini/generate-content/pydai-native-output-with-function-and-builtin-tools-t1', 'gemini-3-flash-preview', 28_344_000_000n],
  // 351×1.5 + 217×0.15 + 1332×9 + 3×14000
  ['gemini/generate-content/rubyllm-chat-web-search-with-gemini-gemini-3-5-flash-grounds-the-answer', 'gemini-3.5-flash', 54_547_050_000n],
  // 272×1.25 + 1314×10
  ['gemini/stream-generate-content/fantasy-2-5-pro-stream', 'gemini-2.5-pro', 13_480_000_000n],
  // 16×0.3 + 17×2.5 + 1290×30
  ['gemini/stream-generate-content/firebase-streaming-success-empty-parts', 'gemini-2.5-flash-image-preview', 38_747_300_000n],
  // https://groq.com/pricing (2026-09-23)
  // 80×0.15 + 256×0.075 + 96×0.6
  ['groq/chat-completions/pydai-tool-use-failed-error-t2', 'openai/gpt-oss-120b', 88_800_000n],
  // https://mistral.ai/pricing (2026-09-23)
  // 268×2 + 5×6
  ['mistral/chat-completions/pydai-history-uses-prompt-cache-t1', 'mistral-large-latest', 566_000_000n],
  // 34×0.1 + 31×0.3
  ['mistral/chat-completions/rig-agent-tool-sessions-json-object-response-format-roundtrip', 'mistral-small-latest', 12_700_000n],
  // 5×0.1
  ['mistral/embeddings/rubyllm-embedding-basic-functionality-mistral-mistral-embed-handles-sing', 'mistral-embed', 500_000n],
  // 1×4000
  ['mistral/ocr/rubyllm-ocr-basic-functionality-mistral-mistral-ocr-latest-extracts-mark', 'mistral-ocr-latest', 4_000_000_000n],
  // https://platform.moonshot.ai/docs/pricing (2026-09-23)
  // 9×3 + 12×15
  ['moonshot/chat-completions/vercel-moonshotai-stream', 'kimi-k3', 207_000_000n],
  // https://platform.openai.com/docs/pricing (2026-09-23)
  // 6×100
  ['openai/audio-transcriptions/rig-transcription-usage-matrix-completions-client-reports-duration-u', 'whisper-1', 600_000_000n],
  // 37×6 + 145×10
  [
    'openai/audio-transcriptions/rubyllm-transcription-basic-functionality-openai-gpt-4o-transcribe-diari-stream',
    'gpt-4o-transcribe-diarize',
    1_672_000_000n,
  ],
  // 35×2 + 1152×0.5 + 14×8
  ['openai/chat-completions/crewai-completions-cached-prompt-tokens-with-tools', 'gpt-4.1-2025-04-14', 758_000_000n],
  // 683×2.5 + 1408×1.25 + 634×10
  ['openai/chat-completions/crewai-hierarchical-process-t5', 'gpt-4o-2024-08-06', 9_807_500_000n],
  // 402×0.15 + 1024×0.075 + 17×0.6
  ['openai/chat-completions/crewai-task-emits-failed-event-on-execution-error-t6', 'gpt-4o-mini-2024-07-18', 147_300_000n],
  // 1118×10 + 16×30
  ['openai/chat-completions/ddpy-chat-completion-image-input', 'gpt-4-1106-vision-preview', 11_660_000_000n],
  // 3×4 + 1217×5 + 100×20
  ['openai/chat-completions/ddpy-chat-completion-prompt-caching-5-6-cache-write', 'gpt-5.6-sol', 8_097_000_000n],
  // 56×0.1 + 1024×0.025 + 7×0.4
  ['openai/chat-completions/ellmer-pdf-t1', 'gpt-4.1-nano-2025-04-14', 34_000_000n],
  // 27×2.5 + 1×40 + 17×10
  ['openai/chat-completions/envoy-chat-audio-to-text', 'gpt-4o-audio-preview-2025-06-03', 277_500_000n],
  // 22×0.15 + 6×0.6 + 12×20
  ['openai/chat-completions/envoy-chat-text-to-audio', 'gpt-4o-mini-audio-preview-2024-12-17', 246_900_000n],
  // 156×1.25 + 820×10
  ['openai/chat-completions/fantasy-gpt-5-complex-object-streaming', 'gpt-5-2025-08-07', 8_395_000_000n],
  // 64×1.1 + 89×4.4
  ['openai/chat-completions/fantasy-o4-mini-tool-streaming', 'o4-mini-2025-04-16', 462_000_000n],
  // 155×0.1 + 18×0.6 (flex)
  ['openai/chat-completions/genai-gpt-5-6-luna-thinking-gensync-tools-squareroot-1', 'gpt-5.6-luna', 26_300_000n],
  // 150×2 + 5×10 (flex)
  ['openai/chat-completions/genai-gpt-5-6-sol-thinking-genstreammultimodal-image-jpg-url', 'gpt-5.6-sol', 350_000_000n],
  // 187×1.25 + 6×7.5 (flex)
  ['openai/chat-completions/genai-gpt-5-6-terra-thinking-genstream-tools-squareroot-2', 'gpt-5.6-terra', 278_750_000n, '2026-07-01'],
  // 17×2.5 + 5×10 + 11×64
  ['openai/chat-completions/genai-gpt-audio-genstream-maxtokens', 'gpt-audio-2025-08-28', 796_500_000n],
  // 23×2.5 + 7×32 + 1×10
  ['openai/chat-completions/genai-gpt-audio-genstreammultimodal-audio-mp3-inline', 'gpt-audio-2025-08-28', 291_500_000n],
  // 80×0.5 + 47×1.5
  ['openai/chat-completions/instructor-rb-valid-response', 'gpt-3.5-turbo-0125', 110_500_000n],
  // 20×0.02
  ['openai/embeddings/oinf-document-embedder-embedding-span-has-expected-attributes', 'text-embedding-3-small', 400_000n],
  // 1×120000
  ['openai/images/openllmetry-js-should-calculate-correct-tokens-for-different-quality-levels-329-t1', 'dall-e-3', 120_000_000_000n],
  // 81×0.2 + 8×1.25
  ['openai/responses/ellmer-v2-pdf', 'gpt-5.4-nano', 26_200_000n],
  // 16×0.1 + 16×0.6 (flex)
  ['openai/responses/genai-gpt-5-6-luna-thinking-genstream-maxtokens', 'gpt-5.6-luna', 11_200_000n],
  // 4046×2 + 4427×2.5 + 39×10 + 1×10000 (flex)
  ['openai/responses/genai-gpt-5-6-sol-thinking-genstream-tools-websearch', 'gpt-5.6-sol', 29_549_500_000n],
  // 1246×0.05 + 676×0.4 + 1×30000
  ['openai/responses/lingua-codeinterpretertoolparam-stream', 'gpt-5-nano', 30_332_700_000n],
  // 517×2 + 80×8 + 1×30000
  ['openai/responses/prism-generate-text-with-required-tool-call-and-provider-tool-2', 'gpt-4.1-2025-04-14', 31_674_000_000n],
  // 21174×1.25 + 1844×10 + 4×10000
  ['openai/responses/pydai-durability-web-search-in-workflow', 'gpt-5', 84_907_500_000n],
  // 23726×1.25 + 92160×0.125 + 1720×10 + 6×10000
  ['openai/responses/pydai-responses-model-builtin-tools-web-search', 'gpt-5', 118_377_500_000n],
  // 1188×2.5 + 55×10 + 1×2500
  ['openai/responses/pydai-responses-model-file-search-tool-t4', 'gpt-4o', 6_020_000_000n],
  // 4158×4 + 4418×5 + 52×20 + 1×10000
  ['openai/responses/pydai-responses-model-web-search-tool-without-external-access', 'gpt-5.6', 49_762_000_000n],
  // https://openrouter.ai/models (2026-09-23)
  // 84×1.2 + 128×0.24 + 109×4
  ['openrouter/chat-completions/fantasy-glm-tool-t1', 'z-ai/glm-5-turbo', 567_520_000n],
  // https://docs.perplexity.ai/getting-started/pricing (2026-09-23)
  // 10×1 + 1×12000
  ['perplexity/chat-completions/genai-sonar-gensync-seed', 'sonar', 12_010_000_000n],
  // 9×2 + 16×8 + 1×14000
  ['perplexity/chat-completions/genai-sonar-reasoning-pro-thinking-genstream-maxtokens', 'sonar-reasoning-pro', 14_146_000_000n],
  // https://www.together.ai/pricing (2026-09-23)
  // 48×0.88
  ['together/chat-completions/oinf-trace-config-hide-inputs', 'meta-llama/Llama-3.3-70B-Instruct-Turbo', 42_240_000n],
  // https://cloud.google.com/vertex-ai/generative-ai/pricing (2026-09-23)
  // 453×3 + 67×15
  ['vertex-anthropic/messages/fantasy-vertex-claude-3-7-sonnet-simple-object', 'claude-3-7-sonnet@20250219', 2_364_000_000n],
  // https://cloud.google.com/vertex-ai/generative-ai/pricing (2026-09-23)
  // 61×1.25 + 79×10
  ['vertex/generate-content/fantasy-gemini-2-5-pro-multi-tool', 'gemini-2.5-pro', 866_250_000n],
  // 43×0.5 + 71×3
  [
    'vertex/generate-content/pydai-google-vertex-tool-combination-omits-include-server-side-tool-in',
    'gemini-3-flash-preview',
    234_500_000n,
  ],
  // 5×0.5 + 101×3 (flex)
  ['vertex/stream-generate-content/pydai-google-vertex-service-tier-flex-stream', 'gemini-3-flash-preview', 305_500_000n],
  // https://docs.voyageai.com/docs/pricing (2026-09-23)
  // 12×0.02
  ['voyage/embeddings/ollmetry-voyageai-embed-async-legacy', 'voyage-3-lite', 240_000n],
  // https://docs.x.ai/docs/models (2026-09-23)
  // 281×0.3 + 7×0.075 + 377×0.5
  ['xai/chat-completions/fantasy-grok-3-mini-thinking', 'grok-3-mini', 273_325_000n],
  // 163×0.2 + 305×0.05 + 402×0.5
  ['xai/chat-completions/fantasy-grok-4-fast-complex-object', 'grok-4-fast', 248_850_000n],
  // 994×0.2 + 947×0.05 + 583×0.5 + 1×5000
  ['xai/responses/vercel-web-search-tool-1', 'grok-4-fast-reasoning', 5_537_650_000n],
];

const priceOf = ([of, model, , at = NOW]: Recorded): Price => {
  const usage = recordedUsage(of);
  assert.ok(usage !== undefined, 'the recording tells its usage');
  return priceUsage(usage, model, priceListOf(of), Date.parse(at));
};

describe('price of recorded usage', () => {
  it('is held for sixty answers and more', () => assert.ok(RECORDED.length >= 60));

  for (const recorded of RECORDED) {
    it(`${recorded[0]} costs ${recorded[2]}`, () => {
      const price = priceOf(recorded);
      assert.deepEqual([price.picodollars, price.known], [recorded[2], true]);
      assert.equal(sumOf(price), price.picodollars);
    });
  }
});
