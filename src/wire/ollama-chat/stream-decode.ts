import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalEvent, PartHead } from '../../canonical/event.ts';
import { parseData } from '../openai-chat/pass-through.ts';
import { CUT, type StreamDecoder } from '../protocol.ts';
import { ollamaErrors } from './errors.ts';
import { decodeFinish } from './finish.ts';
import { objectOf } from './message-decode.ts';
import { decodeLogprobs, secondsOf } from './response.ts';
import { ollamaUsage } from './usage.ts';

export interface DecodeState {
  readonly started: boolean;
  /** `end` or `error` was given, and nothing after it counts. */
  readonly closed: boolean;
  readonly parts: number;
  /** The part that the next words go to; calls come whole and are never left open. */
  readonly open: 'text' | 'thinking' | undefined;
  readonly hasToolCalls: boolean;
}

type Step = readonly [DecodeState, readonly CanonicalEvent[]];

const NONE: readonly CanonicalEvent[] = [];
const str = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

const broken = (state: DecodeState, message: string): Step => [
  { ...state, closed: true },
  [{ type: 'error', kind: 'upstream', code: null, message, cut: false }],
];

function start(state: DecodeState, { model, created_at: created }: JsonObject): Step {
  if (state.started) return [state, NONE];
  return [{ ...state, started: true }, [{ type: 'start', id: '', model: str(model), created: secondsOf(created) }]];
}

function closePart(state: DecodeState): Step {
  if (state.open === undefined) return [state, NONE];
  return [{ ...state, open: undefined }, [{ type: 'part_end', choice: 0, part: state.parts - 1 }]];
}

function openPart(state: DecodeState, head: PartHead): Step {
  const [closed, before] = closePart(state);
  return [{ ...closed, parts: closed.parts + 1 }, [...before, { type: 'part_start', choice: 0, part: closed.parts, head }]];
}

function words(state: DecodeState, kind: 'text' | 'thinking', text: string): Step {
  if (text === '') return [state, NONE];
  const [opened, events] = state.open === kind ? ([state, NONE] as const) : openPart(state, { type: kind });
  const type = kind === 'text' ? 'text_delta' : 'thinking_delta';
  return [{ ...opened, open: kind }, [...events, { type, choice: 0, part: opened.parts - 1, text }]];
}

function toolCall(state: DecodeState, call: JsonObject): Step {
  const inner = objectOf(call['function']);
  const head = { type: 'tool_call', id: str(call['id']), name: str(inner['name']), kind: 'function' } as const;
  const [opened, events] = openPart(state, head);
  const part = opened.parts - 1;
  const args = inner['arguments'];
  const text = typeof args === 'string' ? args : JSON.stringify(args ?? {});
  return [
    { ...opened, hasToolCalls: true },
    [...events, { type: 'arguments_delta', choice: 0, part, text }, { type: 'part_end', choice: 0, part }],
  ];
}

/** Runs the steps one after the other. */
function inTurn(state: DecodeState, steps: readonly ((state: DecodeState) => Step)[]): Step {
  const events: CanonicalEvent[] = [];
  let after = state;
  for (const step of steps) {
    const [next, given] = step(after);
    after = next;
    events.push(...given);
  }
  return [after, events];
}

/** One line: some words, calls, how likely the words were, and at the end the reason and the figures. */
function decodeLine(state: DecodeState, body: JsonObject): Step {
  const message = objectOf(body['message']);
  const calls = (Array.isArray(message['tool_calls']) ? (message['tool_calls'] as readonly Json[]) : []).filter(isJsonObject);
  const logprobs = decodeLogprobs(body['logprobs']);
  return inTurn(state, [
    (before) => start(before, body),
    (before) => words(before, 'thinking', str(message['thinking'])),
    (before) => words(before, 'text', str(message['content'])),
    ...calls.map((call) => (before: DecodeState) => toolCall(before, call)),
    (before) => [before, logprobs === undefined ? NONE : [{ type: 'logprobs', choice: 0, logprobs }]],
    (before) => (body['done'] === true ? end(before, body) : [before, NONE]),
  ]);
}

function end(state: DecodeState, body: JsonObject): Step {
  const [closed, events] = closePart(state);
  const usage = ollamaUsage(body);
  const raw = str(body['done_reason']);
  return [
    { ...closed, closed: true },
    [
      ...events,
      ...(usage === undefined ? [] : [{ type: 'usage', usage } as const]),
      ...(raw === '' ? [] : [{ type: 'finish', choice: 0, finish: decodeFinish(raw, closed.hasToolCalls) } as const]),
      { type: 'end' },
    ],
  ];
}

export const streamDecoder: StreamDecoder<DecodeState> = {
  start: () => ({ started: false, closed: false, parts: 0, open: undefined, hasToolCalls: false }),

  step(state, event) {
    if (state.closed) return [state, NONE];
    const body = parseData(event.data);
    if (body === undefined) return broken(state, 'The provider sent a line that is not a JSON object.');
    if (body['error'] === undefined) return decodeLine(state, body);
    return broken(state, ollamaErrors.decodeError(500, body).message);
  },

  finish: (state) => (state.closed ? NONE : [CUT]),
};
