/**
 * Prices that vendors publish and the generated table leaves out, kept by hand: what a way of being served costs beside the
 * base, and fees per unit. Each names the page where its vendor publishes it; the figures are to be held against those pages before they are relied on, and an
 * operator's own prices go in front of all of it.
 */
import type { Unit } from '../core/usage.ts';
import type { Rates } from './catalogue.ts';

export interface TierFactor {
  /** Price list. */
  readonly list: string;
  readonly tier: string;
  /** On the catalogue's id of the model. */
  readonly matches: RegExp;
  /** Of the base price of tokens, in millionths. */
  readonly ppm: number;
  readonly source: string;
}

const EVERY = /^/;
const OPENAI = 'https://platform.openai.com/docs/pricing';
const half = (list: string, tier: string, source: string): TierFactor => ({ list, tier, matches: EVERY, ppm: 500_000, source });
const openaiPriority = (matches: RegExp, ppm: number): TierFactor => ({ list: 'openai', tier: 'priority', matches, ppm, source: OPENAI });

/** The first that matches counts. */
export const TIER_FACTORS: readonly TierFactor[] = [
  half('openai', 'batch', OPENAI),
  half('openai', 'flex', OPENAI),
  half('azure', 'batch', 'https://azure.microsoft.com/pricing/details/cognitive-services/openai-service/ (Global Batch)'),
  openaiPriority(/^gpt-5\.5(?:-\d|$)/, 2_500_000),
  openaiPriority(/^gpt-5(?:\.[124])?(?:-\d|$)/, 2_000_000),
  openaiPriority(/^gpt-5-mini/, 1_800_000),
  openaiPriority(/^gpt-4\.1(?:-mini)?(?:-\d|$)/, 1_750_000),
  openaiPriority(/^gpt-4o(?:-\d|$)/, 1_700_000),
  openaiPriority(/^o3(?:-\d|$)/, 1_750_000),
  half('anthropic', 'batch', 'https://docs.claude.com/en/docs/about-claude/pricing#batch-processing'),
  // Capacity that was bought ahead: its tokens are burned at the list price.
  {
    list: 'anthropic',
    tier: 'priority',
    matches: EVERY,
    ppm: 1_000_000,
    source: 'https://docs.claude.com/en/api/service-tiers',
  },
  half('google', 'batch', 'https://ai.google.dev/gemini-api/docs/pricing'),
  half('mistral', 'batch', 'https://docs.mistral.ai/capabilities/batch/'),
  half('groq', 'batch', 'https://console.groq.com/docs/batch'),
  { list: 'groq', tier: 'flex', matches: EVERY, ppm: 1_000_000, source: 'https://console.groq.com/docs/flex-processing' },
];

/** The dearest that a list publishes for a tier; undefined: none. */
export const dearestFactor = (list: string, tier: string): number | undefined => {
  const factors = TIER_FACTORS.filter((one) => one.list === list && one.tier === tier).map(({ ppm }) => ppm);
  return factors.length === 0 ? undefined : Math.max(...factors);
};

export interface PublishedFee {
  readonly list: string;
  readonly id: string;
  /** On the catalogue's id, or on the model's lower-case name where the fee stands alone. */
  readonly matches: RegExp;
  /** The catalogue does not have the model, or has it without any price. */
  readonly alone: boolean;
  /** Picodollars per unit. */
  readonly units?: Readonly<Partial<Record<Unit, number>>>;
  /** Picodollars per token, of kinds that the catalogue leaves out. */
  readonly tokens?: Pick<Rates, 'inputAudio' | 'outputAudio'>;
  /** Its answers may tell tokens, which cost nothing beside the fee. */
  readonly freeTokens?: true;
  readonly source: string;
}

/** Answers do not say which size and quality of a picture was made, so that the dearest one counts. */
export const PUBLISHED_FEES: readonly PublishedFee[] = [
  // $0.120 for 1024×1792 in HD; $0.020 for 1024×1024.
  { list: 'openai', id: 'dall-e-3', matches: /^dall-e-3$/, alone: true, units: { image: 120_000_000_000 }, source: OPENAI },
  { list: 'openai', id: 'dall-e-2', matches: /^dall-e-2$/, alone: true, units: { image: 20_000_000_000 }, source: OPENAI },
  // $15 and $30 a million characters.
  { list: 'openai', id: 'tts-1-hd', matches: /^tts-1-hd/, alone: true, units: { character: 30_000_000 }, source: OPENAI },
  { list: 'openai', id: 'tts-1', matches: /^tts-1(?!-hd)/, alone: true, units: { character: 15_000_000 }, source: OPENAI },
  // Sound: $10 and $20, $40 and $80 a million tokens.
  {
    list: 'openai',
    id: 'gpt-4o-mini-audio',
    matches: /^gpt-4o-mini-audio/,
    alone: false,
    tokens: { inputAudio: 10_000_000, outputAudio: 20_000_000 },
    source: OPENAI,
  },
  {
    list: 'openai',
    id: 'gpt-4o-audio',
    matches: /^gpt-4o-audio/,
    alone: false,
    tokens: { inputAudio: 40_000_000, outputAudio: 80_000_000 },
    source: OPENAI,
  },
  // $2.50 a thousand file searches and $10 a thousand web searches, as for the models the catalogue has them for; $0.03 a container.
  {
    list: 'openai',
    id: 'tools',
    matches: /^(?:gpt-[45]|gpt-6|o[134])/,
    alone: false,
    units: { search: 10_000_000_000, file_search: 2_500_000_000, container: 30_000_000_000 },
    source: OPENAI,
  },
  // $14 a thousand search queries since Gemini 3; before that $35 a thousand grounded prompts, charged here for each query.
  {
    list: 'google',
    id: 'grounding-3',
    matches: /^gemini-3/,
    alone: false,
    units: { search: 14_000_000_000 },
    source: 'https://ai.google.dev/gemini-api/docs/pricing',
  },
  {
    list: 'google',
    id: 'grounding',
    matches: /^gemini-/,
    alone: false,
    units: { search: 35_000_000_000 },
    source: 'https://ai.google.dev/gemini-api/docs/pricing',
  },
  // $2.00 a thousand searches; a search is one query with up to a hundred documents.
  {
    list: 'cohere',
    id: 'rerank',
    matches: /^rerank-/,
    alone: true,
    units: { search: 2_000_000_000 },
    freeTokens: true,
    source: 'https://cohere.com/pricing',
  },
  // $1.00 and $2.00 a thousand queries.
  {
    list: 'aws',
    id: 'amazon.rerank',
    matches: /amazon\.rerank/,
    alone: true,
    units: { search: 1_000_000_000 },
    freeTokens: true,
    source: 'https://aws.amazon.com/bedrock/pricing/',
  },
  {
    list: 'aws',
    id: 'cohere.rerank',
    matches: /cohere\.rerank/,
    alone: true,
    units: { search: 2_000_000_000 },
    freeTokens: true,
    source: 'https://aws.amazon.com/bedrock/pricing/',
  },
  // $5 a thousand calls of its search tools.
  {
    list: 'x-ai',
    id: 'search',
    matches: /^grok/,
    alone: false,
    units: { search: 5_000_000_000 },
    source: 'https://docs.x.ai/docs/models (tools)',
  },
];

/** What the catalogue names without a price because it costs nothing. */
export const FREE_MODELS: readonly { readonly list: string; readonly id: string; readonly source: string }[] = [
  { list: 'openai', id: 'moderation', source: 'https://platform.openai.com/docs/guides/moderation' },
];
