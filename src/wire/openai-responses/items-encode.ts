import type { JsonObject } from '../../core/json.ts';
import type { ImagePart, Part, RedactedThinkingPart, ThinkingPart, ToolCallPart, ToolResultPart } from '../../canonical/part.ts';
import type { Message } from '../../canonical/request.ts';
import type { Dropped } from '../dropped.ts';
import { ownMembers } from '../fields.ts';
import { encodeContent, encodeOther, reportCache, reportCitations } from './content-encode.ts';
import { PROTOCOL } from './names.ts';
import { formatOf, isNative, reasoningItem } from './reasoning.ts';

/** What the encoding of one request's items needs besides them. */
export interface ItemContext {
  readonly dropped: Dropped;
  /** The provider's model: it reads reasoning of its own vendor only. */
  readonly model: string;
  /** Ids of free-text tools' calls, whose results are items of another type. */
  readonly customCalls: ReadonlySet<string>;
}

export const customCallsOf = (messages: readonly Message[]): ReadonlySet<string> =>
  new Set(messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'tool_call' && part.kind === 'custom' ? [part.id] : []))));

const member = (members: JsonObject | undefined, name: 'part' | 'message'): JsonObject | undefined =>
  members?.[name] as JsonObject | undefined;

/** A text or refusal of the model's own with what came with it. */
function outputPart(part: Extract<Part, { type: 'text' | 'refusal' }>, own: JsonObject | undefined): JsonObject {
  if (part.type === 'refusal') return { type: 'refusal', refusal: part.text, ...own };
  const annotations = part.citations?.filter(({ protocol }) => protocol === PROTOCOL).map(({ native }) => native);
  return { type: 'output_text', text: part.text, annotations, ...own };
}

const isPlainText = (part: JsonObject): boolean =>
  part['type'] === 'output_text' &&
  Object.entries(part).every(([name, value]) => value === undefined || name === 'type' || name === 'text');

/** Only a message with an id is one that the model wrote in this protocol; the short form takes a text alone. */
function spokenItem(content: readonly JsonObject[], own: JsonObject): JsonObject {
  const [only] = content;
  const isShort = content.length === 1 && only !== undefined && isPlainText(only) && own['id'] === undefined;
  return { role: 'assistant', content: isShort ? only['text'] : content, ...own };
}

/**
 * The texts of one message item, from `from` on: those that came in this protocol say where their item began. A text from elsewhere is an item of its own,
 * in the short form, since the long one demands ids that only this protocol's own answers have.
 */
function encodeSpoken(parts: readonly Part[], from: number, { dropped }: ItemContext): readonly [JsonObject, number] {
  const first = parts[from] as Extract<Part, { type: 'text' | 'refusal' }>;
  const own = member(ownMembers(first.extensions, PROTOCOL), 'message');
  const content: JsonObject[] = [];
  let at = from;
  for (; at < parts.length; at++) {
    const part = parts[at];
    if (part?.type !== 'text' && part?.type !== 'refusal') break;
    const members = ownMembers(part.extensions, PROTOCOL);
    if (at > from && (own === undefined || member(members, 'message') !== undefined)) break;
    if (part.type === 'text') reportCitations(part, dropped);
    reportCache(part, dropped);
    dropped.extensions(part.extensions, 'part');
    content.push(outputPart(part, member(members, 'part')));
  }
  return [own === undefined ? { role: 'assistant', content: first.text } : spokenItem(content, own), at];
}

/** Reasoning goes back to who can read it. A text without a signature means nothing here, unless it came in this protocol. */
function encodeThinking(part: ThinkingPart | RedactedThinkingPart, { dropped, model }: ItemContext): JsonObject | undefined {
  const own = dropped.extensions(part.extensions, 'part');
  const isReadable = part.format === formatOf(model) && (part.type === 'redacted_thinking' || part.signature !== undefined);
  if (isReadable || (dropped.sourceIs(PROTOCOL) && isNative(part.format))) return { ...reasoningItem(part), ...own };
  if (part.type === 'thinking' && part.text !== '') dropped.field('thinking');
  return undefined;
}

function encodeCall(part: ToolCallPart, { dropped }: ItemContext, fallbackId: string): JsonObject {
  const id = part.id === '' ? fallbackId : part.id;
  reportCache(part, dropped);
  const call =
    part.kind === 'custom'
      ? { type: 'custom_tool_call', call_id: id, name: part.name, input: part.arguments }
      : { type: 'function_call', call_id: id, name: part.name, arguments: part.arguments };
  return { ...call, ...dropped.extensions(part.extensions, 'part') };
}

/** What the assistant showed stands in a user's message in its place: the assistant's own messages hold words only. */
function shownImage(image: ImagePart, { dropped }: ItemContext): JsonObject | undefined {
  const content = encodeContent([image], dropped);
  return content.length === 0 ? undefined : { role: 'user', content };
}

function encodeAssistant(message: Message, context: ItemContext, turn: number): readonly JsonObject[] {
  const { parts } = message;
  const items: JsonObject[] = [];
  for (let at = 0; at < parts.length;) {
    const part = parts[at];
    if (part?.type === 'text' || part?.type === 'refusal') {
      const [item, next] = encodeSpoken(parts, at, context);
      items.push(item);
      at = next;
    } else {
      const item = part === undefined ? undefined : encodeDeed(part, context, `call_${turn}_${at}`);
      if (item !== undefined) items.push(item);
      at++;
    }
  }
  return items;
}

/** A part of the assistant's turn that is no word of it. */
function encodeDeed(part: Exclude<Part, { type: 'text' | 'refusal' }>, context: ItemContext, fallbackId: string): JsonObject | undefined {
  switch (part.type) {
    case 'thinking':
    case 'redacted_thinking':
      return encodeThinking(part, context);
    case 'tool_call':
      return encodeCall(part, context, fallbackId);
    case 'other':
      return encodeOther(part, context.dropped);
    case 'file':
    case 'audio':
    case 'video':
      context.dropped.field(part.type);
      return undefined;
    case 'image':
      return shownImage(part, context);
    case 'tool_result':
      return undefined;
  }
}

function encodeResult(result: ToolResultPart, { dropped, customCalls }: ItemContext): JsonObject {
  if (result.isError === true) dropped.field('toolResultError');
  reportCache(result, dropped);
  const type = customCalls.has(result.callId) ? 'custom_tool_call_output' : 'function_call_output';
  return { type, call_id: result.callId, output: encodeContent(result.parts, dropped), ...dropped.extensions(result.extensions, 'part') };
}

/** A user's, system's or tool's message: results first, each an item of its own, then the rest. */
function encodeTurn(message: Message, context: ItemContext): readonly JsonObject[] {
  const { dropped } = context;
  const results = message.parts.filter((part): part is ToolResultPart => part.type === 'tool_result');
  const rest = results.length === 0 ? message.parts : message.parts.filter((part) => part.type !== 'tool_result');
  const own = dropped.extensions(message.extensions, 'message');
  const items = results.map((result) => encodeResult(result, context));
  if (results.length > 0 && rest.length === 0) return items;
  const role = message.role === 'tool' ? 'user' : message.role;
  return [...items, { role, content: encodeContent(rest, dropped), ...own }];
}

/** The whole conversation as items. */
export const encodeItems = (messages: readonly Message[], context: ItemContext): readonly JsonObject[] =>
  messages.flatMap((message, index) => {
    if (message.name !== undefined) context.dropped.field('participant');
    if (message.role !== 'assistant') return encodeTurn(message, context);
    context.dropped.extensions(message.extensions, 'message');
    return encodeAssistant(message, context, index);
  });
