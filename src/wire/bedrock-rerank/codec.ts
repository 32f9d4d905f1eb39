/** Rerank through Bedrock's InvokeModel, in the one shape that Amazon's and Cohere's models share there. */
import type { JsonObject } from '../../core/json.ts';
import type { RerankRequest, RerankResponse } from '../../canonical/call.ts';
import { callDropped } from '../call-dropped.ts';
import { Fields, ownMembers, understood } from '../fields.ts';
import type { CallCodec, Encoded, EncodeTarget } from '../protocol.ts';
import { decodeDocuments, decodeResults, documentText } from '../rerank-results.ts';

const PROTOCOL = 'bedrock-rerank';

/** The version of Cohere's API, which its models demand. */
const COHERE_VERSION = 2;

function decodeRequest(value: JsonObject): RerankRequest {
  const body = new Fields(value, '');
  const documents = decodeDocuments(body);
  const request = { source: PROTOCOL, model: '', query: body.requiredString('query'), documents, topN: body.number('top_n') };
  const maxTokensPerDocument = body.number('max_tokens_per_doc');
  return { ...request, maxTokensPerDocument, extensions: body.extensions(PROTOCOL) };
}

function encodeRequest(request: RerankRequest, target: EncodeTarget): Encoded {
  const isOwn = request.source === PROTOCOL;
  const isCohere = target.model.includes('cohere.');
  const { query, documents, topN, maxTokensPerDocument: limit } = request;
  const takesLimit = isOwn || isCohere;
  const body = {
    query,
    documents: isOwn ? documents : documents.map(documentText),
    top_n: topN,
    max_tokens_per_doc: takesLimit ? limit : undefined,
    api_version: isCohere && !isOwn ? COHERE_VERSION : undefined,
    ...ownMembers(request.extensions, PROTOCOL),
  };
  return { body, dropped: callDropped(request.extensions, PROTOCOL, { max_tokens_per_doc: takesLimit ? undefined : limit }) };
}

function decodeResponse(value: JsonObject, request: RerankRequest): RerankResponse {
  const body = new Fields(value, '');
  const { results, exact } = decodeResults(body.requiredArray('results'), 'results', request);
  if (!exact) body.respell('results');
  return { id: body.string('id'), model: '', results, extensions: body.extensions(PROTOCOL) };
}

const encodeResponse = (response: RerankResponse): JsonObject => ({
  id: response.id,
  results: response.results.map(({ index, score, document }) => ({ index, relevance_score: score, document })),
  ...ownMembers(response.extensions, PROTOCOL),
});

export const bedrockRerankCodec: CallCodec<RerankRequest, RerankResponse> = {
  protocol: PROTOCOL,
  decodeRequest: (body) => understood(() => decodeRequest(body)),
  encodeRequest,
  decodeResponse: (body, request) => understood(() => decodeResponse(body, request)),
  encodeResponse,
};
