import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../../core/json.ts';
import type { Part } from '../../canonical/part.ts';
import type { CanonicalRequest } from '../../canonical/request.ts';
import { anthropicMessagesCodec } from '../anthropic-messages/codec.ts';
import { NAMES } from '../openai-chat/names.ts';
import { openaiChatCodec } from '../openai-chat/codec.ts';
import type { Codec } from '../protocol.ts';
import { bedrockConverseCodec } from './codec.ts';

const CLAUDE = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
const NEWEST = 'global.anthropic.claude-opus-5';
const NOVA = 'us.amazon.nova-2-lite-v1:0';
const LLAMA = 'meta.llama3-8b-instruct-v1:0';

interface Sent {
  readonly body: JsonObject;
  readonly dropped: readonly string[];
}

const plain = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;

function sent(from: Codec, body: JsonObject, model: string): Sent {
  const decoded = from.decodeRequest(body);
  assert.ok(decoded.ok, JSON.stringify(decoded));
  const { body: encoded, dropped } = bedrockConverseCodec.encodeRequest(decoded.value, { model, defaultMaxTokens: 4096 });
  return { body: plain(encoded), dropped };
}

const HELLO = { role: 'user', content: 'hello' };
const openai = (members: JsonObject, model = CLAUDE): Sent => sent(openaiChatCodec, { model: 'm', messages: [HELLO], ...members }, model);
const anthropic = (members: JsonObject, model = CLAUDE): Sent =>
  sent(anthropicMessagesCodec, { model: 'm', max_tokens: 4096, messages: [HELLO], ...members }, model);

/** A request that only the canonical form can make. */
function canonical(parts: readonly Part[], model: string, role: 'user' | 'assistant' = 'assistant'): Sent {
  const request: CanonicalRequest = {
    source: 'openai-chat',
    names: NAMES,
    model: 'm',
    stream: false,
    includeUsage: true,
    messages: [{ role, parts }],
  };
  const { body, dropped } = bedrockConverseCodec.encodeRequest(request, { model, defaultMaxTokens: 4096 });
  return { body: plain(body), dropped };
}

const contentOf = ({ body }: Sent, index = 0): readonly JsonObject[] =>
  (body['messages'] as readonly { content: readonly JsonObject[] }[])[index]?.content ?? [];
/** The one member of a block. */
const inside = (block: JsonObject | undefined, kind: string): JsonObject => (block?.[kind] ?? {}) as JsonObject;
const TOOL = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } };

describe('conversations for Converse', () => {
  it('name neither the model nor streaming, which stand in the path', () => {
    assert.deepEqual(openai({ stream: true }).body, { messages: [{ role: 'user', content: [{ text: 'hello' }] }] });
  });

  it('take turns: messages of one role are joined, results of tools before the words that follow', () => {
    const calls = [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }];
    const messages = [
      HELLO,
      { role: 'assistant', content: null, tool_calls: calls },
      { role: 'tool', tool_call_id: 'c1', content: 'done' },
      { role: 'user', content: 'and now?' },
    ];
    const { body } = openai({ messages, tools: [TOOL] });
    assert.deepEqual(body['messages'], [
      { role: 'user', content: [{ text: 'hello' }] },
      { role: 'assistant', content: [{ toolUse: { toolUseId: 'c1', name: 'f', input: { a: 1 } } }] },
      { role: 'user', content: [{ toolResult: { toolUseId: 'c1', content: [{ text: 'done' }] } }, { text: 'and now?' }] },
    ]);
  });

  it('keep later system messages in place only where the model takes them', () => {
    const messages = [{ role: 'system', content: 'one' }, HELLO, { role: 'system', content: 'two' }];
    assert.deepEqual(openai({ messages }).body['system'], [{ text: 'one' }, { text: 'two' }]);
    assert.deepEqual(openai({ messages }, NEWEST).body['system'], [{ text: 'one' }]);
    assert.equal((openai({ messages }, NEWEST).body['messages'] as readonly JsonObject[])[1]?.['role'], 'system');
  });

  it('leave out texts of white space, which Bedrock refuses', () => {
    const messages = [
      {
        role: 'user',
        content: [
          { type: 'text', text: ' ' },
          { type: 'text', text: 'x' },
        ],
      },
    ];
    assert.deepEqual(contentOf(openai({ messages })), [{ text: 'x' }]);
  });

  it('define the tools of their history where none are offered any more', () => {
    const calls = [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }];
    const messages = [HELLO, { role: 'assistant', content: null, tool_calls: calls }, { role: 'tool', tool_call_id: 'c1', content: 'x' }];
    assert.deepEqual(openai({ messages }).body['toolConfig'], {
      tools: [{ toolSpec: { name: 'f', inputSchema: { json: { type: 'object', properties: {} } } } }],
    });
  });

  it('change ids that Bedrock refuses, calls and results alike', () => {
    const id = `call|${'x'.repeat(80)}`;
    const calls = [{ id, type: 'function', function: { name: 'f', arguments: '{}' } }];
    const messages = [HELLO, { role: 'assistant', content: null, tool_calls: calls }, { role: 'tool', tool_call_id: id, content: 'x' }];
    const result = openai({ messages });
    const used = inside(contentOf(result, 1)[0], 'toolUse')['toolUseId'];
    assert.match(String(used), /^[a-zA-Z0-9_-]{1,64}$/);
    assert.equal(inside(contentOf(result, 2)[0], 'toolResult')['toolUseId'], used);
  });
});

describe('media for Converse', () => {
  const image = (url: string): JsonObject => ({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] });

  it('are bytes with a format, or a place in S3', () => {
    assert.deepEqual(contentOf(openai(image('data:image/png;base64,AAAA'))), [{ image: { format: 'png', source: { bytes: 'AAAA' } } }]);
    assert.deepEqual(contentOf(openai(image('s3://bucket/cat.jpg'))), [
      { image: { format: 'jpeg', source: { s3Location: { uri: 's3://bucket/cat.jpg' } } } },
    ]);
  });

  it('at other addresses, or in other formats, are reported', () => {
    for (const url of ['https://example.com/a.png', 'data:image/bmp;base64,AAAA'])
      assert.deepEqual(openai(image(url)).dropped, ['messages[].content[].image_url']);
  });

  it('are documents under names that Bedrock takes, each once', () => {
    const source = { kind: 'data', mediaType: 'application/pdf', data: 'AAAA' } as const;
    const files = ['a_report.v1.pdf', 'a_report.v1.pdf', undefined].map((name) => ({ type: 'file', source, name }) as const);
    const names = contentOf(canonical(files, CLAUDE, 'user')).map((block) => (block['document'] as JsonObject)['name']);
    assert.deepEqual(names, ['a-report-v1-pdf', 'a-report-v1-pdf 2', 'document']);
  });

  it('of text become bytes of their own format', () => {
    const file = { type: 'file', source: { kind: 'text', mediaType: 'text/markdown', text: '# ß' }, name: 'n' } as const;
    assert.deepEqual(contentOf(canonical([file], LLAMA, 'user')), [
      { document: { format: 'md', name: 'n', source: { bytes: Buffer.from('# ß').toString('base64') } } },
    ]);
  });

  it('sent as files are what they are', () => {
    const film = { type: 'file', source: { kind: 'data', mediaType: 'video/mp4', data: 'AAAA' } } as const;
    assert.deepEqual(contentOf(canonical([film], NOVA, 'user')), [{ video: { format: 'mp4', source: { bytes: 'AAAA' } } }]);
  });
});

describe('tools for Converse', () => {
  const NAMED = { toolSpec: { name: 'f', inputSchema: { json: { type: 'object', properties: {} } } } };

  it('are chosen in Bedrock’s words', () => {
    const choice = (word: JsonObject | string): unknown =>
      (openai({ tools: [TOOL], tool_choice: word }).body['toolConfig'] as JsonObject | undefined)?.['toolChoice'];
    assert.deepEqual(choice('auto'), { auto: {} });
    assert.deepEqual(choice('required'), { any: {} });
    assert.deepEqual(choice({ type: 'function', function: { name: 'f' } }), { tool: { name: 'f' } });
  });

  it('that must not be called are not offered', () => {
    const { body, dropped } = openai({ tools: [TOOL], tool_choice: 'none' });
    assert.equal(body['toolConfig'], undefined);
    assert.deepEqual(dropped, []);
  });

  it('are called one at a time by Anthropic’s models, in its own words', () => {
    const { body, dropped } = openai({ tools: [TOOL], tool_choice: 'required', parallel_tool_calls: false });
    assert.deepEqual(body['toolConfig'], { tools: [NAMED] });
    assert.deepEqual(body['additionalModelRequestFields'], { tool_choice: { type: 'any', disable_parallel_tool_use: true } });
    assert.deepEqual(dropped, []);
    assert.deepEqual(openai({ tools: [TOOL], parallel_tool_calls: false }, NOVA).dropped, ['parallel_tool_calls']);
  });

  it('are strict where the model can be held to it', () => {
    const strict = { type: 'function', function: { ...TOOL.function, strict: true } };
    const specOf = ({ body }: Sent): JsonObject =>
      (body['toolConfig'] as { tools: readonly { toolSpec: JsonObject }[] }).tools[0]?.toolSpec ?? {};
    assert.equal(specOf(openai({ tools: [strict] }))['strict'], true);
    assert.equal(specOf(openai({ tools: [strict] }, LLAMA))['strict'], undefined);
    assert.deepEqual(openai({ tools: [strict] }, LLAMA).dropped, ['tools[].strict']);
  });

  it('of free text are functions with one text', () => {
    const tools = [{ type: 'custom', custom: { name: 'c', description: 'd' } }];
    const config = openai({ tools }).body['toolConfig'] as { tools: readonly { toolSpec: JsonObject }[] };
    assert.deepEqual(config.tools[0]?.toolSpec['name'], 'c');
    assert.match(JSON.stringify(config.tools[0]?.toolSpec['inputSchema']), /"required":\["input"\]/);
    const call = { type: 'tool_call', id: 'i', name: 'c', arguments: 'free "text"', kind: 'custom' } as const;
    assert.deepEqual(contentOf(canonical([call], CLAUDE)), [{ toolUse: { toolUseId: 'i', name: 'c', input: { input: 'free "text"' } } }]);
  });

  it('say that they failed where the model knows the word', () => {
    const result = { type: 'tool_result', callId: 'i', parts: [{ type: 'text', text: 'x' }], isError: true } as const;
    assert.equal(inside(contentOf(canonical([result], CLAUDE, 'user'))[0], 'toolResult')['status'], 'error');
    assert.deepEqual(canonical([result], LLAMA, 'user').dropped, [NAMES.toolResultError]);
  });
});

describe('cache markers for Converse', () => {
  const cached = { type: 'text', text: 'long', cache_control: { type: 'ephemeral', ttl: '1h' } };
  const tools = [{ name: 't', input_schema: { type: 'object' }, cache_control: { type: 'ephemeral' } }];
  const asked = { system: [cached], tools, messages: [{ role: 'user', content: [cached] }] };

  it('follow what they mark', () => {
    const { body, dropped } = anthropic(asked);
    const point = { cachePoint: { type: 'default', ttl: '1h' } };
    assert.deepEqual(body['system'], [{ text: 'long' }, point]);
    assert.deepEqual(contentOf({ body, dropped }), [{ text: 'long' }, point]);
    assert.deepEqual((body['toolConfig'] as { tools: readonly JsonObject[] }).tools[1], { cachePoint: { type: 'default' } });
    assert.deepEqual(dropped, []);
  });

  it('are reported where the model knows none, of tools also at Nova', () => {
    assert.deepEqual(anthropic(asked, LLAMA).dropped, ['messages[].content[].cache_control']);
    const nova = anthropic(asked, NOVA);
    assert.deepEqual(nova.dropped, ['messages[].content[].cache_control']);
    assert.equal((nova.body['toolConfig'] as { tools: readonly JsonObject[] }).tools.length, 1);
  });
});

describe('reasoning for Converse', () => {
  const added = ({ body }: Sent): unknown => body['additionalModelRequestFields'];

  it('is asked for in the words of the model’s vendor', () => {
    assert.deepEqual(added(openai({ reasoning_effort: 'low', max_completion_tokens: 8000 })), {
      thinking: { type: 'enabled', budget_tokens: 2048 },
    });
    assert.deepEqual(added(openai({ reasoning_effort: 'high' }, 'openai.gpt-oss-120b-1:0')), { reasoning_effort: 'high' });
    assert.deepEqual(added(openai({ reasoning_effort: 'minimal' }, NOVA)), {
      reasoningConfig: { type: 'enabled', maxReasoningEffort: 'low' },
    });
    assert.deepEqual(added(openai({ reasoning_effort: 'medium' }, 'qwen.qwen3-32b-v1:0')), { reasoning_config: 'medium' });
    assert.deepEqual(openai({ reasoning_effort: 'high' }, LLAMA).dropped, ['reasoning_effort']);
  });

  it('has an effort of Bedrock’s own where the model decides how much', () => {
    const { body } = openai({ reasoning_effort: 'xhigh' }, NEWEST);
    assert.deepEqual(body['additionalModelRequestFields'], { thinking: { type: 'adaptive' } });
    assert.deepEqual(body['outputConfig'], { effort: 'xhigh' });
  });

  it('of Anthropic’s goes back with its signature, to its models alone', () => {
    const signed = { type: 'thinking', text: 'so', signature: 'SIG', format: 'anthropic-claude-v1' } as const;
    const hidden = { type: 'redacted_thinking', data: 'QUJD', format: 'anthropic-claude-v1' } as const;
    assert.deepEqual(contentOf(canonical([signed, hidden], CLAUDE)), [
      { reasoningContent: { reasoningText: { text: 'so', signature: 'SIG' } } },
      { reasoningContent: { redactedContent: 'QUJD' } },
    ]);
    assert.deepEqual(canonical([signed], LLAMA).dropped, [NAMES.thinking]);
  });

  it('that another vendor signed, or nobody, does not', () => {
    const foreign = { type: 'thinking', text: 'so', signature: 'SIG', format: 'google-gemini-v1' } as const;
    const result = canonical(
      [{ type: 'thinking', text: 'so' }, foreign, { type: 'redacted_thinking', data: 'x', format: 'google-gemini-v1' }],
      CLAUDE,
    );
    assert.deepEqual(result.body['messages'], undefined);
    assert.deepEqual(result.dropped, [NAMES.thinking]);
  });
});

describe('the rest of a request for Converse', () => {
  it('keeps sampling within what the model takes', () => {
    assert.deepEqual(openai({ temperature: 0.5, top_p: 0.9 }).body['inferenceConfig'], { temperature: 0.5 });
    assert.deepEqual(openai({ temperature: 0.5, top_p: 0.9 }).dropped, ['top_p']);
    assert.deepEqual(openai({ temperature: 0.5, top_p: 0.9 }, LLAMA).body['inferenceConfig'], { temperature: 0.5, topP: 0.9 });
    assert.deepEqual(openai({ temperature: 1.5 }, LLAMA).dropped, ['temperature']);
    assert.deepEqual(openai({ temperature: 0.5 }, NEWEST).dropped, ['temperature']);
  });

  it('says top_k where its vendor reads it', () => {
    assert.deepEqual(anthropic({ top_k: 5 }).body['additionalModelRequestFields'], { top_k: 5 });
    assert.deepEqual(anthropic({ top_k: 5 }, NOVA).body['additionalModelRequestFields'], { inferenceConfig: { topK: 5 } });
    assert.deepEqual(anthropic({ top_k: 5 }, LLAMA).dropped, ['top_k']);
  });

  it('holds answers to a schema where the model can be', () => {
    const response_format = { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } };
    assert.deepEqual(openai({ response_format }).body['outputConfig'], {
      textFormat: { type: 'json_schema', structure: { jsonSchema: { schema: '{"type":"object"}', name: 'n' } } },
    });
    assert.deepEqual(openai({ response_format }, LLAMA).dropped, ['response_format']);
    assert.deepEqual(openai({ response_format: { type: 'json_object' } }).dropped, ['response_format']);
  });

  it('names everything else that it leaves out', () => {
    const members = {
      seed: 1,
      n: 2,
      logprobs: true,
      top_logprobs: 3,
      logit_bias: { 1: 1 },
      frequency_penalty: 1,
      presence_penalty: 1,
      user: 'u',
    };
    assert.deepEqual(openai(members).dropped, [
      'frequency_penalty',
      'logit_bias',
      'logprobs',
      'n',
      'presence_penalty',
      'seed',
      'top_logprobs',
      'user',
    ]);
  });

  it('carries metadata of Bedrock’s letters and the tiers that it knows', () => {
    const { body, dropped } = openai({ metadata: { team: 'blue one', other: 'ü' }, service_tier: 'flex' });
    assert.deepEqual(body['requestMetadata'], { team: 'blue one' });
    assert.deepEqual(body['serviceTier'], { type: 'flex' });
    assert.deepEqual(dropped, ['metadata']);
    assert.equal(openai({ service_tier: 'auto' }).body['serviceTier'], undefined);
  });
});
