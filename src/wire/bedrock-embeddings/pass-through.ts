import type { PassThrough } from '../protocol.ts';
import { billedUsage, callUsage } from './vectors.ts';

/** Embeddings never stream. */
export const bedrockEmbeddingsPassThrough: PassThrough = {
  requestMembers: [],
  responseMembers: ['inputTextTokenCount', 'meta'],
  usageOfResponse: (members) => callUsage(members['inputTextTokenCount']) ?? billedUsage(members['meta']),
  inputTokensHeader: 'x-amzn-bedrock-input-token-count',
  mayMatter: () => false,
  readEvent: () => ({}),
};
