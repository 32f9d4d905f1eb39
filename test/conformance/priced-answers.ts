/**
 * Recorded answers and what they cost: the sum by hand (tokens × dollars per million, fees: units × dollars per million units; times 10⁶
 * picodollars), its result as a literal, and who witnesses the prices. `page`: the vendor's own price page, as a stored
 * copy, an excerpt, or quoted by a public repository; never read live. `bill`: what the vendor itself charged, told in the recorded answer.
 * `second`: someone else's table. `none`: nobody but the catalogue was found.
 */
export type Witness = 'page' | 'bill' | 'second' | 'none';

export interface PriceSourceNote {
  readonly by: Witness;
  readonly where: string;
  /** Day of the copy, or the month that its content shows; null: unknown. */
  readonly seen: string | null;
}

const page = (where: string, seen: string | null): PriceSourceNote => ({ by: 'page', where, seen });
const second = (where: string, seen: string | null): PriceSourceNote => ({ by: 'second', where, seen });
const none = (where: string): PriceSourceNote => ({ by: 'none', where, seen: null });
const MODELS_DEV = 'github.com/anomalyco/models.dev';
const LLM_PRICES = 'github.com/simonw/llm-prices';

export const SOURCES = {
  anthropic: page('https://platform.claude.com/docs/en/about-claude/pricing (names Fable 5.1)', null),
  'anthropic-2026-02': page('https://platform.claude.com/docs/en/about-claude/pricing (names Opus 4.6 first)', '2026-02'),
  'anthropic-sonnet-5': page('https://platform.claude.com/docs/en/models/sonnet-5/overview', null),
  'anthropic-regional': page(
    'https://platform.claude.com/docs/en/about-claude/pricing: regional endpoints of Bedrock cost 10 % more, from Sonnet 4.5 on',
    '2026-02',
  ),
  azure: second(`${MODELS_DEV} providers/azure; search tools’ fees as OpenAI’s page has them`, '2025-08'),
  bedrock: second('a table in a public repository, after https://aws.amazon.com/bedrock/pricing/', null),
  bill: { by: 'bill', where: 'the recorded answer: usage.cost, usage.cost_in_usd_ticks (10⁻¹⁰ dollars)', seen: null },
  cerebras: none('https://www.cerebras.ai/pricing'),
  cohere: second('https://developer.puter.com/tutorials/cohere-api-pricing/, after https://cohere.com/pricing', '2026-06'),
  'cohere-command': second(`${MODELS_DEV} providers/cohere`, null),
  'cohere-rerank-3': none('https://cohere.com/pricing: tables of others say $1 and $2'),
  deepseek: page('https://api-docs.deepseek.com/quick_start/pricing-details-usd', '2025'),
  'deepseek-2026': second(`${MODELS_DEV} providers/deepseek`, '2026-02-11'),
  google: page('https://ai.google.dev/gemini-api/docs/pricing', '2026-08-04'),
  'google-2026-03': page('https://ai.google.dev/gemini-api/docs/pricing (names Gemini 3.1 Pro Preview first)', null),
  'google-2026-10': second(
    `github.com/api-evangelist/deepmind, which quotes https://ai.google.dev/gemini-api/docs/pricing; cached: ${LLM_PRICES}`,
    '2026-10-07',
  ),
  groq: second(`${MODELS_DEV} providers/groq`, '2026-05-27'),
  mistral: second(`${MODELS_DEV} providers/mistral and https://developer.puter.com/tutorials/mistral-api-pricing/`, '2026-06'),
  'mistral-2025': second(`${LLM_PRICES} and ${MODELS_DEV}`, null),
  'mistral-docs': second(`${MODELS_DEV} providers/mistral, after https://docs.mistral.ai/inference/pricing`, '2026-08-27'),
  moonshot: second(`${MODELS_DEV} providers/moonshotai, after https://platform.kimi.ai/docs/pricing/chat-k3`, '2026-07-17'),
  openai: page('https://developers.openai.com/api/docs/pricing', '2026-09'),
  'openai-2026-07': second('https://docs.laozhang.ai/en/announcements/gpt-5-6-pricing-2026-07.md: before 30 July', '2026-08-01'),
  perplexity: page(
    'https://docs.perplexity.ai/getting-started/pricing; the fee as other recorded answers bill it (usage.cost.request_cost)',
    null,
  ),
  'retold-2025': second(
    'https://platform.openai.com/docs/pricing and https://ai.google.dev/gemini-api/docs/pricing, as retold in a file of a public repository',
    '2025-09',
  ),
  together: second(`${MODELS_DEV} providers/togetherai`, null),
  vertex: second(`${MODELS_DEV} providers/google-vertex`, null),
  'vertex-3': none('https://cloud.google.com/vertex-ai/generative-ai/pricing; as the Gemini API, whose page was read'),
  'vertex-flex': none(
    'https://cloud.google.com/vertex-ai/generative-ai/pricing; flex as https://ai.google.dev/gemini-api/docs/optimization has it',
  ),
  'vertex-anthropic': second(`${MODELS_DEV} providers/google-vertex-anthropic`, null),
  voyage: second('tables in public repositories', null),
  'xai-search': second(`${LLM_PRICES}; the fee as a table in a public repository has it`, null),
} as const satisfies Readonly<Record<string, PriceSourceNote>>;

/** `at`: when the call was made, for prices that changed. */
export type PricedAnswer = readonly [of: string, model: string, sum: string, costs: bigint, source: keyof typeof SOURCES, at?: string];

export const PRICED_OTHERS: readonly PricedAnswer[] = [
  [
    'anthropic/messages/crewai-cached-prompt-tokens-with-tools',
    'claude-sonnet-4-5-20250929',
    '24×3 + 1857×0.3 + 33×15',
    1_124_100_000n,
    'anthropic-2026-02',
  ],
  [
    'anthropic/messages/crewai-testagentmultimodalanthropic-test-mixed-files-anthropic-claude-3-t1',
    'claude-3-5-haiku-20241022',
    '3×0.8 + 2091×0.08 + 95×4',
    549_680_000n,
    'anthropic-2026-02',
  ],
  ['anthropic/messages/ellmer-tool-image-t3', 'claude-sonnet-5', '2×2 + 1135×2.5 + 142×10', 4_261_500_000n, 'anthropic-sonnet-5'],
  ['anthropic/messages/ellmer-upload-file-t2', 'claude-sonnet-5', '2×2 + 1650×0.2 + 44×2.5 + 7×10', 514_000_000n, 'anthropic-sonnet-5'],
  ['anthropic/messages/ellmer-web-fetch', 'claude-sonnet-5', '4×2 + 1150×0.2 + 3522×2.5 + 113×10', 10_173_000_000n, 'anthropic-sonnet-5'],
  [
    'anthropic/messages/ellmer-web-search',
    'claude-sonnet-5',
    '4×2 + 2836×0.2 + 11107×2.5 + 155×10 + 1×10000',
    39_892_700_000n,
    'anthropic-sonnet-5',
  ],
  [
    'anthropic/messages/genai-claude-opus-5-thinking-genstream-citations-text-plain',
    'claude-opus-5',
    '15×5 + 837×6.25 + 81×25',
    7_331_250_000n,
    'anthropic',
  ],
  [
    'anthropic/messages/genai-claude-sonnet-5-genstream-tools-websearch',
    'claude-sonnet-5',
    '16006×2 + 65×10 + 1×10000',
    42_662_000_000n,
    'anthropic-sonnet-5',
  ],
  [
    'anthropic/messages/llm-anthropic-web-search-stream',
    'claude-opus-4-1-20250805',
    '10423×15 + 341×75 + 1×10000',
    191_920_000_000n,
    'anthropic-2026-02',
  ],
  [
    'anthropic/messages/oinf-instrumentation-messages-token-counts-t1',
    'claude-3-7-sonnet-20250219',
    '21×3 + 1733×0.3 + 568×15',
    9_102_900_000n,
    'anthropic-2026-02',
  ],
  [
    'anthropic/messages/pydai-code-execution-files-cache-prefix-stable-messages-sonnet-4-6-t2',
    'claude-sonnet-4-6',
    '4×3 + 9134×0.3 + 237×3.75 + 156×15',
    5_980_950_000n,
    'anthropic-2026-02',
  ],
  [
    'anthropic/messages/pydai-inline-system-prompt-cache-prefix-is-reused-t1',
    'claude-opus-4-8',
    '2×5 + 1590×0.5 + 4×25',
    905_000_000n,
    'anthropic',
  ],
  [
    'anthropic/messages/pydai-pause-turn-web-search-streaming-vcr',
    'claude-sonnet-4-5',
    '404500×6 + 943×22.5 + 10×10000 (above 200000)',
    2_548_217_500_000n,
    'anthropic-2026-02',
  ],
  [
    'anthropic/messages/rig-opus-4-8-web-search-with-dynamic-filtering-succeeds',
    'claude-opus-4-8',
    '22205×5 + 1552×25 + 2×10000',
    169_825_000_000n,
    'anthropic',
  ],
  [
    'anthropic/messages/rubyllm-chat-web-search-with-anthropic-claude-haiku-4-5-replays-search-t',
    'claude-haiku-4-5-20251001',
    '11632×1 + 126×5 + 1×10000',
    22_262_000_000n,
    'anthropic-2026-02',
  ],
  [
    'azure-openai/chat-completions/crewai-testazurenativetoolcalling-test-azure-parallel-native-tool-calli',
    'gpt-5-nano',
    '343×0.05 + 666×0.4',
    283_550_000n,
    'azure',
  ],
  ['azure-openai/chat-completions/fantasy-azure-gpt-5-mini-thinking-streaming', 'gpt-5-mini', '145×0.25 + 90×2', 216_250_000n, 'azure'],
  ['azure-openai/responses/vercel-azure-code-interpreter-tool-1', 'gpt-5-mini', '1750×0.25 + 400×2 + 1×30000', 31_237_500_000n, 'azure'],
  [
    'azure-openai/responses/vercel-openai-file-search-tool-1-stream',
    'gpt-5-mini-2025-08-07',
    '1433×0.25 + 2304×0.025 + 621×2 + 1×2500',
    4_157_850_000n,
    'azure',
  ],
  [
    'bedrock/converse-stream/ddpy-converse-stream-prompt-caching',
    'us.anthropic.claude-3-7-sonnet-20250219-v1:0',
    '11×3 + 1028×3.75 + 236×15',
    7_428_000_000n,
    'bedrock',
  ],
  [
    'bedrock/converse-stream/ddpy-converse-stream-prompt-caching-t1',
    'us.anthropic.claude-3-7-sonnet-20250219-v1:0',
    '12×3 + 1028×0.3 + 250×15',
    4_094_400_000n,
    'bedrock',
  ],
  [
    'bedrock/converse/pydai-cache-messages-with-image-as-last-content-t1',
    'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    '3×3.3 + 2074×0.33 + 297×4.125 + 61×16.5',
    2_925_945_000n,
    'anthropic-regional',
  ],
  [
    'cerebras/chat-completions/genai-gemma-4-31b-genstream-tools-toolbias-usa',
    'gemma-4-31b',
    '100×0.99 + 29×1.49',
    142_210_000n,
    'cerebras',
  ],
  ['cohere/chat/ollmetry-stream-with-events-with-content', 'command-r-08-2024', '212×0.15 + 36×0.6', 53_400_000n, 'cohere-command'],
  ['cohere/chat/rig-agent-stop-sequences-are-forwarded', 'command-a-03-2025', '505×2.5 + 9×10', 1_352_500_000n, 'cohere-command'],
  ['cohere/embed/pydai-testcohere-test-query', 'embed-v4.0', '4×0.12', 480_000n, 'cohere'],
  ['cohere/rerank/langchain-cohere-langchain-cohere-rerank-documents', 'rerank-v3.5', '1×2000', 2_000_000_000n, 'cohere'],
  ['cohere/rerank/ollmetry-v2-rerank-legacy', 'rerank-english-v3.0', '1×2000', 2_000_000_000n, 'cohere-rerank-3'],
  [
    'deepseek/chat-completions/pydai-deferred-capability-with-thinking',
    'deepseek-reasoner',
    '51×0.55 + 512×0.14 + 116×2.19',
    353_770_000n,
    'deepseek',
    '2025-06-01T12:00:00Z',
  ],
  [
    'deepseek/chat-completions/pydai-deferred-capability-with-thinking',
    'deepseek-reasoner',
    '51×0.28 + 512×0.028 + 116×0.42',
    77_336_000n,
    'deepseek-2026',
    '2026-03-01T12:00:00Z',
  ],
  [
    'gemini/generate-content/crewai-testgeministructuredplanning-test-gemini-research-workflow-gener-t4',
    'gemini-2.5-flash',
    '227×0.3 + 330×0.03 + 143×2.5',
    435_500_000n,
    'google',
  ],
  ['gemini/generate-content/ellmer-google-upload-t3', 'gemini-3.5-flash', '552×1.5 + 176×9', 2_412_000_000n, 'google-2026-10'],
  [
    'gemini/generate-content/pydai-google-model-web-search-tool',
    'gemini-2.5-pro',
    '136×1.25 + 414×10 + 1×35000',
    39_310_000_000n,
    'google',
  ],
  [
    'gemini/generate-content/pydai-multimodal-tool-return-matrix-direct-uploaded-file-audio-google',
    'gemini-2.5-flash',
    '41×0.3 + 122×2.5',
    317_300_000n,
    'google',
  ],
  [
    'gemini/generate-content/pydai-native-output-with-function-and-builtin-tools-t1',
    'gemini-3-flash-preview',
    '526×0.5 + 27×3 + 2×14000',
    28_344_000_000n,
    'google-2026-03',
  ],
  [
    'gemini/generate-content/rubyllm-chat-web-search-with-gemini-gemini-3-5-flash-grounds-the-answer',
    'gemini-3.5-flash',
    '351×1.5 + 217×0.15 + 1332×9 + 3×14000',
    54_547_050_000n,
    'google-2026-10',
  ],
  ['gemini/stream-generate-content/fantasy-2-5-pro-stream', 'gemini-2.5-pro', '272×1.25 + 1314×10', 13_480_000_000n, 'google'],
  [
    'gemini/stream-generate-content/firebase-streaming-success-empty-parts',
    'gemini-2.5-flash-image-preview',
    '16×0.3 + 17×2.5 + 1290×30',
    38_747_300_000n,
    'retold-2025',
  ],
  [
    'mistral/chat-completions/pydai-history-uses-prompt-cache-t1',
    'mistral-large-latest',
    '44×0.5 + 224×0.05 + 5×1.5',
    40_700_000n,
    'mistral',
  ],
  [
    'mistral/chat-completions/rig-agent-tool-sessions-json-object-response-format-roundtrip',
    'mistral-small-latest',
    '34×0.1 + 31×0.3',
    12_700_000n,
    'mistral-2025',
  ],
  [
    'mistral/embeddings/rubyllm-embedding-basic-functionality-mistral-mistral-embed-handles-sing',
    'mistral-embed',
    '5×0.1',
    500_000n,
    'mistral-docs',
  ],
  [
    'mistral/ocr/rubyllm-ocr-basic-functionality-mistral-mistral-ocr-latest-extracts-mark',
    'mistral-ocr-latest',
    '1×4000',
    4_000_000_000n,
    'mistral-docs',
  ],
  ['moonshot/chat-completions/vercel-moonshotai-stream', 'kimi-k3', '9×3 + 12×15', 207_000_000n, 'moonshot'],
  ['openrouter/chat-completions/fantasy-glm-tool-t1', 'z-ai/glm-5-turbo', '84×1.2 + 128×0.24 + 109×4', 567_520_000n, 'bill'],
  ['perplexity/chat-completions/genai-sonar-gensync-seed', 'sonar', '10×1 + 1×5000', 5_010_000_000n, 'perplexity'],
  [
    'perplexity/chat-completions/genai-sonar-reasoning-pro-thinking-genstream-maxtokens',
    'sonar-reasoning-pro',
    '9×2 + 16×8 + 1×6000',
    6_146_000_000n,
    'perplexity',
  ],
  [
    'together/chat-completions/oinf-trace-config-hide-inputs',
    'meta-llama/Llama-3.3-70B-Instruct-Turbo',
    '48×0.88',
    42_240_000n,
    'together',
  ],
  [
    'vertex-anthropic/messages/fantasy-vertex-claude-3-7-sonnet-simple-object',
    'claude-3-7-sonnet@20250219',
    '453×3 + 67×15',
    2_364_000_000n,
    'vertex-anthropic',
  ],
  ['vertex/generate-content/fantasy-gemini-2-5-pro-multi-tool', 'gemini-2.5-pro', '61×1.25 + 79×10', 866_250_000n, 'vertex'],
  [
    'vertex/generate-content/pydai-google-vertex-tool-combination-omits-include-server-side-tool-in',
    'gemini-3-flash-preview',
    '43×0.5 + 71×3',
    234_500_000n,
    'vertex-3',
  ],
  [
    'vertex/stream-generate-content/pydai-google-vertex-service-tier-flex-stream',
    'gemini-3-flash-preview',
    '5×0.25 + 101×1.5 (flex)',
    152_750_000n,
    'vertex-flex',
  ],
  ['voyage/embeddings/ollmetry-voyageai-embed-async-legacy', 'voyage-3-lite', '12×0.02', 240_000n, 'voyage'],
  ['xai/chat-completions/fantasy-grok-3-mini-thinking', 'grok-3-mini', '281×0.3 + 7×0.075 + 377×0.5', 273_325_000n, 'bill'],
  ['xai/chat-completions/fantasy-grok-4-fast-complex-object', 'grok-4-fast', '163×0.2 + 305×0.05 + 402×0.5', 248_850_000n, 'bill'],
  [
    'xai/responses/vercel-web-search-tool-1',
    'grok-4-fast-reasoning',
    '994×0.2 + 947×0.05 + 583×0.5 + 1×5000',
    5_537_650_000n,
    'xai-search',
  ],
];
