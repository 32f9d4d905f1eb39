/**
 * OpenAI's embeddings (developers.openai.com/api/reference/embeddings) and those that copied it. Mistral and Voyage call the size `output_dimension`,
 * Voyage has `input_type` and `truncation`.
 */
import { BulkheadError } from '../../core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { EmbedInput, EmbedRequest, EmbedResponse } from '../../canonical/call.ts';
import { callDropped } from '../call-dropped.ts';
import { FieldFault, Fields, ownMembers, understood } from '../fields.ts';
import { openaiUsage } from '../openai-chat/usage.ts';
import { packedKind, packVector, unpackVector, type PackedKind } from '../packed-vector.ts';
import type { AnswerContext, CallCodec, Encoded, EncodeTarget } from '../protocol.ts';

const PROTOCOL = 'openai-embeddings';

const isNumbers = (value: Json): value is readonly number[] =>
  Array.isArray(value) && (value as readonly Json[]).every((item) => typeof item === 'number');

function decodeInput(value: Json, path: string): EmbedInput {
  if (typeof value === 'string') return { kind: 'text', text: value };
  if (isNumbers(value)) return { kind: 'tokens', tokens: value };
  throw new FieldFault(path, 'must be a string or a list of token numbers');
}

/** One input may come alone; a list of numbers is one input. */
function decodeInputs(body: Fields): readonly EmbedInput[] {
  const input = body.value('input');
  if (input === undefined) return body.missing('input', 'a string or a list');
  if (Array.isArray(input) && !(isNumbers(input) && input.length > 0))
    return (input as readonly Json[]).map((item, index) => decodeInput(item, `input[${index}]`));
  body.respell('input');
  return [decodeInput(input, 'input')];
}

/** Voyage's words for what Cohere calls `search_query` and `search_document`. */
const PURPOSES: ReadonlyMap<string, string> = new Map([
  ['query', 'search_query'],
  ['document', 'search_document'],
]);

function decodePurpose(body: Fields): string | undefined {
  const word = body.string('input_type');
  if (word !== undefined) body.respell('input_type');
  return word === undefined ? undefined : (PURPOSES.get(word) ?? word);
}

function decodeTruncate(body: Fields): string | undefined {
  const truncation = body.boolean('truncation');
  if (truncation === undefined) return undefined;
  body.respell('truncation');
  return truncation ? 'END' : 'NONE';
}

function decodeSize(body: Fields): number | undefined {
  const size = body.number('dimensions');
  if (size !== undefined) return size;
  body.respell('output_dimension');
  return body.number('output_dimension');
}

function decodeEncoding(body: Fields): 'float' | 'base64' | undefined {
  const word = body.value('encoding_format');
  if (word === 'float' || word === 'base64') return word;
  if (word !== undefined) body.untake('encoding_format');
  return undefined;
}

function decodeRequest(value: JsonObject): EmbedRequest {
  const body = new Fields(value, '');
  const request = {
    source: PROTOCOL,
    model: body.string('model') ?? '',
    inputs: decodeInputs(body),
    dimensions: decodeSize(body),
    encoding: decodeEncoding(body),
    purpose: decodePurpose(body),
    truncate: decodeTruncate(body),
    user: body.string('user'),
  };
  return { ...request, extensions: body.extensions(PROTOCOL) };
}

/** Throws unsupported_parameter where an input cannot be sent: an answer with other vectors than were asked for would be worse than none. */
function encodeInput(input: EmbedInput): string | readonly number[] {
  if (input.kind === 'text') return input.text;
  if (input.kind === 'tokens') return input.tokens;
  return input.parts
    .map((part) => {
      if (part.type === 'text') return part.text;
      throw new BulkheadError('unsupported_parameter', { provider: 'openai', fields: `input (${part.type})` });
    })
    .join('\n');
}

function encodeRequest(request: EmbedRequest, target: EncodeTarget): Encoded {
  const own = ownMembers(request.extensions, PROTOCOL);
  const isOwn = request.source === PROTOCOL;
  const { dimensions, purpose, title, truncate } = request;
  const body = {
    model: target.model,
    input: request.inputs.map(encodeInput),
    dimensions: own?.['output_dimension'] === undefined ? dimensions : undefined,
    // Plain numbers are what every provider gives; the client's own wish is met by its own encoder.
    encoding_format: isOwn ? request.encoding : undefined,
    user: request.user,
    ...own,
  };
  return { body, dropped: isOwn ? [] : callDropped(request.extensions, PROTOCOL, { input_type: purpose, title, truncate }) };
}

const kindOf = (request: EmbedRequest): PackedKind => packedKind(ownMembers(request.extensions, PROTOCOL)?.['output_dtype']);

function decodeVector(value: Json | undefined, kind: PackedKind, path: string): readonly number[] {
  if (typeof value === 'string') return unpackVector(value, kind, path);
  if (value !== undefined && isNumbers(value)) return value;
  throw new FieldFault(path, 'must be a list of numbers or base64');
}

interface Placed {
  readonly index: number;
  readonly vector: readonly number[];
}

function decodeItem(value: Json, at: number, kind: PackedKind): Placed {
  const item = new Fields(value, `data[${at}]`);
  return { index: item.number('index') ?? at, vector: decodeVector(item.value('embedding'), kind, item.at('embedding')) };
}

/** An encoder of ours would write the item so. */
const isPlain = (value: Json, at: number): boolean =>
  isJsonObject(value) && value['index'] === at && value['object'] === 'embedding' && Object.keys(value).length === 3;

/** `usage` stays in the extension too: providers say more in it than is counted. */
function decodeResponse(value: JsonObject, request: EmbedRequest): EmbedResponse {
  const body = new Fields(value, '');
  const data = body.requiredArray('data');
  const placed = data.map((item, at) => decodeItem(item, at, kindOf(request)));
  const isTyped = data.every((item) => isJsonObject(item) && (typeof item['embedding'] === 'string') === (request.encoding === 'base64'));
  if (!isTyped || !data.every(isPlain)) body.respell('data');
  const response = {
    id: body.string('id'),
    model: body.string('model') ?? '',
    vectors: placed.toSorted((one, other) => one.index - other.index).map(({ vector }) => vector),
    usage: openaiUsage(body.peek('usage')),
  };
  return { ...response, extensions: body.extensions(PROTOCOL) };
}

function encodeResponse(response: EmbedResponse, request: EmbedRequest, context: AnswerContext): JsonObject {
  const kind = kindOf(request);
  const tokens = response.usage?.input ?? 0;
  return {
    id: response.id,
    object: 'list',
    data: response.vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: request.encoding === 'base64' ? packVector(vector, kind) : vector,
    })),
    model: response.model === '' ? context.model : response.model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
    ...ownMembers(response.extensions, PROTOCOL),
  };
}

export const openaiEmbeddingsCodec: CallCodec<EmbedRequest, EmbedResponse> = {
  protocol: PROTOCOL,
  decodeRequest: (body) => understood(() => decodeRequest(body)),
  encodeRequest,
  decodeResponse: (body, request) => understood(() => decodeResponse(body, request)),
  encodeResponse,
};
