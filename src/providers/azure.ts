import { listed } from './listed.ts';
import type { ProviderKind, ProviderOperation } from './provider-kind.ts';

/** What Azure OpenAI takes from OpenAI's API, by OpenAI's own paths. */
const CALLS = {
  completions: ['openai-completions', '/completions'],
  embeddings: ['openai-embeddings', '/embeddings'],
  images: ['openai-images', '/images/generations'],
  'image-edits': ['openai-images', '/images/edits'],
  transcriptions: ['openai-audio', '/audio/transcriptions'],
  translations: ['openai-audio', '/audio/translations'],
  speech: ['openai-audio', '/audio/speech'],
} as const;

const callsAt = (pathOf: (path: string) => string): ProviderKind['operations'] =>
  Object.fromEntries(
    Object.entries(CALLS).map(([operation, [protocol, path]]): [string, readonly ProviderOperation[]] => [
      operation,
      [{ protocol, path: pathOf(path) }],
    ]),
  );

const COMMON = {
  headers: [],
  clientHeaders: ['openai-beta'],
  defaultMaxTokens: 4096,
  streamUsage: true,
} as const satisfies Partial<ProviderKind>;

const v1 = (path: string): string => `/v1${path}`;

/** Azure OpenAI under `/openai/v1`, where requests are OpenAI's and the model is a deployment's name. */
export const azureOpenai: ProviderKind = {
  ...listed('azure-openai'),
  ...COMMON,
  operations: {
    chat: [
      { protocol: 'openai-chat', path: v1('/chat/completions') },
      { protocol: 'openai-responses', path: v1('/responses') },
    ],
    ...callsAt(v1),
  },
  probe: { method: 'GET', path: v1('/models') },
};

const byDeployment = (path: string): string => `/deployments/{model}${path}?api-version={api_version}`;

/** The older URLs, which name the deployment in the path and an API version in the query. */
export const azureOpenaiDeployments: ProviderKind = {
  ...listed('azure-openai-deployments'),
  ...COMMON,
  operations: {
    // No Responses here: under these URLs it needs a preview version, while every version has chat completions.
    chat: [{ protocol: 'openai-chat', path: byDeployment('/chat/completions') }],
    ...callsAt(byDeployment),
  },
  probe: { method: 'GET', path: '/models?api-version={api_version}' },
};
