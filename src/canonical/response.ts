import type { JsonObject } from '../core/json.ts';
import type { TokenUsage } from '../core/usage.ts';
import type { Extensions, Part } from './part.ts';

/**
 * Why a model stopped. `pause` is a turn that the provider cut to be continued, `context` a full context window;
 * `other` is a reason that no codec knows.
 */
export type FinishReason =
  | 'stop'
  | 'stop_sequence'
  | 'length'
  | 'context'
  | 'tool_calls'
  | 'refusal'
  | 'content_filter'
  | 'pause'
  | 'other';

export interface Finish {
  readonly reason: FinishReason;
  /** The provider's word, and whose it is: a codec of the same protocol says it again unchanged. */
  readonly raw: string;
  readonly protocol: string;
  /** The stop sequence that was met. */
  readonly stopSequence?: string | undefined;
}

export interface Choice {
  readonly index: number;
  readonly parts: readonly Part[];
  /** Absent where the provider gave none. */
  readonly finish?: Finish | undefined;
  /** OpenAI's shape: `{content: [{token, logprob, bytes, top_logprobs}], refusal}`. */
  readonly logprobs?: JsonObject | undefined;
  /** Extensions of the choice around the message. */
  readonly extensions?: Extensions | undefined;
  /** Extensions of the message in the choice. */
  readonly messageExtensions?: Extensions | undefined;
}

export interface CanonicalResponse {
  readonly id: string;
  /** The model that answered, in the provider's words. */
  readonly model: string;
  /** Unix seconds. */
  readonly created?: number | undefined;
  readonly choices: readonly Choice[];
  readonly usage?: TokenUsage | undefined;
  readonly serviceTier?: string | undefined;
  readonly extensions?: Extensions | undefined;
}
