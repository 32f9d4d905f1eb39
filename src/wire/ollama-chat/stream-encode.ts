import type { JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import type { CanonicalEvent, PartStartEvent } from '../../canonical/event.ts';
import type { Finish } from '../../canonical/response.ts';
import type { AnswerContext, SseEvent, StreamEncoder } from '../protocol.ts';
import { ollamaErrors } from './errors.ts';
import { encodeFinish } from './finish.ts';
import { encodeToolCall } from './message-encode.ts';
import { createdAt, encodeLogprobs } from './response.ts';
import { encodeUsage } from './usage.ts';

/** A call that is being put together: it is said whole. */
interface Call {
  readonly id: string;
  readonly name: string;
  readonly kind: 'function' | 'custom';
  readonly arguments: string;
}

export interface EncodeState {
  readonly context: AnswerContext;
  /** The members that every line repeats. */
  readonly head: JsonObject;
  readonly call: Call | undefined;
  readonly usage: TokenUsage | undefined;
  readonly finish: Finish | undefined;
}

type Step = readonly [EncodeState, readonly SseEvent[]];

const NONE: readonly SseEvent[] = [];

const line = (state: EncodeState, message: JsonObject, members: JsonObject = { done: false }): SseEvent => ({
  data: JSON.stringify({ ...state.head, message: { role: 'assistant', content: '', ...message }, ...members }),
});

function start(state: EncodeState, { model, created }: Extract<CanonicalEvent, { type: 'start' }>): Step {
  const { context } = state;
  const head = { model: model === '' ? context.model : model, created_at: createdAt(created ?? context.created) };
  return [{ ...state, head }, NONE];
}

function partStart(state: EncodeState, { head }: PartStartEvent): Step {
  if (head.type === 'image' && head.source.kind === 'data') return [state, [line(state, { images: [head.source.data] })]];
  if (head.type !== 'tool_call') return [state, NONE];
  const { id, name, kind } = head;
  return [{ ...state, call: { id, name, kind, arguments: '' } }, NONE];
}

function callArguments(state: EncodeState, words: string): Step {
  if (state.call === undefined) return [state, NONE];
  return [{ ...state, call: { ...state.call, arguments: state.call.arguments + words } }, NONE];
}

function partEnd(state: EncodeState): Step {
  if (state.call === undefined) return [state, NONE];
  const call = encodeToolCall({ type: 'tool_call', ...state.call });
  return [{ ...state, call: undefined }, [line(state, { tool_calls: [call] })]];
}

function end(state: EncodeState): Step {
  const reason = state.finish === undefined ? undefined : encodeFinish(state.finish);
  const usage = state.usage === undefined ? {} : encodeUsage(state.usage);
  return [state, [line(state, {}, { done: true, done_reason: reason, ...usage })]];
}

const failure = (state: EncodeState, { kind, code, message }: Extract<CanonicalEvent, { type: 'error' }>): readonly SseEvent[] =>
  ollamaErrors.encodeStreamError({ status: 502, kind, code, message, param: null }, state.context.requestId);

function step(state: EncodeState, event: CanonicalEvent): Step {
  // An answer has one choice here; a client of this protocol cannot have asked for more.
  if ('choice' in event && event.choice !== 0) return [state, NONE];
  switch (event.type) {
    case 'start':
      return start(state, event);
    case 'part_start':
      return partStart(state, event);
    case 'text_delta':
    case 'refusal_delta':
      return [state, [line(state, { content: event.text })]];
    case 'thinking_delta':
      return [state, [line(state, { thinking: event.text })]];
    case 'arguments_delta':
      return callArguments(state, event.text);
    case 'part_end':
      return partEnd(state);
    case 'logprobs':
      return [state, [line(state, {}, { done: false, logprobs: encodeLogprobs(event.logprobs) })]];
    case 'usage':
      return [{ ...state, usage: event.usage }, NONE];
    case 'finish':
      return [{ ...state, finish: event.finish }, NONE];
    case 'error':
      return [state, failure(state, event)];
    case 'end':
      return end(state);
    // Ollama has no field for another vendor's signature, nor for citations.
    case 'signature':
    case 'citation':
    case 'other_delta':
      return [state, NONE];
  }
}

export const streamEncoder: StreamEncoder<EncodeState> = {
  start: (context) => ({ context, head: {}, call: undefined, usage: undefined, finish: undefined }),
  step,
};
