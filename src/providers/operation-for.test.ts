import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WireProtocolId } from '../wire/protocol.ts';
import { bedrock } from './bedrock.ts';
import { operationFor } from './operation-for.ts';
import type { ProviderOperation } from './provider-kind.ts';

const CONVERSATIONS: readonly WireProtocolId[] = ['openai-chat', 'anthropic-messages', 'bedrock-converse'];
const canTranslate = (client: WireProtocolId, provider: WireProtocolId): boolean =>
  CONVERSATIONS.includes(client) && CONVERSATIONS.includes(provider);
const found = (operations: readonly ProviderOperation[] | undefined, protocol: WireProtocolId, model: string): string | undefined =>
  operationFor(operations ?? [], { protocol, model }, canTranslate)?.path;

const CHAT: ProviderOperation = { protocol: 'openai-chat', path: '/chat' };
const MESSAGES: ProviderOperation = { protocol: 'anthropic-messages', path: '/messages' };

describe('the operation for a request', () => {
  it('is the one in the client’s own protocol, wherever it stands', () => {
    assert.equal(found([CHAT, MESSAGES], 'anthropic-messages', 'm'), '/messages');
    assert.equal(found([MESSAGES, CHAT], 'openai-chat', 'm'), '/chat');
  });

  it('is else the first that the client’s can be translated to', () => {
    const raw: ProviderOperation = { protocol: 'openai-completions', path: '/completions' };
    assert.equal(found([raw, CHAT, MESSAGES], 'bedrock-converse', 'm'), '/chat');
  });

  it('is none where nothing can be', () => {
    assert.equal(found([CHAT], 'openai-embeddings', 'm'), undefined);
    assert.equal(found([], 'openai-chat', 'm'), undefined);
  });

  it('exists for its models alone', () => {
    const some: ProviderOperation = { ...MESSAGES, models: ['claude'] };
    assert.equal(found([CHAT, some], 'anthropic-messages', 'my-claude-4'), '/messages');
    assert.equal(found([CHAT, some], 'anthropic-messages', 'gpt'), '/chat');
    assert.equal(found([some], 'openai-chat', 'gpt'), undefined);
  });
});

describe('Bedrock', () => {
  const path = (protocol: WireProtocolId, model: string): string | undefined => found(bedrock.operations.chat, protocol, model);

  it('is asked in Anthropic’s protocol by Anthropic’s clients for Anthropic’s models, never through Converse', () => {
    for (const model of [
      'anthropic.claude-3-haiku-20240307-v1:0',
      'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
      'arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-opus-5',
    ])
      assert.equal(path('anthropic-messages', model), '/model/{model}/invoke');
  });

  it('is asked through Converse for everything else', () => {
    assert.equal(path('anthropic-messages', 'us.amazon.nova-pro-v1:0'), '/model/{model}/converse');
    assert.equal(path('openai-chat', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'), '/model/{model}/converse');
    assert.equal(path('openai-chat', 'meta.llama3-8b-instruct-v1:0'), '/model/{model}/converse');
  });

  it('leaves a protocol out for the models that are not served in it', () => {
    const operations = [
      { protocol: 'openai-chat', path: '/chat/completions', except: ['-codex'] },
      { protocol: 'openai-responses', path: '/responses' },
    ] as const;
    const chosen = (protocol: 'openai-chat' | 'anthropic-messages', model: string) =>
      operationFor(operations, { protocol, model }, () => true)?.protocol;
    assert.equal(chosen('openai-chat', 'gpt-5.6'), 'openai-chat');
    assert.equal(chosen('openai-chat', 'gpt-5.6-codex'), 'openai-responses');
    assert.equal(chosen('anthropic-messages', 'gpt-5.6-codex'), 'openai-responses');
  });
});
