import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { Citation, Part } from '../../canonical/part.ts';
import { PROTOCOL } from './names.ts';

/**
 * A citation in OpenAI's words. It must name a web page; places in the client's own documents cannot be said here and are left out.
 * Without offsets of its own the citation stands for the text from `start` to `end` of the answer.
 */
export function encodeAnnotation(citation: Citation, start: number, end: number): JsonObject | undefined {
  if (citation.protocol === PROTOCOL) return citation.native;
  if (citation.url === undefined) return undefined;
  const { url, title } = citation;
  return {
    type: 'url_citation',
    url_citation: { url, title: title ?? '', start_index: citation.start ?? start, end_index: citation.end ?? end },
  };
}

/** All citations of a message that came in another protocol, with offsets into its whole text; undefined where there are none. Its own go back as they came. */
export function encodeAnnotations(parts: readonly Part[]): readonly JsonObject[] | undefined {
  const annotations: JsonObject[] = [];
  let start = 0;
  for (const part of parts) {
    if (part.type !== 'text') continue;
    const end = start + part.text.length;
    for (const citation of part.citations ?? []) {
      if (citation.protocol === PROTOCOL) continue;
      const annotation = encodeAnnotation(citation, start, end);
      if (annotation !== undefined) annotations.push(annotation);
    }
    start = end;
  }
  return annotations.length === 0 ? undefined : annotations;
}

export const namesSources = (body: JsonObject): boolean => body['search_results'] !== undefined || body['citations'] !== undefined;

/** Perplexity names its sources beside the answer: `search_results` with titles, or `citations`, which are addresses alone. */
export function sourcesOf(body: JsonObject): readonly JsonObject[] {
  const { search_results: results, citations } = body;
  const found = Array.isArray(results) && results.length > 0 ? (results as readonly Json[]) : citations;
  if (!Array.isArray(found)) return [];
  return (found as readonly Json[]).flatMap((source) => {
    const { url, title } = isJsonObject(source) ? source : { url: source };
    if (typeof url !== 'string') return [];
    return [{ type: 'url_citation', url_citation: { url, title: typeof title === 'string' ? title : '' } }];
  });
}
