import type { ErrorKind } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { TokenUsage } from '../core/usage.ts';
import type { AudioPart, Citation, FilePart, ImagePart, OtherPart, RedactedThinkingPart, SignatureFormat } from './part.ts';
import type { Finish } from './response.ts';

/**
 * A stream of one answer. Held by every decoder:
 * `start` comes first and once; a choice has at most one part open at a time; a part's deltas stand between its `part_start` and its `part_end`;
 * part indices of a choice rise by one from 0; each choice has at most one `finish`, after its parts; `usage` is the running total and may come more than once, the last holds;
 * `end` or `error` comes last and once. Without `end` the answer is not whole.
 */
export type CanonicalEvent =
  | StartEvent
  | PartStartEvent
  | { readonly type: 'text_delta'; readonly choice: number; readonly part: number; readonly text: string }
  | { readonly type: 'thinking_delta'; readonly choice: number; readonly part: number; readonly text: string }
  | {
      readonly type: 'signature';
      readonly choice: number;
      readonly part: number;
      readonly signature: string;
      readonly format?: SignatureFormat | undefined;
    }
  | { readonly type: 'refusal_delta'; readonly choice: number; readonly part: number; readonly text: string }
  | { readonly type: 'arguments_delta'; readonly choice: number; readonly part: number; readonly text: string }
  | { readonly type: 'citation'; readonly choice: number; readonly part: number; readonly citation: Citation }
  | { readonly type: 'other_delta'; readonly choice: number; readonly part: number; readonly protocol: string; readonly value: JsonObject }
  | { readonly type: 'part_end'; readonly choice: number; readonly part: number }
  /** OpenAI's shape, for the text since the last one. */
  | { readonly type: 'logprobs'; readonly choice: number; readonly logprobs: JsonObject }
  | { readonly type: 'usage'; readonly usage: TokenUsage }
  | { readonly type: 'finish'; readonly choice: number; readonly finish: Finish }
  | ErrorEvent
  | { readonly type: 'end' };

export interface StartEvent {
  readonly type: 'start';
  readonly id: string;
  readonly model: string;
  /** Unix seconds. */
  readonly created?: number | undefined;
  readonly serviceTier?: string | undefined;
}

/** What is known of a part when it begins; the rest comes in deltas. */
export type PartHead =
  | { readonly type: 'text' | 'refusal' }
  /** `format`: the reasoning is signed, or will be, by who is named. */
  | { readonly type: 'thinking'; readonly format?: SignatureFormat | undefined }
  | RedactedThinkingPart
  | { readonly type: 'tool_call'; readonly id: string; readonly name: string; readonly kind: 'function' | 'custom' }
  /** Whole in its head: it has no deltas. */
  | ImagePart
  | AudioPart
  | FilePart
  | OtherPart;

export interface PartStartEvent {
  readonly type: 'part_start';
  readonly choice: number;
  readonly part: number;
  readonly head: PartHead;
}

/** The provider failed after its first byte, or its bytes ended early (`cut`). */
interface ErrorEvent {
  readonly type: 'error';
  readonly kind: ErrorKind;
  readonly code: string | null;
  readonly message: string;
  readonly cut: boolean;
}
