/**
 * The canonical form of the calls that are no conversation: embeddings, rerank, token counts. What a protocol says beyond it travels in `extensions`, as in a
 * conversation, and is named by the client's own paths when a target cannot express it.
 */
import type { JsonObject } from '../core/json.ts';
import type { TokenUsage } from '../core/usage.ts';
import type { Extensions, Part } from './part.ts';
import type { CanonicalRequest } from './request.ts';

/** What is embedded: a text, its token numbers (OpenAI's), or several parts that give one vector. */
export type EmbedInput =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tokens'; readonly tokens: readonly number[] }
  | { readonly kind: 'parts'; readonly parts: readonly Part[] };

export interface EmbedRequest {
  readonly source: string;
  readonly model: string;
  readonly inputs: readonly EmbedInput[];
  readonly dimensions?: number | undefined;
  /** How the client wants the vectors written. Absent: as numbers. */
  readonly encoding?: 'float' | 'base64' | undefined;
  /** Cohere's words: `search_document`, `search_query`, `classification`, `clustering`; other words pass to the same protocol alone. */
  readonly purpose?: string | undefined;
  readonly title?: string | undefined;
  /** What to do with an input that is too long: Cohere's `NONE`, `START`, `END`. */
  readonly truncate?: string | undefined;
  readonly user?: string | undefined;
  readonly extensions?: Extensions | undefined;
}

export interface EmbedResponse {
  readonly id?: string | undefined;
  /** The model that answered, in the provider's words; '' where it does not say. */
  readonly model: string;
  /** In the order of the inputs. */
  readonly vectors: readonly (readonly number[])[];
  readonly usage?: TokenUsage | undefined;
  readonly extensions?: Extensions | undefined;
}

export interface RerankRequest {
  readonly source: string;
  readonly model: string;
  readonly query: string;
  readonly documents: readonly (string | JsonObject)[];
  readonly topN?: number | undefined;
  readonly returnDocuments?: boolean | undefined;
  readonly maxTokensPerDocument?: number | undefined;
  readonly extensions?: Extensions | undefined;
}

export interface RerankResponse {
  readonly id?: string | undefined;
  readonly model: string;
  /** Best first. `index` counts the request's documents. */
  readonly results: readonly { readonly index: number; readonly score: number; readonly document?: string | JsonObject | undefined }[];
  readonly usage?: TokenUsage | undefined;
  /** What Cohere bills instead of tokens. */
  readonly searchUnits?: number | undefined;
  readonly extensions?: Extensions | undefined;
}

export interface CountRequest {
  readonly source: string;
  readonly model: string;
  /** The conversation whose tokens are to be counted. */
  readonly conversation: CanonicalRequest;
}

export interface CountResponse {
  readonly inputTokens: number;
  readonly cachedInputTokens?: number | undefined;
  readonly extensions?: Extensions | undefined;
}
