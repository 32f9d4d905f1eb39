import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalEvent, PartHead } from '../../canonical/event.ts';
import { parseData } from '../openai-chat/pass-through.ts';
import { CUT, type StreamDecoder } from '../protocol.ts';
import { decodeCitation } from './citations.ts';
import { decodeFinish } from './finish.ts';
import { decodeLogprobs } from './logprobs.ts';
import { cohereUsage } from './usage.ts';

/** The code points outside the first plane of one text, last first: citations count them once, our offsets twice. */
interface Astral {
  readonly at: number;
  readonly before: Astral | undefined;
}

/**
 * The part that deltas go to. A text stays open after its `content-end` until something else begins, since citations of it may follow.
 * `start`: UTF-16 offset of the part in the text of the answer; `points`: code points so far.
 */
interface Open {
  readonly part: number;
  readonly type: 'text' | 'thinking' | 'plan' | 'tool_call';
  readonly start: number;
  readonly points: number;
  readonly astral: Astral | undefined;
}

export interface DecodeState {
  readonly started: boolean;
  /** `end` or `error` was given, and nothing after it counts. */
  readonly closed: boolean;
  readonly parts: number;
  readonly open: Open | undefined;
  /** UTF-16 length of the answer's text so far. */
  readonly length: number;
}

type Step = readonly [DecodeState, readonly CanonicalEvent[]];

const NONE: readonly CanonicalEvent[] = [];
const str = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const inner = (value: Json | undefined, name: string): JsonObject => {
  const member = isJsonObject(value) ? value[name] : undefined;
  return isJsonObject(member) ? member : {};
};

const broken = (state: DecodeState, message: string): Step => [
  { ...state, closed: true },
  [{ type: 'error', kind: 'upstream', code: null, message, cut: false }],
];

/** Events carry `delta.message`, with one member for what they are about. */
const messageOf = (body: JsonObject): JsonObject => inner(body['delta'], 'message');

function messageStart(state: DecodeState, body: JsonObject): Step {
  if (state.started) return broken(state, 'The provider began its answer twice.');
  return [{ ...state, started: true }, [{ type: 'start', id: str(body['id']), model: '' }]];
}

function closePart(state: DecodeState): Step {
  const { open } = state;
  return open === undefined ? [state, NONE] : [{ ...state, open: undefined }, [{ type: 'part_end', choice: 0, part: open.part }]];
}

function openPart(state: DecodeState, type: Open['type'], head: PartHead): Step {
  const [closed, before] = closePart(state);
  const part = closed.parts;
  const open = { part, type, start: closed.length, points: 0, astral: undefined };
  return [{ ...closed, parts: part + 1, open }, [...before, { type: 'part_start', choice: 0, part, head }]];
}

const isHighSurrogate = (text: string, at: number): boolean => (text.codePointAt(at) ?? 0) > 0xffff;

function withText(state: DecodeState, open: Open, text: string): DecodeState {
  let { points, astral } = open;
  for (let at = 0; at < text.length; at++) {
    if (isHighSurrogate(text, at)) {
      astral = { at: points, before: astral };
      at++;
    }
    points++;
  }
  return { ...state, length: state.length + text.length, open: { ...open, points, astral } };
}

function say(state: DecodeState, text: string): Step {
  const { open } = state;
  if (open === undefined || text === '') return [state, NONE];
  const { part } = open;
  if (open.type === 'tool_call') return [state, [{ type: 'arguments_delta', choice: 0, part, text }]];
  if (open.type !== 'text') return [state, [{ type: 'thinking_delta', choice: 0, part, text }]];
  return [withText(state, open, text), [{ type: 'text_delta', choice: 0, part, text }]];
}

const andSay = ([state, events]: Step, text: string): Step => {
  const [after, said] = say(state, text);
  return [after, [...events, ...said]];
};

function contentStart(state: DecodeState, body: JsonObject): Step {
  const content = inner(messageOf(body), 'content');
  const isThinking = content['type'] === 'thinking';
  const opened = isThinking ? openPart(state, 'thinking', { type: 'thinking' }) : openPart(state, 'text', { type: 'text' });
  return andSay(opened, str(content[isThinking ? 'thinking' : 'text']));
}

function contentDelta(state: DecodeState, body: JsonObject): Step {
  const { open } = state;
  if (open?.type !== 'text' && open?.type !== 'thinking')
    return broken(state, 'The provider sent a piece of content that it had not begun.');
  const content = inner(messageOf(body), 'content');
  const [after, events] = say(state, str(content[open.type]));
  const logprobs = decodeLogprobs(body['logprobs']);
  return [after, logprobs === undefined ? events : [...events, { type: 'logprobs', choice: 0, logprobs }]];
}

function planDelta(state: DecodeState, body: JsonObject): Step {
  const text = str(messageOf(body)['tool_plan']);
  if (text === '') return [state, NONE];
  return andSay(state.open?.type === 'plan' ? [state, NONE] : openPart(state, 'plan', { type: 'thinking' }), text);
}

function toolStart(state: DecodeState, body: JsonObject): Step {
  const call = inner(messageOf(body), 'tool_calls');
  const { name, arguments: args } = inner(call, 'function');
  const head = { type: 'tool_call', id: str(call['id']), name: str(name), kind: 'function' } as const;
  return andSay(openPart(state, 'tool_call', head), str(args));
}

function toolDelta(state: DecodeState, body: JsonObject): Step {
  if (state.open?.type !== 'tool_call') return broken(state, 'The provider sent a piece of a tool call that it had not begun.');
  const call = inner(messageOf(body), 'tool_calls');
  return say(state, str(inner(call, 'function')['arguments']));
}

function astralBefore(open: Open, point: number): number {
  let count = 0;
  for (let astral = open.astral; astral !== undefined; astral = astral.before) if (astral.at < point) count++;
  return count;
}

/** A citation hangs on the text that is open, or on an empty one behind what there was. */
function citationStart(state: DecodeState, body: JsonObject): Step {
  const native = inner(messageOf(body), 'citations');
  if (Object.keys(native).length === 0 || (native['type'] !== undefined && native['type'] !== 'TEXT_CONTENT')) return [state, NONE];
  const [opened, events] = state.open?.type === 'text' ? ([state, NONE] as const) : openPart(state, 'text', { type: 'text' });
  const { open } = opened;
  if (open === undefined) return [opened, events];
  const citation = decodeCitation(native, (point) => open.start + point + astralBefore(open, point));
  return [opened, [...events, { type: 'citation', choice: 0, part: open.part, citation }]];
}

function messageEnd(state: DecodeState, body: JsonObject): Step {
  const delta = isJsonObject(body['delta']) ? body['delta'] : {};
  if (str(delta['error']) !== '') return broken(state, str(delta['error']));
  const [closed, events] = closePart(state);
  const usage = cohereUsage(delta['usage']);
  const raw = delta['finish_reason'];
  return [
    { ...closed, closed: true },
    [
      ...events,
      ...(usage === undefined ? [] : [{ type: 'usage', usage } as const]),
      ...(typeof raw === 'string' ? [{ type: 'finish', choice: 0, finish: decodeFinish(raw) } as const] : []),
      { type: 'end' },
    ],
  ];
}

/** Events of unknown types (`debug`) are passed over; an object without a type is an error that came after the first byte. */
function decodeEvent(state: DecodeState, body: JsonObject): Step {
  const { type } = body;
  if (type === 'message-start') return messageStart(state, body);
  if (type === undefined && str(body['message']) !== '') return broken(state, str(body['message']));
  if (!state.started) return [state, NONE];
  switch (type) {
    case 'content-start':
      return contentStart(state, body);
    case 'content-delta':
      return contentDelta(state, body);
    case 'content-end':
      return state.open?.type === 'thinking' ? closePart(state) : [state, NONE];
    case 'tool-plan-delta':
      return planDelta(state, body);
    case 'tool-call-start':
      return toolStart(state, body);
    case 'tool-call-delta':
      return toolDelta(state, body);
    case 'tool-call-end':
      return closePart(state);
    case 'citation-start':
      return citationStart(state, body);
    case 'message-end':
      return messageEnd(state, body);
    default:
      return [state, NONE];
  }
}

export const streamDecoder: StreamDecoder<DecodeState> = {
  start: () => ({ started: false, closed: false, parts: 0, open: undefined, length: 0 }),

  step(state, event) {
    // Cohere ends its own protocol with OpenAI's mark as well; it says nothing here.
    if (state.closed || event.data.trim() === '[DONE]') return [state, NONE];
    const body = parseData(event.data);
    return body === undefined ? broken(state, 'The provider sent an event that is not a JSON object.') : decodeEvent(state, body);
  },

  finish: (state) => (state.closed ? NONE : [CUT]),
};
