import type { Endpoint } from './endpoint.ts';

/** Anthropic's endpoints under Anthropic's paths (https://platform.claude.com/docs/en/api). Its `/v1/models` is OpenAI's path: there the header `anthropic-version` tells the two apart. */
export const anthropicEndpoints: readonly Endpoint[] = [
  { kind: 'forward', id: 'messages', method: 'POST', path: '/v1/messages', protocol: 'anthropic-messages', operation: 'chat' },
  {
    kind: 'forward',
    id: 'count-tokens',
    method: 'POST',
    path: '/v1/messages/count_tokens',
    protocol: 'anthropic-count-tokens',
    operation: 'count-tokens',
    stream: 'never',
  },
];
