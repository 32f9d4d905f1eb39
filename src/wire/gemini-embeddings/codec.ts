/** Google's embedContent and batchEmbedContents (ai.google.dev/api/embeddings), told apart by the shape of the body. A list is always asked for as a batch. */
import { BulkheadError } from '../../core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import type { EmbedInput, EmbedRequest, EmbedResponse } from '../../canonical/call.ts';
import type { Part } from '../../canonical/part.ts';
import { callDropped } from '../call-dropped.ts';
import { Fields, ownMembers, understood } from '../fields.ts';
import { encodeAnswerPart } from '../gemini/answer-encode.ts';
import { ConversationCalls } from '../gemini/call-ids.ts';
import { decodeParts } from '../gemini/content-decode.ts';
import { modelPath } from '../gemini/names.ts';
import { spelled } from '../gemini/spelling.ts';
import { tokenCount } from '../openai-chat/usage.ts';
import type { CallCodec, Encoded, EncodeTarget } from '../protocol.ts';
import { purposeOf, taskOf } from './purpose.ts';
import { readTokens, vectorOf } from './vectors.ts';

const PROTOCOL = 'gemini-embeddings';

/** One text is that text; several parts give one vector. */
function inputOf(request: Fields): EmbedInput {
  const content = request.fields('content') ?? request.missing('content', 'an object');
  const parts = decodeParts(content, new ConversationCalls());
  const [only] = parts;
  return parts.length === 1 && only?.type === 'text' ? { kind: 'text', text: only.text } : { kind: 'parts', parts };
}

interface One {
  readonly input: EmbedInput;
  readonly settings: Pick<EmbedRequest, 'model' | 'dimensions' | 'purpose' | 'title'>;
}

function decodeOne(request: Fields): One {
  const settings = {
    model: (request.string('model') ?? '').replace(/^models\//, ''),
    dimensions: request.number(spelled(request, 'outputDimensionality')),
    purpose: purposeOf(request.string(spelled(request, 'taskType'))),
    title: request.string('title'),
  };
  return { input: inputOf(request), settings };
}

/** Kept as it came. Each of a batch has settings of its own; other protocols have one for all, which is the first's. */
function decodeRequest(value: JsonObject): EmbedRequest {
  const body = new Fields(value, '');
  const list = body.array('requests');
  const members = list === undefined ? [body] : list.map((item, index) => new Fields(item, `requests[${index}]`));
  const decoded = members.map(decodeOne);
  const lost =
    list === undefined ? body.lost() : [...new Set(members.flatMap((member) => member.lost().map((name) => `requests[].${name}`)))];
  const settings = decoded[0]?.settings ?? { model: '' };
  return { source: PROTOCOL, ...settings, inputs: decoded.map(({ input }) => input), extensions: { [PROTOCOL]: { members: value, lost } } };
}

const refused = (fields: string): BulkheadError => new BulkheadError('unsupported_parameter', { provider: 'gemini', fields });

function encodePart(part: Part): JsonObject {
  const encoded = encodeAnswerPart(part);
  if (encoded === undefined) throw refused(`input (${part.type})`);
  return encoded;
}

function contentOf(input: EmbedInput): JsonObject {
  if (input.kind === 'tokens') throw refused('input (token numbers)');
  return { parts: input.kind === 'text' ? [{ text: input.text }] : input.parts.map(encodePart) };
}

/** The body as it came, but for the model's name, which each of a batch repeats. */
function renamed(own: JsonObject, model: string): JsonObject {
  const rename = (value: Json): Json => (isJsonObject(value) && value['model'] !== undefined ? { ...value, model } : value);
  const list = own['requests'];
  return Array.isArray(list)
    ? { ...own, requests: (list as readonly Json[]).map(rename) }
    : { ...own, ...(own['model'] === undefined ? {} : { model }) };
}

/** Throws unsupported_parameter where an input cannot be sent: an answer with other vectors than were asked for would be worse than none. */
function encodeRequest(request: EmbedRequest, target: EncodeTarget): Encoded {
  const model = modelPath(target.model);
  const own = ownMembers(request.extensions, PROTOCOL);
  if (own !== undefined) return { body: renamed(own, model), dropped: [] };
  const { dimensions, purpose, truncate, user } = request;
  const taskType = taskOf(purpose);
  // A title belongs to a document; elsewhere it is refused.
  const title = taskType === 'RETRIEVAL_DOCUMENT' ? request.title : undefined;
  const one = { model, taskType, title, outputDimensionality: dimensions };
  return {
    body: { requests: request.inputs.map((input) => ({ ...one, content: contentOf(input) })) },
    dropped: callDropped(request.extensions, PROTOCOL, {
      input_type: taskType === undefined ? purpose : undefined,
      title: title === undefined ? request.title : undefined,
      truncate,
      user,
    }),
  };
}

function usageOf(value: Json | undefined): TokenUsage | undefined {
  const count = isJsonObject(value) ? value['promptTokenCount'] : undefined;
  return typeof count === 'number' ? readTokens(tokenCount(count)) : undefined;
}

const valuesOf = (embedding: Fields): readonly number[] => vectorOf(embedding.array('values') ?? [], embedding.at('values'));

function decodeResponse(value: JsonObject): EmbedResponse {
  const body = new Fields(value, '');
  const single = body.fields('embedding');
  const list = single === undefined ? body.requiredArray('embeddings') : [];
  const batch = list.map((item, index) => valuesOf(new Fields(item, `embeddings[${index}]`)));
  const vectors = single === undefined ? batch : [valuesOf(single)];
  return { model: '', vectors, usage: usageOf(body.peek('usageMetadata')), extensions: body.extensions(PROTOCOL) };
}

/** In the form in which the client asked. */
function encodeResponse({ vectors, usage, extensions }: EmbedResponse, request: EmbedRequest): JsonObject {
  const embeddings = vectors.map((values) => ({ values }));
  const isBatch = ownMembers(request.extensions, PROTOCOL)?.['requests'] !== undefined;
  return {
    ...(isBatch ? { embeddings } : { embedding: embeddings[0] ?? { values: [] } }),
    usageMetadata: usage === undefined ? undefined : { promptTokenCount: usage.input },
    ...ownMembers(extensions, PROTOCOL),
  };
}

export const geminiEmbeddingsCodec = {
  protocol: PROTOCOL,
  decodeRequest: (body) => understood(() => decodeRequest(body)),
  encodeRequest,
  decodeResponse: (body) => understood(() => decodeResponse(body)),
  encodeResponse,
} as const satisfies CallCodec<EmbedRequest, EmbedResponse>;
