import type { OperatorPriceTable } from '../accounting/operator-prices.ts';
import type { CredentialId, ProviderId } from '../core/ids.ts';
import type { IsolationChoice, RootKeySource } from '../core/process.ts';
import type { HttpPolicy, LimitsPolicy, ModelPolicy, TimeoutPolicy } from './policy.ts';

/**
 * Configuration: what bulkhead.yaml says, read once into one frozen, fully resolved `BulkheadConfig`.
 *
 * Everything is present and in the program's own units (milliseconds, split URLs); the words of the file, in snake
 * case and seconds, are in `schema.ts` and end in `load.ts`. Holds no secret: it names credentials.
 */
export interface BulkheadConfig {
  /** Where it was read; null: no file, the defaults. */
  readonly file: string | null;
  readonly node: NodeConfig;
  /** Declared ones and the built-in ones of the catalogue; the built-in `sandbox` is not among them, for its origin is known only at run time. */
  readonly providers: readonly ProviderConfig[];
  /** Declared aliases first, in the file's order, then one prefix per provider (`openai/`), `sandbox` included where it is on. */
  readonly models: readonly ModelConfig[];
  readonly limits: LimitsPolicy;
  readonly timeouts: TimeoutPolicy;
  readonly http: HttpPolicy;
  readonly logRequests: boolean;
  /** How long a response is kept that its client may come back to; 0: never. */
  readonly responsesKeepMs: number;
  /** The operator's own prices, in front of the catalogue. */
  readonly prices: PriceConfig;
  /** A call whose price nobody knows: charged like the dearest of its list, or refused. */
  readonly unknownPrice: 'dearest' | 'refuse';
  /** Whose tokens callers may send instead of a key. */
  readonly issuers: readonly IssuerConfig[];
}

/** Names of claims, each within the one before. */
export type ClaimPath = readonly string[];

/** A value that all have, or the one that a claim names. `names` null: the claim's values are the names themselves. */
export type ByClaim = { readonly fixed: string } | { readonly claim: ClaimPath; readonly names: Readonly<Record<string, string>> | null };

/** A role that a claim may give: within one team. */
export type ClaimRole = 'team_admin' | 'member' | 'viewer';

export interface IssuerConfig {
  readonly id: string;
  /** As its tokens name it in `iss`. */
  readonly url: string;
  readonly audiences: readonly string[];
  /** What `bulkhead login` is at the issuer; null: nobody logs in there. */
  readonly clientId: string | null;
  readonly clientScopes: readonly string[];
  readonly organization: ByClaim;
  readonly team: ByClaim;
  readonly role:
    | { readonly fixed: ClaimRole }
    | { readonly claim: ClaimPath; readonly names: Readonly<Record<string, ClaimRole>>; readonly otherwise: ClaimRole | null };
  readonly email: ClaimPath;
  readonly trustEmail: boolean;
  readonly createPeople: boolean;
  readonly nodePeople: boolean;
  /** At most five minutes. */
  readonly sessionMs: number;
  readonly allowPrivate: boolean;
  readonly ca: string | null;
  readonly proxy: string | null;
}

/** The operator's prices in the program's own units; what `prices.apply` carries, without its version. */
export type PriceConfig = Pick<OperatorPriceTable, 'entries' | 'discounts' | 'margins'>;

/** What needs a restart to change. */
export interface NodeConfig {
  readonly listen: Endpoint;
  readonly control: Endpoint;
  readonly workers: number;
  /** Paths as in the file, relative to its folder. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Path of a prices file, as in the file, relative to its folder. */
  readonly pricesFile: string | null;
  readonly isolation: IsolationChoice;
  readonly sandbox: boolean;
  readonly shards: number;
  readonly rootKey: RootKeySource;
  readonly drainMs: number;
  /** Days that single rows and hourly sums of the ledger are kept. */
  readonly ledger: { readonly rowsDays: number; readonly hoursDays: number };
}

export interface Endpoint {
  /** An IP address or a host name, without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface ProviderConfig {
  readonly id: ProviderId;
  /** One of the catalogue; a variant where a setting chose it. */
  readonly kind: string;
  /** True: the file declares it, so the admin API may not change it. */
  readonly declared: boolean;
  /** True: a built-in one that nothing uses until it has a credential. */
  readonly dormant: boolean;
  /** `https://api.openai.com`: scheme, host, port. */
  readonly origin: string;
  /** `/v1`, or empty; no trailing slash. */
  readonly basePath: string;
  readonly auth: ProviderAuth;
  readonly credential: CredentialId;
  readonly allowPrivate: boolean;
  /** Lower-case names. */
  readonly headers: readonly (readonly [string, string])[];
  /** Extra certificate authorities, PEM. */
  readonly ca: string | null;
  /** CONNECT proxy, `http://host:port`. */
  readonly proxy: string | null;
  readonly priceList: string;
  /** What the kind's paths leave open: `region`, `api_version`. */
  readonly settings: Readonly<Record<string, string>>;
  /** Paths below the base that `/{provider}/…` reaches: exact, or with everything below where they end in `/*`. */
  readonly passThrough: readonly { readonly method: string; readonly path: string }[];
}

/** How the credential is sent; the shape of `AuthScheme` in the messages to the vault. */
export type ProviderAuth =
  | { readonly scheme: 'none' }
  | { readonly scheme: 'bearer' }
  | { readonly scheme: 'header'; readonly name: string }
  | {
      readonly scheme: 'aws-sigv4';
      readonly service: string;
      readonly region: string;
      readonly role?: { readonly arn: string; readonly externalId?: string };
      readonly tokenUrl?: string;
    }
  | { readonly scheme: 'google-service-account'; readonly tokenUrl?: string }
  | { readonly scheme: 'azure-ad'; readonly tenant: string; readonly tokenUrl?: string };

export interface ModelConfig extends ModelPolicy {
  /** True: an alias that the file declares. */
  readonly declared: boolean;
}

/** Where and why bulkhead.yaml is refused, and what to do. Never quotes a value, for it may be a secret. */
export interface ConfigProblem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  readonly reason: string;
  readonly remedy: string;
}

export const formatProblem = ({ file, line, column, reason, remedy }: ConfigProblem): string =>
  `${file}:${line}:${column}: ${reason}\n    ${remedy}`;
