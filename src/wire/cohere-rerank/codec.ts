/** Cohere's rerank (docs.cohere.com/v2/reference/rerank). Version 1 takes objects as documents and gives them back when asked. */
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { RerankRequest, RerankResponse } from '../../canonical/call.ts';
import { NO_USAGE, type TokenUsage } from '../../core/usage.ts';
import { callDropped } from '../call-dropped.ts';
import { cohereUsage } from '../cohere-chat/usage.ts';
import { unitCount, unitsOf, withServed } from '../served.ts';
import { Fields, ownMembers, understood } from '../fields.ts';
import type { AnswerContext, CallCodec, Encoded, EncodeTarget } from '../protocol.ts';
import { decodeDocuments, decodeResults, documentObject, documentOf, documentText } from '../rerank-results.ts';

const PROTOCOL = 'cohere-rerank';

function decodeRequest(value: JsonObject): RerankRequest {
  const body = new Fields(value, '');
  const request = {
    source: PROTOCOL,
    model: body.string('model') ?? '',
    query: body.requiredString('query'),
    documents: decodeDocuments(body),
    topN: body.number('top_n'),
    returnDocuments: body.boolean('return_documents'),
    maxTokensPerDocument: body.number('max_tokens_per_doc'),
  };
  return { ...request, extensions: body.extensions(PROTOCOL) };
}

/** Version 2 neither takes objects nor gives documents back: a client that asked for them gets its own from the answer's encoder. */
function encodeRequest(request: RerankRequest, target: EncodeTarget): Encoded {
  const isOwn = request.source === PROTOCOL;
  const body = {
    model: isOwn && request.model === '' && target.model === '' ? undefined : target.model,
    query: request.query,
    documents: isOwn ? request.documents : request.documents.map(documentText),
    top_n: request.topN,
    return_documents: isOwn ? request.returnDocuments : undefined,
    max_tokens_per_doc: request.maxTokensPerDocument,
    ...ownMembers(request.extensions, PROTOCOL),
  };
  return { body, dropped: callDropped(request.extensions, PROTOCOL, {}) };
}

function searchUnits(meta: Json | undefined): number | undefined {
  const units = isJsonObject(meta) && isJsonObject(meta['billed_units']) ? meta['billed_units']['search_units'] : undefined;
  return typeof units === 'number' ? units : undefined;
}

/** Cohere bills searches; only some of its answers count tokens beside them. */
export function rerankUsage(meta: Json | undefined): TokenUsage | undefined {
  const searches = unitsOf('search', unitCount(searchUnits(meta)));
  const tokens = cohereUsage(meta);
  return tokens === undefined && searches === undefined ? undefined : withServed(tokens ?? NO_USAGE, undefined, searches);
}

/** `meta` stays in the extension too. */
function decodeResponse(value: JsonObject, request: RerankRequest): RerankResponse {
  const body = new Fields(value, '');
  const { results, exact } = decodeResults(body.requiredArray('results'), 'results', request);
  if (!exact) body.respell('results');
  const meta = body.peek('meta');
  const response = { id: body.string('id'), model: '', results, usage: rerankUsage(meta), searchUnits: searchUnits(meta) };
  return { ...response, extensions: body.extensions(PROTOCOL) };
}

function encodeResponse(response: RerankResponse, request: RerankRequest, context: AnswerContext): JsonObject {
  const own = ownMembers(response.extensions, PROTOCOL);
  const { usage } = response;
  const tokens = usage === undefined ? undefined : { input_tokens: usage.input, output_tokens: usage.output };
  return {
    id: response.id ?? context.requestId,
    results: response.results.map((result) => {
      const document = documentOf(result, request, own !== undefined);
      return {
        index: result.index,
        relevance_score: result.score,
        document: document === undefined ? undefined : documentObject(document),
      };
    }),
    meta: { api_version: { version: '2' }, billed_units: { search_units: response.searchUnits ?? 1 }, tokens },
    ...own,
  };
}

export const cohereRerankCodec: CallCodec<RerankRequest, RerankResponse> = {
  protocol: PROTOCOL,
  decodeRequest: (body) => understood(() => decodeRequest(body)),
  encodeRequest,
  decodeResponse: (body, request) => understood(() => decodeResponse(body, request)),
  encodeResponse,
};
