import { listed } from './listed.ts';
import type { ProviderKind } from './provider-kind.ts';

/** Anthropic's Messages API (https://platform.claude.com/docs/en/api/messages). */
export const anthropic: ProviderKind = {
  ...listed('anthropic'),
  headers: [['anthropic-version', '2023-06-01']],
  clientHeaders: ['anthropic-beta', 'anthropic-version'],
  operations: {
    chat: [{ protocol: 'anthropic-messages', path: '/messages' }],
    'count-tokens': [{ protocol: 'anthropic-count-tokens', path: '/messages/count_tokens' }],
  },
  // The Messages API refuses a request without max_tokens; every current model can write this much.
  defaultMaxTokens: 4096,
  probe: { method: 'GET', path: '/models' },
  streamUsage: false,
};
