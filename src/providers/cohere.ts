import { listed } from './listed.ts';
import type { ProviderKind } from './provider-kind.ts';

/** Cohere's API of version 2 (docs.cohere.com/v2/reference). */
export const cohere: ProviderKind = {
  ...listed('cohere'),
  headers: [],
  clientHeaders: [],
  operations: {
    chat: [{ protocol: 'cohere-chat', path: '/v2/chat' }],
    embeddings: [{ protocol: 'cohere-embeddings', path: '/v2/embed' }],
    rerank: [{ protocol: 'cohere-rerank', path: '/v2/rerank' }],
  },
  defaultMaxTokens: 4096,
  // Version 2 has no list of models.
  probe: { method: 'GET', path: '/v1/models' },
  streamUsage: false,
};
