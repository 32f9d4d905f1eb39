import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalEvent } from '../../canonical/event.ts';
import { parseData } from '../openai-chat/pass-through.ts';
import { openaiUsage } from '../openai-chat/usage.ts';
import { CUT, type StreamDecoder } from '../protocol.ts';
import { finishChoice, stepChoice, type ChoiceState } from './choice-decode.ts';
import { mistralErrors } from './errors.ts';

/** `choices` in order of appearance. `closed`: `end` or `error` was given, and nothing after it counts. */
export interface DecodeState {
  readonly started: boolean;
  readonly closed: boolean;
  readonly choices: readonly ChoiceState[];
}

type Step = readonly [DecodeState, readonly CanonicalEvent[]];

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

const broken = (state: DecodeState, message: string): Step => [
  { ...state, closed: true },
  [{ type: 'error', kind: 'upstream', code: null, message, cut: false }],
];

/** An error after the first byte: OpenAI's `error`, or Mistral's own object that names itself one. */
function failureIn(body: JsonObject): CanonicalEvent | undefined {
  const isError = body['object'] === 'error' || isJsonObject(body['error']) || text(body['error']) !== '';
  if (!isError) return undefined;
  const { kind, code, message } = mistralErrors.decodeError(500, body);
  return { type: 'error', kind, code, message, cut: false };
}

function decodeStart({ id, model, created }: JsonObject): CanonicalEvent {
  return { type: 'start', id: text(id), model: text(model), created: typeof created === 'number' ? created : undefined };
}

/** Runs one chunk's choice through its state, which is made when the choice first appears. */
function decodeChoice(choices: readonly ChoiceState[], chunk: Json, events: CanonicalEvent[]): readonly ChoiceState[] {
  if (!isJsonObject(chunk)) return choices;
  const index = typeof chunk['index'] === 'number' ? chunk['index'] : 0;
  const at = choices.findIndex((choice) => choice.index === index);
  const before: ChoiceState = choices[at] ?? { index, parts: 0, open: undefined, hasToolCalls: false, rawFinish: undefined };
  const after = stepChoice(before, chunk, events);
  if (at === -1) return [...choices, after];
  return after === before ? choices : choices.with(at, after);
}

function decodeChunk(state: DecodeState, body: JsonObject): Step {
  const failure = failureIn(body);
  if (failure !== undefined) return [{ ...state, closed: true }, [failure]];
  const events: CanonicalEvent[] = state.started ? [] : [decodeStart(body)];
  let { choices } = state;
  for (const chunk of Array.isArray(body['choices']) ? (body['choices'] as readonly Json[]) : [])
    choices = decodeChoice(choices, chunk, events);
  const usage = openaiUsage(body['usage']);
  if (usage !== undefined) events.push({ type: 'usage', usage });
  const failed = events.findIndex((event) => event.type === 'error');
  if (failed !== -1) return [{ ...state, closed: true }, events.slice(0, failed + 1)];
  return [state.started && choices === state.choices ? state : { started: true, closed: false, choices }, events];
}

/** Parts still open end, then each choice says why it stopped, then the stream is whole. */
const close = (state: DecodeState): readonly CanonicalEvent[] => [...state.choices.flatMap(finishChoice), { type: 'end' }];

export const streamDecoder: StreamDecoder<DecodeState> = {
  start: () => ({ started: false, closed: false, choices: [] }),

  step(state, event) {
    if (state.closed) return [state, []];
    if (event.data.trim() === '[DONE]')
      return state.started ? [{ ...state, closed: true }, close(state)] : broken(state, 'The stream ended before it began.');
    const body = parseData(event.data);
    return body === undefined ? broken(state, 'The provider sent an event that is not a JSON object.') : decodeChunk(state, body);
  },

  /** Where [DONE] is missing, the answer is whole when every choice has said why it stopped. */
  finish(state) {
    if (state.closed) return [];
    const isWhole = state.choices.length > 0 && state.choices.every((choice) => choice.rawFinish !== undefined);
    return isWhole ? close(state) : [CUT];
  },
};
