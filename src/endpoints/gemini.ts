import type { Endpoint } from './endpoint.ts';

const post = { kind: 'forward', method: 'POST', stream: 'never' } as const;

/** Google's SDKs ask under `v1` or `v1beta`, as their caller or their version has it; the providers are asked under their own base path. */
const VERSIONS = [
  ['v1beta', ''],
  ['v1', '-v1'],
] as const;

/**
 * Gemini's endpoints under Google's paths (https://ai.google.dev/api): model and method are in the path. Streams are a JSON array
 * unless the query says `alt=sse`, which all of Google's SDKs do.
 */
export const geminiEndpoints: readonly Endpoint[] = [
  ...VERSIONS.flatMap(([version, mark]): readonly Endpoint[] => {
    const at = (method: string): string => `/${version}/models/{model}:${method}`;
    return [
      { ...post, id: `generate-content${mark}`, path: at('generateContent'), protocol: 'gemini', operation: 'chat' },
      {
        ...post,
        id: `stream-generate-content${mark}`,
        path: at('streamGenerateContent'),
        protocol: 'gemini',
        operation: 'chat',
        stream: 'always',
        framing: 'json-array',
      },
      { ...post, id: `gemini-count-tokens${mark}`, path: at('countTokens'), protocol: 'gemini-count-tokens', operation: 'count-tokens' },
      { ...post, id: `embed-content${mark}`, path: at('embedContent'), protocol: 'gemini-embeddings', operation: 'embeddings' },
      {
        ...post,
        id: `batch-embed-contents${mark}`,
        path: at('batchEmbedContents'),
        protocol: 'gemini-embeddings',
        operation: 'embeddings',
      },
    ];
  }),
  // `/v1/models` is OpenAI's and Anthropic's list.
  { kind: 'models', id: 'gemini-models', method: 'GET', path: '/v1beta/models', protocol: 'gemini' },
  { kind: 'model', id: 'gemini-model', method: 'GET', path: '/v1beta/models/', protocol: 'gemini' },
];
