/**
 * What a way of being served costs beside the usual price: published by vendors, left out by the generated table, kept by hand. Each entry
 * says where it stands, when that was read and by whom it is witnessed; `docs/guide/prices.md` lists what nobody witnessed.
 */
import type { TokenRate } from './rate-names.ts';

/** `page`: the vendor's own page, as a stored copy or quoted whole by a public repository; never read live. `second`: someone else's table. `none`: nothing was found; from memory of a page. */
type Witness = 'page' | 'second' | 'none';

export interface Witnessed {
  /** The page, or the table that stands for it. */
  readonly source: string;
  /** Day of the copy that was read, or the month that its content shows; null: it bears none, or nothing was read. */
  readonly seen: string | null;
  readonly witness: Witness;
}

export interface TierFactor extends Witnessed {
  /** Price list. */
  readonly list: string;
  readonly tier: string;
  /** On the catalogue's id of the model. */
  readonly matches: RegExp;
  /** Of the usual price of tokens: so many parts of so many. A quotient, because 20/11 has no decimals. */
  readonly times: readonly [number, number];
  /** Prices that stay as they are. */
  readonly keeps?: readonly TokenRate[];
  /** Prices that there are none of: the part costs what its whole does. */
  readonly without?: readonly TokenRate[];
  /** The fee for the request, picodollars. */
  readonly request?: number;
}

const EVERY = /^/;
const CACHED = ['cachedInput', 'cachedAudio', 'cachedImage'] as const;

const OPENAI: Witnessed = { source: 'https://developers.openai.com/api/docs/pricing', seen: '2026-09', witness: 'page' };
const ANTHROPIC: Witnessed = { source: 'https://platform.claude.com/docs/en/about-claude/pricing', seen: '2026-02', witness: 'page' };
const GOOGLE: Witnessed = { source: 'https://ai.google.dev/gemini-api/docs/pricing', seen: '2026-08-04', witness: 'page' };
/** “Flex 50% discount; Priority 75% to 100% more than standard; Batch 50% discount.” */
const GOOGLE_TIERS: Witnessed = { source: 'https://ai.google.dev/gemini-api/docs/optimization', seen: null, witness: 'page' };
const PERPLEXITY: Witnessed = {
  source: 'https://docs.perplexity.ai/getting-started/pricing, request fees as unpkg.com/noodle-perplexity-mcp@1.4.1 has them',
  seen: '2025-07-05',
  witness: 'second',
};

const openai = (tier: string, matches: RegExp, times: TierFactor['times'], more: Partial<TierFactor> = {}): TierFactor => ({
  ...OPENAI,
  list: 'openai',
  tier,
  matches,
  times,
  ...more,
});

/** Priority processing is called Fast mode since 30 July 2026; answers may say either. */
const openaiFast = (matches: RegExp, times: TierFactor['times']): readonly TierFactor[] =>
  ['priority', 'fast'].map((tier) => openai(tier, matches, times));

const google = (tier: string, matches: RegExp, times: TierFactor['times'], more: Partial<TierFactor> = {}): TierFactor => ({
  ...GOOGLE,
  list: 'google',
  tier,
  matches,
  times,
  ...more,
});

/** The fee depends on how much is read from the web; the catalogue has the highest. */
const perplexity = (matches: RegExp, [low, medium, high]: readonly [number, number, number]): readonly TierFactor[] =>
  Object.entries({ search_low: low, search_medium: medium, search_high: high }).map(([tier, dollars]) => ({
    ...PERPLEXITY,
    list: 'perplexity',
    tier,
    matches,
    times: [1, 1],
    // Dollars a thousand requests.
    request: dollars * 1_000_000_000,
  }));

/** The first that matches counts. */
export const TIER_FACTORS: readonly TierFactor[] = [
  openai('batch', /^gpt-3\.5-turbo-1106$/, [1, 1]),
  // Older models have no cached price in a batch.
  openai('batch', /^(?:gpt-[34]|chatgpt-4|o[134])/, [1, 2], { without: CACHED }),
  openai('batch', EVERY, [1, 2]),
  openai('flex', /^(?:gpt-5(?!(?:\.2)?-pro)|gpt-6|o3(?:-\d|$)|o4-mini(?:-\d|$))/, [1, 2]),
  ...openaiFast(/^gpt-5\.5(?:-\d|$)/, [5, 2]),
  ...openaiFast(/^(?:gpt-6-astra|gpt-5\.6-(?:sol|terra|luna)|gpt-5\.4-mini|gpt-5\.3-codex)/, [2, 1]),
  ...openaiFast(/^gpt-5(?:\.[124])?(?:-\d|$)/, [2, 1]),
  ...openaiFast(/^gpt-5-mini/, [9, 5]),
  ...openaiFast(/^gpt-4\.1-nano/, [2, 1]),
  ...openaiFast(/^gpt-4\.1(?:-mini)?(?:-\d|$)/, [7, 4]),
  ...openaiFast(/^gpt-4o-2024-05-13/, [7, 4]),
  ...openaiFast(/^gpt-4o-mini(?:-\d|$)/, [5, 3]),
  ...openaiFast(/^gpt-4o(?:-\d|$)/, [17, 10]),
  ...openaiFast(/^o3(?:-\d|$)/, [7, 4]),
  ...openaiFast(/^o4-mini(?:-\d|$)/, [20, 11]),
  {
    source: 'https://azure.microsoft.com/pricing/details/cognitive-services/openai-service/ (Global Batch)',
    seen: null,
    witness: 'none',
    list: 'azure',
    tier: 'batch',
    matches: EVERY,
    times: [1, 2],
  },
  { ...ANTHROPIC, list: 'anthropic', tier: 'batch', matches: EVERY, times: [1, 2] },
  // Opus 5.5: $8 and $40 where the usual price is $4 and $20; Opus 5 and 4.8: $10 and $50 for $5 and $25. Cache multipliers apply on top.
  { ...ANTHROPIC, seen: '2026-09-26', list: 'anthropic', tier: 'fast', matches: /^claude-opus-(?:5|5-5|4-8)$/, times: [2, 1] },
  // Opus 4.6 was $30 and $150 for $5 and $25; it has no fast mode any more.
  { ...ANTHROPIC, list: 'anthropic', tier: 'fast', matches: /^claude-opus-4-6/, times: [6, 1] },
  // Capacity that was bought ahead. The page says how tokens count against it, not what they cost: taken at the list price.
  {
    source: 'https://platform.claude.com/docs/api/service-tiers',
    seen: null,
    witness: 'none',
    list: 'anthropic',
    tier: 'priority',
    matches: EVERY,
    times: [1, 1],
  },
  // This one's cached price is halved too; everyone else's stays.
  google('batch', /^gemini-3\.1-flash-lite(?!-image)/, [1, 2], { seen: '2026-03' }),
  google('batch', EVERY, [1, 2], { keeps: CACHED }),
  google('flex', /^gemini-2\.5-(?:pro|flash)(?:-\d|$)/, [1, 2], { keeps: CACHED }),
  google('flex', EVERY, [1, 2], { ...GOOGLE_TIERS, keeps: CACHED }),
  google('priority', /^gemini-2\.5-(?:pro|flash)(?:-\d|$)/, [9, 5]),
  // Between 75 and 100 percent more, by model: the dearer.
  google('priority', EVERY, [2, 1], GOOGLE_TIERS),
  {
    source: 'https://developer.puter.com/tutorials/mistral-api-pricing/, after https://mistral.ai/pricing',
    seen: '2026-06',
    witness: 'second',
    list: 'mistral',
    tier: 'batch',
    matches: EVERY,
    times: [1, 2],
  },
  {
    source: 'github.com/api-evangelist/groq, after https://groq.com/pricing',
    seen: '2026-05-08',
    witness: 'second',
    list: 'groq',
    tier: 'batch',
    matches: EVERY,
    times: [1, 2],
  },
  {
    source: 'https://console.groq.com/docs/flex-processing',
    seen: null,
    witness: 'none',
    list: 'groq',
    tier: 'flex',
    matches: EVERY,
    times: [1, 1],
  },
  ...perplexity(/^sonar(?:-reasoning)?$/, [5, 8, 12]),
  ...perplexity(/^sonar(?:-reasoning)?-pro$/, [6, 10, 14]),
];

/** The dearest that a list publishes for a tier; undefined: none. */
export function dearestFactor(list: string, tier: string): TierFactor | undefined {
  const factors = TIER_FACTORS.filter((one) => one.list === list && one.tier === tier);
  return factors.reduce<TierFactor | undefined>((most, one) => (most === undefined || ratio(one) > ratio(most) ? one : most), undefined);
}

const ratio = ({ times: [parts, of] }: TierFactor): number => parts / of;
