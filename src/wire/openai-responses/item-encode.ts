import type { Json, JsonObject } from '../../core/json.ts';
import type { PartHead } from '../../canonical/event.ts';
import type { Part } from '../../canonical/part.ts';
import { endInput, INPUT_READER, isCustomCall, readInput } from '../free-text-tool.ts';
import { emit, endItem, itemDone, NONE, place, run, type EncodeState, type Step } from './encode-state.ts';
import { beginSpoken, endSpoken } from './message-encode.ts';
import { isSilent, itemId, outputItem } from './output-encode.ts';
import { sealed } from './reasoning.ts';

// Reasoning

/** Encrypted content that is empty as yet says that it will come, and whose it will be. */
function beginThinking(before: EncodeState, format: string | undefined): Step {
  return run(before, endItem, (state) => {
    const begun: EncodeState = { ...state, item: { kind: 'reasoning', part: { type: 'thinking', text: '', format } } };
    const encrypted = format === undefined ? undefined : sealed('', format);
    const item = { id: itemId('rs', state), type: 'reasoning', summary: [], encrypted_content: encrypted };
    return emit(
      begun,
      ['response.output_item.added', { output_index: state.index, item }],
      ['response.reasoning_summary_part.added', { ...place(begun), summary_index: 0, part: { type: 'summary_text', text: '' } }],
    );
  });
}

export function think(state: EncodeState, text: string): Step {
  const { item } = state;
  if (item?.kind !== 'reasoning') return [state, NONE];
  const next: EncodeState = { ...state, item: { ...item, part: { ...item.part, text: item.part.text + text } } };
  return emit(next, ['response.reasoning_summary_text.delta', { ...place(state), summary_index: 0, delta: text }]);
}

export function sign(state: EncodeState, signature: string, format: string | undefined): Step {
  const { item } = state;
  if (item?.kind !== 'reasoning') return [state, NONE];
  return [{ ...state, item: { ...item, part: { ...item.part, signature, format: format ?? item.part.format } } }, NONE];
}

const endThinking = (before: EncodeState): Step =>
  run(
    before,
    (state) => {
      const text = state.item?.kind === 'reasoning' ? state.item.part.text : '';
      const where = { ...place(state), summary_index: 0 };
      return emit(
        state,
        ['response.reasoning_summary_text.done', { ...where, text }],
        ['response.reasoning_summary_part.done', { ...where, part: { type: 'summary_text', text } }],
      );
    },
    endItem,
  );

// Calls

const callWords = { function: 'response.function_call_arguments', custom: 'response.custom_tool_call_input' } as const;

function beginCall(before: EncodeState, head: Extract<PartHead, { type: 'tool_call' }>): Step {
  return run(before, endItem, (state) => {
    const part = { ...head, id: head.id === '' ? itemId('call', state) : head.id, arguments: '' };
    const isCustom = head.kind === 'custom' || isCustomCall(state.context, head.name);
    const reader = isCustom && head.kind === 'function' ? INPUT_READER : undefined;
    const begun: EncodeState = { ...state, item: { kind: 'call', part, isCustom, reader } };
    const words = isCustom ? { type: 'custom_tool_call', input: '' } : { type: 'function_call', arguments: '' };
    const item = { id: place(begun)['item_id'], status: 'in_progress', call_id: part.id, name: part.name, ...words };
    return emit(begun, ['response.output_item.added', { output_index: state.index, item }]);
  });
}

const callDelta = (state: EncodeState, isCustom: boolean, delta: string): Step =>
  delta === '' ? [state, NONE] : emit(state, [`${callWords[isCustom ? 'custom' : 'function']}.delta`, { ...place(state), delta }]);

export function argue(state: EncodeState, text: string): Step {
  const { item } = state;
  if (item?.kind !== 'call') return [state, NONE];
  const [reader, said] = item.reader === undefined ? [undefined, text] : readInput(item.reader, text);
  const part = { ...item.part, arguments: item.part.arguments + text };
  return callDelta({ ...state, item: { ...item, part, reader } }, item.isCustom, said);
}

/** What is left to say of a call: the rest of a free text, or `{}` for a function that was given nothing. */
function endCall(before: EncodeState): Step {
  const { item } = before;
  if (item?.kind !== 'call') return [before, NONE];
  const isBare = !item.isCustom && item.part.arguments === '';
  const rest = isBare ? '{}' : item.reader === undefined ? '' : endInput(item.reader);
  return run(
    before,
    (state) => callDelta(state, item.isCustom, rest),
    (state) => {
      const whole = outputItem([item.part], { context: state.context, index: state.index, base: 0, status: 'completed', logprobs: [] });
      const words = item.isCustom ? { input: whole['input'] } : { name: item.part.name, arguments: whole['arguments'] };
      return emit(state, [`${callWords[item.isCustom ? 'custom' : 'function']}.done`, { ...place(state), ...words }]);
    },
    endItem,
  );
}

// Items that only this protocol has, and those that come whole

const beginOther = (before: EncodeState, value: Json): Step =>
  run(before, endItem, (state) =>
    emit({ ...state, item: { kind: 'other', first: value, last: undefined } }, [
      'response.output_item.added',
      { output_index: state.index, item: value },
    ]),
  );

/** Events of such an item as they came. The one that ends it is kept for its end. */
export function tellOther(state: EncodeState, value: JsonObject): Step {
  const { item } = state;
  if (item?.kind !== 'other') return [state, NONE];
  const { type, ...members } = value;
  if (type === 'response.output_item.done') return [{ ...state, item: { ...item, last: members['item'] } }, NONE];
  return emit(state, [String(type), { output_index: state.index, ...members }]);
}

const tellWhole = (before: EncodeState, part: Part): Step =>
  run(before, endItem, (state) => {
    const { context, index, base } = state;
    const item = outputItem([part], { context, index, base, status: 'completed', logprobs: [] });
    const first = part.type === 'image' ? { ...item, status: 'in_progress', result: null } : item;
    return run(
      state,
      (at) => emit(at, ['response.output_item.added', { output_index: index, item: first }]),
      (at) => itemDone(at, [part], base),
    );
  });

/** A part begins. Parts that this protocol's answers do not have are silent and leave the item open that there is. */
export function beginPart(state: EncodeState, head: PartHead): Step {
  switch (head.type) {
    case 'text':
    case 'refusal':
      return beginSpoken(state, head.type);
    case 'thinking':
      return beginThinking(state, head.format);
    case 'tool_call':
      return beginCall(state, head);
    case 'redacted_thinking':
    case 'image':
    case 'audio':
    case 'file':
      return isSilent(head) ? [state, NONE] : tellWhole(state, head);
    case 'other':
      return isSilent(head) ? [state, NONE] : beginOther(state, head.value);
  }
}

export function endPart(state: EncodeState): Step {
  switch (state.item?.kind) {
    case 'message':
      return endSpoken(state);
    case 'reasoning':
      return endThinking(state);
    case 'call':
      return endCall(state);
    case 'other':
      return endItem(state);
    case undefined:
      return [state, NONE];
  }
}
