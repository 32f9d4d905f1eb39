import { listed } from './listed.ts';
import type { ProviderKind } from './provider-kind.ts';

/** Mistral's API (docs.mistral.ai/api). Its chat refuses members that it does not know, so that OpenAI's requests are translated and not passed. */
export const mistral: ProviderKind = {
  ...listed('mistral'),
  headers: [],
  clientHeaders: [],
  operations: {
    chat: [{ protocol: 'mistral-chat', path: '/chat/completions' }],
    embeddings: [
      { protocol: 'openai-embeddings', path: '/embeddings', members: { rename: { dimensions: 'output_dimension' }, reject: ['user'] } },
    ],
    moderations: [{ protocol: 'openai-moderations', path: '/moderations' }],
    transcriptions: [{ protocol: 'openai-audio', path: '/audio/transcriptions' }],
  },
  defaultMaxTokens: 4096,
  probe: { method: 'GET', path: '/models' },
  // Its streams always end with the figures, and `stream_options` is refused.
  streamUsage: false,
};
