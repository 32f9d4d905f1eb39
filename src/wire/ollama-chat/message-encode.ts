import { parseCarried } from '../../core/exact-json.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import type { FilePart, Part, ToolCallPart, ToolResultPart } from '../../canonical/part.ts';
import type { CanonicalRequest, Message } from '../../canonical/request.ts';
import type { Dropped } from '../dropped.ts';
import { ownMembers } from '../fields.ts';
import { PROTOCOL } from './names.ts';
import { MADE_ID } from './request-decode.ts';

/** Arguments must be an object here; what a model wrote amiss goes under `INVALID_JSON`, and a free text under the name of its one parameter. */
function argumentsObject(part: Pick<ToolCallPart, 'arguments' | 'kind'>): JsonObject {
  if (part.kind === 'custom') return { input: part.arguments };
  if (part.arguments.trim() === '') return {};
  try {
    const value: unknown = parseCarried(part.arguments);
    return isJsonObject(value) ? value : { INVALID_JSON: part.arguments };
  } catch {
    // The model's text is the client's to judge: it is passed on, marked.
    return { INVALID_JSON: part.arguments };
  }
}

/** Ids of our own making, and none at all, are not said. */
const sayable = (id: string): string | undefined => (id === '' || id.startsWith(MADE_ID) ? undefined : id);

export const encodeToolCall = (part: ToolCallPart): JsonObject => ({
  id: sayable(part.id),
  function: { name: part.name, arguments: argumentsObject(part) },
  ...ownMembers(part.extensions, PROTOCOL),
});

/** The words of a plain text document; undefined: it is something that no model here reads. */
function wordsOf({ source, name }: FilePart): string | undefined {
  const text =
    source.kind === 'text'
      ? source.text
      : source.kind === 'data' && source.mediaType.startsWith('text/')
        ? Buffer.from(source.data, 'base64').toString('utf8')
        : undefined;
  return text === undefined || name === undefined ? text : `${name}\n\n${text}`;
}

function textOf(part: Part, dropped: Dropped): string | undefined {
  switch (part.type) {
    case 'text':
      if (part.citations !== undefined) dropped.field('citations');
      return part.text;
    case 'refusal':
      return part.text;
    case 'file': {
      const words = wordsOf(part);
      if (words === undefined) dropped.field('file');
      return words;
    }
    case 'audio':
    case 'video':
      dropped.field(part.type);
      return undefined;
    case 'other':
      dropped.inside('part', String((part.value as JsonObject)['type']));
      return undefined;
    default:
      return undefined;
  }
}

/** Pictures are base64 alone: Ollama fetches nothing. */
function imagesOf(parts: readonly Part[], dropped: Dropped): readonly string[] {
  return parts.flatMap((part) => {
    if (part.type !== 'image') return [];
    if (part.detail !== undefined && part.detail !== 'auto') dropped.field('imageDetail');
    if (part.source.kind === 'data') return [part.source.data];
    dropped.field('image');
    return [];
  });
}

/** One message is one text and its pictures: several texts are paragraphs of it. */
function encodeContent(parts: readonly Part[], dropped: Dropped): JsonObject {
  const texts = parts.map((part) => textOf(part, dropped)).filter((text) => text !== undefined);
  const images = imagesOf(parts, dropped);
  for (const part of parts) {
    if (part.type === 'other') continue;
    if (part.cache !== undefined) dropped.field('cacheMarker');
    dropped.extensions(part.extensions, 'part');
  }
  return { content: texts.join('\n\n'), images: images.length === 0 ? undefined : images };
}

function encodeAssistant(message: Message, dropped: Dropped): JsonObject {
  const calls = message.parts.filter((part) => part.type === 'tool_call');
  const thinking = message.parts
    .filter((part) => part.type === 'thinking')
    .map((part) => part.text)
    .join('');
  return {
    role: 'assistant',
    ...encodeContent(message.parts, dropped),
    thinking: thinking === '' ? undefined : thinking,
    tool_calls: calls.length === 0 ? undefined : calls.map(encodeToolCall),
    ...dropped.extensions(message.extensions, 'message'),
  };
}

/** A result names its tool: older versions of Ollama know it by nothing else. */
function encodeToolResult(result: ToolResultPart, toolName: string | undefined, own: JsonObject | undefined, dropped: Dropped): JsonObject {
  if (result.isError === true) dropped.field('toolResultError');
  if (result.cache !== undefined) dropped.field('cacheMarker');
  dropped.extensions(result.extensions, 'part');
  const name = dropped.sourceIs(PROTOCOL) ? undefined : toolName;
  return { role: 'tool', ...encodeContent(result.parts, dropped), tool_name: name, tool_call_id: sayable(result.callId), ...own };
}

/** Names of the tools that were called, by the ids of the calls. */
function calledTools(messages: readonly Message[]): ReadonlyMap<string, string> {
  const calls = messages.flatMap(({ parts }) => parts.filter((part) => part.type === 'tool_call'));
  return new Map(calls.map(({ id, name }) => [id, name]));
}

function encodeTurn(message: Message, names: ReadonlyMap<string, string>, dropped: Dropped): readonly JsonObject[] {
  const own = dropped.extensions(message.extensions, 'message');
  const results = message.parts.filter((part) => part.type === 'tool_result');
  const rest = message.parts.filter((part) => part.type !== 'tool_result');
  const encoded = results.map((result) =>
    encodeToolResult(result, names.get(result.callId), message.role === 'tool' ? own : undefined, dropped),
  );
  if (results.length > 0) return rest.length === 0 ? encoded : [...encoded, { role: 'user', ...encodeContent(rest, dropped) }];
  const role = message.role === 'system' || message.role === 'developer' ? 'system' : 'user';
  return [{ role, ...encodeContent(rest, dropped), ...own }];
}

export function encodeMessages(request: CanonicalRequest, dropped: Dropped): readonly JsonObject[] {
  const names = calledTools(request.messages);
  return request.messages.flatMap((message) => {
    if (message.name !== undefined) dropped.field('participant');
    return message.role === 'assistant' ? [encodeAssistant(message, dropped)] : encodeTurn(message, names, dropped);
  });
}
