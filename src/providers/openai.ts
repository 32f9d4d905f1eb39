import { listed } from './listed.ts';
import type { ProviderKind } from './provider-kind.ts';

/** Families that OpenAI serves through Responses alone (developers.openai.com/api/docs/models); a client of another protocol is translated to that. */
const RESPONSES_ONLY = ['-codex', 'codex-mini', '-pro', 'deep-research', 'computer-use'];

/** OpenAI's own API, and the wire format most others copied. */
export const openai: ProviderKind = {
  ...listed('openai'),
  headers: [],
  clientHeaders: ['openai-beta'],
  operations: {
    chat: [
      { protocol: 'openai-chat', path: '/chat/completions', except: RESPONSES_ONLY },
      { protocol: 'openai-responses', path: '/responses' },
    ],
    completions: [{ protocol: 'openai-completions', path: '/completions' }],
    embeddings: [{ protocol: 'openai-embeddings', path: '/embeddings' }],
    moderations: [{ protocol: 'openai-moderations', path: '/moderations' }],
    images: [{ protocol: 'openai-images', path: '/images/generations' }],
    'image-edits': [{ protocol: 'openai-images', path: '/images/edits' }],
    'image-variations': [{ protocol: 'openai-images', path: '/images/variations' }],
    transcriptions: [{ protocol: 'openai-audio', path: '/audio/transcriptions' }],
    translations: [{ protocol: 'openai-audio', path: '/audio/translations' }],
    speech: [{ protocol: 'openai-audio', path: '/audio/speech' }],
  },
  defaultMaxTokens: 4096,
  probe: { method: 'GET', path: '/models' },
  streamUsage: true,
};

/** The built-in provider for trying things out. Its address comes from the supervisor. */
export const sandbox: ProviderKind = {
  kind: 'sandbox',
  baseUrl: null,
  auth: { scheme: 'none' },
  priceList: 'sandbox',
  environment: [],
  headers: [],
  clientHeaders: [],
  operations: {
    chat: [{ protocol: 'openai-chat', path: '/chat/completions' }],
    completions: [{ protocol: 'openai-completions', path: '/completions' }],
    embeddings: [{ protocol: 'openai-embeddings', path: '/embeddings' }],
  },
  defaultMaxTokens: 4096,
  probe: { method: 'GET', path: '/models' },
  streamUsage: true,
};
