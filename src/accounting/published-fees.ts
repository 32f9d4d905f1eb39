/**
 * Fees per unit that vendors publish and the generated table leaves out, kept by hand. Each says where it stands, when that was read and
 * by whom it is witnessed; an operator's own prices go in front of all of it.
 */
import type { Unit } from '../core/usage.ts';
import type { Rates } from './catalogue.ts';
import type { Witnessed } from './published-tiers.ts';

export interface PublishedFee extends Witnessed {
  readonly list: string;
  readonly id: string;
  /** On the catalogue's id, or on the model's lower-case name where the fee stands alone. */
  readonly matches: RegExp;
  /** The catalogue does not have the model, or has it without any price. */
  readonly alone: boolean;
  /** Picodollars per unit. */
  readonly units?: Readonly<Partial<Record<Unit, number>>>;
  /** Units whose fee is for the call, however many of them it used. */
  readonly once?: readonly Unit[];
  /** Picodollars per token, of kinds that the catalogue leaves out. */
  readonly tokens?: Pick<Rates, 'inputAudio' | 'outputAudio'>;
  /** Its answers may tell tokens, which cost nothing beside the fee. */
  readonly freeTokens?: true;
}

const OPENAI: Witnessed = { source: 'https://developers.openai.com/api/docs/pricing', seen: '2026-09', witness: 'page' };
/** What was retired before; the page as github.com held it in a file of September 2025. */
const OPENAI_2025: Witnessed = {
  source: 'https://platform.openai.com/docs/pricing, as retold in a file of 2025',
  seen: '2025-09',
  witness: 'second',
};
const GOOGLE: Witnessed = { source: 'https://ai.google.dev/gemini-api/docs/pricing', seen: '2026-08-04', witness: 'page' };
const COHERE: Witnessed = {
  source: 'https://developer.puter.com/tutorials/cohere-api-pricing/, after https://cohere.com/pricing',
  seen: '2026-06',
  witness: 'second',
};

/** Answers do not say which size and quality of a picture was made, so that the dearest one counts. */
export const PUBLISHED_FEES: readonly PublishedFee[] = [
  // $0.120 for 1024×1536 in HD; $0.020 for 1536×1024.
  { ...OPENAI_2025, list: 'openai', id: 'dall-e-3', matches: /^dall-e-3$/, alone: true, units: { image: 120_000_000_000 } },
  { ...OPENAI_2025, list: 'openai', id: 'dall-e-2', matches: /^dall-e-2$/, alone: true, units: { image: 20_000_000_000 } },
  // $15 and $30 a million characters.
  { ...OPENAI, list: 'openai', id: 'tts-1-hd', matches: /^tts-1-hd/, alone: true, units: { character: 30_000_000 } },
  { ...OPENAI, list: 'openai', id: 'tts-1', matches: /^tts-1(?!-hd)/, alone: true, units: { character: 15_000_000 } },
  // Sound: $10 and $20, $40 and $80 a million tokens.
  {
    ...OPENAI_2025,
    list: 'openai',
    id: 'gpt-4o-mini-audio',
    matches: /^gpt-4o-mini-audio/,
    alone: false,
    tokens: { inputAudio: 10_000_000, outputAudio: 20_000_000 },
  },
  {
    ...OPENAI_2025,
    list: 'openai',
    id: 'gpt-4o-audio',
    matches: /^gpt-4o-audio/,
    alone: false,
    tokens: { inputAudio: 40_000_000, outputAudio: 80_000_000 },
  },
  // $10 a thousand web searches, $2.50 a thousand file searches, $0.03 a container of 1 GB; larger ones are not told in answers.
  {
    ...OPENAI,
    list: 'openai',
    id: 'tools',
    matches: /^(?:gpt-[45]|gpt-6|o[134])/,
    alone: false,
    units: { search: 10_000_000_000, file_search: 2_500_000_000, container: 30_000_000_000 },
  },
  // $14 a thousand search queries since Gemini 3; before that $35 a thousand grounded prompts, however many queries one made.
  {
    ...GOOGLE,
    seen: '2026-10-07',
    list: 'google',
    id: 'grounding-3',
    matches: /^gemini-3/,
    alone: false,
    units: { search: 14_000_000_000 },
  },
  { ...GOOGLE, list: 'google', id: 'grounding', matches: /^gemini-/, alone: false, units: { search: 35_000_000_000 }, once: ['search'] },
  // $2.50 and $2.00 a thousand searches; a search is one query with up to a hundred documents.
  {
    ...COHERE,
    list: 'cohere',
    id: 'rerank-4-pro',
    matches: /^rerank-v4\.\d-pro/,
    alone: true,
    units: { search: 2_500_000_000 },
    freeTokens: true,
  },
  { ...COHERE, list: 'cohere', id: 'rerank', matches: /^rerank-/, alone: true, units: { search: 2_000_000_000 }, freeTokens: true },
  // $1.00 and $2.00 a thousand queries.
  {
    source: 'a design record of a public repository, after https://aws.amazon.com/bedrock/pricing/',
    seen: null,
    witness: 'second',
    list: 'aws',
    id: 'amazon.rerank',
    matches: /amazon\.rerank/,
    alone: true,
    units: { search: 1_000_000_000 },
    freeTokens: true,
  },
  {
    source: 'tables of public repositories, after https://aws.amazon.com/bedrock/pricing/',
    seen: '2026',
    witness: 'second',
    list: 'aws',
    id: 'cohere.rerank',
    matches: /cohere\.rerank/,
    alone: true,
    units: { search: 2_000_000_000 },
    freeTokens: true,
  },
  // $5 a thousand calls of its search tools.
  {
    source: 'a table of a public repository, after https://docs.x.ai/docs/models',
    seen: '2026',
    witness: 'second',
    list: 'x-ai',
    id: 'search',
    matches: /^grok/,
    alone: false,
    units: { search: 5_000_000_000 },
  },
];

/** What the catalogue names without a price because it costs nothing. */
export const FREE_MODELS: readonly (Witnessed & { readonly list: string; readonly id: string })[] = [
  { ...OPENAI, list: 'openai', id: 'moderation' },
];
