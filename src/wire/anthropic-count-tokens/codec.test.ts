import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiDescription } from '../../../test/conformance/api-description.ts';
import { anthropicMessages } from '../../../test/conformance/protocols/anthropic-messages.ts';
import { listCases, readAnswer, readRequest } from '../../../test/replay/cases.ts';
import type { CountRequest, CountResponse } from '../../canonical/call.ts';
import type { JsonObject } from '../../core/json.ts';
import { openaiChatCodec } from '../openai-chat/codec.ts';
import type { CallCodec } from '../protocol.ts';
import { anthropicCountTokensCodec, PROTOCOL } from './codec.ts';

const codec: CallCodec<CountRequest, CountResponse> = anthropicCountTokensCodec;

const CONTEXT = { model: 'm', requestId: 'req_1', created: 1, includeUsage: false };
const TARGET = { model: 'claude-sonnet-5', defaultMaxTokens: 4096 };
const plain = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;

const cases = listCases().filter(({ endpoint, provider }) => endpoint === 'count-tokens' && provider === 'anthropic');

describe('recorded counts', () => {
  it('are there', () => assert.ok(cases.length >= 3));

  for (const entry of cases) {
    it(entry.case, () => {
      const body = readRequest(entry.case) as JsonObject;
      const request = codec.decodeRequest(body);
      assert.ok(request.ok, JSON.stringify(request));
      const { body: encoded, dropped } = codec.encodeRequest(request.value, { ...TARGET, model: String(body['model']) });
      assert.deepEqual([anthropicMessages.sameRequest(encoded), dropped], [anthropicMessages.sameRequest(body), []]);
      if (entry.status !== 200) return;
      const answer = JSON.parse(readAnswer(entry.case).body.toString('utf8')) as JsonObject;
      const response = codec.decodeResponse(answer, request.value);
      assert.ok(response.ok);
      assert.equal(response.value.inputTokens, answer['input_tokens']);
      assert.deepEqual(plain(codec.encodeResponse(response.value, request.value, CONTEXT)), answer);
    });
  }
});

describe('counts', () => {
  it('of another protocol’s conversation ask for what Anthropic’s description allows', () => {
    const conversation = openaiChatCodec.decodeRequest({
      model: 'm',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'hi' },
      ],
      tools: [{ type: 'function', function: { name: 'f' } }],
      reasoning_effort: 'high',
      temperature: 0.2,
      stop: ['x'],
      stream: true,
    });
    assert.ok(conversation.ok);
    const { body } = codec.encodeRequest({ source: 'gemini-count-tokens', model: 'm', conversation: conversation.value }, TARGET);
    assert.deepEqual(Object.keys(plain(body)).sort(), ['messages', 'model', 'output_config', 'system', 'thinking', 'tools']);
    assert.deepEqual(new ApiDescription('anthropic/openapi.json').faults('CountMessageTokensParams', plain(body)), []);
  });

  const decoded = codec.decodeRequest({ model: 'm', messages: [{ role: 'user', content: 'hi' }] });
  assert.ok(decoded.ok);
  const ASKED = decoded.value;

  it('that say no number are refused, and one beyond reason is none', () => {
    assert.equal(codec.decodeResponse({}, ASKED).ok, false);
    const absurd = codec.decodeResponse({ input_tokens: 1e300 }, ASKED);
    assert.ok(absurd.ok && absurd.value.inputTokens === 0);
  });

  it('keep members that they do not know', () => {
    const answer = { input_tokens: 5, context_management: { original_input_tokens: 9 } };
    const response = codec.decodeResponse(answer, ASKED);
    assert.ok(response.ok);
    assert.deepEqual(response.value.extensions?.[PROTOCOL]?.lost, ['context_management']);
  });
});
