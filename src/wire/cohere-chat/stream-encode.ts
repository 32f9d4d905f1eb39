import type { JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import type { CanonicalEvent, PartStartEvent } from '../../canonical/event.ts';
import type { Citation } from '../../canonical/part.ts';
import type { Finish } from '../../canonical/response.ts';
import { INPUT_CLOSES, INPUT_OPENS, inputPiece } from '../free-text-tool.ts';
import type { AnswerContext, SseEvent, StreamEncoder } from '../protocol.ts';
import { encodeCitation } from './citations.ts';
import { cohereErrors } from './errors.ts';
import { encodeFinish } from './finish.ts';
import { encodeLogprobs } from './logprobs.ts';
import { PROTOCOL } from './names.ts';
import { encodeUsage } from './usage.ts';

/** Citations that wait for the end of their text, last first. */
interface Waiting {
  readonly citation: Citation;
  readonly before: Waiting | undefined;
}

type Open =
  | { readonly type: 'text'; readonly text: string; readonly start: number; readonly waiting: Waiting | undefined }
  | { readonly type: 'tool_call'; readonly isCustom: boolean }
  | { readonly type: 'thinking' | 'silent' };

export interface EncodeState {
  readonly context: AnswerContext;
  /** Items of content, tool calls and citations begun so far: each kind is counted for itself. */
  readonly contents: number;
  readonly calls: number;
  readonly citations: number;
  /** UTF-16 length of the answer's text so far. */
  readonly length: number;
  readonly open: Open;
  readonly usage: TokenUsage | undefined;
  readonly finish: Finish | undefined;
}

type Step = readonly [EncodeState, readonly SseEvent[]];

const NONE: readonly SseEvent[] = [];
const SILENT: Open = { type: 'silent' };

const sse = (type: string, members: JsonObject): SseEvent => ({ event: type, data: JSON.stringify({ type, ...members }) });
const about = (type: string, index: number, message: JsonObject): SseEvent => sse(type, { index, delta: { message } });

function start(state: EncodeState, id: string): Step {
  const message = { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] };
  return [state, [sse('message-start', { id: id === '' ? state.context.requestId : id, delta: { message } })]];
}

/** Parts that this protocol cannot say (images, another vendor's secrets) are silent. */
function partStart(state: EncodeState, { part, head }: PartStartEvent): Step {
  switch (head.type) {
    case 'text':
    case 'refusal': {
      const open = { type: 'text', text: '', start: state.length, waiting: undefined } as const;
      const event = about('content-start', state.contents, { content: { type: 'text', text: '' } });
      return [{ ...state, contents: state.contents + 1, open }, [event]];
    }
    case 'thinking': {
      const event = about('content-start', state.contents, { content: { type: 'thinking', thinking: '' } });
      return [{ ...state, contents: state.contents + 1, open: { type: 'thinking' } }, [event]];
    }
    case 'tool_call': {
      const id = head.id === '' ? `call_${state.context.requestId}_${part}` : head.id;
      const call = { id, type: 'function', function: { name: head.name, arguments: '' } };
      const isCustom = head.kind === 'custom';
      const begun = { ...state, calls: state.calls + 1, open: { type: 'tool_call', isCustom } } as const;
      const event = about('tool-call-start', state.calls, { tool_calls: call });
      return [begun, isCustom ? [event, argumentsEvent(begun, INPUT_OPENS)] : [event]];
    }
    case 'redacted_thinking':
    case 'image':
    case 'audio':
    case 'file':
    case 'other':
      return [{ ...state, open: SILENT }, NONE];
  }
}

function text(state: EncodeState, words: string): Step {
  const open = state.open.type === 'text' ? { ...state.open, text: state.open.text + words } : state.open;
  const event = about('content-delta', state.contents - 1, { content: { text: words } });
  return [{ ...state, length: state.length + words.length, open }, [event]];
}

const thinking = (state: EncodeState, words: string): Step => [
  state,
  [about('content-delta', state.contents - 1, { content: { thinking: words } })],
];

const argumentsEvent = (state: EncodeState, words: string): SseEvent =>
  about('tool-call-delta', state.calls - 1, { tool_calls: { function: { arguments: words } } });

const callArguments = (state: EncodeState, words: string): Step => [
  state,
  [argumentsEvent(state, state.open.type === 'tool_call' && state.open.isCustom ? inputPiece(words) : words)],
];

const cite = (state: EncodeState, native: JsonObject): Step => [
  { ...state, citations: state.citations + 1 },
  [about('citation-start', state.citations, { citations: native }), sse('citation-end', { index: state.citations })],
];

/** Another protocol's citation needs the text that it stands on, which is whole at the end of its part. */
function citation(state: EncodeState, cited: Citation): Step {
  if (cited.protocol === PROTOCOL) return cite(state, cited.native);
  const { open } = state;
  if (open.type !== 'text') return [state, NONE];
  return [{ ...state, open: { ...open, waiting: { citation: cited, before: open.waiting } } }, NONE];
}

function waitingCitations(state: EncodeState, open: Extract<Open, { type: 'text' }>): Step {
  const list: Citation[] = [];
  for (let { waiting } = open; waiting !== undefined; waiting = waiting.before) list.unshift(waiting.citation);
  let after = state;
  const events: SseEvent[] = [];
  for (const cited of list) {
    const from = Math.max((cited.start ?? open.start) - open.start, 0);
    const to = Math.max((cited.end ?? open.start + open.text.length) - open.start, from);
    const [start, end] = [Array.from(open.text.slice(0, from)).length, Array.from(open.text.slice(0, to)).length];
    const native = encodeCitation(cited, { text: open.text.slice(from, to), start, end, content: state.contents - 1 });
    if (native === undefined) continue;
    const [next, given] = cite(after, native);
    after = next;
    events.push(...given);
  }
  return [after, events];
}

function partEnd(state: EncodeState): Step {
  const { open } = state;
  const closed = { ...state, open: SILENT };
  if (open.type === 'silent') return [closed, NONE];
  if (open.type === 'tool_call') {
    const last = sse('tool-call-end', { index: state.calls - 1 });
    return [closed, open.isCustom ? [argumentsEvent(state, INPUT_CLOSES), last] : [last]];
  }
  const [cited, events] = open.type === 'text' ? waitingCitations(closed, open) : ([closed, NONE] as const);
  return [cited, [...events, sse('content-end', { index: state.contents - 1 })]];
}

/** On an empty delta of its own: which words it belongs to is said in it. */
const logprobs = (state: EncodeState, value: JsonObject): Step => [
  state,
  encodeLogprobs(value).map((item) =>
    sse('content-delta', { index: Math.max(state.contents - 1, 0), delta: { message: { content: {} } }, logprobs: item }),
  ),
];

function end(state: EncodeState): Step {
  const delta = {
    finish_reason: state.finish === undefined ? undefined : encodeFinish(state.finish),
    usage: state.usage === undefined ? undefined : encodeUsage(state.usage),
  };
  return [state, [sse('message-end', { delta })]];
}

const failure = (state: EncodeState, { kind, code, message }: Extract<CanonicalEvent, { type: 'error' }>): readonly SseEvent[] =>
  cohereErrors.encodeStreamError({ status: 502, kind, code, message, param: null }, state.context.requestId);

function step(state: EncodeState, event: CanonicalEvent): Step {
  // An answer has one choice here; a client of this protocol cannot have asked for more.
  if ('choice' in event && event.choice !== 0) return [state, NONE];
  switch (event.type) {
    case 'start':
      return start(state, event.id);
    case 'part_start':
      return partStart(state, event);
    case 'text_delta':
    case 'refusal_delta':
      return text(state, event.text);
    case 'thinking_delta':
      return thinking(state, event.text);
    case 'arguments_delta':
      return callArguments(state, event.text);
    case 'citation':
      return citation(state, event.citation);
    case 'part_end':
      return partEnd(state);
    case 'logprobs':
      return logprobs(state, event.logprobs);
    case 'usage':
      return [{ ...state, usage: event.usage }, NONE];
    case 'finish':
      return [{ ...state, finish: event.finish }, NONE];
    case 'error':
      return [state, failure(state, event)];
    case 'end':
      return end(state);
    // Cohere has no field in which another vendor's signature could travel.
    case 'signature':
    case 'other_delta':
      return [state, NONE];
  }
}

export const streamEncoder: StreamEncoder<EncodeState> = {
  start: (context) => ({ context, contents: 0, calls: 0, citations: 0, length: 0, open: SILENT, usage: undefined, finish: undefined }),
  step,
};
