import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { Citation } from '../../canonical/part.ts';
import { PROTOCOL } from './names.ts';

const words = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined);
const offset = (value: Json | undefined, base: number): number | undefined => (typeof value === 'number' ? value + base : undefined);

/** Offsets here count from the start of the text that is cited in; `base` is where that text stands in the whole answer. */
export const decodeAnnotation = (native: JsonObject, base: number): Citation => ({
  url: words(native['url']),
  title: words(native['title']) ?? words(native['filename']),
  start: offset(native['start_index'], base),
  end: offset(native['end_index'], base),
  protocol: PROTOCOL,
  native,
});

export const decodeAnnotations = (list: readonly Json[], base: number): readonly Citation[] =>
  list.filter(isJsonObject).map((native) => decodeAnnotation(native, base));

/** A citation that names no web page cannot be said here. One without offsets stands for the whole text, which is `length` long. */
export function encodeAnnotation(citation: Citation, base: number, length: number): JsonObject | undefined {
  if (citation.protocol === PROTOCOL) return citation.native;
  const { url, title, start, end } = citation;
  if (url === undefined) return undefined;
  return {
    type: 'url_citation',
    start_index: start === undefined ? 0 : Math.max(start - base, 0),
    end_index: end === undefined ? length : Math.max(end - base, 0),
    url,
    title: title ?? '',
  };
}
