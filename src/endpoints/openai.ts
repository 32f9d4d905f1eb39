import type { Endpoint } from './endpoint.ts';

const post = { kind: 'forward', method: 'POST' } as const;
const audio = { ...post, protocol: 'openai-audio' } as const;
const images = { ...post, protocol: 'openai-images' } as const;

/** OpenAI's endpoints under OpenAI's paths, so that its clients need nothing but another base URL. */
export const openaiEndpoints: readonly Endpoint[] = [
  { ...post, id: 'chat-completions', path: '/v1/chat/completions', protocol: 'openai-chat', operation: 'chat' },
  { ...post, id: 'responses', path: '/v1/responses', protocol: 'openai-responses', operation: 'chat' },
  { ...post, id: 'completions', path: '/v1/completions', protocol: 'openai-completions', operation: 'completions' },
  { ...post, id: 'embeddings', path: '/v1/embeddings', protocol: 'openai-embeddings', operation: 'embeddings', stream: 'never' },
  { ...post, id: 'moderations', path: '/v1/moderations', protocol: 'openai-moderations', operation: 'moderations', stream: 'never' },
  { ...images, id: 'images', path: '/v1/images/generations', operation: 'images' },
  { ...images, id: 'image-edits', path: '/v1/images/edits', operation: 'image-edits', body: 'form' },
  { ...images, id: 'image-variations', path: '/v1/images/variations', operation: 'image-variations', body: 'form', stream: 'never' },
  { ...audio, id: 'transcriptions', path: '/v1/audio/transcriptions', operation: 'transcriptions', body: 'form' },
  { ...audio, id: 'translations', path: '/v1/audio/translations', operation: 'translations', body: 'form', stream: 'never' },
  { ...audio, id: 'speech', path: '/v1/audio/speech', operation: 'speech' },
  { kind: 'models', id: 'models', method: 'GET', path: '/v1/models', protocol: 'openai-chat' },
  { kind: 'model', id: 'model', method: 'GET', path: '/v1/models/', protocol: 'openai-chat' },
  { kind: 'stored', id: 'response-get', method: 'GET', path: '/v1/responses/{id}', act: 'get', protocol: 'openai-responses' },
  { kind: 'stored', id: 'response-delete', method: 'DELETE', path: '/v1/responses/{id}', act: 'delete', protocol: 'openai-responses' },
  { kind: 'stored', id: 'response-cancel', method: 'POST', path: '/v1/responses/{id}/cancel', act: 'cancel', protocol: 'openai-responses' },
  {
    kind: 'stored',
    id: 'response-input-items',
    method: 'GET',
    path: '/v1/responses/{id}/input_items',
    act: 'input-items',
    protocol: 'openai-responses',
  },
];

/** For load balancers and orchestrators: no key. */
export const healthEndpoints: readonly Endpoint[] = [
  { kind: 'live', id: 'health-live', method: 'GET', path: '/health/live', protocol: 'openai-chat' },
  { kind: 'ready', id: 'health-ready', method: 'GET', path: '/health/ready', protocol: 'openai-chat' },
];
