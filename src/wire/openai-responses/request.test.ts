import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json, JsonObject } from '../../core/json.ts';
import { ANTHROPIC_SIGNATURE, OPENAI_SIGNATURE, type Part } from '../../canonical/part.ts';
import type { CanonicalRequest, Message } from '../../canonical/request.ts';
import { anthropicMessagesCodec } from '../anthropic-messages/codec.ts';
import { wrapOpaque } from '../opaque.ts';
import { openaiChatCodec } from '../openai-chat/codec.ts';
import type { Codec, EncodeTarget } from '../protocol.ts';
import { openaiResponsesCodec } from './codec.ts';

const GPT: EncodeTarget = { model: 'gpt-5.6', defaultMaxTokens: 4096 };
const CLAUDE: EncodeTarget = { model: 'claude-sonnet-4-5', defaultMaxTokens: 4096 };

const plain = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;

function decoded(codec: Codec, body: JsonObject): CanonicalRequest {
  const result = codec.decodeRequest(body);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

function translated(from: Codec, to: Codec, body: JsonObject, target: EncodeTarget): { body: JsonObject; dropped: readonly string[] } {
  const { body: encoded, dropped } = to.encodeRequest(decoded(from, body), target);
  return { body: plain(encoded), dropped };
}

const fromChat = (body: JsonObject, target = GPT) => translated(openaiChatCodec, openaiResponsesCodec, { model: 'm', ...body }, target);
const asked = (...input: readonly JsonObject[]): CanonicalRequest => decoded(openaiResponsesCodec, { model: 'm', input });
const ask: JsonObject = { messages: [{ role: 'user', content: 'hi' }] };

describe('the input of a Responses request', () => {
  it('becomes one assistant message for each of its turns, in order', () => {
    const { messages } = asked(
      { role: 'user', content: 'go' },
      { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'sealed' },
      {
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: 'a', annotations: [] }],
      },
      { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'f', arguments: '{}' },
      { type: 'custom_tool_call', call_id: 'call_2', name: 'apply_patch', input: '*** Begin Patch' },
      { type: 'function_call_output', call_id: 'call_1', output: 'one' },
      {
        type: 'custom_tool_call_output',
        call_id: 'call_2',
        output: [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' }],
      },
      { type: 'web_search_call', id: 'ws_1', status: 'completed' },
    );
    assert.deepEqual(
      messages.map(({ role, parts }) => [role, parts.map(({ type }) => type)]),
      [
        ['user', ['text']],
        ['assistant', ['redacted_thinking', 'text', 'tool_call', 'tool_call']],
        ['tool', ['tool_result']],
        ['tool', ['tool_result']],
        ['assistant', ['other']],
      ],
    );
  });

  it('reports nothing but what means something as lost', () => {
    const body = {
      model: 'm',
      input: [
        { role: 'user', content: 'go' },
        {
          type: 'message',
          id: 'msg_1',
          role: 'assistant',
          status: 'completed',
          phase: 'commentary',
          content: [{ type: 'output_text', text: 'a', annotations: [], logprobs: [] }],
        },
        { type: 'web_search_call', id: 'ws_1', status: 'completed' },
        { role: 'user', content: 'on' },
      ],
    };
    const { dropped } = translated(openaiResponsesCodec, openaiChatCodec, body, GPT);
    assert.deepEqual(dropped, ['input[].phase', 'input[].web_search_call']);
  });

  it('names the field that cannot be understood', () => {
    const fault = (body: JsonObject): unknown => {
      const result = openaiResponsesCodec.decodeRequest({ model: 'm', ...body });
      return result.ok ? undefined : result.error.field;
    };
    assert.equal(fault({ input: 5 }), 'input');
    assert.equal(fault({ input: ['hi'] }), 'input[0]');
    assert.equal(fault({ input: [{ role: 'robot', content: 'hi' }] }), 'input[0].role');
    assert.equal(fault({ input: [{ type: 'function_call', name: 'f', arguments: '{}' }] }), 'input[0].call_id');
    assert.equal(fault({ input: [{ role: 'user', content: [{ type: 'input_text' }] }] }), 'input[0].content[0].text');
    assert.equal(fault({ input: 'hi', text: { format: { type: 'json_schema', name: 'n' } } }), 'text.format.schema');
  });
});

describe('Codex against Claude', () => {
  const patch = {
    type: 'custom',
    name: 'apply_patch',
    description: 'Edit',
    format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' },
  };
  const body = {
    model: 'm',
    instructions: 'Be Codex.',
    store: false,
    include: ['reasoning.encrypted_content'],
    tools: [patch, { type: 'function', name: 'shell', parameters: { type: 'object', properties: {} }, strict: false }],
    parallel_tool_calls: true,
    input: [
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'fix it' }] },
      {
        type: 'reasoning',
        id: 'rs_1',
        summary: [{ type: 'summary_text', text: 'hm' }],
        encrypted_content: wrapOpaque(ANTHROPIC_SIGNATURE, 'sig'),
      },
      { type: 'custom_tool_call', call_id: 'call_1', name: 'apply_patch', input: '*** Begin Patch' },
      { type: 'custom_tool_call_output', call_id: 'call_1', output: 'done' },
    ],
  };

  it('keeps its instructions, its free-text tool and the signed reasoning of the turn before', () => {
    const { body: sent, dropped } = translated(openaiResponsesCodec, anthropicMessagesCodec, body, CLAUDE);
    assert.equal(sent['system'], 'Be Codex.');
    const messages = sent['messages'] as readonly { readonly role: string; readonly content: Json }[];
    const turn = messages[1]?.content as readonly JsonObject[];
    assert.deepEqual(turn[0], { type: 'thinking', thinking: 'hm', signature: 'sig' });
    assert.deepEqual([turn[1]?.['type'], turn[1]?.['name'], turn[1]?.['input']], ['tool_use', 'apply_patch', { input: '*** Begin Patch' }]);
    assert.ok(!dropped.includes('tools[].custom'));
  });

  it('sends a provider of this protocol no reasoning that another vendor sealed', () => {
    const { body: sent } = translated(openaiResponsesCodec, openaiResponsesCodec, body, GPT);
    const types = (sent['input'] as readonly JsonObject[]).map(({ type }) => type);
    assert.deepEqual(types, ['message', 'custom_tool_call', 'custom_tool_call_output']);
  });
});

describe('a chat client of a Responses model', () => {
  it('has nothing kept at the provider, and its reasoning sealed to travel', () => {
    const { body, dropped } = fromChat({ ...ask, reasoning_effort: 'high', max_completion_tokens: 5, user: 'u' });
    assert.deepEqual(body, {
      model: 'gpt-5.6',
      input: [{ role: 'user', content: 'hi' }],
      reasoning: { effort: 'high' },
      max_output_tokens: 16,
      user: 'u',
      store: false,
      include: ['reasoning.encrypted_content'],
    });
    assert.deepEqual(dropped, []);
  });

  it('asks a model that does not reason for no reasoning', () => {
    for (const model of ['gpt-4.1', 'openai/gpt-4o-mini', 'gpt-5-chat-latest', 'a-deployment'])
      assert.equal(fromChat(ask, { ...GPT, model }).body['include'], undefined, model);
    for (const model of ['o3', 'openai/gpt-5.6-sol', 'codex-mini', 'grok-4.3'])
      assert.deepEqual(fromChat(ask, { ...GPT, model }).body['include'], ['reasoning.encrypted_content'], model);
  });

  it('says that its functions are not strict, since here they would be', () => {
    const tools = [{ type: 'function', function: { name: 'f' } }];
    const { body } = fromChat({ ...ask, tools, tool_choice: { type: 'function', function: { name: 'f' } } });
    assert.deepEqual(body['tools'], [{ type: 'function', name: 'f', parameters: null, strict: false }]);
    assert.deepEqual(body['tool_choice'], { type: 'function', name: 'f' });
  });

  it('keeps its free-text tools, whose results are items of their own kind', () => {
    const grammar = { type: 'grammar', grammar: { syntax: 'regex', definition: 'a+' } };
    const tools = [{ type: 'custom', custom: { name: 'c', format: grammar } }];
    const messages = [
      { role: 'user', content: 'go' },
      { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'custom', custom: { name: 'c', input: 'aa' } }] },
      { role: 'tool', tool_call_id: 'call_1', content: 'ok' },
    ];
    const { body } = fromChat({ messages, tools });
    assert.deepEqual(body['tools'], [{ type: 'custom', name: 'c', format: { type: 'grammar', syntax: 'regex', definition: 'a+' } }]);
    assert.deepEqual((body['input'] as readonly Json[]).slice(1), [
      { type: 'custom_tool_call', call_id: 'call_1', name: 'c', input: 'aa' },
      { type: 'custom_tool_call_output', call_id: 'call_1', output: 'ok' },
    ]);
  });

  it('is told what cannot be said here', () => {
    const { dropped } = fromChat({ ...ask, seed: 1, n: 2, stop: ['x'], frequency_penalty: 1, presence_penalty: 0, logit_bias: { 5: 1 } });
    assert.deepEqual(dropped, ['frequency_penalty', 'logit_bias', 'n', 'seed', 'stop']);
  });

  it('gets logprobs by naming them', () => {
    assert.deepEqual(fromChat({ ...ask, logprobs: true, top_logprobs: 2 }, { ...GPT, model: 'gpt-4.1' }).body['include'], [
      'message.output_text.logprobs',
    ]);
  });
});

describe('a conversation from elsewhere', () => {
  const encoded = (...messages: readonly Message[]): { readonly input: readonly JsonObject[]; readonly dropped: readonly string[] } => {
    const request = { ...decoded(anthropicMessagesCodec, { model: 'm', max_tokens: 5, messages: [] }), messages };
    const { body, dropped } = openaiResponsesCodec.encodeRequest(request, GPT);
    return { input: plain(body)['input'] as readonly JsonObject[], dropped };
  };
  const assistant = (...parts: readonly Part[]): Message => ({ role: 'assistant', parts });

  it('brings only the reasoning that this vendor’s models can read, and no ids that it never gave', () => {
    const { input, dropped } = encoded(
      assistant(
        { type: 'thinking', text: 'mine', signature: 'sealed', format: OPENAI_SIGNATURE },
        { type: 'thinking', text: '', signature: 'theirs', format: ANTHROPIC_SIGNATURE },
        { type: 'redacted_thinking', data: 'theirs', format: ANTHROPIC_SIGNATURE },
        { type: 'text', text: 'said' },
      ),
    );
    assert.deepEqual(input, [
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'mine' }], encrypted_content: 'sealed' },
      { role: 'assistant', content: 'said' },
    ]);
    assert.deepEqual(dropped, []);
  });

  it('keeps images in tool results, and shows those of the assistant in a user’s message in their place', () => {
    const image: Part = { type: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'AAAA' } };
    const shown = { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' };
    const { input } = encoded(assistant(image, { type: 'tool_call', id: 'c', name: 'f', arguments: '{}', kind: 'function' }), {
      role: 'tool',
      parts: [{ type: 'tool_result', callId: 'c', parts: [{ type: 'text', text: 'see' }, image] }],
    });
    assert.deepEqual(input, [
      { role: 'user', content: [shown] },
      { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'see' }, shown] },
    ]);
  });
});

describe('a message of the assistant with more than words', () => {
  const item = {
    type: 'message',
    role: 'assistant',
    content: [
      { type: 'output_text', text: 'see', annotations: [] },
      { type: 'output_chart', data: 5 },
    ],
  };

  it('keeps its words for every provider and all of it for its own', () => {
    const body = { model: 'm', input: [item, { role: 'user', content: 'on' }] };
    const { body: chat, dropped } = translated(openaiResponsesCodec, openaiChatCodec, body, GPT);
    assert.equal((chat['messages'] as readonly JsonObject[])[0]?.['content'], 'see');
    assert.deepEqual(dropped, ['input[].output_chart']);
    const { body: own } = translated(openaiResponsesCodec, openaiResponsesCodec, body, GPT);
    assert.deepEqual((own['input'] as readonly Json[])[0], item);
  });
});
