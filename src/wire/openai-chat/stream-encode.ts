import type { JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import type { CanonicalEvent, PartStartEvent } from '../../canonical/event.ts';
import type { Citation } from '../../canonical/part.ts';
import type { AnswerContext, SseEvent, StreamEncoder } from '../protocol.ts';
import { encodeAnnotation } from './annotations.ts';
import { openaiErrors } from './errors.ts';
import { encodeFinish } from './finish.ts';
import { PROTOCOL } from './names.ts';
import { encodeRedacted, encodeSigned } from './reasoning.ts';
import { encodeUsage } from './usage-encode.ts';

/** What a choice's open part needs until it ends. */
type OpenPart =
  | { readonly type: 'text'; readonly start: number; readonly citations: readonly Citation[] }
  | { readonly type: 'thinking'; readonly part: number; readonly format: string | undefined }
  | { readonly type: 'tool_call'; readonly isCustom: boolean; readonly hasArguments: boolean }
  | { readonly type: 'silent' };

interface ChoiceState {
  readonly index: number;
  /** Length of the text so far: citations are placed by it. */
  readonly length: number;
  readonly toolCalls: number;
  readonly open: OpenPart;
}

export interface EncodeState {
  readonly context: AnswerContext;
  /** The members that every chunk repeats. */
  readonly head: JsonObject;
  readonly choices: readonly ChoiceState[];
  readonly usage: TokenUsage | undefined;
}

type Step = readonly [EncodeState, readonly SseEvent[]];

const SILENT: OpenPart = { type: 'silent' };
const NONE: readonly SseEvent[] = [];
const DONE: SseEvent = { data: '[DONE]' };

const chunk = (state: EncodeState, members: JsonObject): SseEvent => ({ data: JSON.stringify({ ...state.head, ...members }) });

const delta = (state: EncodeState, index: number, words: JsonObject): SseEvent =>
  chunk(state, { choices: [{ index, delta: words, logprobs: null, finish_reason: null }] });

const choiceOf = (state: EncodeState, index: number): ChoiceState =>
  state.choices.find((choice) => choice.index === index) ?? { index, length: 0, toolCalls: 0, open: SILENT };

/** Puts a choice back; a choice is added when it first speaks. */
function put(state: EncodeState, choice: ChoiceState): EncodeState {
  const at = state.choices.findIndex(({ index }) => index === choice.index);
  return { ...state, choices: at === -1 ? [...state.choices, choice] : state.choices.with(at, choice) };
}

/** OpenAI's first chunk names the role and says nothing. */
function start(state: EncodeState, event: Extract<CanonicalEvent, { type: 'start' }>): Step {
  const { context } = state;
  const head = {
    id: event.id === '' ? `chatcmpl-${context.requestId}` : event.id,
    object: 'chat.completion.chunk',
    created: event.created ?? context.created,
    model: event.model === '' ? context.model : event.model,
    ...(event.serviceTier === undefined ? {} : { service_tier: event.serviceTier }),
  };
  const started = { ...state, head };
  return [started, [delta(started, 0, { role: 'assistant', content: '', refusal: null })]];
}

/** Parts that this protocol cannot say (another's server tools) are silent, and so are their deltas. */
function partStart(state: EncodeState, { choice: index, part, head }: PartStartEvent): Step {
  const choice = choiceOf(state, index);
  switch (head.type) {
    case 'text':
      return [put(state, { ...choice, open: { type: 'text', start: choice.length, citations: [] } }), NONE];
    case 'thinking':
      return [put(state, { ...choice, open: { type: 'thinking', part, format: head.format } }), NONE];
    case 'tool_call': {
      const id = head.id === '' ? `call_${state.context.requestId}_${part}` : head.id;
      const inner = head.kind === 'custom' ? { custom: { name: head.name, input: '' } } : { function: { name: head.name, arguments: '' } };
      const call = { index: choice.toolCalls, id, type: head.kind, ...inner };
      const open = { type: 'tool_call', isCustom: head.kind === 'custom', hasArguments: false } as const;
      return [put(state, { ...choice, toolCalls: choice.toolCalls + 1, open }), [delta(state, index, { tool_calls: [call] })]];
    }
    case 'redacted_thinking':
      return [put(state, { ...choice, open: SILENT }), [delta(state, index, { reasoning_details: [encodeRedacted(head, part)] })]];
    case 'refusal':
    case 'other':
      return [put(state, { ...choice, open: SILENT }), NONE];
  }
}

function text(state: EncodeState, index: number, words: string): Step {
  const choice = choiceOf(state, index);
  return [put(state, { ...choice, length: choice.length + words.length }), [delta(state, index, { content: words })]];
}

/**
 * Reasoning that will be signed is said twice, as OpenRouter does: plainly for those who show it, and in `reasoning_details`
 * for those who keep them and must send text and signature back as they are.
 */
function thinking(state: EncodeState, index: number, words: string): Step {
  const { open } = choiceOf(state, index);
  if (open.type !== 'thinking' || open.format === undefined) return [state, [delta(state, index, { reasoning_content: words })]];
  const details = [{ type: 'reasoning.text', text: words, format: open.format, index: open.part }];
  return [state, [delta(state, index, { reasoning_content: words, reasoning_details: details })]];
}

function signature(state: EncodeState, event: Extract<CanonicalEvent, { type: 'signature' }>): Step {
  const signed = { type: 'thinking', text: '', signature: event.signature, format: event.format } as const;
  return [state, [delta(state, event.choice, { reasoning_details: [encodeSigned(signed, event.part)] })]];
}

function callArguments(state: EncodeState, index: number, words: string): Step {
  const choice = choiceOf(state, index);
  const isCustom = choice.open.type === 'tool_call' && choice.open.isCustom;
  const inner = isCustom ? { custom: { input: words } } : { function: { arguments: words } };
  const event = delta(state, index, { tool_calls: [{ index: choice.toolCalls - 1, ...inner }] });
  if (choice.open.type === 'tool_call' && choice.open.hasArguments) return [state, [event]];
  return [put(state, { ...choice, open: { type: 'tool_call', isCustom, hasArguments: true } }), [event]];
}

/** A citation without offsets stands for its whole part, whose end is not known yet: it waits for it. */
function citation(state: EncodeState, index: number, cited: Citation): Step {
  if (cited.protocol === PROTOCOL) return [state, [delta(state, index, { annotations: [cited.native] })]];
  const choice = choiceOf(state, index);
  if (choice.open.type !== 'text') return [state, NONE];
  return [put(state, { ...choice, open: { ...choice.open, citations: [...choice.open.citations, cited] } }), NONE];
}

/** A call without arguments says `{}`: clients parse what they get. */
function partEnd(state: EncodeState, index: number): Step {
  const choice = choiceOf(state, index);
  const { open } = choice;
  const closed = put(state, { ...choice, open: SILENT });
  if (open.type === 'tool_call' && !open.hasArguments && !open.isCustom) return [closed, callArguments(state, index, '{}')[1]];
  if (open.type !== 'text' || open.citations.length === 0) return [closed, NONE];
  const annotations = open.citations
    .map((cited) => encodeAnnotation(cited, open.start, choice.length))
    .filter((value) => value !== undefined);
  return [closed, annotations.length === 0 ? NONE : [delta(state, index, { annotations })]];
}

function end(state: EncodeState): Step {
  const { context, usage } = state;
  if (!context.includeUsage || usage === undefined) return [state, [DONE]];
  return [state, [chunk(state, { choices: [], usage: encodeUsage(usage) }), DONE]];
}

/** Without a last [DONE], so that no client takes a failed stream for a whole one. */
const failure = (state: EncodeState, { kind, code, message }: Extract<CanonicalEvent, { type: 'error' }>): readonly SseEvent[] =>
  openaiErrors.encodeStreamError({ status: 502, kind, code, message, param: null }, state.context.requestId);

/** A client learns of a further choice by its role, as it did of the first. */
function step(before: EncodeState, event: CanonicalEvent): Step {
  if (!('choice' in event) || event.choice === 0 || before.choices.some(({ index }) => index === event.choice)) return say(before, event);
  const known = put(before, choiceOf(before, event.choice));
  const [state, events] = say(known, event);
  return [state, [delta(known, event.choice, { role: 'assistant', content: '', refusal: null }), ...events]];
}

function say(state: EncodeState, event: CanonicalEvent): Step {
  switch (event.type) {
    case 'start':
      return start(state, event);
    case 'part_start':
      return partStart(state, event);
    case 'text_delta':
      return text(state, event.choice, event.text);
    case 'thinking_delta':
      return thinking(state, event.choice, event.text);
    case 'signature':
      return signature(state, event);
    case 'refusal_delta':
      return [state, [delta(state, event.choice, { refusal: event.text })]];
    case 'arguments_delta':
      return callArguments(state, event.choice, event.text);
    case 'citation':
      return citation(state, event.choice, event.citation);
    case 'other_delta':
      return [state, event.protocol === PROTOCOL ? [delta(state, event.choice, { audio: event.value })] : NONE];
    case 'part_end':
      return partEnd(state, event.choice);
    case 'logprobs':
      return [state, [chunk(state, { choices: [{ index: event.choice, delta: {}, logprobs: event.logprobs, finish_reason: null }] })]];
    case 'usage':
      return [{ ...state, usage: event.usage }, NONE];
    case 'finish':
      return [
        state,
        [chunk(state, { choices: [{ index: event.choice, delta: {}, logprobs: null, finish_reason: encodeFinish(event.finish) }] })],
      ];
    case 'error':
      return [state, failure(state, event)];
    case 'end':
      return end(state);
  }
}

export const streamEncoder: StreamEncoder<EncodeState> = {
  start: (context) => ({ context, head: {}, choices: [], usage: undefined }),
  step,
};
