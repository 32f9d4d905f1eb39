import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../../src/core/json.ts';
import { ApiDescription } from './api-description.ts';
import { codecOf, plain, requestOf, requestsOf } from './recorded.ts';

/** Every recorded request, translated, is one that the other provider's own API description allows. */

const ANTHROPIC = new ApiDescription('anthropic/openapi.json');
const OPENAI = new ApiDescription('openai/openapi.json');

function translated(
  from: 'openai-chat' | 'anthropic-messages',
  to: 'openai-chat' | 'anthropic-messages',
  body: JsonObject,
  model: string,
): JsonObject {
  const decoded = codecOf(from).decodeRequest(body);
  assert.ok(decoded.ok, JSON.stringify(decoded));
  return plain(codecOf(to).encodeRequest(decoded.value, { model, defaultMaxTokens: 4096 }).body);
}

describe('OpenAI requests as Anthropic’s API description wants them', () => {
  for (const entry of requestsOf('openai-chat')) {
    for (const model of ['claude-sonnet-4-5', 'claude-opus-5']) {
      it(`${model} ${entry.case}`, () => {
        assert.deepEqual(
          ANTHROPIC.faults('CreateMessageParams', translated('openai-chat', 'anthropic-messages', requestOf(entry), model)),
          [],
        );
      });
    }
  }
});

describe('Anthropic requests as OpenAI’s API description wants them', () => {
  const members = OPENAI.members('CreateChatCompletionRequest');
  for (const entry of requestsOf('anthropic-messages')) {
    it(entry.case, () => {
      const body = translated('anthropic-messages', 'openai-chat', requestOf(entry), 'gpt-5.6');
      assert.deepEqual(OPENAI.faults('CreateChatCompletionRequest', body), []);
      assert.deepEqual(
        Object.keys(body).filter((name) => !members.has(name)),
        [],
      );
    });
  }
});

describe('the description reader finds faults', () => {
  it('in a request without messages, with an unknown member, with a wrong type', () => {
    assert.match(
      String(ANTHROPIC.faults('CreateMessageParams', { model: 'm', max_tokens: 'x', messages: [], extra: 1 }).join()),
      /max_tokens: is string.*extra: is unknown/,
    );
    assert.match(
      String(
        ANTHROPIC.faults('CreateMessageParams', { model: 'm', max_tokens: 1, messages: [{ role: 'user', content: [{ type: 'text' }] }] }),
      ),
      /text: is missing/,
    );
  });
});
