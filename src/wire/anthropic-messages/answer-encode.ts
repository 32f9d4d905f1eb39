import type { JsonObject } from '../../core/json.ts';
import { ANTHROPIC_SIGNATURE, type Part, type ToolCallPart } from '../../canonical/part.ts';
import { ownMembers } from '../fields.ts';
import type { AnswerContext } from '../protocol.ts';
import { encodeCache, encodeInput } from './content-encode.ts';
import { PROTOCOL } from './names.ts';

const encodeToolUse = (part: ToolCallPart, index: number, context: AnswerContext): JsonObject => ({
  type: 'tool_use',
  id: part.id === '' ? `toolu_${context.requestId}_${index}` : part.id,
  name: part.name,
  input: part.kind === 'custom' ? { input: part.arguments } : encodeInput(part.arguments),
});

/** A signature that another vendor's models wrote would come back as Anthropic's and be refused: it is left out. */
export const signatureHere = (signature: string | undefined, format: string | undefined): string =>
  signature !== undefined && (format === undefined || format === ANTHROPIC_SIGNATURE) ? signature : '';

/** A block of an answer; undefined for parts that this protocol's answers do not have. */
function encodeBlock(part: Part, index: number, context: AnswerContext): JsonObject | undefined {
  switch (part.type) {
    case 'text': {
      const citations = part.citations?.filter((citation) => citation.protocol === PROTOCOL).map((citation) => citation.native) ?? [];
      return part.text === '' && ownMembers(part.extensions, PROTOCOL) === undefined
        ? undefined
        : { type: 'text', text: part.text, citations: citations.length === 0 ? undefined : citations };
    }
    case 'refusal':
      return { type: 'text', text: part.text };
    case 'thinking':
      return { type: 'thinking', thinking: part.text, signature: signatureHere(part.signature, part.format) };
    case 'redacted_thinking':
      return signatureHere(part.data, part.format) === '' ? undefined : { type: 'redacted_thinking', data: part.data };
    case 'tool_call':
      return encodeToolUse(part, index, context);
    case 'other':
      return part.protocol === PROTOCOL ? (part.value as JsonObject) : undefined;
    case 'image':
    case 'file':
    case 'audio':
    case 'tool_result':
      return undefined;
  }
}

export const encodeAnswer = (parts: readonly Part[], context: AnswerContext): readonly JsonObject[] =>
  parts.flatMap((part, index) => {
    const block = encodeBlock(part, index, context);
    if (block === undefined) return [];
    if (part.type === 'other') return [block];
    return [{ ...block, cache_control: encodeCache(part.cache), ...ownMembers(part.extensions, PROTOCOL) }];
  });
