import { createHash } from 'node:crypto';
import type { JsonObject } from '../../core/json.ts';
import {
  ANTHROPIC_SIGNATURE,
  type CacheMarker,
  type Part,
  type RedactedThinkingPart,
  type TextPart,
  type ThinkingPart,
  type ToolCallPart,
  type ToolResultPart,
} from '../../canonical/part.ts';
import { encodeInput } from '../anthropic-messages/content-encode.ts';
import type { Dropped } from '../dropped.ts';
import { type DocumentNames, encodeAudio, encodeFile, encodeImage, encodeVideo } from './media-encode.ts';
import { keepsReasoning, takesCacheMarkers, takesResultStatus, takesToolCacheMarkers } from './models.ts';
import { PROTOCOL } from './names.ts';

/** What the blocks of one request have in common. */
export interface Encoding {
  readonly model: string;
  readonly dropped: Dropped;
  readonly names: DocumentNames;
}

const MAX_ID = 64;

/** Bedrock refuses ids that are longer or have other characters; a call and its results are changed alike, so that they still find each other. */
function toolId(id: string, { dropped }: Encoding): string {
  if (dropped.sourceIs(PROTOCOL)) return id;
  const plain = id.replaceAll(/[^a-zA-Z0-9_-]/g, '_');
  if (plain.length <= MAX_ID && plain !== '') return plain;
  return `${plain.slice(0, 31)}_${createHash('sha256').update(id).digest('hex').slice(0, 32)}`;
}

export const encodeCachePoint = ({ ttl }: CacheMarker): JsonObject => ({
  cachePoint: { type: 'default', ttl: ttl === undefined ? undefined : ttl > 300 ? '1h' : '5m' },
});

/** Citations of this protocol make a block of their own kind; those of others are not sent back. */
export function citedText(text: string, citations: readonly JsonObject[]): JsonObject {
  return citations.length === 0 ? { text } : { citationsContent: { content: [{ text }], citations } };
}

/** Bedrock refuses a text of white space alone. */
function encodeText({ text, citations = [] }: TextPart, { dropped }: Encoding): JsonObject | undefined {
  const own = citations.filter(({ protocol }) => protocol === PROTOCOL).map(({ native }) => native);
  if (own.length < citations.length) dropped.field('citations');
  if (text.trim() === '' && !dropped.sourceIs(PROTOCOL)) return undefined;
  return citedText(text, own);
}

const isReadableHere = (format: string | undefined): boolean => format === undefined || format === ANTHROPIC_SIGNATURE;

/** Anthropic's models refuse reasoning without their signature; the other models take none back. */
function encodeThinking({ text, signature, format }: ThinkingPart, { model, dropped }: Encoding): JsonObject | undefined {
  const usable = signature !== undefined && isReadableHere(format) ? signature : undefined;
  if (dropped.sourceIs(PROTOCOL)) return { reasoningContent: { reasoningText: { text, signature: usable } } };
  if (usable !== undefined && keepsReasoning(model)) return { reasoningContent: { reasoningText: { text, signature: usable } } };
  if (text !== '') dropped.field('thinking');
  return undefined;
}

function encodeRedacted({ data, format }: RedactedThinkingPart, { model, dropped }: Encoding): JsonObject | undefined {
  const isSent = isReadableHere(format) && (dropped.sourceIs(PROTOCOL) || keepsReasoning(model));
  return isSent ? { reasoningContent: { redactedContent: data } } : undefined;
}

/** A free-text call is one of a function with one text here. */
const encodeToolCall = (part: ToolCallPart, encoding: Encoding): JsonObject => ({
  toolUse: {
    toolUseId: toolId(part.id, encoding),
    name: part.name,
    input: part.kind === 'custom' ? { input: part.arguments } : encodeInput(part.arguments),
  },
});

function encodeStatus(isError: boolean | undefined, { model, dropped }: Encoding): string | undefined {
  if (dropped.sourceIs(PROTOCOL)) return isError === undefined ? undefined : isError ? 'error' : 'success';
  if (isError !== true) return undefined;
  if (takesResultStatus(model)) return 'error';
  dropped.field('toolResultError');
  return undefined;
}

/** There are no cache points inside a result. */
function encodeToolResult(part: ToolResultPart, encoding: Encoding): JsonObject {
  const content = part.parts.flatMap((inner) => {
    if (inner.type !== 'other' && inner.cache !== undefined && !encoding.dropped.sourceIs(PROTOCOL)) encoding.dropped.field('cacheMarker');
    return encodePart(inner, encoding);
  });
  return { toolResult: { toolUseId: toolId(part.callId, encoding), content, status: encodeStatus(part.isError, encoding) } };
}

function encodeBlock(part: Exclude<Part, { type: 'other' }>, encoding: Encoding): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      return encodeText(part, encoding);
    case 'refusal':
      return part.text.trim() === '' ? undefined : { text: part.text };
    case 'image':
      return encodeImage(part, encoding.dropped);
    case 'file':
      return encodeFile(part, encoding.names, encoding.dropped);
    case 'audio':
      return encodeAudio(part, encoding.dropped);
    case 'video':
      return encodeVideo(part, encoding.dropped);
    case 'thinking':
      return encodeThinking(part, encoding);
    case 'redacted_thinking':
      return encodeRedacted(part, encoding);
    case 'tool_call':
      return encodeToolCall(part, encoding);
    case 'tool_result':
      return encodeToolResult(part, encoding);
  }
}

/** A part without its cache marker; none for what has no place here. */
function encodePart(part: Part, encoding: Encoding): readonly JsonObject[] {
  const { dropped } = encoding;
  if (part.type === 'other') {
    if (part.protocol === PROTOCOL) return [part.value as JsonObject];
    dropped.inside('part', String((part.value as JsonObject)['type']));
    return [];
  }
  // The extension is the whole block (content-decode.ts).
  const block = dropped.extensions(part.extensions, 'part') ?? encodeBlock(part, encoding);
  return block === undefined ? [] : [block];
}

function takesMarker(part: Exclude<Part, { type: 'other' }>, { model, dropped }: Encoding): boolean {
  if (dropped.sourceIs(PROTOCOL)) return true;
  const isOfTool = part.type === 'tool_call' || part.type === 'tool_result';
  return isOfTool ? takesToolCacheMarkers(model) : takesCacheMarkers(model);
}

/** Blocks, each marker as a cache point behind its own. */
export const encodeBlocks = (parts: readonly Part[], encoding: Encoding): readonly JsonObject[] =>
  parts.flatMap((part) => {
    const blocks = encodePart(part, encoding);
    if (part.type === 'other' || part.cache === undefined || blocks.length === 0) return blocks;
    if (takesMarker(part, encoding)) return [...blocks, encodeCachePoint(part.cache)];
    encoding.dropped.field('cacheMarker');
    return blocks;
  });
