/** Cohere's embeddings of version 2 (docs.cohere.com/v2/reference/embed). */
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { NO_USAGE, type TokenUsage } from '../../core/usage.ts';
import type { EmbedRequest, EmbedResponse } from '../../canonical/call.ts';
import { callDropped } from '../call-dropped.ts';
import { FieldFault, Fields, ownMembers, understood } from '../fields.ts';
import { tokenCount } from '../openai-chat/usage.ts';
import { packVector, unpackVector } from '../packed-vector.ts';
import type { AnswerContext, CallCodec, Encoded, EncodeTarget } from '../protocol.ts';
import { decodeInputs, encodeInputs } from './inputs.ts';

const PROTOCOL = 'cohere-embeddings';

/** Cohere demands to know what the vectors are for; most are for what is searched. */
const DEFAULT_PURPOSE = 'search_document';
const PURPOSES: ReadonlySet<string | undefined> = new Set(['search_document', 'search_query', 'classification', 'clustering', 'image']);

/** The lists in which an answer's vectors may come, best first: what is not a float is a coarser spelling of the same vector. */
const TYPES = ['float', 'base64', 'int8', 'uint8', 'binary', 'ubinary'] as const;

function decodeEncoding(body: Fields): 'float' | 'base64' | undefined {
  const [only, ...others] = body.array('embedding_types') ?? [];
  if (others.length === 0 && (only === 'float' || only === 'base64')) return only;
  body.untake('embedding_types');
  return undefined;
}

function decodeRequest(value: JsonObject): EmbedRequest {
  const body = new Fields(value, '');
  const request = {
    source: PROTOCOL,
    model: body.string('model') ?? '',
    inputs: decodeInputs(body),
    dimensions: body.number('output_dimension'),
    encoding: decodeEncoding(body),
    purpose: body.string('input_type'),
    truncate: body.string('truncate'),
  };
  return { ...request, extensions: body.extensions(PROTOCOL) };
}

function encodeRequest(request: EmbedRequest, target: EncodeTarget): Encoded {
  const own = ownMembers(request.extensions, PROTOCOL);
  const isOwn = request.source === PROTOCOL;
  const { dimensions, purpose, title, user, encoding } = request;
  const isKnown = isOwn || PURPOSES.has(purpose);
  const hasOwnInputs = own?.['images'] !== undefined || own?.['inputs'] !== undefined;
  const texts = request.inputs.flatMap((input) => (input.kind === 'text' ? [input.text] : []));
  const body = {
    model: target.model,
    ...(hasOwnInputs ? { texts: texts.length === 0 ? undefined : texts } : encodeInputs(request.inputs)),
    input_type: isKnown ? (purpose ?? (isOwn ? undefined : DEFAULT_PURPOSE)) : DEFAULT_PURPOSE,
    embedding_types: isOwn ? (encoding === undefined ? undefined : [encoding]) : ['float'],
    output_dimension: dimensions,
    truncate: request.truncate,
    ...own,
  };
  return { body, dropped: callDropped(request.extensions, PROTOCOL, { input_type: isKnown ? undefined : purpose, title, user }) };
}

function decodeVector(value: Json, path: string): readonly number[] {
  if (typeof value === 'string') return unpackVector(value, 'float', path);
  if (Array.isArray(value) && (value as readonly Json[]).every((item) => typeof item === 'number')) return value as readonly number[];
  throw new FieldFault(path, 'must be a list of numbers or base64');
}

/** Lists by type, or, as version 1 has it, one list. */
function decodeVectors(body: Fields, request: EmbedRequest): readonly (readonly number[])[] {
  const embeddings = body.value('embeddings');
  const type = isJsonObject(embeddings) ? TYPES.find((name) => Array.isArray(embeddings[name])) : undefined;
  const list = isJsonObject(embeddings) ? embeddings[type ?? ''] : embeddings;
  if (!Array.isArray(list)) throw new FieldFault('embeddings', 'must hold a list of vectors');
  const isPlain = isJsonObject(embeddings) && Object.keys(embeddings).length === 1 && type === (request.encoding ?? 'float');
  if (!isPlain) body.respell('embeddings');
  return (list as readonly Json[]).map((vector, index) => decodeVector(vector, `embeddings.${type ?? ''}[${index}]`));
}

/** What is billed is all that is told: texts and images in tokens. */
export function embedUsage(meta: Json | undefined): TokenUsage | undefined {
  const units = isJsonObject(meta) && isJsonObject(meta['billed_units']) ? meta['billed_units'] : undefined;
  if (typeof units?.['input_tokens'] !== 'number' && typeof units?.['image_tokens'] !== 'number') return undefined;
  return { ...NO_USAGE, input: tokenCount(units['input_tokens']) + tokenCount(units['image_tokens']) };
}

/** `meta` and `texts` stay in the extension too. */
function decodeResponse(value: JsonObject, request: EmbedRequest): EmbedResponse {
  const body = new Fields(value, '');
  const vectors = decodeVectors(body, request);
  const response = { id: body.string('id'), model: '', vectors, usage: embedUsage(body.peek('meta')) };
  return { ...response, extensions: body.extensions(PROTOCOL) };
}

function encodeResponse(response: EmbedResponse, request: EmbedRequest, context: AnswerContext): JsonObject {
  const texts = request.inputs.flatMap((input) => (input.kind === 'text' ? [input.text] : []));
  const { vectors, usage } = response;
  return {
    id: response.id ?? context.requestId,
    embeddings: request.encoding === 'base64' ? { base64: vectors.map((vector) => packVector(vector, 'float')) } : { float: vectors },
    texts,
    meta: { api_version: { version: '2' }, billed_units: usage === undefined ? undefined : { input_tokens: usage.input } },
    response_type: 'embeddings_by_type',
    ...ownMembers(response.extensions, PROTOCOL),
  };
}

export const cohereEmbeddingsCodec: CallCodec<EmbedRequest, EmbedResponse> = {
  protocol: PROTOCOL,
  decodeRequest: (body) => understood(() => decodeRequest(body)),
  encodeRequest,
  decodeResponse: (body, request) => understood(() => decodeResponse(body, request)),
  encodeResponse,
};
