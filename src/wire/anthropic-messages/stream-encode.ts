import type { JsonObject } from '../../core/json.ts';
import { NO_USAGE, type TokenUsage } from '../../core/usage.ts';
import type { CanonicalEvent, PartHead, PartStartEvent, StartEvent } from '../../canonical/event.ts';
import type { Citation } from '../../canonical/part.ts';
import type { Finish } from '../../canonical/response.ts';
import type { AnswerContext, SseEvent, StreamEncoder } from '../protocol.ts';
import { INPUT_CLOSES, INPUT_OPENS, inputPiece } from '../free-text-tool.ts';
import { opaque } from './answer-encode.ts';
import { encodeCitation } from './citations.ts';
import { anthropicErrors } from './errors.ts';
import { encodeFinish } from './finish.ts';
import { PROTOCOL } from './names.ts';
import { noteOf } from './notes.ts';
import { encodeUsage } from './usage-encode.ts';

export interface EncodeState {
  readonly context: AnswerContext;
  /** Held until the first usage or word, since `message_start` has the usage in it. */
  readonly waiting: StartEvent | undefined;
  /** Blocks begun so far; the last is `open` while a block is being written, and `silent` parts have none. */
  readonly blocks: number;
  readonly open: boolean;
  /** The open block is a free-text tool's call: its text is the one member of an object here. */
  readonly freeText: boolean;
  readonly usage: TokenUsage;
  readonly finish: Finish | undefined;
  readonly hasRefusal: boolean;
  /** Sound comes in many pieces: one note stands for all. */
  readonly hasAudio: boolean;
}

type Step = readonly [EncodeState, readonly SseEvent[]];

const NONE: readonly SseEvent[] = [];

const sse = (type: string, members: JsonObject): SseEvent => ({ event: type, data: JSON.stringify({ type, ...members }) });

function messageStart(state: EncodeState, event: StartEvent, usage: TokenUsage): SseEvent {
  const { context } = state;
  const id = event.id === '' ? `msg_${context.requestId}` : event.id;
  const model = event.model === '' ? context.model : event.model;
  const tier = event.serviceTier === 'default' ? 'standard' : event.serviceTier;
  const message = { id, type: 'message', role: 'assistant', model, content: [], stop_reason: null, stop_sequence: null };
  return sse('message_start', { message: { ...message, usage: { ...encodeUsage(usage), service_tier: tier } } });
}

/** Sends what was held back. */
function begun(state: EncodeState): Step {
  if (state.waiting === undefined) return [state, NONE];
  return [{ ...state, waiting: undefined }, [messageStart(state, state.waiting, state.usage)]];
}

/** A block as its start shows it; undefined for parts that only another protocol has. */
function blockOf(head: PartHead, part: number, context: AnswerContext): JsonObject | undefined {
  switch (head.type) {
    case 'text':
    case 'refusal':
      return { type: 'text', text: '' };
    case 'thinking':
      return { type: 'thinking', thinking: '', signature: '' };
    case 'redacted_thinking':
      return { type: 'redacted_thinking', data: opaque(head.data, head.format) };
    case 'tool_call':
      return { type: 'tool_use', id: head.id === '' ? `toolu_${context.requestId}_${part}` : head.id, name: head.name, input: {} };
    case 'image':
    case 'audio':
    case 'file':
      return { type: 'text', text: '' };
    case 'other':
      return head.protocol === PROTOCOL ? (head.value as JsonObject) : undefined;
  }
}

function partStart(before: EncodeState, { part, head }: PartStartEvent): Step {
  const [state, first] = begun(before);
  const block = head.type === 'audio' && state.hasAudio ? undefined : blockOf(head, part, state.context);
  const hasRefusal = state.hasRefusal || head.type === 'refusal';
  const hasAudio = state.hasAudio || head.type === 'audio';
  if (block === undefined) return [{ ...state, open: false, hasRefusal, hasAudio }, first];
  const start = sse('content_block_start', { index: state.blocks, content_block: block });
  const freeText = head.type === 'tool_call' && head.kind === 'custom';
  const begins = { ...state, blocks: state.blocks + 1, open: true, freeText, hasRefusal, hasAudio };
  return [begins, [...first, start, ...firstWords(begins, head)]];
}

/** What a block says by its head alone. */
function firstWords(state: EncodeState, head: PartHead): readonly SseEvent[] {
  if (head.type === 'image' || head.type === 'audio' || head.type === 'file')
    return delta(state, { type: 'text_delta', text: noteOf(head) })[1];
  return state.freeText ? inputDelta(state, INPUT_OPENS)[1] : NONE;
}

const inputDelta = (state: EncodeState, json: string): Step => delta(state, { type: 'input_json_delta', partial_json: json });

const delta = (state: EncodeState, words: JsonObject): Step => [
  state,
  state.open ? [sse('content_block_delta', { index: state.blocks - 1, delta: words })] : NONE,
];

function partEnd(state: EncodeState): Step {
  if (!state.open) return [state, NONE];
  const last = state.freeText ? inputDelta(state, INPUT_CLOSES)[1] : NONE;
  return [{ ...state, open: false, freeText: false }, [...last, sse('content_block_stop', { index: state.blocks - 1 })]];
}

/** The text that it cites is with the client already. */
function cited(state: EncodeState, citation: Citation): Step {
  const encoded = encodeCitation(citation, '');
  return encoded === undefined ? [state, NONE] : delta(state, { type: 'citations_delta', citation: encoded });
}

function usage(state: EncodeState, counts: TokenUsage): Step {
  return begun({ ...state, usage: counts });
}

function end(before: EncodeState): Step {
  const [state, first] = begun(before);
  const { finish } = state;
  const stop = {
    stop_reason: finish === undefined ? null : encodeFinish(finish, state.hasRefusal),
    stop_sequence: finish?.stopSequence ?? null,
  };
  return [state, [...first, sse('message_delta', { delta: stop, usage: encodeUsage(state.usage) }), sse('message_stop', {})]];
}

const failure = (state: EncodeState, { kind, code, message }: Extract<CanonicalEvent, { type: 'error' }>): readonly SseEvent[] =>
  anthropicErrors.encodeStreamError({ status: 502, kind, code, message, param: null }, state.context.requestId);

function step(state: EncodeState, event: CanonicalEvent): Step {
  // An answer has one choice here; a client of this protocol cannot have asked for more.
  if ('choice' in event && event.choice !== 0) return [state, NONE];
  switch (event.type) {
    case 'start':
      return [{ ...state, waiting: event }, NONE];
    case 'part_start':
      return partStart(state, event);
    case 'text_delta':
    case 'refusal_delta':
      return delta(state, { type: 'text_delta', text: event.text });
    case 'thinking_delta':
      return delta(state, { type: 'thinking_delta', thinking: event.text });
    case 'signature':
      return delta(state, { type: 'signature_delta', signature: opaque(event.signature, event.format) });
    case 'arguments_delta':
      return inputDelta(state, state.freeText ? inputPiece(event.text) : event.text);
    case 'citation':
      return cited(state, event.citation);
    case 'other_delta':
      return event.protocol === PROTOCOL ? delta(state, event.value) : [state, NONE];
    case 'part_end':
      return partEnd(state);
    case 'logprobs':
      return [state, NONE];
    case 'usage':
      return usage(state, event.usage);
    case 'finish':
      return [{ ...state, finish: event.finish }, NONE];
    case 'error':
      return [state, failure(state, event)];
    case 'end':
      return end(state);
  }
}

export const streamEncoder: StreamEncoder<EncodeState> = {
  start: (context) => ({
    context,
    waiting: undefined,
    blocks: 0,
    open: false,
    freeText: false,
    usage: NO_USAGE,
    finish: undefined,
    hasRefusal: false,
    hasAudio: false,
  }),
  step,
};
