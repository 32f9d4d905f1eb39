import type { JsonObject } from '../../core/json.ts';
import { ANTHROPIC_SIGNATURE, type Part, type TextPart, type ToolCallPart } from '../../canonical/part.ts';
import { ownMembers } from '../fields.ts';
import { wrapOpaque } from '../opaque.ts';
import type { AnswerContext } from '../protocol.ts';
import { encodeCitation } from './citations.ts';
import { encodeCache, encodeInput } from './content-encode.ts';
import { PROTOCOL } from './names.ts';
import { noteOf } from './notes.ts';

const encodeToolUse = (part: ToolCallPart, index: number, context: AnswerContext): JsonObject => ({
  type: 'tool_use',
  id: part.id === '' ? `toolu_${context.requestId}_${index}` : part.id,
  name: part.name,
  input: part.kind === 'custom' ? { input: part.arguments } : encodeInput(part.arguments),
});

/** Another vendor's signature travels in Anthropic's field, marked: the client keeps it unread and brings it back. */
export const opaque = (data: string, format: string | undefined): string =>
  format === undefined || format === ANTHROPIC_SIGNATURE ? data : wrapOpaque(format, data);

function encodeText(part: TextPart, answer: string): JsonObject | undefined {
  if (part.text === '' && ownMembers(part.extensions, PROTOCOL) === undefined) return undefined;
  const citations = part.citations?.map((citation) => encodeCitation(citation, answer)).filter((citation) => citation !== undefined) ?? [];
  return { type: 'text', text: part.text, citations: citations.length === 0 ? undefined : citations };
}

interface Answer {
  readonly context: AnswerContext;
  readonly text: string;
}

/** A block of an answer; undefined for parts that this protocol's answers do not have. */
function encodeBlock(part: Part, index: number, { context, text }: Answer): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      return encodeText(part, text);
    case 'refusal':
      return { type: 'text', text: part.text };
    case 'thinking':
      return { type: 'thinking', thinking: part.text, signature: part.signature === undefined ? '' : opaque(part.signature, part.format) };
    case 'redacted_thinking':
      return { type: 'redacted_thinking', data: opaque(part.data, part.format) };
    case 'tool_call':
      return encodeToolUse(part, index, context);
    case 'audio':
    case 'image':
    case 'file':
      return { type: 'text', text: noteOf(part) };
    case 'other':
      return part.protocol === PROTOCOL ? (part.value as JsonObject) : undefined;
    case 'video':
    case 'tool_result':
      return undefined;
  }
}

const textOf = (parts: readonly Part[]): string => parts.map((part) => (part.type === 'text' ? part.text : '')).join('');

export function encodeAnswer(parts: readonly Part[], context: AnswerContext): readonly JsonObject[] {
  const answer = { context, text: textOf(parts) };
  return parts.flatMap((part, index) => {
    const block = encodeBlock(part, index, answer);
    if (block === undefined) return [];
    if (part.type === 'other') return [block];
    return [{ ...block, cache_control: encodeCache(part.cache), ...ownMembers(part.extensions, PROTOCOL) }];
  });
}
