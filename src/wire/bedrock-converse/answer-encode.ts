import type { JsonObject } from '../../core/json.ts';
import { ANTHROPIC_SIGNATURE, type Citation, type ImagePart, type Part, type ToolCallPart } from '../../canonical/part.ts';
import { encodeInput } from '../anthropic-messages/content-encode.ts';
import { ownMembers } from '../fields.ts';
import { wrapOpaque } from '../opaque.ts';
import type { AnswerContext } from '../protocol.ts';
import { citedText } from './content-encode.ts';
import { imageFormats } from './formats.ts';
import { PROTOCOL } from './names.ts';

/** Another vendor's signature is carried through unread, marked as such. */
export const encodeSignature = (signature: string, format: string | undefined): string =>
  format === undefined || format === ANTHROPIC_SIGNATURE ? signature : wrapOpaque(format, signature);

/** Base64, as blobs are in JSON. */
export const encodeRedacted = (data: string, format: string | undefined): string =>
  format === undefined || format === ANTHROPIC_SIGNATURE ? data : Buffer.from(wrapOpaque(format, data)).toString('base64');

/** A citation in this protocol's words; undefined for places in documents, which each protocol counts by rules of its own. */
export function encodeCitation({ protocol, native, url, title }: Citation): JsonObject | undefined {
  if (protocol === PROTOCOL) return native;
  return url === undefined ? undefined : { title, location: { web: { url } } };
}

export const toolUseId = (id: string, index: number, context: AnswerContext): string =>
  id === '' ? `tooluse_${context.requestId}_${index}` : id;

export function encodeImage({ source }: ImagePart): JsonObject | undefined {
  const format = source.kind === 'data' ? imageFormats.formatOf(source.mediaType) : undefined;
  return source.kind === 'data' && format !== undefined ? { format, source: { bytes: source.data } } : undefined;
}

const encodeToolUse = (part: ToolCallPart, index: number, context: AnswerContext): JsonObject => ({
  toolUse: {
    toolUseId: toolUseId(part.id, index, context),
    name: part.name,
    input: part.kind === 'custom' ? { input: part.arguments } : encodeInput(part.arguments),
  },
});

/** A block of an answer; undefined for parts that this protocol's answers do not have. */
function encodeBlock(part: Exclude<Part, { type: 'other' }>, index: number, context: AnswerContext): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      return citedText(
        part.text,
        (part.citations ?? []).map(encodeCitation).filter((citation) => citation !== undefined),
      );
    case 'refusal':
      return { text: part.text };
    case 'thinking': {
      const signature = part.signature === undefined ? undefined : encodeSignature(part.signature, part.format);
      return { reasoningContent: { reasoningText: { text: part.text, signature } } };
    }
    case 'redacted_thinking':
      return { reasoningContent: { redactedContent: encodeRedacted(part.data, part.format) } };
    case 'tool_call':
      return encodeToolUse(part, index, context);
    case 'image': {
      const image = encodeImage(part);
      return image === undefined ? undefined : { image };
    }
    case 'tool_result': {
      const status = part.isError === undefined ? undefined : part.isError ? 'error' : 'success';
      return { toolResult: { toolUseId: part.callId, content: encodeAnswer(part.parts, context), status } };
    }
    case 'file':
    case 'audio':
    case 'video':
      return undefined;
  }
}

/** An extension is the whole block (content-decode.ts). */
export function encodeAnswer(parts: readonly Part[], context: AnswerContext): readonly JsonObject[] {
  return parts.flatMap((part, index) => {
    if (part.type === 'other') return part.protocol === PROTOCOL ? [part.value as JsonObject] : [];
    const block = ownMembers(part.extensions, PROTOCOL) ?? encodeBlock(part, index, context);
    return block === undefined ? [] : [block];
  });
}
