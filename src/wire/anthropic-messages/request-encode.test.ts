import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json, JsonObject } from '../../core/json.ts';
import { openaiChatCodec } from '../openai-chat/codec.ts';
import { anthropicMessagesCodec } from './codec.ts';

/** OpenAI chat requests on their way to Anthropic. */

function send(
  body: JsonObject,
  model = 'claude-sonnet-4-5',
  defaultMaxTokens = 4096,
): { readonly body: JsonObject; readonly dropped: readonly string[] } {
  const decoded = openaiChatCodec.decodeRequest({ model: 'alias', messages: [{ role: 'user', content: 'hi' }], ...body });
  assert.ok(decoded.ok, JSON.stringify(decoded));
  const encoded = anthropicMessagesCodec.encodeRequest(decoded.value, { model, defaultMaxTokens });
  return JSON.parse(JSON.stringify(encoded)) as { body: JsonObject; dropped: string[] };
}

const call = (id: string, args = '{}'): Json => ({ id, type: 'function', function: { name: 'f', arguments: args } });
const result = (id: string, content: Json = 'ok'): Json => ({ role: 'tool', tool_call_id: id, content });
const PNG = 'data:image/png;base64,iVBORw0KGgo=';

describe('conversation', () => {
  it('gathers system and developer messages at the head into system', () => {
    const { body } = send({
      messages: [
        { role: 'system', content: 'a' },
        { role: 'developer', content: [{ type: 'text', text: 'b', cache_control: { type: 'ephemeral', ttl: '1h' } }] },
        { role: 'user', content: 'hi' },
      ],
    });
    assert.deepEqual(body['system'], [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b', cache_control: { type: 'ephemeral', ttl: '1h' } },
    ]);
    assert.deepEqual(body['messages'], [{ role: 'user', content: 'hi' }]);
  });

  it('leaves a later system message in its place only for models that take it there', () => {
    const messages = [
      { role: 'user', content: 'hi' },
      { role: 'system', content: 'late' },
      { role: 'user', content: 'ho' },
    ];
    assert.deepEqual(send({ messages }, 'claude-opus-4-8').body['messages'], messages);
    const older = send({ messages }, 'claude-sonnet-4-5').body;
    assert.equal(older['system'], 'late');
    assert.deepEqual(older['messages'], [
      { role: 'user', content: 'hi' },
      { role: 'user', content: 'ho' },
    ]);
  });

  it('puts all results of a round and the words after them into one user message', () => {
    const { body } = send({
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: null, tool_calls: [call('a'), call('b')] },
        result('a', [
          { type: 'text', text: 'see' },
          { type: 'image_url', image_url: { url: PNG } },
        ]),
        result('b'),
        { role: 'user', content: 'go on' },
        { role: 'user', content: 'now' },
      ],
    });
    const messages = body['messages'] as readonly JsonObject[];
    assert.equal(messages.length, 4);
    assert.deepEqual(messages[2], {
      role: 'user',
      content: [
        {
          type: 'tool_result',
          tool_use_id: 'a',
          content: [
            { type: 'text', text: 'see' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } },
          ],
        },
        { type: 'tool_result', tool_use_id: 'b', content: 'ok' },
        { type: 'text', text: 'go on' },
      ],
    });
    assert.deepEqual(messages[3], { role: 'user', content: 'now' });
  });

  it('changes ids that Anthropic refuses alike in the call and its result', () => {
    const { body } = send({
      messages: [{ role: 'user', content: 'x' }, { role: 'assistant', tool_calls: [call('functions.f:0')] }, result('functions.f:0')],
    });
    const text = JSON.stringify(body['messages']);
    assert.equal(text.match(/functions_f_0/g)?.length, 2);
    assert.doesNotMatch(text, /functions\.f/);
  });

  it('passes arguments on as they are: an object, nothing, or marked when they are no object', () => {
    const inputOf = (args: string): Json | undefined => {
      const { body } = send({
        messages: [
          { role: 'user', content: 'x' },
          { role: 'assistant', tool_calls: [call('a', args)] },
        ],
      });
      const content = (body['messages'] as readonly JsonObject[])[1]?.['content'] as readonly JsonObject[];
      return content[0]?.['input'];
    };
    assert.deepEqual(inputOf('{"a":[1]}'), { a: [1] });
    assert.deepEqual(inputOf(''), {});
    assert.deepEqual(inputOf('{"a":'), { INVALID_JSON: '{"a":' });
    assert.deepEqual(inputOf('[1]'), { INVALID_JSON: '[1]' });
  });

  it('leaves out empty texts and messages, which Anthropic refuses', () => {
    const { body } = send({
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: '' },
        {
          role: 'user',
          content: [
            { type: 'text', text: '' },
            { type: 'text', text: 'ho' },
          ],
        },
      ],
    });
    assert.deepEqual(body['messages'], [
      { role: 'user', content: 'hi' },
      { role: 'user', content: 'ho' },
    ]);
  });

  it('sends back only reasoning that Anthropic signed', () => {
    const message = (details: Json): JsonObject => ({
      messages: [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: 'y', reasoning_content: 't', reasoning_details: details },
      ],
    });
    const signed = send(message([{ type: 'reasoning.text', text: 't', signature: 's', format: 'anthropic-claude-v1', index: 0 }]));
    assert.deepEqual((signed.body['messages'] as readonly JsonObject[])[1]?.['content'], [
      { type: 'thinking', thinking: 't', signature: 's' },
      { type: 'text', text: 'y' },
    ]);
    assert.deepEqual(signed.dropped, []);
    for (const format of ['google-gemini-v1', 'openai-responses-v1']) {
      const foreign = send(message([{ type: 'reasoning.text', text: 't', signature: 's', format, index: 0 }]));
      assert.equal((foreign.body['messages'] as readonly JsonObject[])[1]?.['content'], 'y');
      assert.deepEqual(foreign.dropped, ['messages[].reasoning_content']);
    }
  });
});

describe('media', () => {
  const content = (part: Json): { readonly body: JsonObject; readonly dropped: readonly string[] } =>
    send({ messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }, part] }] });
  const block = (part: Json): Json | undefined => {
    const [message] = content(part).body['messages'] as readonly { readonly content: readonly Json[] }[];
    return message?.content[1];
  };

  it('sends images by address and by data', () => {
    assert.deepEqual(block({ type: 'image_url', image_url: { url: 'https://a.example/a.png' } }), {
      type: 'image',
      source: { type: 'url', url: 'https://a.example/a.png' },
    });
    assert.deepEqual(block({ type: 'image_url', image_url: { url: PNG } }), {
      type: 'image',
      source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' },
    });
  });

  it('sends PDFs and texts as documents, and reports what cannot be sent', () => {
    const file = (data: string): Json => ({ type: 'file', file: { filename: 'a', file_data: data } });
    assert.deepEqual(block(file('data:application/pdf;base64,AAAA')), {
      type: 'document',
      source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' },
      title: 'a',
    });
    assert.deepEqual(block(file('data:text/plain;base64,aGk=')), {
      type: 'document',
      source: { type: 'text', media_type: 'text/plain', data: 'hi' },
      title: 'a',
    });
    assert.deepEqual(content(file('data:application/zip;base64,AAAA')).dropped, ['messages[].content[].file']);
    assert.deepEqual(content({ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }).dropped, [
      'messages[].content[].input_audio',
    ]);
    assert.deepEqual(content({ type: 'video_url', video_url: {} }).dropped, ['messages[].content[].video_url']);
  });
});

describe('sampling', () => {
  it('asks for the default number of tokens where the client asks for none', () => {
    assert.equal(send({}, 'claude-sonnet-4-5', 777).body['max_tokens'], 777);
    assert.equal(send({ max_tokens: 5 }).body['max_tokens'], 5);
    assert.equal(send({ max_tokens: 5, max_completion_tokens: 6 }).body['max_tokens'], 6);
  });

  it('never clamps a temperature: over 1 it is left out and reported', () => {
    assert.equal(send({ temperature: 0.7 }).body['temperature'], 0.7);
    const hot = send({ temperature: 1.2 });
    assert.equal(hot.body['temperature'], undefined);
    assert.deepEqual(hot.dropped, ['temperature']);
  });

  it('leaves out sampling that newer models refuse', () => {
    assert.deepEqual(send({ temperature: 0, top_k: 3 }, 'claude-opus-5').dropped, ['temperature', 'top_k']);
    assert.deepEqual(send({ temperature: 1 }, 'claude-opus-5').dropped, []);
  });

  it('reports fields that nothing expresses, each once, and unknown ones by their names', () => {
    const { dropped } = send({
      n: 2,
      seed: 1,
      logit_bias: { '1': 1 },
      frequency_penalty: 1,
      store: true,
      made_up: { a: 1 },
      nothing: null,
    });
    assert.deepEqual(dropped, ['frequency_penalty', 'logit_bias', 'made_up', 'n', 'seed', 'store']);
  });

  it('keeps the report within bounds whatever names a client makes up', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${'x'.repeat(200)}${index}`, 1]));
    const { dropped } = send(many);
    assert.ok(dropped.join(', ').length < 4096);
    assert.equal(dropped.at(-1), '…');
  });
});

describe('tools', () => {
  const tools = [{ type: 'function', function: { name: 'f' } }];

  it('gives a tool without parameters an empty schema', () => {
    assert.deepEqual(send({ tools }).body['tools'], [{ name: 'f', input_schema: { type: 'object', properties: {} } }]);
  });

  it('forbids parallel calls with and without a choice', () => {
    assert.deepEqual(send({ tools, parallel_tool_calls: false }).body['tool_choice'], { type: 'auto', disable_parallel_tool_use: true });
    assert.deepEqual(
      send({ tools, tool_choice: { type: 'function', function: { name: 'f' } }, parallel_tool_calls: false }).body['tool_choice'],
      {
        type: 'tool',
        name: 'f',
        disable_parallel_tool_use: true,
      },
    );
    assert.deepEqual(send({ tools, tool_choice: 'none', parallel_tool_calls: false }).body['tool_choice'], { type: 'none' });
    assert.equal(send({ tools, parallel_tool_calls: true }).body['tool_choice'], undefined);
  });

  it('says no choice without tools', () => {
    assert.equal(send({ tool_choice: 'auto' }).body['tool_choice'], undefined);
  });
});

describe('reasoning', () => {
  it('is adaptive with an effort for newer models, a budget for older ones, and dropped where there is none', () => {
    const newer = send({ reasoning_effort: 'minimal' }, 'claude-opus-5').body;
    assert.deepEqual([newer['thinking'], newer['output_config']], [{ type: 'adaptive' }, { effort: 'low' }]);
    assert.deepEqual(send({ reasoning_effort: 'high', max_tokens: 64_000 }).body['thinking'], { type: 'enabled', budget_tokens: 16_384 });
    assert.deepEqual(send({ reasoning_effort: 'high' }, 'claude-3-5-haiku-latest').dropped, ['reasoning_effort']);
    assert.deepEqual(send({ reasoning_effort: 'none' }).body['thinking'], { type: 'disabled' });
  });

  it('knows the models by their names on every platform', () => {
    for (const model of [
      'claude-3-7-sonnet-20250219',
      'claude-sonnet-4-20250514',
      'claude-opus-4-1-20250805',
      'claude-sonnet-4-5@20250929',
      'anthropic.claude-haiku-4-5-20251001-v1:0',
    ]) {
      assert.equal((send({ reasoning_effort: 'low' }, model).body['thinking'] as JsonObject)['type'], 'enabled', model);
    }
    for (const model of ['claude-sonnet-4-6', 'claude-opus-4-7', 'claude-opus-4-10', 'claude-sonnet-5', 'claude-fable-5']) {
      assert.equal((send({ reasoning_effort: 'low' }, model).body['thinking'] as JsonObject)['type'], 'adaptive', model);
    }
  });

  it('leaves half of the tokens for the answer, and is dropped when that is below the least budget', () => {
    assert.deepEqual(send({ reasoning_effort: 'high', max_tokens: 4000 }).body['thinking'], { type: 'enabled', budget_tokens: 2000 });
    assert.deepEqual(send({ reasoning_effort: 'high', max_tokens: 1500 }).dropped, ['reasoning_effort']);
  });

  it('gives way to a tool that must be called', () => {
    const { body, dropped } = send({
      reasoning_effort: 'high',
      tools: [{ type: 'function', function: { name: 'f' } }],
      tool_choice: 'required',
    });
    assert.deepEqual([body['thinking'], dropped], [undefined, ['reasoning_effort']]);
  });

  it('pauses while a tool answers a call whose signed reasoning the client did not keep', () => {
    const turn = (extra: JsonObject): JsonObject => ({
      reasoning_effort: 'low',
      messages: [{ role: 'user', content: 'x' }, { role: 'assistant', tool_calls: [call('a')], ...extra }, result('a')],
    });
    assert.deepEqual(send(turn({})).dropped, ['reasoning_effort']);
    const kept = { reasoning_details: [{ type: 'reasoning.text', text: 't', signature: 's', format: 'anthropic-claude-v1', index: 0 }] };
    assert.deepEqual(send(turn(kept)).dropped, []);
  });

  it('takes the sampling away that thinking does not allow', () => {
    assert.deepEqual(send({ reasoning_effort: 'low', temperature: 0.5 }).dropped, ['temperature']);
  });
});

describe('what cannot be understood', () => {
  const fault = (body: JsonObject): string => {
    const decoded = openaiChatCodec.decodeRequest({ model: 'm', ...body });
    return decoded.ok ? 'understood' : `${decoded.error.field}: ${decoded.error.reason}`;
  };

  it('is named by its path', () => {
    assert.equal(fault({}), 'messages: must be a list, but is missing');
    assert.equal(fault({ messages: [1] }), 'messages[0]: must be an object');
    assert.equal(
      fault({ messages: [{ role: 'function', content: '' }] }),
      'messages[0].role: must be one of system, developer, user, assistant, tool',
    );
    assert.equal(fault({ messages: [{ role: 'user' }] }), 'messages[0].content: must be a string or a list, but is missing');
    assert.equal(
      fault({ messages: [{ role: 'user', content: [{ type: 'text' }] }] }),
      'messages[0].content[0].text: must be a string, but is missing',
    );
    assert.equal(fault({ messages: [], temperature: 'hot' }), 'temperature: must be a number');
    assert.equal(fault({ messages: [], stop: [1] }), 'stop[0]: must be a string');
    assert.equal(fault({ messages: [{ role: 'tool', content: 'x' }] }), 'messages[0].tool_call_id: must be a string, but is missing');
  });

  it('a member named __proto__ stays a member and changes no object', () => {
    const decoded = openaiChatCodec.decodeRequest(
      JSON.parse('{"model":"m","messages":[{"role":"user","content":"x"}],"__proto__":{"stream":true,"polluted":1}}') as JsonObject,
    );
    assert.ok(decoded.ok);
    assert.equal(decoded.value.stream, false);
    const { body } = openaiChatCodec.encodeRequest(decoded.value, { model: 'm', defaultMaxTokens: 1 });
    assert.match(JSON.stringify(body), /"__proto__":\{"stream":true,"polluted":1\}/);
    assert.equal((body as { polluted?: unknown }).polluted, undefined);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });
});
