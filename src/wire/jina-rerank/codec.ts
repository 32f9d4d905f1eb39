/** Rerank as Jina has it (api.jina.ai/redoc) and Voyage, Together, llama.cpp and OpenRouter in their ways: Voyage says `top_k` and `data`. */
import type { JsonObject } from '../../core/json.ts';
import type { RerankRequest, RerankResponse } from '../../canonical/call.ts';
import { callDropped } from '../call-dropped.ts';
import { Fields, ownMembers, understood } from '../fields.ts';
import { openaiUsage } from '../openai-chat/usage.ts';
import type { AnswerContext, CallCodec, Encoded, EncodeTarget } from '../protocol.ts';
import { decodeDocuments, decodeResults, documentObject, documentOf } from '../rerank-results.ts';

const PROTOCOL = 'jina-rerank';

function decodeTop(body: Fields): number | undefined {
  const top = body.number('top_n');
  if (top !== undefined) return top;
  body.respell('top_k');
  return body.number('top_k');
}

function decodeRequest(value: JsonObject): RerankRequest {
  const body = new Fields(value, '');
  const request = {
    source: PROTOCOL,
    model: body.string('model') ?? '',
    query: body.requiredString('query'),
    documents: decodeDocuments(body),
    topN: decodeTop(body),
    returnDocuments: body.boolean('return_documents'),
  };
  return { ...request, extensions: body.extensions(PROTOCOL) };
}

function encodeRequest(request: RerankRequest, target: EncodeTarget): Encoded {
  const own = ownMembers(request.extensions, PROTOCOL);
  const body = {
    model: target.model,
    query: request.query,
    documents: request.documents,
    top_n: own?.['top_k'] === undefined ? request.topN : undefined,
    return_documents: request.returnDocuments,
    ...own,
  };
  return { body, dropped: callDropped(request.extensions, PROTOCOL, { max_tokens_per_doc: request.maxTokensPerDocument }) };
}

/** `usage` stays in the extension too: providers say more in it than is counted. */
function decodeResponse(value: JsonObject, request: RerankRequest): RerankResponse {
  const body = new Fields(value, '');
  const name = body.peek('results') === undefined ? 'data' : 'results';
  const { results, exact } = decodeResults(body.requiredArray(name), name, request);
  if (!exact || name === 'data') body.respell(name);
  const response = { id: body.string('id'), model: body.string('model') ?? '', results, usage: openaiUsage(body.peek('usage')) };
  return { ...response, extensions: body.extensions(PROTOCOL) };
}

function encodeResponse(response: RerankResponse, request: RerankRequest, context: AnswerContext): JsonObject {
  const own = ownMembers(response.extensions, PROTOCOL);
  const results = response.results.map((result) => {
    const document = documentOf(result, request, own !== undefined);
    const written = document === undefined ? undefined : own === undefined ? documentObject(document) : document;
    return { index: result.index, relevance_score: result.score, document: written };
  });
  return {
    id: response.id,
    model: response.model === '' ? context.model : response.model,
    results: own?.['data'] === undefined ? results : undefined,
    usage: { total_tokens: (response.usage?.input ?? 0) + (response.usage?.output ?? 0) },
    ...own,
  };
}

export const jinaRerankCodec: CallCodec<RerankRequest, RerankResponse> = {
  protocol: PROTOCOL,
  decodeRequest: (body) => understood(() => decodeRequest(body)),
  encodeRequest,
  decodeResponse: (body, request) => understood(() => decodeResponse(body, request)),
  encodeResponse,
};
