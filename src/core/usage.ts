import type { CredentialId, KeyId, OrganizationId, ProviderId, RequestId, TeamId } from './ids.ts';

/**
 * Tokens of one provider call. All counts are whole numbers.
 *
 * `input` holds everything that was read, cached parts included; `output` everything that was written, reasoning
 * included: the same convention for every provider, so that sums mean the same. The others are parts of those two.
 */
export interface TokenUsage {
  readonly input: number;
  readonly output: number;
  /** Part of `input` read from the provider's cache. */
  readonly cachedInput: number;
  /** Part of `input` written to the provider's cache with its short lifetime (5 minutes at Anthropic). */
  readonly cacheWrite: number;
  /** Part of `input` written to the provider's cache for an hour. */
  readonly cacheWrite1h: number;
  /** Part of `output` spent on reasoning. */
  readonly reasoning: number;
  readonly inputAudio: number;
  readonly outputAudio: number;
  /** Parts of `input` and `output` that are pictures, where the provider counts them apart. */
  readonly inputImage?: number | undefined;
  readonly outputImage?: number | undefined;
  /** What is not counted in tokens, where there is any. */
  readonly units?: Units | undefined;
  /** The provider's word for how it was served, where its price differs: `batch`, `flex`, `priority`. */
  readonly tier?: string | undefined;
}

export const UNITS = ['image', 'second', 'character', 'page', 'search', 'file_search', 'container'] as const;
export type Unit = (typeof UNITS)[number];
/** Whole numbers; seconds are rounded up. */
export type Units = Readonly<Partial<Record<Unit, number>>>;

export const NO_USAGE: TokenUsage = {
  input: 0,
  output: 0,
  cachedInput: 0,
  cacheWrite: 0,
  cacheWrite1h: 0,
  reasoning: 0,
  inputAudio: 0,
  outputAudio: 0,
};

/** How a call ended, as the client saw it. */
export const OUTCOMES = [
  'ok',
  'client_error',
  'upstream_error',
  'upstream_cut',
  'cancelled',
  'timeout',
  'internal',
  'unconfirmed',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * What the gateway tells the ledger of one attempt that reached a provider. Version 1.
 * The ledger prices it; identity of a row is (`requestId`, `attempt`).
 */
export interface UsageEvent {
  readonly v: 1;
  readonly requestId: RequestId;
  /** From 1. */
  readonly attempt: number;
  readonly proof: 'key' | 'service';
  readonly key: KeyId;
  readonly organization: OrganizationId;
  readonly team: TeamId;
  readonly project?: string | undefined;
  readonly user?: string | undefined;
  /** As the client named its own user. */
  readonly endUser?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly credential: CredentialId;
  readonly provider: ProviderId;
  /** The alias the client asked for. */
  readonly alias: string;
  /** The provider's own model name that was asked for. */
  readonly model: string;
  /** The model behind that name, where the operator says so: what it is priced as. */
  readonly baseModel?: string | undefined;
  /** Name of the price list to use for this provider (`openai`, `anthropic`), where it differs from `provider`. */
  readonly priceList: string;
  readonly endpoint: string;
  readonly stream: boolean;
  /** Status the client got; 0 when it was gone before one was sent. */
  readonly status: number;
  readonly outcome: Outcome;
  readonly usage: TokenUsage;
  /** True: counted by us, because the provider sent no figures. */
  readonly estimated: boolean;
  /** Unix milliseconds at which the request arrived. */
  readonly startedAt: number;
  /** Milliseconds from arrival to the last byte. */
  readonly latencyMs: number;
  /** Milliseconds from arrival to the first body byte of the answer; absent when there was none. */
  readonly firstByteMs?: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}
