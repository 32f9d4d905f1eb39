import type { JsonObject } from '../../core/json.ts';
import type { CanonicalEvent, StartEvent } from '../../canonical/event.ts';
import type { StreamEncoder } from '../protocol.ts';
import { failureEvents, responseError } from './errors.ts';
import { emit, endItem, listed, run, type EncodeState, type Step } from './encode-state.ts';
import { argue, beginPart, endPart, sign, tellOther, think } from './item-encode.ts';
import { cite, speak, tellLogprobs } from './message-encode.ts';
import { PROTOCOL } from './names.ts';
import { encodeResponse, responseObject } from './response.ts';

const NOTHING: StartEvent = { type: 'start', id: '', model: '' };

/** The response before it has an output. */
const unfinished = ({ head, context, usage }: EncodeState, status: string, error: JsonObject | null): JsonObject => {
  const { id, model, created, serviceTier } = head;
  return responseObject({ id, model, created, serviceTier, status, details: null, error, output: [], usage }, context);
};

function start(before: EncodeState, head: StartEvent): Step {
  const state = { ...before, head };
  const response = unfinished(state, 'in_progress', null);
  return emit(state, ['response.created', { response }], ['response.in_progress', { response }]);
}

/** The whole answer, built as a plain one is. */
function whole(state: EncodeState): Step {
  const { head, context, usage, finish } = state;
  const logprobs = listed(state.logprobs);
  const choice = { index: 0, parts: listed(state.parts), finish, logprobs: logprobs.length === 0 ? undefined : { content: logprobs } };
  const { id, model, created, serviceTier } = head;
  const response = encodeResponse({ id, model, created, serviceTier, choices: [choice], usage }, context);
  return emit(state, [`response.${response['status'] === 'incomplete' ? 'incomplete' : 'completed'}`, { response }]);
}

function failure(state: EncodeState, error: Extract<CanonicalEvent, { type: 'error' }>): Step {
  const response = unfinished(state, 'failed', responseError(error));
  return [state, failureEvents({ ...error, param: null }, response, state.sequence)];
}

function step(state: EncodeState, event: CanonicalEvent): Step {
  // An answer has one choice here; a client of this protocol cannot have asked for more.
  if ('choice' in event && event.choice !== 0) return [state, []];
  switch (event.type) {
    case 'start':
      return start(state, event);
    case 'part_start':
      return beginPart(state, event.head);
    case 'text_delta':
    case 'refusal_delta':
      return speak(state, event.text);
    case 'thinking_delta':
      return think(state, event.text);
    case 'signature':
      return sign(state, event.signature, event.format);
    case 'arguments_delta':
      return argue(state, event.text);
    case 'citation':
      return cite(state, event.citation);
    case 'other_delta':
      return event.protocol === PROTOCOL ? tellOther(state, event.value) : [state, []];
    case 'part_end':
      return endPart(state);
    case 'logprobs':
      return tellLogprobs(state, event.logprobs);
    case 'usage':
      return [{ ...state, usage: event.usage }, []];
    case 'finish':
      return endItem({ ...state, finish: event.finish });
    case 'error':
      return failure(state, event);
    case 'end':
      return run(state, endItem, whole);
  }
}

export const streamEncoder: StreamEncoder<EncodeState> = {
  start: (context) => ({
    context,
    head: NOTHING,
    sequence: 0,
    index: 0,
    item: undefined,
    parts: undefined,
    base: 0,
    logprobs: undefined,
    usage: undefined,
    finish: undefined,
  }),
  step,
};
