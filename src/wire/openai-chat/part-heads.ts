import type { JsonObject } from '../../core/json.ts';
import type { PartHead, PartStartEvent } from '../../canonical/event.ts';
import { GEMINI_SIGNATURE } from '../../canonical/part.ts';
import { INPUT_READER, isCustomCall } from '../free-text-tool.ts';
import type { SseEvent } from '../protocol.ts';
import { choiceOf, delta, NONE, placeIn, put, SILENT, type ChoiceState, type EncodeState, type OpenPart, type Step } from './chunks.ts';
import { encodeImage } from './images.ts';
import { placeId } from './place.ts';
import { encodeRedacted, googleContent } from './reasoning.ts';

/** Says a signature that signs no call after all. */
export function release(state: EncodeState, index: number): Step {
  const choice = choiceOf(state, index);
  if (choice.waiting === undefined) return [state, NONE];
  const { head, part } = choice.waiting;
  const details = [encodeRedacted(head, part, placeId(placeIn(choice)))];
  return [put(state, { ...choice, waiting: undefined }), [delta(state, index, { reasoning_details: details })]];
}

/** A call, with the signature that waited for it in both places where clients look for one. */
function toolCall(state: EncodeState, choice: ChoiceState, part: number, head: Extract<PartHead, { type: 'tool_call' }>): Step {
  const stands = head.kind === 'function' && isCustomCall(state.context, head.name);
  const isCustom = stands || head.kind === 'custom';
  const id = head.id === '' ? `call_${state.context.requestId}_${part}` : head.id;
  const inner = isCustom ? { custom: { name: head.name, input: '' } } : { function: { name: head.name, arguments: '' } };
  const { waiting } = choice;
  const call = { index: choice.toolCalls, id, type: isCustom ? 'custom' : 'function', ...inner, ...googleContent(waiting?.head.data) };
  const words: JsonObject = {
    ...(waiting === undefined ? {} : { reasoning_details: [encodeRedacted(waiting.head, waiting.part, id)] }),
    tool_calls: [call],
  };
  const open: OpenPart = { type: 'tool_call', isCustom, hasArguments: false, reader: stands ? INPUT_READER : undefined };
  const next = { ...choice, toolCalls: choice.toolCalls + 1, open, waiting: undefined };
  return [put(state, next), [delta(state, choice.index, words)]];
}

/** A part that is whole in its head; nothing for those that this protocol cannot say. */
function wholePart(state: EncodeState, choice: ChoiceState, head: PartHead): Step {
  const said = (words: JsonObject | undefined): readonly SseEvent[] => (words === undefined ? NONE : [delta(state, choice.index, words)]);
  const after = put(state, { ...choice, open: SILENT });
  if (head.type === 'audio') return [after, said({ audio: { data: head.data } })];
  const image = head.type === 'image' ? encodeImage(head) : undefined;
  return [after, said(image === undefined ? undefined : { images: [image] })];
}

function begin(state: EncodeState, { choice: index, part, head }: PartStartEvent): Step {
  const choice = choiceOf(state, index);
  switch (head.type) {
    case 'text':
      return [put(state, { ...choice, open: { type: 'text', start: choice.length, cited: undefined } }), NONE];
    case 'thinking':
      return [put(state, { ...choice, open: { type: 'thinking', part, format: head.format, place: placeIn(choice) } }), NONE];
    case 'tool_call':
      return toolCall(state, choice, part, head);
    case 'redacted_thinking':
      if (head.format === GEMINI_SIGNATURE) return [put(state, { ...choice, open: SILENT, waiting: { head, part } }), NONE];
      return [
        put(state, { ...choice, open: SILENT }),
        [delta(state, index, { reasoning_details: [encodeRedacted(head, part, placeId(placeIn(choice)))] })],
      ];
    default:
      return wholePart(state, choice, head);
  }
}

/** Parts that this protocol cannot say (another's server tools, files) are silent, and so are their deltas. */
export function partStart(state: EncodeState, event: PartStartEvent): Step {
  if (event.head.type === 'tool_call') return begin(state, event);
  const [released, first] = release(state, event.choice);
  const [after, events] = begin(released, event);
  return [after, first.length === 0 ? events : [...first, ...events]];
}
