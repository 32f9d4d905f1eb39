import type { JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import type { CanonicalEvent, PartStartEvent } from '../../canonical/event.ts';
import type { Finish } from '../../canonical/response.ts';
import { INPUT_CLOSES, INPUT_OPENS, inputPiece } from '../free-text-tool.ts';
import { encodeUsage } from '../openai-chat/usage-encode.ts';
import type { AnswerContext, SseEvent, StreamEncoder } from '../protocol.ts';
import { encodeThought } from './content-encode.ts';
import { mistralErrors } from './errors.ts';
import { encodeFinish } from './finish.ts';
import { PROTOCOL } from './names.ts';

interface ChoiceState {
  readonly index: number;
  readonly toolCalls: number;
  /** A free-text call is being written as a function's arguments. */
  readonly isCustom: boolean;
}

export interface EncodeState {
  readonly context: AnswerContext;
  /** The members that every chunk repeats. */
  readonly head: JsonObject;
  readonly choices: readonly ChoiceState[];
  readonly finishes: readonly { readonly choice: number; readonly finish: Finish }[];
  readonly usage: TokenUsage | undefined;
}

type Step = readonly [EncodeState, readonly SseEvent[]];

const NONE: readonly SseEvent[] = [];
const DONE: SseEvent = { data: '[DONE]' };

const chunk = (state: EncodeState, members: JsonObject): SseEvent => ({ data: JSON.stringify({ ...state.head, ...members }) });

const delta = (state: EncodeState, index: number, words: JsonObject): SseEvent =>
  chunk(state, { choices: [{ index, delta: words, finish_reason: null }] });

const choiceOf = (state: EncodeState, index: number): ChoiceState =>
  state.choices.find((choice) => choice.index === index) ?? { index, toolCalls: 0, isCustom: false };

function put(state: EncodeState, choice: ChoiceState): EncodeState {
  const at = state.choices.findIndex(({ index }) => index === choice.index);
  return { ...state, choices: at === -1 ? [...state.choices, choice] : state.choices.with(at, choice) };
}

function start(state: EncodeState, event: Extract<CanonicalEvent, { type: 'start' }>): Step {
  const { context } = state;
  const head = {
    id: event.id === '' ? context.requestId : event.id,
    object: 'chat.completion.chunk',
    created: event.created ?? context.created,
    model: event.model === '' ? context.model : event.model,
  };
  const started = { ...state, head };
  return [started, [delta(started, 0, { role: 'assistant', content: '' })]];
}

const call = (state: EncodeState, choice: ChoiceState, words: JsonObject): SseEvent =>
  delta(state, choice.index, { tool_calls: [{ ...words, index: choice.toolCalls - 1 }] });

/** A piece of a call names no tool. */
const piece = (state: EncodeState, choice: ChoiceState, words: string): SseEvent =>
  call(state, choice, { function: { name: '', arguments: words } });

/** Parts that this protocol cannot say are silent; text and reasoning begin with their first words. */
function partStart(state: EncodeState, { choice: index, part, head }: PartStartEvent): Step {
  if (head.type === 'other') return [state, head.protocol === PROTOCOL ? [delta(state, index, { content: [head.value] })] : NONE];
  if (head.type !== 'tool_call') return [state, NONE];
  const before = choiceOf(state, index);
  const choice = { ...before, toolCalls: before.toolCalls + 1, isCustom: head.kind === 'custom' };
  const id = head.id === '' ? `call_${state.context.requestId}_${part}` : head.id;
  const first = call(state, choice, { id, type: 'function', function: { name: head.name, arguments: choice.isCustom ? INPUT_OPENS : '' } });
  return [put(state, choice), [first]];
}

function callArguments(state: EncodeState, index: number, words: string): Step {
  const choice = choiceOf(state, index);
  return [state, [piece(state, choice, choice.isCustom ? inputPiece(words) : words)]];
}

function partEnd(state: EncodeState, index: number): Step {
  const choice = choiceOf(state, index);
  return choice.isCustom ? [put(state, { ...choice, isCustom: false }), [piece(state, choice, INPUT_CLOSES)]] : [state, NONE];
}

/** The reasons to stop come last, with the figures on the last of them. */
function end(state: EncodeState): Step {
  const usage = state.usage === undefined ? {} : { usage: encodeUsage(state.usage) };
  const last = state.finishes.length - 1;
  const events = state.finishes.map(({ choice, finish }, at) =>
    chunk(state, {
      choices: [{ index: choice, delta: { content: '' }, finish_reason: encodeFinish(finish) }],
      ...(at === last ? usage : {}),
    }),
  );
  return [state, last === -1 ? [chunk(state, { choices: [], ...usage }), DONE] : [...events, DONE]];
}

const failure = (state: EncodeState, { kind, code, message }: Extract<CanonicalEvent, { type: 'error' }>): readonly SseEvent[] =>
  mistralErrors.encodeStreamError({ status: 502, kind, code, message, param: null }, state.context.requestId);

function step(state: EncodeState, event: CanonicalEvent): Step {
  switch (event.type) {
    case 'start':
      return start(state, event);
    case 'part_start':
      return partStart(state, event);
    case 'text_delta':
    case 'refusal_delta':
      return [state, [delta(state, event.choice, { content: event.text })]];
    case 'thinking_delta':
      return [state, [delta(state, event.choice, { content: [encodeThought(event.text)] })]];
    case 'arguments_delta':
      return callArguments(state, event.choice, event.text);
    case 'part_end':
      return partEnd(state, event.choice);
    case 'usage':
      return [{ ...state, usage: event.usage }, NONE];
    case 'finish':
      return [{ ...state, finishes: [...state.finishes, { choice: event.choice, finish: event.finish }] }, NONE];
    case 'error':
      return [state, failure(state, event)];
    case 'end':
      return end(state);
    // Mistral's streams have neither another vendor's signatures nor citations nor logprobs.
    case 'signature':
    case 'citation':
    case 'logprobs':
    case 'other_delta':
      return [state, NONE];
  }
}

export const streamEncoder: StreamEncoder<EncodeState> = {
  start: (context) => ({ context, head: {}, choices: [], finishes: [], usage: undefined }),
  step,
};
