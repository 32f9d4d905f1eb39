import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import type { RerankRequest, RerankResponse } from '../canonical/call.ts';
import { FieldFault, Fields } from './fields.ts';

/** What the dialects of rerank share: documents as texts or objects, results as places in the list of documents. */

export function decodeDocuments(body: Fields): readonly (string | JsonObject)[] {
  return body.requiredArray('documents').map((document, index) => {
    if (typeof document === 'string' || isJsonObject(document)) return document;
    throw new FieldFault(`documents[${index}]`, 'must be a string or an object');
  });
}

/** An object's words: its `text` where it has no more, else all of it as JSON. */
export function documentText(document: string | JsonObject): string {
  if (typeof document === 'string') return document;
  const { text } = document;
  return Object.keys(document).length === 1 && typeof text === 'string' ? text : JSON.stringify(document);
}

export const documentObject = (document: string | JsonObject): JsonObject => (typeof document === 'string' ? { text: document } : document);

type RerankResult = RerankResponse['results'][number];

/** One result. An index beyond the documents that were sent is a mistake, and would give the client another document. */
function decodeResult(value: Json, path: string, { documents }: RerankRequest): RerankResult {
  const result = new Fields(value, path);
  const index = result.number('index') ?? result.missing('index', 'a number');
  if (!Number.isInteger(index) || index < 0 || index >= documents.length) throw new FieldFault(result.at('index'), 'must count a document');
  const score = result.number('relevance_score') ?? result.missing('relevance_score', 'a number');
  const document = result.value('document');
  return { index, score, document: typeof document === 'string' || isJsonObject(document) ? document : undefined };
}

const WRITTEN = new Set(['index', 'relevance_score', 'document']);

/** `exact`: an encoder writes the list again as it was. */
export function decodeResults(
  list: readonly Json[],
  name: string,
  request: RerankRequest,
): { readonly results: readonly RerankResult[]; readonly exact: boolean } {
  const results = list.map((item, index) => decodeResult(item, `${name}[${index}]`, request));
  return { results, exact: list.every((item) => isJsonObject(item) && Object.keys(item).every((member) => WRITTEN.has(member))) };
}

/**
 * The document that goes with a result: the provider's where the answer came in the client's own protocol; else the client's own, if it asked for it.
 */
export function documentOf(result: RerankResult, request: RerankRequest, isOwn: boolean): string | JsonObject | undefined {
  if (isOwn && result.document !== undefined) return result.document;
  return request.returnDocuments === true ? (request.documents[result.index] ?? result.document) : undefined;
}
