import { createHash } from 'node:crypto';
import type { JsonObject } from '../../core/json.ts';
import type { FilePart, ImagePart, MediaSource, Part, ToolCallPart } from '../../canonical/part.ts';
import type { Dropped } from '../dropped.ts';
import { ownMembers } from '../fields.ts';
import { argumentsOfInput } from '../free-text-tool.ts';
import { dataUri } from '../media.ts';
import { PROTOCOL } from './names.ts';

function urlOf(source: MediaSource): string | undefined {
  if (source.kind === 'url') return source.url;
  return source.kind === 'data' ? dataUri(source.mediaType, source.data) : undefined;
}

function encodeImage({ source, detail }: ImagePart, dropped: Dropped): JsonObject | undefined {
  const url = urlOf(source);
  if (url === undefined) dropped.field('image');
  return url === undefined ? undefined : { type: 'image_url', image_url: { url, detail } };
}

/** The words of a plain text document; undefined: it is something else. */
function wordsOf({ source }: FilePart): string | undefined {
  if (source.kind === 'text') return source.text;
  return source.kind === 'data' && source.mediaType.startsWith('text/') ? Buffer.from(source.data, 'base64').toString('utf8') : undefined;
}

/** Documents go by address or data URI; plain text is said as text, with its name above it. */
function encodeFile(part: FilePart, dropped: Dropped): JsonObject | undefined {
  const { source, name } = part;
  if (source.kind === 'file' && dropped.sourceIs(PROTOCOL)) return { type: 'file', file_id: source.id };
  const words = dropped.sourceIs(PROTOCOL) ? undefined : wordsOf(part);
  if (words !== undefined) return { type: 'text', text: name === undefined ? words : `${name}\n\n${words}` };
  const url = urlOf(source);
  if (url === undefined) dropped.field('file');
  return url === undefined ? undefined : { type: 'document_url', document_url: url, document_name: name };
}

export const encodeThought = (text: string): JsonObject => ({ type: 'thinking', thinking: [{ type: 'text', text }] });

/** A chunk of content; undefined where this protocol has no such chunk, or has it elsewhere. */
function encodePart(part: Part, dropped: Dropped): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      if (part.citations !== undefined) dropped.field('citations');
      return { type: 'text', text: part.text };
    case 'refusal':
      return { type: 'text', text: part.text };
    case 'image':
      return encodeImage(part, dropped);
    case 'file':
      return encodeFile(part, dropped);
    case 'audio':
      return { type: 'input_audio', input_audio: part.data };
    case 'thinking':
      // Reasoning that was only signed has no words to send.
      return part.text === '' && !dropped.sourceIs(PROTOCOL) ? undefined : encodeThought(part.text);
    case 'video':
      dropped.field('video');
      return undefined;
    case 'other': {
      const value = part.value as JsonObject;
      if (part.protocol === PROTOCOL) return value;
      dropped.inside('part', String(value['type']));
      return undefined;
    }
    case 'redacted_thinking':
    case 'tool_call':
    case 'tool_result':
      return undefined;
  }
}

export const encodeParts = (parts: readonly Part[], dropped: Dropped): readonly JsonObject[] =>
  parts.flatMap((part) => {
    const value = encodePart(part, dropped);
    if (value === undefined) return [];
    if (part.type === 'other') return [value];
    if (part.cache !== undefined) dropped.field('cacheMarker');
    const own = dropped.extensions(part.extensions, 'part');
    return [own === undefined ? value : { ...value, ...own }];
  });

/** A string where nothing but one plain text is said. */
export function asContent(chunks: readonly JsonObject[]): string | readonly JsonObject[] {
  const [only] = chunks;
  const isPlain = chunks.length === 1 && only?.['type'] === 'text' && Object.keys(only).length === 2 && typeof only['text'] === 'string';
  return isPlain ? (only['text'] as string) : chunks;
}

const OWN_ID = /^[a-zA-Z0-9]{9}$/;

/**
 * Mistral refuses ids of tool calls that are not nine letters or digits. Another provider's id becomes nine digits of its hash, the same
 * for a call and its result.
 */
export const toolId = (id: string, dropped: Dropped): string =>
  dropped.sourceIs(PROTOCOL) || OWN_ID.test(id) ? id : createHash('sha256').update(id).digest('hex').slice(0, 9);

export function encodeToolCall(part: ToolCallPart, id: string): JsonObject {
  const text = part.kind === 'custom' ? argumentsOfInput(part.arguments) : part.arguments;
  return { id, type: 'function', function: { name: part.name, arguments: text }, ...ownMembers(part.extensions, PROTOCOL) };
}
