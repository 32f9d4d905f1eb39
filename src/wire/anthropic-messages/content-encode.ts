import { parseCarried } from '../../core/exact-json.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import {
  ANTHROPIC_SIGNATURE,
  type CacheMarker,
  type FilePart,
  type ImagePart,
  type MediaSource,
  type Part,
  type TextPart,
  type ThinkingPart,
  type ToolResultPart,
} from '../../canonical/part.ts';
import type { Dropped } from '../dropped.ts';
import { PROTOCOL } from './names.ts';

export function encodeCache(cache: CacheMarker | undefined): JsonObject | undefined {
  if (cache === undefined) return undefined;
  return { type: 'ephemeral', ttl: cache.ttl === undefined ? undefined : cache.ttl > 300 ? '1h' : '5m' };
}

/** Anthropic refuses ids with other characters, and empty ones; a call and its results are changed alike, so that they still find each other. */
const toolId = (id: string): string => (id === '' ? 'toolu' : id.replaceAll(/[^a-zA-Z0-9_-]/g, '_'));

/**
 * A tool's input must be an object here. What a model wrote amiss goes under `INVALID_JSON`, as Anthropic's own guide has it
 * (docs, "Fine-grained tool streaming").
 */
export function encodeInput(text: string): JsonObject {
  if (text.trim() === '') return {};
  try {
    const value: unknown = parseCarried(text);
    return isJsonObject(value) ? value : { INVALID_JSON: text };
  } catch {
    // The model's text is the client's to judge: it is passed on, marked.
    return { INVALID_JSON: text };
  }
}

function encodeText(part: TextPart, dropped: Dropped): JsonObject | undefined {
  if (part.text === '' && !dropped.sourceIs(PROTOCOL)) return undefined;
  const citations = part.citations?.filter((citation) => citation.protocol === PROTOCOL).map((citation) => citation.native) ?? [];
  if (citations.length < (part.citations?.length ?? 0)) dropped.field('citations');
  return { type: 'text', text: part.text, citations: citations.length === 0 ? undefined : citations };
}

/** Uploads are known to their own provider alone. */
function encodeSource(source: MediaSource, dropped: Dropped): JsonObject | undefined {
  switch (source.kind) {
    case 'url':
      return source.url.startsWith('data:') ? undefined : { type: 'url', url: source.url };
    case 'data':
      return { type: 'base64', media_type: source.mediaType, data: source.data };
    case 'text':
      return { type: 'text', media_type: source.mediaType, data: source.text };
    case 'file':
      return dropped.sourceIs(PROTOCOL) ? { type: 'file', file_id: source.id } : undefined;
  }
}

function encodeImage(part: ImagePart, dropped: Dropped): JsonObject | undefined {
  const source = encodeSource(part.source, dropped);
  if (source === undefined) dropped.field('image');
  if (part.detail !== undefined && part.detail !== 'auto') dropped.field('imageDetail');
  return source === undefined ? undefined : { type: 'image', source };
}

/** Anthropic reads PDFs and plain text; an image sent as a file is an image. */
function encodeFile(part: FilePart, dropped: Dropped): JsonObject | undefined {
  const { source, name } = part;
  if (source.kind === 'data' && !dropped.sourceIs(PROTOCOL)) {
    if (source.mediaType.startsWith('image/')) return { type: 'image', source: encodeSource(source, dropped) };
    if (source.mediaType.startsWith('text/')) {
      const data = Buffer.from(source.data, 'base64').toString('utf8');
      return { type: 'document', source: { type: 'text', media_type: 'text/plain', data }, title: name };
    }
  }
  const isReadable = source.kind !== 'data' || source.mediaType === 'application/pdf' || dropped.sourceIs(PROTOCOL);
  const encoded = isReadable ? encodeSource(source, dropped) : undefined;
  if (encoded === undefined) dropped.field('file');
  return encoded === undefined ? undefined : { type: 'document', source: encoded, title: name };
}

const isReadableHere = (format: string | undefined): boolean => format === undefined || format === ANTHROPIC_SIGNATURE;

/** Reasoning without Anthropic's own signature is refused, so it cannot be sent back. An Anthropic client's without any signature is its own affair. */
function encodeThinking(part: ThinkingPart, dropped: Dropped): JsonObject | undefined {
  const isSendable = part.signature === undefined ? dropped.sourceIs(PROTOCOL) : isReadableHere(part.format);
  if (isSendable) return { type: 'thinking', thinking: part.text, signature: part.signature };
  if (part.text !== '') dropped.field('thinking');
  return undefined;
}

function encodeToolResult(part: ToolResultPart, dropped: Dropped): JsonObject {
  const content = encodeContent(part.parts, dropped);
  return {
    type: 'tool_result',
    tool_use_id: toolId(part.callId),
    content: part.parts.length === 0 ? undefined : content,
    is_error: part.isError,
  };
}

function encodeBlock(part: Part, dropped: Dropped): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      return encodeText(part, dropped);
    case 'image':
      return encodeImage(part, dropped);
    case 'file':
      return encodeFile(part, dropped);
    case 'video':
      dropped.field('video');
      return undefined;
    case 'audio':
      dropped.field('audio');
      return undefined;
    case 'thinking':
      return encodeThinking(part, dropped);
    case 'redacted_thinking':
      // Another vendor's says nothing here, so nothing is missed without it.
      return isReadableHere(part.format) ? { type: 'redacted_thinking', data: part.data } : undefined;
    case 'refusal':
      return { type: 'text', text: part.text };
    case 'tool_call':
      return {
        type: 'tool_use',
        id: toolId(part.id),
        name: part.name,
        input: part.kind === 'custom' ? { input: part.arguments } : encodeInput(part.arguments),
      };
    case 'tool_result':
      return encodeToolResult(part, dropped);
    case 'other':
      if (part.protocol === PROTOCOL) return part.value as JsonObject;
      dropped.inside('part', String((part.value as JsonObject)['type']));
      return undefined;
  }
}

/** Content blocks; parts that have no place here are left out and reported. */
export const encodeBlocks = (parts: readonly Part[], dropped: Dropped): readonly JsonObject[] =>
  parts.flatMap((part) => {
    const block = encodeBlock(part, dropped);
    if (part.type === 'other') return block === undefined ? [] : [block];
    const own = dropped.extensions(part.extensions, 'part');
    if (block === undefined) return [];
    const cache = encodeCache(part.cache);
    return [cache === undefined && own === undefined ? block : { ...block, cache_control: cache, ...own }];
  });

/** A string where one plain text is all there is. */
export function asContent(blocks: readonly JsonObject[]): string | readonly JsonObject[] {
  const [only] = blocks;
  const isPlain =
    blocks.length === 1 &&
    only?.['type'] === 'text' &&
    Object.entries(only).every(([name, value]) => value === undefined || name === 'type' || name === 'text');
  return isPlain && typeof only['text'] === 'string' ? only['text'] : blocks;
}

const encodeContent = (parts: readonly Part[], dropped: Dropped): string | readonly JsonObject[] => asContent(encodeBlocks(parts, dropped));
