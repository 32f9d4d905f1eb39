import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { Citation, Part } from '../../canonical/part.ts';
import { PROTOCOL } from './names.ts';

/** The UTF-16 offset of a code point. Cohere counts code points, within one item of `content`. */
function utf16Offset(text: string, codePoint: number): number {
  let at = 0;
  for (let left = codePoint; left > 0 && at < text.length; left--) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return at;
}

const word = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

/** A citation's page, where its first source names one: `document` holds whatever the client put into it. */
export function decodeCitation(native: JsonObject, place: (offset: number) => number): Citation {
  const source = Array.isArray(native['sources']) ? (native['sources'] as readonly Json[]).find(isJsonObject) : undefined;
  const document = isJsonObject(source?.['document']) ? source['document'] : {};
  const { start, end } = native;
  return {
    url: word(document['url']),
    title: word(document['title']),
    start: typeof start === 'number' ? place(start) : undefined,
    end: typeof end === 'number' ? place(end) : undefined,
    protocol: PROTOCOL,
    native,
  };
}

/** Citations of the text: those of a plan or of reasoning have no place in the canonical form. */
const isOfText = ({ type }: JsonObject): boolean => type === undefined || type === 'TEXT_CONTENT';

/**
 * Hangs the citations of a message on the texts that they stand on: `content_index`, else the first text. `parts` are the message's content, item for item.
 * Undefined: some of them have no such place, and the list is to be kept as it is.
 */
export function withCitations(
  parts: readonly Part[],
  citations: readonly Json[],
): { readonly parts: readonly Part[]; readonly whole: boolean } {
  const first = parts.findIndex((part) => part.type === 'text');
  const starts: number[] = [];
  let length = 0;
  for (const part of parts) {
    starts.push(length);
    if (part.type === 'text') length += part.text.length;
  }
  const placed: Citation[][] = parts.map(() => []);
  for (const native of citations) {
    if (!isJsonObject(native) || !isOfText(native)) continue;
    const index = typeof native['content_index'] === 'number' ? native['content_index'] : first;
    const part = parts[index];
    if (part?.type === 'text') placed[index]?.push(decodeCitation(native, (at) => (starts[index] ?? 0) + utf16Offset(part.text, at)));
  }
  const inOrder = placed.flat().map((citation) => citation.native);
  return {
    parts: parts.map((part, index) => {
      const own = placed[index] ?? [];
      return part.type === 'text' && own.length > 0 ? { ...part, citations: own } : part;
    }),
    whole: inOrder.length === citations.length && inOrder.every((native, index) => native === citations[index]),
  };
}

/** A place in a text of this protocol. Offsets are those of the item, in code points. */
export interface CitedPlace {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly content: number;
}

/** Another protocol's citation of a page in Cohere's words; undefined where it names none. */
export function encodeCitation(citation: Citation, { text, start, end, content }: CitedPlace): JsonObject | undefined {
  if (citation.protocol === PROTOCOL) return citation.native;
  const { url, title } = citation;
  if (url === undefined) return undefined;
  const source = { type: 'document', id: url, document: { id: url, url, title: title ?? '' } };
  return { start, end, text, sources: [source], type: 'TEXT_CONTENT', content_index: content };
}

const codePoints = (text: string): number => {
  let count = 0;
  for (const _ of text) count++;
  return count;
};

/** All citations of a message's texts. `contents[i]`: the item of `content` that part i became. */
export function encodeCitations(parts: readonly Part[], contents: readonly number[]): readonly JsonObject[] | undefined {
  const encoded: JsonObject[] = [];
  let base = 0;
  parts.forEach((part, index) => {
    if (part.type !== 'text') return;
    for (const citation of part.citations ?? []) {
      const start = Math.max((citation.start ?? base) - base, 0);
      const end = Math.max((citation.end ?? base + part.text.length) - base, start);
      const text = part.text.slice(start, end);
      const from = codePoints(part.text.slice(0, start));
      const native = encodeCitation(citation, { text, start: from, end: from + codePoints(text), content: contents[index] ?? 0 });
      if (native !== undefined) encoded.push(native);
    }
    base += part.text.length;
  });
  return encoded.length === 0 ? undefined : encoded;
}
