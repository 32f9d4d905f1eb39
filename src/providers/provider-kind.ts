import type { AuthScheme } from '../ipc/messages.ts';
import type { Operation } from '../routing/operation.ts';
import type { WireProtocolId } from '../wire/protocol.ts';

/** How a kind of provider is spoken to. One row per kind; a provider of the configuration names its kind. */
export interface ProviderKind {
  readonly kind: string;
  /** Origin and base path without trailing slash; null: the configuration must give one. */
  readonly baseUrl: string | null;
  readonly auth: AuthScheme;
  /** Name in the price catalogue; null: the name of the provider. */
  readonly priceList: string | null;
  /** Sent with every request. A header of the configuration or the client's own of the same name wins. */
  readonly headers: readonly (readonly [string, string])[];
  /** Headers of the client that this kind understands, passed on when the client sends them. */
  readonly clientHeaders: readonly string[];
  readonly operations: Readonly<Partial<Record<Operation, ProviderOperation>>>;
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
  /** Below the base path. */
  readonly path: string;
}
