/**
 * Who witnesses the prices of `priced-answers.ts`. `page`: the vendor itself: its price page, model page, documentation or announcement, as
 * a stored copy, an excerpt, or quoted by a public repository; never read live. `bill`: what the vendor itself charged, told in the recorded
 * answer. `second`: someone else's table. `none`: nobody but the catalogue was found.
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
const MISTRAL_DOCS = 'github.com/mistralai/platform-docs-public';

export const SOURCES = {
  anthropic: page('https://platform.claude.com/docs/en/about-claude/pricing (names Fable 5.1)', null),
  'anthropic-2026-02': page('https://platform.claude.com/docs/en/about-claude/pricing (names Opus 4.6 first)', '2026-02'),
  'anthropic-sonnet-5': page('https://platform.claude.com/docs/en/models/sonnet-5/overview', null),
  'anthropic-regional': page(
    'https://platform.claude.com/docs/en/about-claude/pricing: “Regional and multi-region endpoints include a 10% premium over global endpoints”, from Sonnet 4.5, Haiku 4.5 and Opus 4.5 on',
    '2026-09-26',
  ),
  azure: second(`${MODELS_DEV} providers/azure; search tools’ fees as OpenAI’s page has them`, '2025-08'),
  bedrock: second('a table in a public repository, after https://aws.amazon.com/bedrock/pricing/', null),
  bill: { by: 'bill', where: 'the recorded answer: usage.cost, usage.cost_in_usd_ticks (10⁻¹⁰ dollars)', seen: null },
  cerebras: none('https://www.cerebras.ai/pricing'),
  cohere: second('https://developer.puter.com/tutorials/cohere-api-pricing/, after https://cohere.com/pricing', '2026-06'),
  'cohere-2024-08': page(
    'https://docs.cohere.com/changelog/command-gets-refreshed, in github.com/cohere-ai/cohere-developer-experience',
    '2024-08-30',
  ),
  'cohere-command': second(`${MODELS_DEV} providers/cohere`, null),
  'cohere-rerank-3': none('https://cohere.com/pricing: tables of others say $1 and $2'),
  deepseek: page('https://api-docs.deepseek.com/quick_start/pricing-details-usd', '2025'),
  'deepseek-v3.2': page('https://api-docs.deepseek.com/quick_start/pricing/ (DeepSeek-V3.2-Exp, news up to 29 September 2025)', '2025-10'),
  google: page('https://ai.google.dev/gemini-api/docs/pricing', '2026-08-04'),
  'google-2026-03': page('https://ai.google.dev/gemini-api/docs/pricing (names Gemini 3.1 Pro Preview first)', null),
  'google-2026-07': page(
    'https://ai.google.dev/gemini-api/docs/pricing, quoted by https://factquire.com/models/google/gemini-3-flash-preview.json',
    '2026-07-04',
  ),
  'google-2026-10': page('https://ai.google.dev/gemini-api/docs/pricing, quoted by github.com/api-evangelist/deepmind', '2026-10-07'),
  'google-cached-3.5': second(
    `https://ai.google.dev/gemini-api/docs/pricing, quoted by github.com/api-evangelist/deepmind; cached: ${LLM_PRICES}`,
    '2026-10-07',
  ),
  groq: page(
    'https://console.groq.com/docs/models; cached tokens: https://console.groq.com/docs/prompt-caching, “50% for cached portions”',
    null,
  ),
  mistral: page(
    `${MISTRAL_DOCS} src/schema/models/models, which https://docs.mistral.ai/inference/pricing is made of; cached: https://docs.mistral.ai/inference/conversations/advanced/prompt-caching, “10% of the standard input token price”`,
    '2026-10',
  ),
  moonshot: second(`${MODELS_DEV} providers/moonshotai, after https://platform.kimi.ai/docs/pricing/chat-k3`, '2026-07-17'),
  openai: page('https://developers.openai.com/api/docs/pricing', '2026-09'),
  'openai-2026-07': second('https://docs.laozhang.ai/en/announcements/gpt-5-6-pricing-2026-07.md: before 30 July', '2026-08-01'),
  'openai-2026-08': page(
    'https://developers.openai.com/api/docs/pricing, its tables quoted in a Japanese file of a public repository',
    '2026-08-15',
  ),
  'openai-models': page('https://developers.openai.com/api/docs/models/<model>.md', null),
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
  voyage: page('https://docs.voyageai.com/pricing (names voyage-3 first)', null),
  xai: page(
    'https://docs.x.ai/developers/pricing: $5 a thousand calls; tokens as xAI bills them for grok-4-fast in a recorded answer',
    '2026',
  ),
} as const satisfies Readonly<Record<string, PriceSourceNote>>;

/** `at`: when the call was made, for prices that changed. */
export type PricedAnswer = readonly [of: string, model: string, sum: string, costs: bigint, source: keyof typeof SOURCES, at?: string];
