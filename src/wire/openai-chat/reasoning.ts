import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { Part, RedactedThinkingPart, ThinkingPart } from '../../canonical/part.ts';
import type { Fields } from '../fields.ts';

/*
 * OpenAI's chat protocol has no reasoning text. Those who copied it put it into `reasoning_content` (DeepSeek) or `reasoning`
 * (OpenRouter, Groq), and what must be sent back unchanged (signatures, encrypted reasoning) into OpenRouter's `reasoning_details`.
 * We read all three and write the first and the last.
 */
export const REASONING_FIELDS = ['reasoning_content', 'reasoning', 'reasoning_details'] as const;

const text = (value: Json | undefined): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** The plain text of reasoning in a message or delta. */
export const plainReasoning = (holder: JsonObject): string | undefined => text(holder['reasoning_content']) ?? text(holder['reasoning']);

/** One entry of `reasoning_details`; undefined for kinds that say nothing we could carry. */
export function decodeDetail(detail: JsonObject): ThinkingPart | RedactedThinkingPart | undefined {
  const format = text(detail['format']);
  const data = text(detail['data']);
  if (detail['type'] === 'reasoning.encrypted') return data === undefined ? undefined : { type: 'redacted_thinking', data, format };
  const words = text(detail['text']) ?? text(detail['summary']);
  const signature = text(detail['signature']);
  if (words === undefined && signature === undefined) return undefined;
  return { type: 'thinking', text: words ?? '', signature, format };
}

export const readDetails = (holder: JsonObject): readonly JsonObject[] => {
  const details = holder['reasoning_details'];
  return Array.isArray(details) ? (details as readonly Json[]).filter(isJsonObject) : [];
};

/** The reasoning of a whole message. All members stay in the extension: their spelling differs from provider to provider. */
export function decodeReasoning(message: Fields): readonly Part[] {
  const holder: JsonObject = Object.fromEntries(REASONING_FIELDS.map((name) => [name, message.peek(name)]));
  const parts = readDetails(holder)
    .map(decodeDetail)
    .filter((part) => part !== undefined);
  const plain = plainReasoning(holder);
  if (plain === undefined || parts.some((part) => part.type === 'thinking' && part.text !== '')) return parts;
  // A signature without its text stands for the plain one.
  const signed = parts.findIndex((part) => part.type === 'thinking');
  const bare = parts[signed];
  return bare?.type === 'thinking' ? parts.with(signed, { ...bare, text: plain }) : [{ type: 'thinking', text: plain }, ...parts];
}

export const encodeSigned = (part: ThinkingPart, index: number): JsonObject => ({
  type: 'reasoning.text',
  ...(part.text === '' ? {} : { text: part.text }),
  signature: part.signature,
  format: part.format,
  index,
});

export const encodeRedacted = (part: RedactedThinkingPart, index: number): JsonObject => ({
  type: 'reasoning.encrypted',
  data: part.data,
  format: part.format,
  index,
});

/** Reasoning parts as members of a message. `indices` count all parts of the message. */
export function encodeReasoning(parts: readonly Part[]): JsonObject {
  const details: JsonObject[] = [];
  let plain = '';
  parts.forEach((part, index) => {
    if (part.type === 'redacted_thinking') details.push(encodeRedacted(part, index));
    if (part.type !== 'thinking') return;
    plain += part.text;
    if (part.signature !== undefined) details.push(encodeSigned(part, index));
  });
  return {
    reasoning_content: plain === '' ? undefined : plain,
    reasoning_details: details.length === 0 ? undefined : details,
  };
}
