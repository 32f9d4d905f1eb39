import { listed } from './listed.ts';
import type { ProviderKind } from './provider-kind.ts';

/**
 * Amazon Bedrock's runtime (docs.aws.amazon.com/bedrock/latest/APIReference). Anthropic's models speak their own protocol through InvokeModel, so that its clients
 * lose nothing; everything else goes through Converse, which stands first because the first is taken where a request has to be translated anyway.
 */
export const bedrock: ProviderKind = {
  ...listed('bedrock'),
  headers: [],
  clientHeaders: [],
  operations: {
    chat: [
      {
        protocol: 'bedrock-converse',
        path: '/model/{model}/converse',
        streamPath: '/model/{model}/converse-stream',
        framing: 'aws-eventstream',
      },
      {
        protocol: 'anthropic-messages',
        models: ['anthropic.claude'],
        path: '/model/{model}/invoke',
        streamPath: '/model/{model}/invoke-with-response-stream',
        framing: 'aws-invoke',
        errors: 'bedrock-converse',
        members: {
          remove: ['model', 'stream'],
          add: [['anthropic_version', '"bedrock-2023-05-31"']],
          fromHeaders: { 'anthropic-beta': 'anthropic_beta' },
        },
      },
    ],
    embeddings: [{ protocol: 'bedrock-embeddings', path: '/model/{model}/invoke' }],
    rerank: [{ protocol: 'bedrock-rerank', path: '/model/{model}/invoke' }],
  },
  // Anthropic's models refuse a request without a limit when they are to reason within a budget.
  defaultMaxTokens: 4096,
  // The one list that this host has: of batches that were asked for.
  probe: { method: 'GET', path: '/async-invoke' },
  streamUsage: false,
};
