import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalEvent } from '../../canonical/event.ts';
import { OPENAI_SIGNATURE, type SignatureFormat } from '../../canonical/part.ts';
import { parseData } from '../openai-chat/pass-through.ts';
import { CUT, type StreamDecoder } from '../protocol.ts';
import { decodeStreamError } from './errors.ts';
import { decodeFinish } from './finish.ts';
import type { AnswerState } from './answer-state.ts';
import { beginItem, endItem, stepItem } from './item-decode.ts';
import { formatOf } from './reasoning.ts';
import { incompleteReason } from './response.ts';
import { answerUsage } from './usage.ts';

/** Events of items that began before the open one ended, newest first: they wait until it has. */
interface Held {
  readonly body: JsonObject;
  readonly before: Held | undefined;
  readonly count: number;
}

export interface DecodeState {
  readonly started: boolean;
  /** `end` or `error` was given, and nothing after it counts. */
  readonly closed: boolean;
  /** Whose reasoning the model writes. */
  readonly format: SignatureFormat;
  readonly answer: AnswerState;
  readonly held: Held | undefined;
}

type Step = readonly [DecodeState, readonly CanonicalEvent[]];

const NONE: readonly CanonicalEvent[] = [];
/** No provider is known to interleave its items; one that does it without end is not followed. */
const MOST_HELD = 2000;

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const object = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {});

const broken = (state: DecodeState, message: string, events: readonly CanonicalEvent[] = NONE): Step => [
  { ...state, closed: true },
  [...events, { type: 'error', kind: 'upstream', code: null, message, cut: false }],
];

/** The response as its first event shows it. A stream that is taken up later begins with another event. */
function begin(state: DecodeState, body: JsonObject): Step {
  if (state.started) return [state, NONE];
  const response = object(body['response']);
  const { created_at: created, service_tier: tier } = response;
  const model = text(response['model']);
  const start = {
    type: 'start',
    id: text(response['id']),
    model,
    created: typeof created === 'number' ? created : undefined,
    serviceTier: text(tier) || undefined,
  } as const;
  return [{ ...state, started: true, format: formatOf(model) }, [start]];
}

function hold(state: DecodeState, body: JsonObject): Step {
  const count = (state.held?.count ?? 0) + 1;
  if (count > MOST_HELD) return broken(state, 'The provider mixed the events of too many items.');
  return [{ ...state, held: { body, before: state.held, count } }, NONE];
}

/** Held events in the order in which they came. */
function inOrder(held: Held | undefined): readonly JsonObject[] {
  const bodies: JsonObject[] = [];
  for (let at = held; at !== undefined; at = at.before) bodies.push(at.body);
  return bodies.reverse();
}

/** What waited for the open item to end. */
function release(before: DecodeState, events: CanonicalEvent[]): DecodeState {
  let state: DecodeState = { ...before, held: undefined };
  for (const body of inOrder(before.held)) {
    const [next, given] = itemEvent(state, body);
    events.push(...given);
    state = next;
  }
  return state;
}

function close(state: DecodeState, body: JsonObject | undefined): Step {
  const events: CanonicalEvent[] = [];
  const answer = endItem(state.answer, body, events);
  const closed = { ...state, answer };
  return [state.held === undefined ? closed : release(closed, events), events];
}

function add(state: DecodeState, output: number, body: JsonObject): Step {
  const events: CanonicalEvent[] = [];
  return [{ ...state, answer: beginItem(state.answer, output, object(body['item']), state.format, events) }, events];
}

/** An event of one item. The end of an item that was never begun says all of it. */
function itemEvent(state: DecodeState, body: JsonObject): Step {
  const { item } = state.answer;
  const output = typeof body['output_index'] === 'number' ? body['output_index'] : (item?.output ?? 0);
  if (item !== undefined && item.output !== output) return hold(state, body);
  switch (body['type']) {
    case 'response.output_item.added':
      return item === undefined ? add(state, output, body) : [state, NONE];
    case 'response.output_item.done': {
      const [added, first] = item === undefined ? add(state, output, body) : [state, NONE];
      const [after, rest] = close(added, body);
      return [after, [...first, ...rest]];
    }
    default: {
      const events: CanonicalEvent[] = [];
      const answer = stepItem(state.answer, body, events);
      return [answer === state.answer ? state : { ...state, answer }, events];
    }
  }
}

/** An item that is still open when the response ends was never whole: it is closed as far as it goes, and so are those that waited for it. */
function closeAll(before: DecodeState, events: CanonicalEvent[]): DecodeState {
  let state = before;
  while (state.answer.item !== undefined) {
    const [next, given] = close(state, undefined);
    events.push(...given);
    state = next;
  }
  return state;
}

function end(before: DecodeState, body: JsonObject): Step {
  const [started, first] = begin(before, body);
  const events: CanonicalEvent[] = [...first];
  const state = closeAll(started, events);
  const response = object(body['response']);
  const usage = answerUsage(response);
  const status = body['type'] === 'response.completed' ? 'completed' : 'incomplete';
  const finish = decodeFinish(status, incompleteReason(response), state.answer.hasToolCalls);
  if (usage !== undefined) events.push({ type: 'usage', usage });
  if (finish !== undefined) events.push({ type: 'finish', choice: 0, finish });
  return [{ ...state, closed: true }, [...events, { type: 'end' }]];
}

function fail(state: DecodeState, body: JsonObject): Step {
  const { kind, code, message } = decodeStreamError(body);
  return [{ ...state, closed: true }, [{ type: 'error', kind, code, message, cut: false }]];
}

/** Events of unknown types are passed over unless they belong to an item that is carried whole. */
function decodeEvent(state: DecodeState, body: JsonObject): Step {
  switch (body['type']) {
    case 'response.created':
    case 'response.queued':
    case 'response.in_progress':
      return begin(state, body);
    case 'response.completed':
    case 'response.incomplete':
      return end(state, body);
    case 'error':
    case 'response.failed':
      return fail(state, body);
    case 'response.cancelled':
      return broken(state, 'The response was cancelled.');
    default:
      if (!state.started || body['output_index'] === undefined) return [state, NONE];
      return itemEvent(state, body);
  }
}

export const streamDecoder: StreamDecoder<DecodeState> = {
  start: () => ({
    started: false,
    closed: false,
    format: OPENAI_SIGNATURE,
    answer: { parts: 0, base: 0, item: undefined, hasToolCalls: false },
    held: undefined,
  }),

  step(state, event) {
    // Some providers end this protocol with chat completions' mark as well; it says nothing here.
    if (state.closed || event.data.trim() === '[DONE]') return [state, NONE];
    const body = parseData(event.data);
    if (body === undefined) return broken(state, 'The provider sent an event that is not a JSON object.');
    const [next, events] = decodeEvent(state, body);
    const failed = next.closed ? -1 : events.findIndex(({ type }) => type === 'error');
    return failed === -1 ? [next, events] : [{ ...next, closed: true }, events.slice(0, failed + 1)];
  },

  finish: (state) => (state.closed ? NONE : [CUT]),
};
