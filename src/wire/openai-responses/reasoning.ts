import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { OPENAI_SIGNATURE, type Part, type RedactedThinkingPart, type SignatureFormat, type ThinkingPart } from '../../canonical/part.ts';
import type { Fields } from '../fields.ts';
import { unwrapOpaque, wrapOpaque } from '../opaque.ts';
import { PROTOCOL } from './names.ts';

/** Encrypted reasoning of xAI's models, by OpenRouter's name for it: they speak this protocol too, and OpenAI's cannot read theirs. */
const XAI_SIGNATURE = 'xai-responses-v1';

/** Whose reasoning a model of this protocol writes and reads, by the model's name. */
export const formatOf = (model: string): SignatureFormat => (/grok/i.test(model.slice(0, 200)) ? XAI_SIGNATURE : OPENAI_SIGNATURE);

/** Formats that stand in `encrypted_content` as they are; all others are wrapped in it. */
export const isNative = (format: SignatureFormat | undefined): boolean =>
  format === undefined || format === OPENAI_SIGNATURE || format === XAI_SIGNATURE;

/** `encrypted_content` for a client, who keeps it unread whoever wrote it. */
export const sealed = (data: string, format: SignatureFormat | undefined): string =>
  isNative(format) ? data : wrapOpaque(format ?? '', data);

/** What stands in `encrypted_content`, and whose it is. */
export const opened = (text: string, own: SignatureFormat): { readonly data: string; readonly format: SignatureFormat } =>
  unwrapOpaque(text) ?? { data: text, format: own };

const texts = (list: Json | undefined): readonly string[] =>
  Array.isArray(list) ? (list as readonly Json[]).filter(isJsonObject).flatMap(({ text }) => (typeof text === 'string' ? [text] : [])) : [];

/** What stands between two sections of a summary when they become one text. */
export const SECTION_BREAK = '\n\n';

/** The text of a reasoning item: its summary, or where there is none the reasoning itself, as open models show it. Undefined: it has neither. */
export function reasoningText(item: JsonObject): string | undefined {
  const sections = texts(item['summary']);
  if (sections.length > 0) return sections.join(SECTION_BREAK);
  const content = texts(item['content']);
  return content.length > 0 ? content.join(SECTION_BREAK) : undefined;
}

/** Whether an encoder writes the same lists again: one plain section of summary at the most, and no content. */
function isPlain(item: Fields): boolean {
  const summary = item.peek('summary');
  const [first, ...more] = Array.isArray(summary) ? (summary as readonly Json[]) : [];
  return (
    more.length === 0 &&
    (first === undefined || (isJsonObject(first) && Object.keys(first).length === 2)) &&
    texts(item.peek('content')).length === 0
  );
}

/**
 * A reasoning item. With a text it is thinking, maybe signed; with encrypted content alone it is redacted thinking; with neither it says something
 * to its own protocol only.
 */
export function decodeReasoning(item: Fields, value: Json, own: SignatureFormat): Part {
  const text = reasoningText(value as JsonObject);
  const encrypted = item.string('encrypted_content') || undefined;
  if (text === undefined && encrypted === undefined) return { type: 'other', protocol: PROTOCOL, value };
  const seal = encrypted === undefined ? undefined : opened(encrypted, own);
  item.value('summary');
  item.respell(
    'id',
    'status',
    'content',
    ...(item.peek('encrypted_content') === '' ? ['encrypted_content'] : []),
    ...(isPlain(item) ? [] : ['summary']),
  );
  const extensions = item.extensions(PROTOCOL);
  if (text === undefined) return { type: 'redacted_thinking', data: seal?.data ?? '', format: seal?.format, extensions };
  return { type: 'thinking', text, signature: seal?.data, format: seal?.format, extensions };
}

/** Redacted thinking has no summary, and thinking has one even where it is empty: so they are told apart again. */
export const reasoningItem = (part: ThinkingPart | RedactedThinkingPart): JsonObject => {
  const [data, summary] = part.type === 'thinking' ? [part.signature, [{ type: 'summary_text', text: part.text }]] : [part.data, []];
  return { type: 'reasoning', summary, encrypted_content: data === undefined ? undefined : sealed(data, part.format) };
};
