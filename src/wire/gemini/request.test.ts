import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../../core/json.ts';
import { ANTHROPIC_SIGNATURE, GEMINI_SIGNATURE, type Part } from '../../canonical/part.ts';
import type { CanonicalRequest } from '../../canonical/request.ts';
import { anthropicMessagesCodec } from '../anthropic-messages/codec.ts';
import { openaiChatCodec } from '../openai-chat/codec.ts';
import type { Codec } from '../protocol.ts';
import { geminiCodec } from './codec.ts';

const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function decoded(codec: Codec, body: JsonObject): CanonicalRequest {
  const result = codec.decodeRequest(body);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

function toGemini(
  body: JsonObject,
  model = 'gemini-2.5-flash',
  from: Codec = openaiChatCodec,
): { body: JsonObject; dropped: readonly string[] } {
  const encoded = geminiCodec.encodeRequest(decoded(from, body), { model, defaultMaxTokens: 100 });
  return { body: plain(encoded.body), dropped: encoded.dropped };
}

const ask = (more: JsonObject): JsonObject => ({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...more });
const contentsOf = (messages: readonly JsonObject[], model?: string): JsonObject['contents'] =>
  toGemini({ model: 'm', messages }, model).body['contents'];
const toolCall = (id: string, name: string, args = '{}'): JsonObject => ({ id, type: 'function', function: { name, arguments: args } });

describe('an OpenAI request as Gemini takes it', () => {
  it('says system, sampling, tools and schema in Gemini’s words', () => {
    const { body, dropped } = toGemini({
      model: 'm',
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is it?' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          ],
        },
      ],
      temperature: 0.5,
      top_p: 0.9,
      max_completion_tokens: 50,
      stop: ['END'],
      seed: 7,
      n: 2,
      logprobs: true,
      top_logprobs: 3,
      reasoning_effort: 'medium',
      service_tier: 'flex',
      tools: [
        {
          type: 'function',
          function: { name: 'f', description: 'd', parameters: { type: 'object', additionalProperties: false }, strict: true },
        },
      ],
      tool_choice: { type: 'function', function: { name: 'f' } },
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' }, strict: true } },
    });
    assert.deepEqual(dropped, []);
    assert.deepEqual(body, {
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
      contents: [{ role: 'user', parts: [{ text: 'What is it?' }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }] }],
      tools: [
        { functionDeclarations: [{ name: 'f', description: 'd', parametersJsonSchema: { type: 'object', additionalProperties: false } }] },
      ],
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } },
      generationConfig: {
        temperature: 0.5,
        topP: 0.9,
        candidateCount: 2,
        maxOutputTokens: 50,
        stopSequences: ['END'],
        seed: 7,
        responseLogprobs: true,
        logprobs: 3,
        responseMimeType: 'application/json',
        responseJsonSchema: { title: 'answer', type: 'object' },
        thinkingConfig: { thinkingBudget: 8192 },
      },
      serviceTier: 'flex',
    });
  });

  it('puts all results of one round into one content, by the names of their calls', () => {
    const messages = [
      { role: 'user', content: 'go' },
      { role: 'assistant', content: null, tool_calls: [toolCall('a', 'f'), toolCall('b', 'g', '{"x":1}')] },
      { role: 'tool', tool_call_id: 'b', content: '{"y":2}' },
      { role: 'tool', tool_call_id: 'a', content: 'done' },
    ];
    assert.deepEqual(contentsOf(messages), [
      { role: 'user', parts: [{ text: 'go' }] },
      {
        role: 'model',
        parts: [{ functionCall: { id: 'a', name: 'f', args: {} } }, { functionCall: { id: 'b', name: 'g', args: { x: 1 } } }],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'b', name: 'g', response: { y: 2 } } },
          { functionResponse: { id: 'a', name: 'f', response: { output: 'done' } } },
        ],
      },
    ]);
  });

  it('has media of a result inside it on Gemini 3 and behind it before', () => {
    const messages = [
      { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: {} }] },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 'a',
            is_error: true,
            content: [
              { type: 'text', text: 'broken' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
            ],
          },
        ],
      },
    ];
    const body = { model: 'm', max_tokens: 9, messages };
    const media = { inlineData: { mimeType: 'image/png', data: 'AAAA' } };
    const result = { id: 'a', name: 'f', response: { error: 'broken' } };
    const last = (model: string): unknown => (toGemini(body, model, anthropicMessagesCodec).body['contents'] as JsonObject[])[1]?.['parts'];
    assert.deepEqual(last('gemini-2.5-pro'), [{ functionResponse: result }, media]);
    assert.deepEqual(last('gemini-3.1-pro'), [{ functionResponse: { ...result, parts: [media] } }]);
  });

  it('names what Gemini has no place for', () => {
    const { dropped } = toGemini(
      ask({
        logit_bias: { 1: 2 },
        user: 'u',
        metadata: { a: 'b' },
        tools: [{ type: 'function', function: { name: 'f' } }],
        parallel_tool_calls: false,
        seed: 2 ** 40,
        stop: ['1', '2', '3', '4', '5', '6'],
      }),
    );
    assert.deepEqual(dropped, ['logit_bias', 'metadata', 'parallel_tool_calls', 'seed', 'stop', 'user']);
  });

  it('takes a system message alone as the user’s word, since there must be one', () => {
    const { body } = toGemini({ model: 'm', messages: [{ role: 'system', content: 'Say hi.' }] });
    assert.deepEqual(body, { contents: [{ role: 'user', parts: [{ text: 'Say hi.' }] }] });
  });

  it('holds a strict tool to its schema and offers a free-text tool as a function', () => {
    const { body } = toGemini(
      ask({
        tools: [
          { type: 'function', function: { name: 'f', strict: true } },
          { type: 'custom', custom: { name: 'c' } },
        ],
      }),
    );
    assert.deepEqual(body['toolConfig'], { functionCallingConfig: { mode: 'VALIDATED' } });
    const [entry] = body['tools'] as readonly { functionDeclarations: readonly JsonObject[] }[];
    assert.deepEqual(
      entry?.functionDeclarations.map(({ name }) => name),
      ['f', 'c'],
    );
  });
});

describe('reasoning', () => {
  const configOf = (effort: string, model: string): unknown => {
    const { body, dropped } = toGemini(ask({ reasoning_effort: effort }), model);
    const config = body['generationConfig'] as JsonObject | undefined;
    return dropped.length > 0 ? dropped : config?.['thinkingConfig'];
  };

  for (const [effort, model, wanted] of [
    ['none', 'gemini-2.5-flash', { thinkingBudget: 0 }],
    ['none', 'gemini-2.5-pro', ['reasoning_effort']],
    ['low', 'gemini-2.5-flash-lite', { thinkingBudget: 1024 }],
    ['high', 'gemini-2.5-pro', { thinkingBudget: 24_576 }],
    ['minimal', 'gemini-3-flash-preview', { thinkingLevel: 'MINIMAL' }],
    ['minimal', 'gemini-3-pro-preview', { thinkingLevel: 'LOW' }],
    ['medium', 'gemini-3-pro-preview', { thinkingLevel: 'HIGH' }],
    ['medium', 'gemini-flash-latest', { thinkingLevel: 'MEDIUM' }],
    ['high', 'gemini-2.0-flash', ['reasoning_effort']],
  ] as const)
    it(`${effort} on ${model}`, () => assert.deepEqual(configOf(effort, model), wanted));

  it('switched on by an Anthropic client is shown, within the model’s range', () => {
    const body = {
      model: 'm',
      max_tokens: 9,
      messages: [{ role: 'user', content: 'hi' }],
      thinking: { type: 'enabled', budget_tokens: 60_000 },
    };
    assert.deepEqual((toGemini(body, 'gemini-2.5-pro', anthropicMessagesCodec).body['generationConfig'] as JsonObject)['thinkingConfig'], {
      thinkingBudget: 32_768,
      includeThoughts: true,
    });
  });
});

describe('signatures in a request', () => {
  const sealed = (data: string, format: string): Part => ({ type: 'redacted_thinking', data, format });
  const call: Part = { type: 'tool_call', id: 'x', name: 'f', arguments: '{}', kind: 'function' };
  const partsOf = (parts: readonly Part[], model: string): unknown => {
    const request = decoded(openaiChatCodec, ask({}));
    const { body } = geminiCodec.encodeRequest({ ...request, messages: [{ role: 'assistant', parts }] }, { model, defaultMaxTokens: 9 });
    return (plain(body)['contents'] as JsonObject[])[0]?.['parts'];
  };

  it('stand on the part that they were before', () => {
    assert.deepEqual(partsOf([{ type: 'text', text: 'a' }, sealed('S', GEMINI_SIGNATURE), call], 'gemini-3-pro'), [
      { text: 'a' },
      { functionCall: { id: 'x', name: 'f', args: {} }, thoughtSignature: 'S' },
    ]);
  });

  it('find the first call again when a client gave them all back in front', () => {
    assert.deepEqual(
      partsOf([sealed('A', GEMINI_SIGNATURE), sealed('B', GEMINI_SIGNATURE), { type: 'text', text: 'a' }, call], 'gemini-3-pro'),
      [
        { text: 'a', thoughtSignature: 'A' },
        { functionCall: { id: 'x', name: 'f', args: {} }, thoughtSignature: 'B' },
      ],
    );
  });

  it('of another vendor are left out, and a call without one says so to Gemini 3 alone', () => {
    const thought: Part = { type: 'thinking', text: 'hm', signature: 'other', format: ANTHROPIC_SIGNATURE };
    const foreign = [thought, sealed('C', ANTHROPIC_SIGNATURE), call];
    assert.deepEqual(partsOf(foreign, 'gemini-2.5-pro'), [
      { text: 'hm', thought: true },
      { functionCall: { id: 'x', name: 'f', args: {} } },
    ]);
    const [, signed] = partsOf(foreign, 'gemini-3-pro') as JsonObject[];
    assert.equal(Buffer.from(String(signed?.['thoughtSignature']), 'base64').toString(), 'context_engineering_is_the_way_to_go');
  });

  it('of another vendor in a Gemini client’s own history are left out too', () => {
    const wrapped = Buffer.from('bh1.anthropic-claude-v1.sig').toString('base64');
    const parts = [{ text: 'hm', thought: true, thoughtSignature: wrapped }, { functionCall: { id: 'x', name: 'f', args: {} } }];
    const request = decoded(geminiCodec, { contents: [{ role: 'model', parts }] });
    const { body } = geminiCodec.encodeRequest(request, { model: 'gemini-3-pro', defaultMaxTokens: 9 });
    const text = JSON.stringify(body);
    assert.ok(!text.includes(wrapped) && text.includes(Buffer.from('context_engineering').toString('base64').slice(0, 20)));
  });

  it('behind the last part stand on an empty text', () => {
    assert.deepEqual(partsOf([{ type: 'text', text: 'a' }, sealed('S', GEMINI_SIGNATURE)], 'gemini-3-pro'), [
      { text: 'a' },
      { text: '', thoughtSignature: 'S' },
    ]);
  });
});

describe('a Gemini request', () => {
  it('gets ids for its calls, by which results find them, and loses them again', () => {
    const contents = [
      { role: 'user', parts: [{ text: 'go' }] },
      {
        role: 'model',
        parts: [{ functionCall: { name: 'f', args: {} } }, { functionCall: { name: 'g', args: {} } }, { functionCall: { name: 'f' } }],
      },
      {
        role: 'function',
        parts: [
          { functionResponse: { name: 'f', response: { output: 'one' } } },
          { functionResponse: { name: 'f', response: { error: 'two' } } },
          { functionResponse: { name: 'g', response: { a: 1, b: 2 } } },
        ],
      },
    ];
    const request = decoded(geminiCodec, { contents });
    const parts = request.messages.flatMap((message) => message.parts);
    const ids = parts.flatMap((part) => (part.type === 'tool_call' ? [part.id] : []));
    assert.equal(new Set(ids).size, 3);
    const results = parts.flatMap((part) => (part.type === 'tool_result' ? [[part.callId, part.isError, part.parts]] : []));
    const text = (words: string): readonly Part[] => [{ type: 'text', text: words }];
    assert.deepEqual(results, [
      [ids[0], undefined, text('one')],
      [ids[2], true, text('two')],
      [ids[1], undefined, text('{"a":1,"b":2}')],
    ]);
    const again = geminiCodec.encodeRequest(request, { model: 'm', defaultMaxTokens: 9 });
    assert.deepEqual(plain(again.body), { contents });
  });

  it('is read in both of Google’s spellings and written in its own', () => {
    const body = {
      system_instruction: { parts: [{ text: 'Be brief.' }] },
      contents: [{ role: 'user', parts: [{ inline_data: { mime_type: 'image/png', data: 'AAAA' } }] }],
      generation_config: { max_output_tokens: 9, thinking_config: { thinking_budget: -1 }, response_mime_type: 'application/json' },
      tools: [{ function_declarations: [{ name: 'f', parameters_json_schema: { type: 'object' } }] }],
      tool_config: { function_calling_config: { mode: 'any', allowed_function_names: ['f'] } },
    };
    const request = decoded(geminiCodec, body);
    assert.deepEqual(request.messages[0]?.role, 'system');
    assert.deepEqual(request.messages[1]?.parts[0]?.type, 'image');
    assert.deepEqual([request.maxOutputTokens, request.reasoning?.mode, request.responseFormat?.type], [9, 'auto', 'json']);
    assert.deepEqual(request.toolChoice, { type: 'tool', name: 'f' });
    assert.deepEqual(plain(geminiCodec.encodeRequest(request, { model: 'm', defaultMaxTokens: 9 }).body), body);
  });

  it('has its schemas read as JSON Schema', () => {
    const parameters = {
      type: 'OBJECT',
      properties: {
        city: { type: 'STRING', nullable: true, example: 'Rome' },
        stops: { type: 'ARRAY', minItems: '1', items: { type: 'INTEGER', format: 'int32' } },
        type: { type: 'STRING', enum: ['A'] },
      },
      propertyOrdering: ['stops', 'city'],
      required: ['city'],
    };
    const request = decoded(geminiCodec, {
      contents: [{ parts: [{ text: 'hi' }] }],
      tools: [{ functionDeclarations: [{ name: 'f', parameters }], googleSearch: {} }],
    });
    const [tool, search] = request.tools ?? [];
    assert.deepEqual(tool?.type === 'function' && tool.parameters, {
      type: 'object',
      properties: {
        city: { type: ['string', 'null'], examples: ['Rome'] },
        stops: { type: 'array', minItems: 1, items: { type: 'integer', format: 'int32' } },
        type: { type: 'string', enum: ['A'] },
      },
      required: ['city'],
    });
    assert.deepEqual(search, { type: 'other', protocol: 'gemini', value: { type: 'googleSearch', value: { googleSearch: {} } } });
  });

  it('has films, Google’s uploads and foreign addresses told apart', () => {
    const parts = [
      { fileData: { fileUri: 'https://www.youtube.com/watch?v=1' } },
      { fileData: { mimeType: 'image/png', fileUri: 'https://a.example/x' } },
      { fileData: { mimeType: 'application/pdf', fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/abc' } },
      { fileData: { mimeType: 'audio/wav', fileUri: 'gs://bucket/a.wav' } },
    ];
    const [message] = decoded(geminiCodec, { contents: [{ role: 'user', parts }] }).messages;
    const told = message?.parts.map((part) => [part.type, 'source' in part ? part.source.kind : '']);
    assert.deepEqual(told, [
      ['video', 'url'],
      ['image', 'url'],
      ['file', 'file'],
      ['file', 'file'],
    ]);
  });

  it('is refused with the field that is wrong', () => {
    for (const [body, field] of [
      [{}, 'contents'],
      [{ contents: [{ role: 'robot', parts: [] }] }, 'contents[0].role'],
      [{ contents: [{ parts: [{ functionCall: {} }] }] }, 'contents[0].parts[0].functionCall.name'],
      [{ contents: [], generationConfig: { temperature: 'warm' } }, 'generationConfig.temperature'],
      [{ contents: [{ parts: 'text' }] }, 'contents[0].parts'],
    ] as const) {
      const result = geminiCodec.decodeRequest(body);
      assert.equal(!result.ok && result.error.field, field);
    }
  });

  it('tells others what only Gemini has', () => {
    const request = decoded(geminiCodec, {
      contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
      tools: [{ googleSearch: {} }],
      safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'OFF' }],
      cachedContent: 'cachedContents/1',
      generationConfig: { speechConfig: {}, topK: 3 },
    });
    assert.deepEqual(openaiChatCodec.encodeRequest(request, { model: 'gpt', defaultMaxTokens: 9 }).dropped, [
      'cachedContent',
      'generationConfig.speechConfig',
      'generationConfig.topK',
      'safetySettings',
      'tools[].googleSearch',
    ]);
  });
});
