import type { JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import type { Citation, RedactedThinkingPart } from '../../canonical/part.ts';
import type { InputReader } from '../free-text-tool.ts';
import type { AnswerContext, SseEvent } from '../protocol.ts';
import type { Place } from './place.ts';

/** Citations of an open text, last first: a list that grows without being copied. */
interface Cited {
  readonly citation: Citation;
  readonly before: Cited | undefined;
}

/** What a choice's open part needs until it ends. */
export type OpenPart =
  | { readonly type: 'text'; readonly start: number; readonly cited: Cited | undefined }
  | { readonly type: 'thinking'; readonly part: number; readonly format: string | undefined; readonly place: Place }
  /** `reader`: the arguments of a function that stands for the client's free-text tool, which gets the text in them. */
  | { readonly type: 'tool_call'; readonly isCustom: boolean; readonly hasArguments: boolean; readonly reader: InputReader | undefined }
  | { readonly type: 'silent' };

export interface ChoiceState {
  readonly index: number;
  /** Length of the text so far: citations are placed by it. */
  readonly length: number;
  readonly toolCalls: number;
  readonly open: OpenPart;
  /** Gemini's signature, which waits for the call that it signs. */
  readonly waiting: { readonly head: RedactedThinkingPart; readonly part: number } | undefined;
}

export interface EncodeState {
  readonly context: AnswerContext;
  /** The members that every chunk repeats. */
  readonly head: JsonObject;
  readonly choices: readonly ChoiceState[];
  readonly usage: TokenUsage | undefined;
}

export type Step = readonly [EncodeState, readonly SseEvent[]];

export const SILENT: OpenPart = { type: 'silent' };
export const NONE: readonly SseEvent[] = [];

export const chunk = (state: EncodeState, members: JsonObject): SseEvent => ({ data: JSON.stringify({ ...state.head, ...members }) });

export const delta = (state: EncodeState, index: number, words: JsonObject): SseEvent =>
  chunk(state, { choices: [{ index, delta: words, logprobs: null, finish_reason: null }] });

export const choiceOf = (state: EncodeState, index: number): ChoiceState =>
  state.choices.find((choice) => choice.index === index) ?? { index, length: 0, toolCalls: 0, open: SILENT, waiting: undefined };

/** Puts a choice back; a choice is added when it first speaks. */
export function put(state: EncodeState, choice: ChoiceState): EncodeState {
  const at = state.choices.findIndex(({ index }) => index === choice.index);
  return { ...state, choices: at === -1 ? [...state.choices, choice] : state.choices.with(at, choice) };
}

export const placeIn = ({ length, toolCalls }: ChoiceState): Place => ({ text: length, calls: toolCalls });
