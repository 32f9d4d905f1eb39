import type { CanonicalRequest } from '../canonical/request.ts';
import type { Dropped } from './dropped.ts';

/** Fields of a request that are whole in themselves: a target either has them or not. */
export type PlainField =
  | 'topK'
  | 'candidates'
  | 'logprobs'
  | 'topLogprobs'
  | 'logitBias'
  | 'user'
  | 'metadata'
  | 'serviceTier'
  | 'verbosity'
  | 'promptCacheKey'
  | 'safetyIdentifier'
  | 'modalities';

/** Values that ask for what happens anyway. */
function saysNothing(field: PlainField, request: CanonicalRequest): boolean {
  switch (field) {
    case 'candidates':
      return request.candidates === 1;
    case 'logprobs':
      return request.logprobs === false;
    case 'topLogprobs':
      return request.topLogprobs === 0;
    case 'serviceTier':
      return request.serviceTier === 'auto' || request.serviceTier === 'default';
    case 'modalities':
      return request.modalities?.every((modality) => modality === 'text') ?? true;
    default:
      return false;
  }
}

/** Names those of `fields` that the client sent and that the target has no place for. */
export function reportUnsupported(request: CanonicalRequest, fields: readonly PlainField[], dropped: Dropped): void {
  for (const field of fields) if (!saysNothing(field, request)) dropped.fieldIf(field, request[field]);
}
