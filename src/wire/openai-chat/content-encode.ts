import type { JsonObject } from '../../core/json.ts';
import type { AudioPart, FilePart, ImagePart, Part, TextPart, ToolCallPart, VideoPart } from '../../canonical/part.ts';
import type { Dropped } from '../dropped.ts';
import { ownMembers } from '../fields.ts';
import { dataUri } from '../media.ts';
import { PLAIN, type ModelTraits } from './models.ts';
import { PROTOCOL } from './names.ts';
import { googleContent } from './reasoning.ts';
import { argumentsOfInput } from '../free-text-tool.ts';

/** Cache markers as Anthropic writes them, which those who serve its models in this protocol take. */
export const cacheControl = (ttl: number | undefined): JsonObject => ({
  type: 'ephemeral',
  ttl: ttl === undefined ? undefined : ttl > 300 ? '1h' : '5m',
});

/**
 * Cache markers have no counterpart that every OpenAI-shaped provider takes (OpenAI caches by itself; its explicit breakpoints are known to
 * its newest models only), so elsewhere a marker reaches this protocol only if it came in it.
 */
function encodeCache(part: Exclude<Part, { type: 'other' }>, dropped: Dropped, model: ModelTraits): JsonObject | undefined {
  if (part.cache === undefined || ownMembers(part.extensions, PROTOCOL) !== undefined) return undefined;
  if (model.extended) return { cache_control: cacheControl(part.cache.ttl) };
  dropped.field('cacheMarker');
  return undefined;
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

/** OpenAI takes files as base64 with a name; a text document becomes one. An address is taken by OpenRouter alone; another provider's upload cannot be sent. */
function encodeFile({ source, name, extensions }: FilePart, dropped: Dropped, model: ModelTraits): JsonObject | undefined {
  const own = ownMembers(extensions, PROTOCOL);
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
      if (source.kind === 'url' && (own !== undefined || dropped.sourceIs(PROTOCOL) || model.extended))
        return { type: 'file', file: { file_data: source.url, filename: name } };
      dropped.field('file');
      return undefined;
  }
}

const fileName = (mediaType: string): string =>
  mediaType === 'application/pdf' ? 'document.pdf' : mediaType === 'text/plain' ? 'document.txt' : 'document';

/** OpenAI hears two formats, others more. */
function encodeAudio({ data, format }: AudioPart, dropped: Dropped, model: ModelTraits): JsonObject | undefined {
  if (format === 'wav' || format === 'mp3' || model.extended || dropped.sourceIs(PROTOCOL))
    return { type: 'input_audio', input_audio: { data, format } };
  dropped.field('audio');
  return undefined;
}

/** OpenAI's own models watch no film; who takes it does so under this name. */
function encodeVideo({ source }: VideoPart, dropped: Dropped, model: ModelTraits): JsonObject | undefined {
  const isTaken = dropped.sourceIs(PROTOCOL) || model.extended;
  if (isTaken && source.kind === 'url') return { type: 'video_url', video_url: { url: source.url } };
  if (isTaken && source.kind === 'data') return { type: 'video_url', video_url: { url: dataUri(source.mediaType, source.data) } };
  dropped.field('video');
  return undefined;
}

/** A part of a user's, system's or tool's content; undefined where this protocol has no such part. */
function encodePart(part: Part, dropped: Dropped, model: ModelTraits): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      return encodeText(part, dropped);
    case 'image':
      return encodeImage(part, dropped);
    case 'file':
      return encodeFile(part, dropped, model);
    case 'audio':
      return encodeAudio(part, dropped, model);
    case 'video':
      return encodeVideo(part, dropped, model);
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
export function encodeContent(parts: readonly Part[], dropped: Dropped, model: ModelTraits = PLAIN): string | readonly JsonObject[] {
  const encoded = parts.flatMap((part) => {
    const value = encodePart(part, dropped, model);
    if (value === undefined) return [];
    if (part.type === 'other') return [value];
    const cache = encodeCache(part, dropped, model);
    const own = dropped.extensions(part.extensions, 'part');
    return [own === undefined && cache === undefined ? value : { ...value, ...cache, ...own }];
  });
  const [only] = encoded;
  const isPlain = encoded.length === 1 && only?.['type'] === 'text' && Object.keys(only).length === 2 && typeof only['text'] === 'string';
  return isPlain ? (only['text'] as string) : encoded;
}

/** `signature`: Gemini's for this call, in Google's place. */
export function encodeToolCall(part: ToolCallPart, fallbackId: string, signature?: string): JsonObject {
  const id = part.id === '' ? fallbackId : part.id;
  const call =
    part.kind === 'custom'
      ? { id, type: 'custom', custom: { name: part.name, input: part.arguments } }
      : { id, type: 'function', function: { name: part.name, arguments: part.arguments } };
  return { ...call, ...googleContent(signature), ...ownMembers(part.extensions, PROTOCOL) };
}

/** The call of a free-text tool where there are only functions. */
export const asFunctionCall = (part: ToolCallPart): ToolCallPart =>
  part.kind === 'custom' ? { ...part, kind: 'function', arguments: argumentsOfInput(part.arguments) } : part;
