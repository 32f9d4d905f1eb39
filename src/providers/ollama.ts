import { listed } from './listed.ts';
import type { ProviderKind } from './provider-kind.ts';

/** Ollama's own API (docs.ollama.com/api), and OpenAI's format beside it for who speaks that. */
export const ollama: ProviderKind = {
  ...listed('ollama'),
  headers: [],
  clientHeaders: [],
  operations: {
    chat: [
      { protocol: 'ollama-chat', path: '/api/chat', framing: 'ndjson' },
      { protocol: 'openai-chat', path: '/v1/chat/completions' },
    ],
    completions: [{ protocol: 'openai-completions', path: '/v1/completions' }],
    embeddings: [{ protocol: 'openai-embeddings', path: '/v1/embeddings' }],
  },
  defaultMaxTokens: 4096,
  probe: { method: 'GET', path: '/api/tags' },
  streamUsage: true,
};
