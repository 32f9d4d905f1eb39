import type { CredentialId, ProviderId } from '../core/ids.ts';

/**
 * What gateways serve by: made by control from bulkhead.yaml and its database, signed by the vault, applied whole.
 * Read on the hot path, so it is plain data without classes.
 */
export interface PolicySnapshot {
  readonly version: number;
  readonly madeAt: number;
  readonly providers: readonly ProviderPolicy[];
  readonly models: readonly ModelPolicy[];
  readonly limits: LimitsPolicy;
  readonly timeouts: TimeoutPolicy;
  readonly http: HttpPolicy;
  readonly logRequests: boolean;
  /** How long a response is kept that its client may come back to; 0: never. */
  readonly responsesKeepMs: number;
}

export interface ProviderPolicy {
  readonly id: ProviderId;
  /** A row of `providers/`: `openai`, `groq`, `sandbox`. */
  readonly kind: string;
  /** Path below the credential's origin: `/v1`. No trailing slash. */
  readonly basePath: string;
  readonly credential: CredentialId;
  /** Vault shard that holds the credential. */
  readonly shard: number;
  /** Name in the price catalogue. */
  readonly priceList: string;
  /** Extra end-to-end headers such as `openai-organization`. Never a secret. */
  readonly headers: readonly (readonly [string, string])[];
  /** Values for the `{setting}` places of the kind's paths: `region`, `project`, `api_version`. */
  readonly settings: Readonly<Record<string, string>>;
  /** What `/{provider}/…` may reach below the base path: this very path, or all below it where it ends in `/*`. Empty: nothing. */
  readonly passThrough: readonly { readonly method: string; readonly path: string }[];
}

export interface ModelPolicy {
  /** What clients ask for. */
  readonly alias: string;
  /** In order of preference; the spine tries the first only when it stands alone, else the next after a failure before the first byte. */
  readonly targets: readonly { readonly provider: ProviderId; readonly model: string; readonly baseModel?: string | undefined }[];
  /** True: `alias` is a prefix ending in `/`, and the rest of the asked name is the provider's model (`openai/gpt-5.6`). */
  readonly prefix: boolean;
}

export interface LimitsPolicy {
  readonly bodyBytes: number;
  /** Of a form that is sent on as it arrives; at least `bodyBytes`. */
  readonly formBytes: number;
  readonly headBytes: number;
  readonly headers: number;
  readonly jsonDepth: number;
  readonly jsonKeys: number;
  /** Connections per client address and worker. */
  readonly connectionsPerAddress: number;
}

export interface TimeoutPolicy {
  /** The client's request: head, then whole. */
  readonly requestHeadMs: number;
  readonly requestMs: number;
  readonly keepAliveMs: number;
  readonly connectMs: number;
  readonly upstreamHeadMs: number;
  readonly upstreamIdleMs: number;
  readonly streamMs: number;
}

export interface HttpPolicy {
  /** Exact origins, or `*` alone. Empty: no CORS headers. */
  readonly corsOrigins: readonly string[];
  /** CIDR blocks whose `x-forwarded-for` is believed. */
  readonly trustedProxies: readonly string[];
}
