import { BulkheadError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { EmbedInput, EmbedRequest, EmbedResponse } from '../../canonical/call.ts';
import type { Part } from '../../canonical/part.ts';
import { callDropped } from '../call-dropped.ts';
import { Fields, ownMembers } from '../fields.ts';
import type { Encoded, EncodeTarget } from '../protocol.ts';
import { PROTOCOL } from './names.ts';
import { callUsage, numbers } from './vectors.ts';

/*
 * Amazon's Titan (Bedrock user guide, "Titan Text Embeddings" and "Titan Multimodal Embeddings"): G1 takes a text, V2 also a size, the multimodal model a text,
 * an image or both for one vector, and its size in another place.
 */

export const isTitan = (body: JsonObject): boolean => 'inputText' in body || 'inputImage' in body;

function decodeInput(body: Fields): EmbedInput {
  const text = body.string('inputText');
  const image = body.string('inputImage');
  if (image === undefined) return { kind: 'text', text: text ?? body.missing('inputText', 'a string') };
  // The image's type is not told; PNG is what the models read as well as any.
  const shown: Part = { type: 'image', source: { kind: 'data', mediaType: 'image/png', data: image } };
  return { kind: 'parts', parts: text === undefined ? [shown] : [{ type: 'text', text }, shown] };
}

export function decodeRequest(value: JsonObject): EmbedRequest {
  const body = new Fields(value, '');
  const config = body.fields('embeddingConfig');
  const size = config?.number('outputEmbeddingLength');
  const request = { source: PROTOCOL, model: '', inputs: [decodeInput(body)], dimensions: body.number('dimensions') ?? size };
  if (config !== undefined) {
    body.within('embeddingConfig', config);
    body.respell('embeddingConfig');
  }
  return { ...request, extensions: body.extensions(PROTOCOL) };
}

const refused = (fields: string): BulkheadError => new BulkheadError('unsupported_parameter', { provider: 'bedrock', fields });

/** Text and image of the one input. An image's address would have to be fetched, which we do not do. */
function encodeInput(input: EmbedInput, isMultimodal: boolean): JsonObject {
  if (input.kind === 'text') return { inputText: input.text };
  if (input.kind === 'tokens') throw refused('input (token numbers)');
  const members: { inputText?: string; inputImage?: string } = {};
  for (const part of input.parts) {
    if (part.type === 'text' && members.inputText === undefined) members.inputText = part.text;
    else if (part.type === 'image' && part.source.kind === 'data' && isMultimodal && members.inputImage === undefined)
      members.inputImage = part.source.data;
    else throw refused(`input (${part.type})`);
  }
  return members;
}

/** Throws unsupported_parameter where an input cannot be sent: an answer with other vectors than were asked for would be worse than none. */
export function encodeRequest(request: EmbedRequest, target: EncodeTarget): Encoded {
  const [input, ...more] = request.inputs;
  if (input === undefined || more.length > 0) throw refused('input (this model embeds one at a time)');
  const isMultimodal = target.model.includes('embed-image');
  const isFirst = target.model.includes('embed-text-v1') || target.model.includes('embed-g1');
  const { dimensions } = request;
  const size =
    dimensions === undefined || isFirst ? {} : isMultimodal ? { embeddingConfig: { outputEmbeddingLength: dimensions } } : { dimensions };
  const own = ownMembers(request.extensions, PROTOCOL);
  const body = { ...encodeInput(input, isMultimodal || request.source === PROTOCOL), ...size, ...own };
  const { purpose, title, truncate, user } = request;
  return {
    body: own?.['embeddingConfig'] === undefined ? body : { ...body, dimensions: undefined },
    dropped: callDropped(request.extensions, PROTOCOL, {
      dimensions: isFirst ? dimensions : undefined,
      input_type: purpose,
      title,
      truncate,
      user,
    }),
  };
}

/** `embeddingsByType` says the vector again, or in bits. */
export function decodeResponse(value: JsonObject): EmbedResponse {
  const body = new Fields(value, '');
  const response = {
    model: '',
    vectors: [numbers(body.value('embedding'), 'embedding')],
    usage: callUsage(body.peek('inputTextTokenCount')),
  };
  return { ...response, extensions: body.extensions(PROTOCOL) };
}

export const encodeResponse = (response: EmbedResponse): JsonObject => ({
  embedding: response.vectors[0] ?? [],
  inputTextTokenCount: response.usage?.input,
  ...ownMembers(response.extensions, PROTOCOL),
});
