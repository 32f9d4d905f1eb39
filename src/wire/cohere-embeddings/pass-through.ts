import type { PassThrough } from '../protocol.ts';
import { embedUsage } from './codec.ts';

/** Embeddings never stream. */
export const cohereEmbeddingsPassThrough: PassThrough = {
  requestMembers: ['model'],
  responseMembers: ['meta'],
  usageOfResponse: (members) => embedUsage(members['meta']),
  mayMatter: () => false,
  readEvent: () => ({}),
};
