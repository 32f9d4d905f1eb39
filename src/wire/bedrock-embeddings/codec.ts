/** Embeddings through Bedrock's InvokeModel, whose bodies are those of the model's vendor: Amazon's Titan takes one input at a time, Cohere's models a list. */
import type { EmbedRequest, EmbedResponse } from '../../canonical/call.ts';
import { understood } from '../fields.ts';
import type { CallCodec } from '../protocol.ts';
import * as cohere from './cohere.ts';
import { PROTOCOL } from './names.ts';
import * as titan from './titan.ts';

const isCohere = (model: string): boolean => model.includes('cohere.');

/** Which vendor's shape a body has is told by its input; which one to write, by the model's name. */
export const bedrockEmbeddingsCodec: CallCodec<EmbedRequest, EmbedResponse> = {
  protocol: PROTOCOL,
  decodeRequest: (body) => understood(() => (titan.isTitan(body) ? titan.decodeRequest(body) : cohere.decodeRequest(body))),
  encodeRequest: (request, target) =>
    isCohere(target.model) ? cohere.encodeRequest(request, target) : titan.encodeRequest(request, target),
  decodeResponse: (body) => understood(() => ('embedding' in body ? titan.decodeResponse(body) : cohere.decodeResponse(body))),
  encodeResponse: (response, request) =>
    request.inputs.length > 1 || isCohere(request.model) || response.extensions?.[PROTOCOL]?.members['embeddings'] !== undefined
      ? cohere.encodeResponse(response)
      : titan.encodeResponse(response),
};
