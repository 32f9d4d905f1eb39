import type { JsonObject } from '../../core/json.ts';
import type { FilePart, ImagePart, Part, TextPart, ToolCallPart } from '../../canonical/part.ts';
import type { Dropped } from '../dropped.ts';
import { ownMembers } from '../fields.ts';
import { dataUri } from '../media.ts';
import { PROTOCOL } from './names.ts';

/**
 * Cache markers have no counterpart that every OpenAI-shaped provider takes (OpenAI caches by itself; its explicit breakpoints are known to
 * its newest models only), so a marker reaches this protocol only if it came in it.
 */
function reportCache(part: Exclude<Part, { type: 'other' }>, dropped: Dropped): void {
  if (part.cache !== undefined && ownMembers(part.extensions, PROTOCOL) === undefined) dropped.field('cacheMarker');
}

const encodeText = (part: TextPart, dropped: Dropped): JsonObject => {
  if (part.citations?.some((citation) => citation.protocol !== PROTOCOL) === true) dropped.field('citations');
  return { type: 'text', text: part.text };
};

function encodeImage({ source, detail }: ImagePart, dropped: Dropped): JsonObject | undefined {
  switch (source.kind) {
    case 'url':
      return { type: 'image_url', image_url: { url: source.url, detail } };
    case 'data':
      return { type: 'image_url', image_url: { url: dataUri(source.mediaType, source.data), detail } };
    case 'file':
    case 'text':
      dropped.field('image');
      return undefined;
  }
}

/** OpenAI takes files as base64 with a name; a text document becomes one. A URL or another provider's upload cannot be sent. */
function encodeFile({ source, name }: FilePart, own: JsonObject | undefined, dropped: Dropped): JsonObject | undefined {
  switch (source.kind) {
    case 'data':
      return { type: 'file', file: { filename: name ?? fileName(source.mediaType), file_data: dataUri(source.mediaType, source.data) } };
    case 'text':
      return {
        type: 'file',
        file: {
          filename: name ?? fileName(source.mediaType),
          file_data: dataUri(source.mediaType, Buffer.from(source.text).toString('base64')),
        },
      };
    case 'url':
    case 'file':
      if (source.kind === 'file' && dropped.sourceIs(PROTOCOL)) return { type: 'file', file: { file_id: source.id, filename: name } };
      if (source.kind === 'url' && (own !== undefined || dropped.sourceIs(PROTOCOL)))
        return { type: 'file', file: { file_data: source.url, filename: name } };
      dropped.field('file');
      return undefined;
  }
}

const fileName = (mediaType: string): string =>
  mediaType === 'application/pdf' ? 'document.pdf' : mediaType === 'text/plain' ? 'document.txt' : 'document';

/** A part of a user's, system's or tool's content; undefined where this protocol has no such part. */
function encodePart(part: Part, dropped: Dropped): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      return encodeText(part, dropped);
    case 'image':
      return encodeImage(part, dropped);
    case 'file':
      return encodeFile(part, ownMembers(part.extensions, PROTOCOL), dropped);
    case 'audio':
      return { type: 'input_audio', input_audio: { data: part.data, format: part.format } };
    case 'refusal':
      return { type: 'refusal', refusal: part.text };
    case 'other':
      return encodeOther(part, dropped);
    case 'thinking':
    case 'redacted_thinking':
    case 'tool_call':
    case 'tool_result':
      return undefined;
  }
}

function encodeOther(part: Extract<Part, { type: 'other' }>, dropped: Dropped): JsonObject | undefined {
  const value = part.value as JsonObject;
  if (part.protocol === PROTOCOL) return value;
  dropped.inside('part', String(value['type']));
  return undefined;
}

/** A string where nothing but one plain text is said, since that is what every provider takes. */
export function encodeContent(parts: readonly Part[], dropped: Dropped): string | readonly JsonObject[] {
  const encoded = parts.flatMap((part) => {
    const value = encodePart(part, dropped);
    if (value === undefined) return [];
    if (part.type === 'other') return [value];
    reportCache(part, dropped);
    const own = dropped.extensions(part.extensions, 'part');
    return [own === undefined ? value : { ...value, ...own }];
  });
  const [only] = encoded;
  const isPlain = encoded.length === 1 && only?.['type'] === 'text' && Object.keys(only).length === 2 && typeof only['text'] === 'string';
  return isPlain ? (only['text'] as string) : encoded;
}

export function encodeToolCall(part: ToolCallPart, fallbackId: string): JsonObject {
  const id = part.id === '' ? fallbackId : part.id;
  const call =
    part.kind === 'custom'
      ? { id, type: 'custom', custom: { name: part.name, input: part.arguments } }
      : { id, type: 'function', function: { name: part.name, arguments: part.arguments } };
  return { ...call, ...ownMembers(part.extensions, PROTOCOL) };
}
