import type { AuthScheme } from '../ipc/messages/vault.ts';
import type { Operation } from '../routing/operation.ts';
import type { FramingId } from '../wire/framing.ts';
import type { WireProtocolId } from '../wire/protocol.ts';

/** How a kind of provider is spoken to. One row per kind; a provider of the configuration names its kind. */
export interface ProviderKind {
  readonly kind: string;
  /** Origin and base path without trailing slash, `{setting}` for what the configuration says (`region`, `project`); null: the configuration must give one. */
  readonly baseUrl: string | null;
  readonly auth: AuthScheme;
  /** Name in the price catalogue; null: the name of the provider. */
  readonly priceList: string | null;
  /** Sent with every request. A header of the configuration or the client's own of the same name wins. */
  readonly headers: readonly (readonly [string, string])[];
  /** Headers of the client that this kind understands, passed on when the client sends them. */
  readonly clientHeaders: readonly string[];
  /** Best first: the first that speaks the client's protocol is taken, else the first that can be translated to. */
  readonly operations: Readonly<Partial<Record<Operation, readonly ProviderOperation[]>>>;
  /** Output tokens to ask for where the protocol demands a number and the client gave none. */
  readonly defaultMaxTokens: number;
  /** Harmless request that shows whether a credential works; below the base path. */
  readonly probe: { readonly method: 'GET'; readonly path: string };
  /** True where `stream_options.include_usage` is understood, so that streams can be billed exactly. */
  readonly streamUsage: boolean;
  /** Variables in which its keys are commonly found; they are named at first start, never read silently. */
  readonly environment: readonly string[];
}

export interface ProviderOperation {
  readonly protocol: WireProtocolId;
  /** Only for models whose name holds one of these; absent: for all. */
  readonly models?: readonly string[];
  /** Not for models whose name holds one of these. */
  readonly except?: readonly string[];
  /** Below the base path, maybe with a query. `{model}` is the model's name and `{setting}` a setting of the provider, each percent-encoded as one segment. */
  readonly path: string;
  /** Where streams are asked for, if elsewhere. */
  readonly streamPath?: string;
  /** Other paths for some of our endpoints, by their ids, where one protocol has several calls. */
  readonly paths?: Readonly<Record<string, string>>;
  /** How the provider's streams are framed. Default `sse`. */
  readonly framing?: Exclude<FramingId, 'json-array'>;
  /** The protocol in which it reports errors, where that is another one. */
  readonly errors?: WireProtocolId;
  readonly members?: MemberRules;
}

/** What a provider wants otherwise in a request of its protocol: changes to top-level members, made on the bytes. */
export interface MemberRules {
  /** Taken out without a word: the provider reads them elsewhere (`model` and `stream` in its path). */
  readonly remove?: readonly string[];
  /** Taken out because the provider refuses them, and named in `x-bulkhead-dropped`. */
  readonly reject?: readonly string[];
  /** By another name there. */
  readonly rename?: Readonly<Record<string, string>>;
  /** Put in where the client did not say it; values as JSON text. */
  readonly add?: readonly (readonly [name: string, json: string])[];
  /** Lists of a client's header (comma-separated), moved into a member of the body. */
  readonly fromHeaders?: Readonly<Record<string, string>>;
}
