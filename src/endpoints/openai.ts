import type { Endpoint } from './endpoint.ts';

/** OpenAI's endpoints under OpenAI's paths, so that its clients need nothing but another base URL. */
export const openaiEndpoints: readonly Endpoint[] = [
  { kind: 'forward', id: 'chat-completions', method: 'POST', path: '/v1/chat/completions', protocol: 'openai-chat', operation: 'chat' },
  { kind: 'forward', id: 'completions', method: 'POST', path: '/v1/completions', protocol: 'openai-completions', operation: 'completions' },
  { kind: 'forward', id: 'embeddings', method: 'POST', path: '/v1/embeddings', protocol: 'openai-embeddings', operation: 'embeddings' },
  { kind: 'models', id: 'models', method: 'GET', path: '/v1/models', protocol: 'openai-chat' },
  { kind: 'model', id: 'model', method: 'GET', path: '/v1/models/', protocol: 'openai-chat' },
];

/** For load balancers and orchestrators: no key. */
export const healthEndpoints: readonly Endpoint[] = [
  { kind: 'live', id: 'health-live', method: 'GET', path: '/health/live', protocol: 'openai-chat' },
  { kind: 'ready', id: 'health-ready', method: 'GET', path: '/health/ready', protocol: 'openai-chat' },
];
