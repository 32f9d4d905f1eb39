import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { begin, endPart, list, str, type AnswerState, type Events, type Item } from './answer-state.ts';
import { decodeAnnotation } from './annotations.ts';

function beginContent(state: AnswerState, item: Item<'message'>, type: 'text' | 'refusal', events: Events): AnswerState {
  const open = { part: state.parts, type, length: 0, citations: 0 };
  return { ...begin(state, { type }, events), item: { ...item, contents: item.contents + 1, open } };
}

function endContent(state: AnswerState, item: Item<'message'>, events: Events): AnswerState {
  const { open } = item;
  if (open === undefined) return state;
  endPart(open.part, events);
  return { ...state, base: state.base + (open.type === 'text' ? open.length : 0), item: { ...item, open: undefined } };
}

/** The part that words of this type go to: where a provider begins none, the words do. */
function contentFor(before: AnswerState, type: 'text' | 'refusal', events: Events): AnswerState {
  const { item } = before;
  if (item?.kind !== 'message' || item.open?.type === type) return before;
  const state = endContent(before, item, events);
  return state.item?.kind === 'message' ? beginContent(state, state.item, type, events) : state;
}

function words(before: AnswerState, type: 'text' | 'refusal', text: string, events: Events): AnswerState {
  const state = contentFor(before, type, events);
  if (state.item?.kind !== 'message' || state.item.open === undefined || text === '') return state;
  const { open } = state.item;
  events.push({ type: type === 'text' ? 'text_delta' : 'refusal_delta', choice: 0, part: open.part, text });
  return { ...state, item: { ...state.item, open: { ...open, length: open.length + text.length } } };
}

function logprobs(value: Json | undefined, events: Events): void {
  if (!Array.isArray(value) || value.length === 0) return;
  events.push({ type: 'logprobs', choice: 0, logprobs: { content: value as readonly Json[] } });
}

function citation(before: AnswerState, native: JsonObject, events: Events): AnswerState {
  const state = contentFor(before, 'text', events);
  if (state.item?.kind !== 'message' || state.item.open === undefined) return state;
  const { open } = state.item;
  events.push({ type: 'citation', choice: 0, part: open.part, citation: decodeAnnotation(native, state.base) });
  return { ...state, item: { ...state.item, open: { ...open, citations: open.citations + 1 } } };
}

/** A content part as its end shows it: what of it has not been said yet. */
function wholeContent(before: AnswerState, part: JsonObject, events: Events): AnswerState {
  const type = part['type'] === 'refusal' ? 'refusal' : 'text';
  let state = contentFor(before, type, events);
  if (state.item?.kind !== 'message' || state.item.open === undefined) return state;
  if (state.item.open.length === 0) {
    state = words(state, type, str(part[type === 'text' ? 'text' : 'refusal']), events);
    if (type === 'text') logprobs(part['logprobs'], events);
  }
  const seen = state.item?.kind === 'message' ? (state.item.open?.citations ?? 0) : 0;
  for (const native of list(part['annotations']).slice(seen)) state = citation(state, native, events);
  return state.item?.kind === 'message' ? endContent(state, state.item, events) : state;
}

export function endMessage(before: AnswerState, whole: JsonObject, events: Events): AnswerState {
  let state = before;
  const said = state.item?.kind === 'message' ? state.item : undefined;
  if (said === undefined) return state;
  const begun = said.open === undefined ? said.contents : said.contents - 1;
  for (const part of list(whole['content']).slice(begun)) state = wholeContent(state, part, events);
  return state.item?.kind === 'message' ? endContent(state, state.item, events) : state;
}

export function stepMessage(state: AnswerState, body: JsonObject, events: Events): AnswerState {
  const part = isJsonObject(body['part']) ? body['part'] : {};
  switch (body['type']) {
    case 'response.content_part.added': {
      const ended = state.item?.kind === 'message' ? endContent(state, state.item, events) : state;
      return contentFor(ended, part['type'] === 'refusal' ? 'refusal' : 'text', events);
    }
    case 'response.output_text.delta': {
      const after = words(state, 'text', str(body['delta']), events);
      logprobs(body['logprobs'], events);
      return after;
    }
    case 'response.refusal.delta':
      return words(state, 'refusal', str(body['delta']), events);
    case 'response.output_text.annotation.added':
      return isJsonObject(body['annotation']) ? citation(state, body['annotation'], events) : state;
    case 'response.content_part.done':
      return wholeContent(state, part, events);
    default:
      return state;
  }
}
