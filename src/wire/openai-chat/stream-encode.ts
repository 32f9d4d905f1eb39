import type { JsonObject } from '../../core/json.ts';
import type { CanonicalEvent } from '../../canonical/event.ts';
import type { Citation } from '../../canonical/part.ts';
import { endInput, readInput } from '../free-text-tool.ts';
import type { SseEvent, StreamEncoder } from '../protocol.ts';
import { encodeAnnotation } from './annotations.ts';
import { choiceOf, chunk, delta, NONE, put, SILENT, type ChoiceState, type EncodeState, type OpenPart, type Step } from './chunks.ts';
import { openaiErrors } from './errors.ts';
import { encodeFinish } from './finish.ts';
import { PROTOCOL } from './names.ts';
import { partStart, release } from './part-heads.ts';
import { placeId } from './place.ts';
import { encodeSigned } from './reasoning.ts';
import { encodeUsage } from './usage-encode.ts';

export type { EncodeState } from './chunks.ts';

type ToolCall = Extract<OpenPart, { type: 'tool_call' }>;

const DONE: SseEvent = { data: '[DONE]' };

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
  const id = placeId(open.place);
  const details = [{ type: 'reasoning.text', text: words, format: open.format, index: open.part, ...(id === undefined ? {} : { id }) }];
  return [state, [delta(state, index, { reasoning_content: words, reasoning_details: details })]];
}

function signature(state: EncodeState, event: Extract<CanonicalEvent, { type: 'signature' }>): Step {
  const signed = { type: 'thinking', text: '', signature: event.signature, format: event.format } as const;
  const { open } = choiceOf(state, event.choice);
  const id = open.type === 'thinking' ? placeId(open.place) : undefined;
  return [state, [delta(state, event.choice, { reasoning_details: [encodeSigned(signed, event.part, id)] })]];
}

const callDelta = (state: EncodeState, choice: ChoiceState, inner: JsonObject): SseEvent =>
  delta(state, choice.index, { tool_calls: [{ index: choice.toolCalls - 1, ...inner }] });

/** The text in the arguments of a function that stands for a free-text tool. */
function customInput(state: EncodeState, choice: ChoiceState, open: ToolCall, words: string): Step {
  const [reader, input] = open.reader === undefined ? [undefined, words] : readInput(open.reader, words);
  const after = open.reader === undefined ? state : put(state, { ...choice, open: { ...open, reader } });
  return [after, input === '' ? NONE : [callDelta(state, choice, { custom: { input } })]];
}

function callArguments(state: EncodeState, index: number, words: string): Step {
  const choice = choiceOf(state, index);
  const { open } = choice;
  if (open.type !== 'tool_call') return [state, NONE];
  if (open.isCustom) return customInput(state, choice, open, words);
  const event = callDelta(state, choice, { function: { arguments: words } });
  return [open.hasArguments ? state : put(state, { ...choice, open: { ...open, hasArguments: true } }), [event]];
}

/** A citation without offsets stands for its whole part, whose end is not known yet: it waits for it. */
function citation(state: EncodeState, index: number, cited: Citation): Step {
  if (cited.protocol === PROTOCOL) return [state, [delta(state, index, { annotations: [cited.native] })]];
  const choice = choiceOf(state, index);
  if (choice.open.type !== 'text') return [state, NONE];
  return [put(state, { ...choice, open: { ...choice.open, cited: { citation: cited, before: choice.open.cited } } }), NONE];
}

/** A call without arguments says `{}`: clients parse what they get. */
function endCall(state: EncodeState, choice: ChoiceState, open: ToolCall): readonly SseEvent[] {
  if (open.isCustom) {
    const input = open.reader === undefined ? '' : endInput(open.reader);
    return input === '' ? NONE : [callDelta(state, choice, { custom: { input } })];
  }
  return open.hasArguments ? NONE : [callDelta(state, choice, { function: { arguments: '{}' } })];
}

function endText(state: EncodeState, choice: ChoiceState, open: Extract<OpenPart, { type: 'text' }>): readonly SseEvent[] {
  const annotations: JsonObject[] = [];
  for (let cited = open.cited; cited !== undefined; cited = cited.before) {
    const annotation = encodeAnnotation(cited.citation, open.start, choice.length);
    if (annotation !== undefined) annotations.push(annotation);
  }
  annotations.reverse();
  return annotations.length === 0 ? NONE : [delta(state, choice.index, { annotations })];
}

function partEnd(state: EncodeState, index: number): Step {
  const choice = choiceOf(state, index);
  const { open } = choice;
  if (open.type === 'silent') return [state, NONE];
  const closed = put(state, { ...choice, open: SILENT });
  switch (open.type) {
    case 'tool_call':
      return [closed, endCall(state, choice, open)];
    case 'text':
      return [closed, endText(state, choice, open)];
    case 'thinking':
      return [closed, NONE];
  }
}

function finish(before: EncodeState, { choice: index, finish: why }: Extract<CanonicalEvent, { type: 'finish' }>): Step {
  const [state, first] = release(before, index);
  const last = chunk(state, { choices: [{ index, delta: {}, logprobs: null, finish_reason: encodeFinish(why) }] });
  return [state, [...first, last]];
}

/** Signatures that still wait where no reason to stop was given. */
function releaseAll(state: EncodeState): Step {
  let after = state;
  const events = state.choices.flatMap(({ index }) => {
    const [next, said] = release(after, index);
    after = next;
    return said;
  });
  return [after, events];
}

function end(before: EncodeState): Step {
  const [state, first] = releaseAll(before);
  const { context, usage } = state;
  if (!context.includeUsage || usage === undefined) return [state, [...first, DONE]];
  return [state, [...first, chunk(state, { choices: [], usage: encodeUsage(usage) }), DONE]];
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
      return finish(state, event);
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
