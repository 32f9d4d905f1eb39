import type { ProviderAuth } from '../config.ts';

/**
 * What is known of a kind of provider before its protocol is spoken: one row per kind. `config/` reads from it what bulkhead.yaml leaves
 * out, `providers/` makes kinds of it, the docs print it.
 *
 * A kind with a protocol of its own (`native.ts`) is a file in `providers/` that takes its address, credential and price list from here with
 * `listed('<kind>')`. A kind with `offers` (`hosted.ts`, `own-server.ts`) needs no code: the row says all there is.
 */
export interface CatalogueRow {
  readonly kind: string;
  /** As the vendor writes it. */
  readonly title: string;
  /** Origin and base path without trailing slash; `{region}` and the like stand for settings. Null: `base_url` is required. */
  readonly baseUrl: string | null;
  /** What an address looks like where there is none, or what is special; one sentence without a link. */
  readonly remark?: string;
  /** `{region}` in it stands for the setting. */
  readonly auth: ProviderAuth;
  /** Name in the price catalogue. Null: the provider's name. `none`: models on the operator's own machines cost nothing. */
  readonly priceList: string | null;
  /** Variables in which its keys are commonly found. Those of `public` kinds are named at first start, never read silently. */
  readonly environment: readonly string[];
  readonly settings: readonly SettingRow[];
  /** Addresses for values of `region` that do not follow the pattern. */
  readonly regions?: Readonly<Record<string, string>>;
  /** Another kind for a value of a setting: the same vendor, other paths. */
  readonly variants?: { readonly setting: SettingName; readonly kinds: Readonly<Record<string, string>> };
  /** `public`: exists without being declared. `own`: an operator's own machine, found on the loopback interface. */
  readonly place: 'public' | 'declared' | 'own' | 'variant';
  /** True: there is recorded traffic of it in shared/wire that the tests hold it to. */
  readonly proved: boolean;
  /** Of one that is proved: what of it nobody recorded, so that it follows the documentation alone. */
  readonly unrecorded?: readonly string[];
  /** Paths below the base, conversations in order of preference. Absent: a file of `providers/` says it. */
  readonly offers?: Offers;
  /** Whether `stream_options.include_usage` is understood. Default true. */
  readonly streamUsage?: false;
  /** Harmless GET that needs the key. Default `/models`. */
  readonly probe?: string;
}

/** Keys of a provider in bulkhead.yaml that fill the places of its kind. */
export const SETTINGS = ['region', 'project', 'resource', 'account', 'api', 'api_version'] as const;
type SettingName = (typeof SETTINGS)[number];

export interface SettingRow {
  readonly name: SettingName;
  /** One sentence. */
  readonly what: string;
  /** Absent: required. */
  readonly byDefault?: string;
  /** The values there are; absent: any. */
  readonly values?: readonly string[];
}

/** Calls that OpenAI's format has, and Anthropic's `messages` where a host speaks both. */
export const OFFERS = [
  'chat',
  'responses',
  'messages',
  'completions',
  'embeddings',
  'rerank',
  'moderations',
  'images',
  'image-edits',
  'image-variations',
  'transcriptions',
  'translations',
  'speech',
] as const;
export type Offer = (typeof OFFERS)[number];
export type Offers = Readonly<Partial<Record<Offer, OfferRow>>>;

/** A path below the base, and what the provider wants otherwise in a request's top-level members. */
export interface OfferRow {
  readonly path: string;
  /** Only for models whose name holds one of these. Default: all. */
  readonly models?: readonly string[];
  /** Members that it answers with an error. */
  readonly reject?: readonly string[];
  readonly rename?: Readonly<Record<string, string>>;
}
