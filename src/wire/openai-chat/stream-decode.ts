import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalEvent } from '../../canonical/event.ts';
import { namesSources, sourcesOf } from './annotations.ts';
import { CUT, type StreamDecoder } from '../protocol.ts';
import { stepChoice, finishChoice, type ChoiceState } from './choice-decode.ts';
import { openaiErrors } from './errors.ts';
import { parseData } from './pass-through.ts';
import { answerUsage } from './usage.ts';

/** `choices` in order of appearance. `closed`: `end` or `error` was given, and nothing after it counts. */
export interface DecodeState {
  readonly started: boolean;
  readonly closed: boolean;
  readonly choices: readonly ChoiceState[];
  /** The last chunk that names sources beside the answer: Perplexity repeats them in every one. */
  readonly sources: JsonObject | undefined;
}

type Step = readonly [DecodeState, readonly CanonicalEvent[]];

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

const broken = (message: string): CanonicalEvent => ({ type: 'error', kind: 'upstream', code: null, message, cut: false });

/** A failure inside a stream that began with 200: OpenAI and Alibaba send an object with `error` and stop. OpenRouter puts it into a choice. */
function failureIn(body: JsonObject): CanonicalEvent | undefined {
  const choices = Array.isArray(body['choices']) ? (body['choices'] as readonly Json[]) : [];
  const holder = [body, ...choices.filter(isJsonObject)].find(
    ({ error }) => isJsonObject(error) || (typeof error === 'string' && error !== ''),
  );
  if (holder === undefined) return undefined;
  const { kind, code, message } = openaiErrors.decodeError(500, holder);
  return { type: 'error', kind, code, message, cut: false };
}

/** Azure's first chunk is nameless and without choices: the stream starts with the first that says something. */
const startsStream = (body: JsonObject, choices: readonly Json[]): boolean => choices.length > 0 || text(body['id']) !== '';

function decodeStart(body: JsonObject): CanonicalEvent {
  const { created, service_tier: tier } = body;
  return {
    type: 'start',
    id: text(body['id']),
    model: text(body['model']),
    created: typeof created === 'number' ? created : undefined,
    serviceTier: typeof tier === 'string' && tier !== '' ? tier : undefined,
  };
}

/** Runs one chunk's choice through its state, which is made when the choice first appears. */
function decodeChoice(choices: readonly ChoiceState[], chunk: Json, events: CanonicalEvent[]): readonly ChoiceState[] {
  if (!isJsonObject(chunk)) return choices;
  const index = typeof chunk['index'] === 'number' ? chunk['index'] : 0;
  const at = choices.findIndex((choice) => choice.index === index);
  const before: ChoiceState = choices[at] ?? {
    index,
    parts: 0,
    open: undefined,
    hasToolCalls: false,
    signature: undefined,
    rawFinish: undefined,
  };
  const after = stepChoice(before, chunk, events);
  if (at === -1) return [...choices, after];
  return after === before ? choices : choices.with(at, after);
}

function usageEvent(body: JsonObject): CanonicalEvent | undefined {
  const usage = answerUsage(body);
  return usage === undefined ? undefined : { type: 'usage', usage };
}

function decodeChunk(state: DecodeState, body: JsonObject): Step {
  const failure = failureIn(body);
  if (failure !== undefined) return [{ ...state, closed: true }, [failure]];
  const chunks = Array.isArray(body['choices']) ? (body['choices'] as readonly Json[]) : [];
  const events: CanonicalEvent[] = [];
  const starts = !state.started && startsStream(body, chunks);
  if (starts) events.push(decodeStart(body));
  let { choices } = state;
  for (const chunk of chunks) choices = decodeChoice(choices, chunk, events);
  const usage = usageEvent(body);
  if (usage !== undefined) events.push(usage);
  const failed = events.findIndex((event) => event.type === 'error');
  if (failed !== -1) return [{ ...state, closed: true }, events.slice(0, failed + 1)];
  const sources = namesSources(body) ? body : state.sources;
  if (!starts && choices === state.choices && sources === state.sources) return [state, events];
  return [{ started: state.started || starts, closed: false, choices, sources }, events];
}

/** Parts still open end, then each choice says why it stopped, then the stream is whole. */
function close(state: DecodeState): readonly CanonicalEvent[] {
  const sources = state.sources === undefined ? [] : sourcesOf(state.sources);
  return [...state.choices.flatMap((choice) => finishChoice(choice, sources)), { type: 'end' }];
}

export const streamDecoder: StreamDecoder<DecodeState> = {
  start: () => ({ started: false, closed: false, choices: [], sources: undefined }),

  step(state, event) {
    if (state.closed) return [state, []];
    if (event.data.trim() === '[DONE]')
      return state.started
        ? [{ ...state, closed: true }, close(state)]
        : [{ ...state, closed: true }, [broken('The stream ended before it began.')]];
    const body = parseData(event.data);
    if (body === undefined) return [{ ...state, closed: true }, [broken('The provider sent an event that is not a JSON object.')]];
    return decodeChunk(state, body);
  },

  /** Some providers (Perplexity) never send [DONE]: the answer is whole when every choice has said why it stopped. */
  finish(state) {
    if (state.closed) return [];
    const isWhole = state.choices.length > 0 && state.choices.every((choice) => choice.rawFinish !== undefined);
    return isWhole ? close(state) : [CUT];
  },
};
