import type { JsonObject } from '../../core/json.ts';
import type { FilePart, ImagePart, Part, TextPart } from '../../canonical/part.ts';
import type { Dropped } from '../dropped.ts';
import { ownMembers } from '../fields.ts';
import { dataUri } from '../media.ts';
import { PROTOCOL } from './names.ts';

/** OpenAI caches by itself; its explicit breakpoints are known to its newest models only, so a marker reaches it only if it came in this protocol. */
export function reportCache(part: Exclude<Part, { type: 'other' }>, dropped: Dropped): void {
  if (part.cache !== undefined && ownMembers(part.extensions, PROTOCOL) === undefined) dropped.field('cacheMarker');
}

export function reportCitations(part: TextPart, dropped: Dropped): void {
  if (part.citations?.some((citation) => citation.protocol !== PROTOCOL) === true) dropped.field('citations');
}

/** OpenAI's description demands a `detail`; the client of this protocol who sent none gets none. */
function encodeImage({ source, detail }: ImagePart, dropped: Dropped): JsonObject | undefined {
  const closeness = detail ?? (dropped.sourceIs(PROTOCOL) ? undefined : 'auto');
  switch (source.kind) {
    case 'url':
      return { type: 'input_image', image_url: source.url, detail: closeness };
    case 'data':
      return { type: 'input_image', image_url: dataUri(source.mediaType, source.data), detail: closeness };
    case 'file':
      if (dropped.sourceIs(PROTOCOL)) return { type: 'input_image', file_id: source.id, detail: closeness };
      break;
    case 'text':
      break;
  }
  dropped.field('image');
  return undefined;
}

const fileName = (mediaType: string): string =>
  mediaType === 'application/pdf' ? 'document.pdf' : mediaType === 'text/plain' ? 'document.txt' : 'document';

/** An upload is known to its own provider alone; a text document becomes base64. */
function encodeFile({ source, name }: FilePart, dropped: Dropped): JsonObject | undefined {
  switch (source.kind) {
    case 'data':
      return {
        type: 'input_file',
        filename: name ?? ownName(source.mediaType, dropped),
        file_data: dataUri(source.mediaType, source.data),
      };
    case 'text':
      return {
        type: 'input_file',
        filename: name ?? fileName(source.mediaType),
        file_data: dataUri(source.mediaType, Buffer.from(source.text).toString('base64')),
      };
    case 'url':
      return { type: 'input_file', filename: name, file_url: source.url };
    case 'file':
      if (dropped.sourceIs(PROTOCOL)) return { type: 'input_file', filename: name, file_id: source.id };
      dropped.field('file');
      return undefined;
  }
}

const ownName = (mediaType: string, dropped: Dropped): string | undefined => (dropped.sourceIs(PROTOCOL) ? undefined : fileName(mediaType));

function encodeText(part: TextPart, dropped: Dropped): JsonObject {
  reportCitations(part, dropped);
  return { type: 'input_text', text: part.text };
}

/** Sound is in no description of this protocol; who sends it in this protocol talks to a provider that takes it. */
function encodeAudio(part: Extract<Part, { type: 'audio' }>, dropped: Dropped): JsonObject | undefined {
  if (dropped.sourceIs(PROTOCOL)) return { type: 'input_audio', input_audio: { data: part.data, format: part.format } };
  dropped.field('audio');
  return undefined;
}

/** A part of a user's or system's message or of a tool's output; undefined where this protocol has no such part. */
function encodePart(part: Exclude<Part, { type: 'other' }>, dropped: Dropped): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      return encodeText(part, dropped);
    case 'image':
      return encodeImage(part, dropped);
    case 'file':
      return encodeFile(part, dropped);
    case 'audio':
      return encodeAudio(part, dropped);
    case 'video':
      dropped.field('video');
      return undefined;
    case 'refusal':
      return dropped.sourceIs(PROTOCOL) ? { type: 'refusal', refusal: part.text } : { type: 'input_text', text: part.text };
    case 'thinking':
    case 'redacted_thinking':
    case 'tool_call':
    case 'tool_result':
      return undefined;
  }
}

/** Parts that only this protocol has, as they came; others' are reported. */
export function encodeOther(part: Extract<Part, { type: 'other' }>, dropped: Dropped): JsonObject | undefined {
  const value = part.value as JsonObject;
  if (part.protocol === PROTOCOL) return value;
  dropped.inside('part', String(value['type']));
  return undefined;
}

/** A string where nothing but one plain text is said, and where nothing could be said at all. */
export function encodeContent(parts: readonly Part[], dropped: Dropped): string | readonly JsonObject[] {
  const encoded = parts.flatMap((part) => {
    const value = part.type === 'other' ? encodeOther(part, dropped) : encodePart(part, dropped);
    if (value === undefined) return [];
    if (part.type === 'other') return [value];
    reportCache(part, dropped);
    return [{ ...value, ...dropped.extensions(part.extensions, 'part') }];
  });
  const [only] = encoded;
  if (only === undefined) return '';
  const isPlain = encoded.length === 1 && only['type'] === 'input_text' && Object.keys(only).length === 2;
  return isPlain && typeof only['text'] === 'string' ? only['text'] : encoded;
}
