import type { JsonObject } from '../../core/json.ts';
import type { PartHead } from '../../canonical/event.ts';
import { begin, endPart, str, type AnswerState, type Events, type OpenThinking } from './answer-state.ts';
import { PROTOCOL } from './names.ts';
import { opened, reasoningText, SECTION_BREAK } from './reasoning.ts';

/** Who will sign is told at the start, so that a client's encoder knows how to write the text. */
function thinkingFor(state: AnswerState, source: OpenThinking['source'], events: Events): AnswerState {
  const { item } = state;
  if (item?.kind !== 'reasoning' || item.open !== undefined) return state;
  const open = { part: state.parts, source, said: false };
  return { ...begin(state, { type: 'thinking', format: item.signs ? item.format : undefined }, events), item: { ...item, open } };
}

function thinking(before: AnswerState, source: OpenThinking['source'], text: string, events: Events): AnswerState {
  const state = thinkingFor(before, source, events);
  if (state.item?.kind !== 'reasoning' || state.item.open?.source !== source || text === '') return state;
  const { open } = state.item;
  events.push({ type: 'thinking_delta', choice: 0, part: open.part, text });
  return open.said ? state : { ...state, item: { ...state.item, open: { ...open, said: true } } };
}

/** A further section of a summary. */
function section(before: AnswerState, source: OpenThinking['source'], events: Events): AnswerState {
  const open = before.item?.kind === 'reasoning' ? before.item.open : undefined;
  if (open === undefined) return thinkingFor(before, source, events);
  const state = thinking(before, source, SECTION_BREAK, events);
  if (state.item?.kind !== 'reasoning' || state.item.open === undefined) return state;
  return { ...state, item: { ...state.item, open: { ...state.item.open, said: false } } };
}

/** The end of a section says its text again: that counts only where no piece of it came. */
function sectionEnd(state: AnswerState, source: OpenThinking['source'], text: string, events: Events): AnswerState {
  const open = state.item?.kind === 'reasoning' ? state.item.open : undefined;
  return open?.said === true ? state : thinking(state, source, text, events);
}

export function endReasoning(before: AnswerState, whole: JsonObject, events: Events): AnswerState {
  const { item } = before;
  if (item?.kind !== 'reasoning') return before;
  const text = reasoningText(whole);
  const encrypted = str(whole['encrypted_content']);
  const state =
    item.open === undefined && text !== undefined ? thinking(thinkingFor(before, 'summary', events), 'summary', text, events) : before;
  const open = state.item?.kind === 'reasoning' ? state.item.open : undefined;
  if (open === undefined) {
    const seal = opened(encrypted, item.format);
    const head: PartHead =
      encrypted === ''
        ? { type: 'other', protocol: PROTOCOL, value: whole }
        : { type: 'redacted_thinking', data: seal.data, format: seal.format };
    const after = begin(state, head, events);
    endPart(state.parts, events);
    return after;
  }
  if (encrypted !== '') {
    const { data, format } = opened(encrypted, item.format);
    events.push({ type: 'signature', choice: 0, part: open.part, signature: data, format });
  }
  endPart(open.part, events);
  return state;
}

export function stepReasoning(state: AnswerState, body: JsonObject, events: Events): AnswerState {
  switch (body['type']) {
    case 'response.reasoning_summary_part.added':
      return section(state, 'summary', events);
    case 'response.reasoning_summary_text.delta':
      return thinking(state, 'summary', str(body['delta']), events);
    case 'response.reasoning_summary_text.done':
      return sectionEnd(state, 'summary', str(body['text']), events);
    case 'response.content_part.added':
      return section(state, 'content', events);
    case 'response.reasoning_text.delta':
      return thinking(state, 'content', str(body['delta']), events);
    case 'response.reasoning_text.done':
      return sectionEnd(state, 'content', str(body['text']), events);
    default:
      return state;
  }
}
