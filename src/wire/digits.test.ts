import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseExact } from '../core/exact-json.ts';
import type { JsonObject } from '../core/json.ts';
import { codecFor } from './registry.ts';
import type { AnswerContext, Codec, WireProtocolId } from './protocol.ts';

/** Whole numbers beyond 2^53 in what is only carried: their digits are the model's, the tool's and the caller's. */

const BIG = '12345678901234567890';
const CONTEXT: AnswerContext = { model: 'm', requestId: 'req_1', created: 1, includeUsage: true };
const SCHEMA = `{"type":"object","properties":{"id":{"type":"integer","default":${BIG}}}}`;

const REQUESTS: readonly (readonly [WireProtocolId, string])[] = [
  [
    'openai-chat',
    `{"model":"m","messages":[{"role":"user","content":"go"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\\"id\\":${BIG}}"}}]},{"role":"tool","tool_call_id":"c","content":"{\\"id\\":${BIG}}"}],"tools":[{"type":"function","function":{"name":"f","parameters":${SCHEMA}}}]}`,
  ],
  [
    'openai-responses',
    `{"model":"m","input":[{"role":"user","content":"go"},{"type":"function_call","call_id":"c","name":"f","arguments":"{\\"id\\":${BIG}}"},{"type":"function_call_output","call_id":"c","output":"{\\"id\\":${BIG}}"}],"tools":[{"type":"function","name":"f","parameters":${SCHEMA}}]}`,
  ],
  [
    'anthropic-messages',
    `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"go"},{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"f","input":{"id":${BIG}}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"{\\"id\\":${BIG}}"}]}],"tools":[{"name":"f","input_schema":${SCHEMA}}]}`,
  ],
  [
    'gemini',
    `{"contents":[{"role":"user","parts":[{"text":"go"}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{"id":${BIG}}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"id":${BIG}}}}]}],"tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":${SCHEMA}}]}]}`,
  ],
];

const TARGETS: readonly WireProtocolId[] = [
  'openai-chat',
  'openai-responses',
  'anthropic-messages',
  'gemini',
  'bedrock-converse',
  'cohere-chat',
  'mistral-chat',
  'ollama-chat',
];

const codec = (protocol: WireProtocolId): Codec => {
  const found = codecFor(protocol);
  assert.ok(found, protocol);
  return found;
};
const count = (text: string): number => text.split(BIG).length - 1;

describe('whole numbers beyond 2^53', () => {
  for (const [from, text] of REQUESTS)
    for (const to of TARGETS)
      it(`keep their digits from ${from} to ${to}: in a call, in its result and in a schema`, () => {
        const decoded = codec(from).decodeRequest(parseExact(text) as JsonObject);
        assert.ok(decoded.ok, JSON.stringify(decoded));
        const { body } = codec(to).encodeRequest(decoded.value, { model: 'gemini-3-pro', defaultMaxTokens: 9 });
        const sent = JSON.stringify(body);
        assert.equal(count(sent), 3, sent);
        assert.ok(!sent.includes('rawJSON'), sent);
      });

  const ANSWERS: readonly (readonly [WireProtocolId, string])[] = [
    [
      'anthropic-messages',
      `{"id":"a","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"c","name":"f","input":{"id":${BIG}}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":1}}`,
    ],
    [
      'gemini',
      `{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"f","args":{"id":${BIG}}}}]},"finishReason":"STOP"}]}`,
    ],
    [
      'bedrock-converse',
      `{"output":{"message":{"role":"assistant","content":[{"toolUse":{"toolUseId":"c","name":"f","input":{"id":${BIG}}}}]}},"stopReason":"tool_use","usage":{"inputTokens":1,"outputTokens":1}}`,
    ],
    [
      'ollama-chat',
      `{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"id":${BIG}}}}]},"done":true,"done_reason":"stop"}`,
    ],
    [
      'openai-chat',
      `{"id":"a","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\\"id\\":${BIG}}"}}]},"finish_reason":"tool_calls"}]}`,
    ],
  ];
  for (const [from, text] of ANSWERS)
    for (const [to] of REQUESTS)
      it(`keep their digits in an answer of ${from} for ${to}`, () => {
        const decoded = codec(from).decodeResponse(parseExact(text) as JsonObject);
        assert.ok(decoded.ok, JSON.stringify(decoded));
        const shown = JSON.stringify(codec(to).encodeResponse(decoded.value, CONTEXT));
        assert.equal(count(shown), 1, shown);
        assert.ok(!shown.includes('rawJSON'), shown);
      });

  it('keep their digits in a stream of Gemini’s, where a call comes whole', () => {
    const data = `{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"f","args":{"id":${BIG}}}}]},"finishReason":"STOP"}]}`;
    const { start, step } = codec('gemini').streamDecoder;
    const [, events] = step(start(), { event: '', data } as never);
    assert.equal(count(JSON.stringify(events)), 1);
  });
});
