import { listed } from './listed.ts';
import type { ProviderKind } from './provider-kind.ts';

const google = (method: string): string => `/publishers/google/models/{model}:${method}`;
const claude = (method: string): string => `/publishers/anthropic/models/{model}:${method}`;

const PROBE = { method: 'GET', path: '/endpoints' } as const;

/** Gemini on Vertex AI (https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference): the same schemas under a project's paths. */
export const vertex: ProviderKind = {
  ...listed('vertex'),
  headers: [],
  clientHeaders: ['x-vertex-ai-llm-request-type', 'x-vertex-ai-llm-shared-request-type'],
  operations: {
    chat: [
      {
        protocol: 'gemini',
        path: google('generateContent'),
        streamPath: `${google('streamGenerateContent')}?alt=sse`,
        // Service tiers are asked for in headers here, and nothing is stored.
        members: { remove: ['model', 'stream'], reject: ['serviceTier', 'store'] },
      },
    ],
    embeddings: [{ protocol: 'vertex-embeddings', path: google('predict'), members: { remove: ['model'] } }],
    'count-tokens': [{ protocol: 'vertex-count-tokens', path: google('countTokens'), members: { remove: ['model', 'stream'] } }],
  },
  defaultMaxTokens: 8192,
  probe: PROBE,
  streamUsage: false,
};

/** Claude on Vertex AI (https://docs.anthropic.com/en/api/claude-on-vertex-ai): Anthropic's Messages, the model in the path and the version in the body. */
export const vertexAnthropic: ProviderKind = {
  ...listed('vertex-anthropic'),
  headers: [],
  clientHeaders: ['anthropic-beta'],
  operations: {
    chat: [
      {
        protocol: 'anthropic-messages',
        path: claude('rawPredict'),
        streamPath: claude('streamRawPredict'),
        // `stream` stays: recorded requests say it in the body too.
        members: { remove: ['model'], add: [['anthropic_version', '"vertex-2023-10-16"']] },
      },
    ],
    'count-tokens': [
      {
        protocol: 'anthropic-count-tokens',
        // Counting has a model name of its own in the path, and the model that is asked about in the body.
        path: '/publishers/anthropic/models/count-tokens:rawPredict',
        members: { add: [['anthropic_version', '"vertex-2023-10-16"']] },
      },
    ],
  },
  // The Messages API refuses a request without max_tokens; every current model can write this much.
  defaultMaxTokens: 4096,
  probe: PROBE,
  streamUsage: false,
};
