import type { TokenUsage } from '../core/usage.ts';
import type { CanonicalEvent } from '../canonical/event.ts';
import type { CanonicalRequest } from '../canonical/request.ts';
import type { CanonicalResponse } from '../canonical/response.ts';
import type { JsonObject } from '../core/json.ts';
import type { Result } from '../core/result.ts';
import type { ErrorKind } from '../core/errors.ts';

/** Names of wire protocols; a folder of `wire/` each. */
export const WIRE_PROTOCOLS = [
  'openai-chat',
  'openai-completions',
  'openai-embeddings',
  'openai-responses',
  'openai-moderations',
  'openai-images',
  'openai-audio',
  'anthropic-messages',
  'anthropic-count-tokens',
  'gemini',
  'gemini-count-tokens',
  'gemini-embeddings',
  'vertex-count-tokens',
  'vertex-embeddings',
  'bedrock-converse',
  'bedrock-embeddings',
  'bedrock-rerank',
  'cohere-chat',
  'cohere-embeddings',
  'cohere-rerank',
  'jina-rerank',
  'mistral-chat',
  'ollama-chat',
  /** No protocol that is known: bytes of `/{provider}/…`. */
  'raw',
] as const;
export type WireProtocolId = (typeof WIRE_PROTOCOLS)[number];

/** One server-sent event, framing removed. `data` lines are joined by `\n`. */
export interface SseEvent {
  /** Absent when the event names no type. */
  readonly event?: string;
  readonly data: string;
}

/** Why a request body cannot be understood. `field` is a path such as `messages[2].content`. */
export interface FieldError {
  readonly field: string;
  readonly reason: string;
}

/** What the target of a translation takes, so that the encoder knows what to leave out. */
export interface EncodeTarget {
  /** The provider's own model name. */
  readonly model: string;
  /** Output tokens to ask for where the protocol demands a number and the client gave none. */
  readonly defaultMaxTokens: number;
}

export interface Encoded {
  readonly body: JsonObject;
  /** Paths of client fields that the target cannot express, for `x-bulkhead-dropped`. */
  readonly dropped: readonly string[];
}

/** Facts that an encoder puts into an answer where the provider's own protocol has none. */
export interface AnswerContext {
  /** The alias the client asked for. */
  readonly model: string;
  readonly requestId: string;
  /** Unix seconds. */
  readonly created: number;
  /** Whether the client wants a usage chunk at the end of a stream. */
  readonly includeUsage: boolean;
  /** What the client asked for: some protocols repeat it in the answer, and a call of a free-text tool is known by its tool. */
  readonly request?: CanonicalRequest;
}

/** What a decoder says when the bytes ended before the protocol's own end. */
export const CUT = {
  type: 'error',
  kind: 'upstream',
  code: 'upstream_reset',
  message: 'The provider closed the connection before its answer was whole.',
  cut: true,
} as const satisfies CanonicalEvent;

/** A reducer over a provider's stream. `finish` is called once when the bytes ended: a cut stream yields an error event. */
export interface StreamDecoder<State> {
  start(): State;
  step(state: State, event: SseEvent): readonly [State, readonly CanonicalEvent[]];
  finish(state: State): readonly CanonicalEvent[];
}

/** A reducer from canonical events to a client's stream. */
export interface StreamEncoder<State> {
  start(context: AnswerContext): State;
  step(state: State, event: CanonicalEvent): readonly [State, readonly SseEvent[]];
}

/** The neutral form of an error answer. `status` is the provider's own. */
export interface WireError {
  readonly status: number;
  readonly kind: ErrorKind;
  readonly code: string | null;
  readonly message: string;
  readonly param: string | null;
}

/**
 * A wire protocol translated through the canonical form. Requests flow client → canonical → provider,
 * answers provider → canonical → client; a protocol that only clients or only providers speak still has all of it,
 * because the conformance suite holds decode∘encode = identity.
 */
export interface Codec<DecodeState = unknown, EncodeState = unknown> {
  readonly protocol: WireProtocolId;
  decodeRequest(body: JsonObject): Result<CanonicalRequest, FieldError>;
  encodeRequest(request: CanonicalRequest, target: EncodeTarget): Encoded;
  decodeResponse(body: JsonObject): Result<CanonicalResponse, FieldError>;
  encodeResponse(response: CanonicalResponse, context: AnswerContext): JsonObject;
  readonly streamDecoder: StreamDecoder<DecodeState>;
  readonly streamEncoder: StreamEncoder<EncodeState>;
}

/** The error bodies of a protocol: every protocol has these, also one that is never translated. */
export interface ErrorCodec {
  decodeError(status: number, body: JsonObject | undefined): WireError;
  encodeError(error: WireError, requestId: string): JsonObject;
  /** The event(s) that tell a client of a failure after the first byte. */
  encodeStreamError(error: WireError, requestId: string): readonly SseEvent[];
}

/** What same-protocol traffic needs besides its bytes. */
export interface PassThrough {
  /** Top-level members of a request that the gateway must see or splice. */
  readonly requestMembers: readonly string[];
  /** Where a client names its own user: a top-level member, or a member of one. The first that is there counts. */
  readonly endUser?: readonly (readonly [member: string, inner?: string])[];
  /** Top-level members of a whole answer to capture while its bytes pass. */
  readonly responseMembers: readonly string[];
  /** Usage from the captured members of a whole answer. */
  usageOfResponse(members: JsonObject): TokenUsage | undefined;
  /** A header of the answer that tells the input tokens where its body does not. */
  readonly inputTokensHeader?: string;
  /** An answer may be of any media type (speech, subtitles): its bytes pass, and its usage is told only where it is JSON. */
  readonly anyAnswer?: true;
  /** Cheap test on the bytes of one event: may it hold usage, an error or the end? Only then is it parsed. */
  mayMatter(eventBytes: Buffer): boolean;
  /** What a parsed event means. */
  readEvent(event: SseEvent): StreamFact;
}

export interface StreamFact {
  readonly usage?: TokenUsage;
  /** The protocol's own end: the stream is whole. */
  readonly done?: boolean;
  /** The answer is complete in itself: a clean end of the bytes after it is whole, even without the protocol's own end (Perplexity). */
  readonly finished?: boolean;
  /** The provider reports a failure inside a 200 stream. */
  readonly error?: string;
  /** True for the usage-only chunk that the client did not ask for. */
  readonly usageOnly?: boolean;
}

/** A protocol of calls that are answered at once and whole: embeddings, rerank, token counts. Held to the same identity as `Codec`. */
export interface CallCodec<Request, Response> {
  readonly protocol: WireProtocolId;
  decodeRequest(body: JsonObject): Result<Request, FieldError>;
  encodeRequest(request: Request, target: EncodeTarget): Encoded;
  decodeResponse(body: JsonObject, request: Request): Result<Response, FieldError>;
  encodeResponse(response: Response, request: Request, context: AnswerContext): JsonObject;
}
