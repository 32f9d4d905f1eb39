import { listed } from './listed.ts';
import type { ProviderKind } from './provider-kind.ts';

const at = (method: string): string => `/models/{model}:${method}`;

/** Google's Gemini API (https://ai.google.dev/api). Model and method are in the path; streams are asked for as events. */
export const gemini: ProviderKind = {
  ...listed('gemini'),
  headers: [],
  clientHeaders: [],
  operations: {
    chat: [
      {
        protocol: 'gemini',
        path: at('generateContent'),
        streamPath: `${at('streamGenerateContent')}?alt=sse`,
        members: { remove: ['model', 'stream'], reject: ['labels'] },
      },
    ],
    embeddings: [
      {
        protocol: 'gemini-embeddings',
        path: at('batchEmbedContents'),
        paths: { 'embed-content': at('embedContent'), 'embed-content-v1': at('embedContent') },
        members: { remove: ['model'] },
      },
    ],
    'count-tokens': [{ protocol: 'gemini-count-tokens', path: at('countTokens'), members: { remove: ['model', 'stream'] } }],
  },
  defaultMaxTokens: 8192,
  probe: { method: 'GET', path: '/models' },
  streamUsage: false,
};
