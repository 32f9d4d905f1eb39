import type { JsonObject } from '../../core/json.ts';
import type { Citation } from '../../canonical/part.ts';
import { PROTOCOL } from './names.ts';

/** Whose a citation is that we put into Anthropic's words and a client sent back: nobody's, since Anthropic would not know it. */
export const TRANSLATED = 'translated';

/**
 * A citation in Anthropic's words; undefined where it names no address, since other places are counted in documents that only their own protocol knows.
 * `text` is that of the whole answer, as far as it is known: the cited words are cut from it. Anthropic's own index, which only it can make, is empty.
 */
export function encodeCitation(citation: Citation, text: string): JsonObject | undefined {
  const { url, title, start, end } = citation;
  if (citation.protocol === PROTOCOL) return citation.native;
  if (url === undefined) return undefined;
  const cited = start === undefined || end === undefined ? '' : text.slice(start, end);
  return { type: 'web_search_result_location', url, title: title ?? null, cited_text: cited, encrypted_index: '' };
}
