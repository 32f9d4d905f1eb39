import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiDescription } from '../../../test/conformance/api-description.ts';
import { listCases, readAnswer, readRequest } from '../../../test/replay/cases.ts';
import type { JsonObject } from '../../core/json.ts';
import { anthropicCountTokensCodec } from '../anthropic-count-tokens/codec.ts';
import { vertexCountTokensCodec } from '../vertex-count-tokens/codec.ts';
import { geminiCountTokensCodec } from './codec.ts';

const plain = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;
const TARGET = { model: 'gemini-3.5-flash', defaultMaxTokens: 9 };
const cases = listCases().filter(({ protocol, endpoint }) => protocol === 'gemini' && endpoint === 'count-tokens');

describe('recorded counts', () => {
  it('are there', () => assert.ok(cases.length >= 3));

  for (const entry of cases) {
    it(entry.case, () => {
      const codec = entry.provider === 'vertex' ? vertexCountTokensCodec : geminiCountTokensCodec;
      const body = readRequest(entry.case) as JsonObject;
      const request = codec.decodeRequest(body);
      assert.ok(request.ok, JSON.stringify(request));
      const { body: encoded, dropped } = codec.encodeRequest(request.value, TARGET);
      assert.deepEqual([plain(encoded), dropped], [body, []]);
      if (entry.status !== 200) return;
      const answer = JSON.parse(readAnswer(entry.case).body.toString('utf8')) as JsonObject;
      const response = codec.decodeResponse(answer);
      assert.ok(response.ok);
      assert.equal(response.value.inputTokens, answer['totalTokens']);
      assert.deepEqual(plain(codec.encodeResponse(response.value)), answer);
    });
  }
});

describe('an Anthropic client’s count', () => {
  const asked = anthropicCountTokensCodec.decodeRequest({
    model: 'm',
    system: 'Be brief.',
    messages: [{ role: 'user', content: 'hi' }],
    tools: [{ name: 'f', description: 'd', input_schema: { type: 'object' } }],
  });
  assert.ok(asked.ok);
  const { value: request } = asked;
  const question = {
    systemInstruction: { parts: [{ text: 'Be brief.' }] },
    contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
    tools: [{ functionDeclarations: [{ name: 'f', description: 'd', parametersJsonSchema: { type: 'object' } }] }],
  };

  it('is wrapped for the Gemini API, as its description wants it', () => {
    const body = plain(geminiCountTokensCodec.encodeRequest(request, TARGET).body);
    assert.deepEqual(body, { generateContentRequest: { model: 'models/gemini-3.5-flash', ...question } });
    assert.deepEqual(new ApiDescription('gemini/openapi.v1beta.json').faults('CountTokensRequest', body), []);
  });

  it('is bare on Vertex', () => assert.deepEqual(plain(vertexCountTokensCodec.encodeRequest(request, TARGET).body), question));
});

it('a Gemini client’s count is asked of Anthropic, and answered in Google’s words', () => {
  for (const body of [
    { contents: [{ parts: [{ text: 'hi' }] }] },
    { generateContentRequest: { model: 'models/alias', contents: [{ parts: [{ text: 'hi' }] }] } },
  ]) {
    const request = geminiCountTokensCodec.decodeRequest(body);
    assert.ok(request.ok);
    const { body: encoded, dropped } = anthropicCountTokensCodec.encodeRequest(request.value, { model: 'claude', defaultMaxTokens: 9 });
    assert.deepEqual([plain(encoded), dropped], [{ model: 'claude', messages: [{ role: 'user', content: 'hi' }] }, []]);
  }
  assert.deepEqual(plain(geminiCountTokensCodec.encodeResponse({ inputTokens: 5 })), { totalTokens: 5 });
  assert.deepEqual(geminiCountTokensCodec.decodeResponse({ totalTokens: 'x' }).ok, false);
});
