import { openaiUsage } from '../openai-chat/usage.ts';
import type { PassThrough } from '../protocol.ts';

/** Embeddings never stream. */
export const openaiEmbeddingsPassThrough: PassThrough = {
  requestMembers: ['model'],
  endUser: [['safety_identifier'], ['user']],
  responseMembers: ['usage'],
  usageOfResponse: (members) => openaiUsage(members['usage']),
  mayMatter: () => false,
  readEvent: () => ({}),
};
