import { isJsonObject, type JsonObject } from '../../core/json.ts';
import type { SignatureFormat } from '../../canonical/part.ts';
import { begin, endPart, str, type AnswerState, type Events } from './answer-state.ts';
import { endMessage, stepMessage } from './message-decode.ts';
import { PROTOCOL } from './names.ts';
import { opened } from './reasoning.ts';
import { endReasoning, stepReasoning } from './thinking-decode.ts';

function callText(state: AnswerState, text: string, events: Events): AnswerState {
  const { item } = state;
  if (item?.kind !== 'call' || text === '') return state;
  events.push({ type: 'arguments_delta', choice: 0, part: item.part, text });
  return item.said ? state : { ...state, item: { ...item, said: true } };
}

/** The whole text of a call, which counts only where no piece of it came. */
const callEnd = (state: AnswerState, text: string, events: Events): AnswerState =>
  state.item?.kind === 'call' && state.item.said ? state : callText(state, text, events);

function stepCall(state: AnswerState, body: JsonObject, events: Events): AnswerState {
  switch (body['type']) {
    case 'response.function_call_arguments.delta':
    case 'response.custom_tool_call_input.delta':
      return callText(state, str(body['delta']), events);
    case 'response.function_call_arguments.done':
      return callEnd(state, str(body['arguments']), events);
    case 'response.custom_tool_call_input.done':
      return callEnd(state, str(body['input']), events);
    default:
      return state;
  }
}

// Items that only this protocol has

/** Their events are carried whole, but for what counts the events and items of this stream. */
function stepOther(state: AnswerState, part: number, body: JsonObject, events: Events): AnswerState {
  const { sequence_number: _sequence, output_index: _output, ...value } = body;
  events.push({ type: 'other_delta', choice: 0, part, protocol: PROTOCOL, value });
  return state;
}

// Items

function beginCall(state: AnswerState, output: number, item: JsonObject, events: Events): AnswerState {
  const kind = item['type'] === 'custom_tool_call' ? 'custom' : 'function';
  const head = { type: 'tool_call', id: str(item['call_id']), name: str(item['name']), kind } as const;
  return { ...begin(state, head, events), hasToolCalls: true, item: { kind: 'call', output, part: state.parts, said: false } };
}

export function beginItem(state: AnswerState, output: number, item: JsonObject, format: SignatureFormat, events: Events): AnswerState {
  switch (item['type']) {
    case 'message':
      return { ...state, item: { kind: 'message', output, contents: 0, open: undefined } };
    case 'reasoning': {
      const encrypted = item['encrypted_content'];
      const signer = typeof encrypted === 'string' ? opened(encrypted, format).format : format;
      return { ...state, item: { kind: 'reasoning', output, format: signer, signs: typeof encrypted === 'string', open: undefined } };
    }
    case 'function_call':
    case 'custom_tool_call':
      return beginCall(state, output, item, events);
    default: {
      const head = { type: 'other', protocol: PROTOCOL, value: item } as const;
      return { ...begin(state, head, events), item: { kind: 'other', output, part: state.parts } };
    }
  }
}

export function stepItem(state: AnswerState, body: JsonObject, events: Events): AnswerState {
  switch (state.item?.kind) {
    case 'message':
      return stepMessage(state, body, events);
    case 'reasoning':
      return stepReasoning(state, body, events);
    case 'call':
      return stepCall(state, body, events);
    case 'other':
      return stepOther(state, state.item.part, body, events);
    case undefined:
      return state;
  }
}

/** `body`: the event that ends the item, with the whole item in it; undefined where the response ended without it. */
export function endItem(before: AnswerState, body: JsonObject | undefined, events: Events): AnswerState {
  const whole = isJsonObject(body?.['item']) ? body['item'] : {};
  let state = before;
  switch (state.item?.kind) {
    case 'message':
      state = endMessage(state, whole, events);
      break;
    case 'reasoning':
      state = endReasoning(state, whole, events);
      break;
    case 'call': {
      const { part } = state.item;
      state = callEnd(state, str(whole['arguments']) || str(whole['input']), events);
      endPart(part, events);
      break;
    }
    case 'other': {
      const { part } = state.item;
      if (body !== undefined) state = stepOther(state, part, body, events);
      endPart(part, events);
      break;
    }
    case undefined:
      break;
  }
  return { ...state, item: undefined };
}
