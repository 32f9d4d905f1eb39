import type { Endpoint } from './endpoint.ts';

const post = { kind: 'forward', method: 'POST', stream: 'never' } as const;

/**
 * Gemini's endpoints under Google's paths (https://ai.google.dev/api): model and method are in the path. Streams are a JSON array
 * unless the query says `alt=sse`, which all of Google's SDKs do.
 */
export const geminiEndpoints: readonly Endpoint[] = [
  { ...post, id: 'generate-content', path: '/v1beta/models/{model}:generateContent', protocol: 'gemini', operation: 'chat' },
  {
    ...post,
    id: 'stream-generate-content',
    path: '/v1beta/models/{model}:streamGenerateContent',
    protocol: 'gemini',
    operation: 'chat',
    stream: 'always',
    framing: 'json-array',
  },
  {
    ...post,
    id: 'gemini-count-tokens',
    path: '/v1beta/models/{model}:countTokens',
    protocol: 'gemini-count-tokens',
    operation: 'count-tokens',
  },
  { ...post, id: 'embed-content', path: '/v1beta/models/{model}:embedContent', protocol: 'gemini-embeddings', operation: 'embeddings' },
  {
    ...post,
    id: 'batch-embed-contents',
    path: '/v1beta/models/{model}:batchEmbedContents',
    protocol: 'gemini-embeddings',
    operation: 'embeddings',
  },
  { kind: 'models', id: 'gemini-models', method: 'GET', path: '/v1beta/models', protocol: 'gemini' },
  { kind: 'model', id: 'gemini-model', method: 'GET', path: '/v1beta/models/', protocol: 'gemini' },
];
