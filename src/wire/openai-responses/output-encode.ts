import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { ImagePart, Part, ToolCallPart } from '../../canonical/part.ts';
import { inputOfArguments, isCustomCall } from '../free-text-tool.ts';
import { ownMembers } from '../fields.ts';
import type { AnswerContext } from '../protocol.ts';
import { encodeAnnotation } from './annotations.ts';
import { PROTOCOL } from './names.ts';
import { reasoningItem } from './reasoning.ts';

/*
 * The items of an answer. The stream encoder builds its items with the same functions, so that a stream's last event is what the plain answer would have been.
 */

type Spoken = Extract<Part, { type: 'text' | 'refusal' }>;

const isSpoken = (part: Part): part is Spoken => part.type === 'text' || part.type === 'refusal';

/** A picture is an item here if its bytes are known. */
const isPicture = (part: Part): part is ImagePart => part.type === 'image' && part.source.kind === 'data';

/** Parts that this protocol's answers do not have. */
export const isSilent = (part: Part): boolean => {
  switch (part.type) {
    case 'text':
    case 'refusal':
    case 'thinking':
    case 'redacted_thinking':
    case 'tool_call':
      return false;
    case 'image':
      return !isPicture(part);
    case 'other':
      return part.protocol !== PROTOCOL;
    case 'file':
    case 'audio':
    case 'video':
    case 'tool_result':
      return true;
  }
};

const member = (part: Spoken, name: 'part' | 'message'): JsonObject | undefined =>
  ownMembers(part.extensions, PROTOCOL)?.[name] as JsonObject | undefined;

/** What an item takes from its place in the answer. */
export interface ItemPlace {
  readonly context: AnswerContext;
  /** `output_index`: ids are made of it. */
  readonly index: number;
  /** Length of the answer's text before the item. */
  readonly base: number;
  /** `incomplete`: the answer was cut in this item. */
  readonly status: 'completed' | 'incomplete';
  /** For the item's first text. */
  readonly logprobs: readonly Json[];
}

export const itemId = (prefix: string, { context, index }: Pick<ItemPlace, 'context' | 'index'>): string =>
  `${prefix}_${context.requestId}_${index}`;

/** A text or refusal as a part of a message item. */
export function outputPart(part: Spoken, base: number, logprobs: readonly Json[]): JsonObject {
  if (part.type === 'refusal') return { type: 'refusal', refusal: part.text, ...member(part, 'part') };
  const annotations = (part.citations ?? [])
    .map((citation) => encodeAnnotation(citation, base, part.text.length))
    .filter((annotation) => annotation !== undefined);
  const own = member(part, 'part');
  return own === undefined || annotations.length > 0
    ? { type: 'output_text', text: part.text, annotations, logprobs: own === undefined ? logprobs : undefined, ...own }
    : { type: 'output_text', text: part.text, ...own };
}

function messageItem(parts: readonly Spoken[], place: ItemPlace): JsonObject {
  let { base } = place;
  const content = parts.map((part, index) => {
    const encoded = outputPart(part, base, index === 0 ? place.logprobs : []);
    if (part.type === 'text') base += part.text.length;
    return encoded;
  });
  const [first] = parts;
  const own = first === undefined ? undefined : member(first, 'message');
  return { id: itemId('msg', place), type: 'message', status: place.status, role: 'assistant', content, ...own };
}

/** A call of the function that stood for a client's free-text tool is a call of that. A call without arguments says `{}`: clients parse what they get. */
function callItem(part: ToolCallPart, place: ItemPlace): JsonObject {
  const callId = part.id === '' ? itemId('call', place) : part.id;
  const own = ownMembers(part.extensions, PROTOCOL);
  if (part.kind === 'custom' || isCustomCall(place.context, part.name)) {
    const input = part.kind === 'custom' ? part.arguments : inputOfArguments(part.arguments);
    return { id: itemId('ctc', place), type: 'custom_tool_call', status: 'completed', call_id: callId, name: part.name, input, ...own };
  }
  const text = part.arguments === '' ? '{}' : part.arguments;
  return { id: itemId('fc', place), type: 'function_call', status: 'completed', call_id: callId, name: part.name, arguments: text, ...own };
}

const pictureItem = (part: ImagePart, place: ItemPlace): JsonObject => ({
  id: itemId('ig', place),
  type: 'image_generation_call',
  status: 'completed',
  result: part.source.kind === 'data' ? part.source.data : null,
});

/** One item of its parts: several texts of one message, or a single part of another kind. */
export function outputItem(parts: readonly Part[], place: ItemPlace): JsonObject {
  const [first] = parts;
  if (first === undefined || isSpoken(first)) return messageItem(parts.filter(isSpoken), place);
  switch (first.type) {
    case 'thinking':
    case 'redacted_thinking':
      return { id: itemId('rs', place), ...reasoningItem(first), ...ownMembers(first.extensions, PROTOCOL) };
    case 'tool_call':
      return callItem(first, place);
    case 'image':
      return pictureItem(first, place);
    case 'other':
      return isJsonObject(first.value) ? first.value : {};
    case 'file':
    case 'audio':
    case 'video':
    case 'tool_result':
      return {};
  }
}

/** Parts by the item that they make up. A text begins an item where this protocol said so, or behind anything that is no text. */
function grouped(parts: readonly Part[]): readonly (readonly Part[])[] {
  const groups: Part[][] = [];
  for (const part of parts) {
    if (isSilent(part)) continue;
    const open = groups.at(-1);
    const goesOn = isSpoken(part) && member(part, 'message') === undefined && open?.[0] !== undefined && isSpoken(open[0]);
    if (goesOn) open.push(part);
    else groups.push([part]);
  }
  return groups;
}

export const textLength = (parts: readonly Part[]): number =>
  parts.reduce((length, part) => (part.type === 'text' ? length + part.text.length : length), 0);

/** All items of an answer. `logprobs` belong to its first text. */
export function encodeOutput(
  parts: readonly Part[],
  context: AnswerContext,
  ending: { readonly status: ItemPlace['status']; readonly logprobs: readonly Json[] },
): readonly JsonObject[] {
  const groups = grouped(parts);
  const said = groups.findIndex(([first]) => first?.type === 'text');
  let base = 0;
  return groups.map((group, index) => {
    const status = index === groups.length - 1 ? ending.status : 'completed';
    const item = outputItem(group, { context, index, base, status, logprobs: index === said ? ending.logprobs : [] });
    base += textLength(group);
    return item;
  });
}
