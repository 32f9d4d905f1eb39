import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CanonicalEvent } from '../../canonical/event.ts';
import { ANTHROPIC_SIGNATURE, GEMINI_SIGNATURE, OPENAI_SIGNATURE, type Citation, type Part } from '../../canonical/part.ts';
import type { CanonicalRequest } from '../../canonical/request.ts';
import { NO_USAGE } from '../../core/usage.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { openaiChatCodec } from '../openai-chat/codec.ts';
import type { AnswerContext } from '../protocol.ts';
import { anthropicMessagesCodec } from './codec.ts';

/** Anthropic's clients in front of other vendors' models: what they are told, and what they bring back. */

const CONTEXT: AnswerContext = { model: 'alias', requestId: 'req_1', created: 1, includeUsage: true };
const TARGET = { model: 'claude-opus-5', defaultMaxTokens: 4096 };
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const user = { role: 'user', content: 'hi' };

function blocksOf(parts: readonly Part[]): readonly JsonObject[] {
  const answer = anthropicMessagesCodec.encodeResponse({ id: 'm', model: 'm', choices: [{ index: 0, parts }] }, CONTEXT);
  return plain(answer['content']) as readonly JsonObject[];
}

function decode(members: JsonObject): CanonicalRequest {
  const decoded = anthropicMessagesCodec.decodeRequest({ model: 'm', max_tokens: 4096, messages: [user], ...members });
  assert.ok(decoded.ok, JSON.stringify(decoded));
  return plain(decoded.value);
}

const returned = (content: readonly Json[]): readonly Part[] =>
  decode({ messages: [user, { role: 'assistant', content }] }).messages[1]?.parts ?? [];

const again = (request: CanonicalRequest) => plain(anthropicMessagesCodec.encodeRequest(request, TARGET));

function stream(events: readonly CanonicalEvent[]): readonly JsonObject[] {
  let state = anthropicMessagesCodec.streamEncoder.start(CONTEXT);
  return [{ type: 'start', id: 'm', model: 'm' } as const, ...events, { type: 'end' } as const].flatMap((event) => {
    const [next, given] = anthropicMessagesCodec.streamEncoder.step(state, event);
    state = next;
    return given.map(({ data }) => JSON.parse(data) as JsonObject);
  });
}

const call = { type: 'tool_call', id: 'call:1', name: 'f', arguments: '{"a":1}', kind: 'function' } as const;

describe('reasoning of other vendors', () => {
  const parts = [
    { type: 'thinking', text: 'so', signature: 'A.b', format: OPENAI_SIGNATURE },
    { type: 'redacted_thinking', data: 'S', format: GEMINI_SIGNATURE },
    call,
    { type: 'redacted_thinking', data: 'E', format: ANTHROPIC_SIGNATURE },
  ] as const;

  it('goes out marked, and comes back as it was and where it was', () => {
    const blocks = blocksOf(parts);
    assert.deepEqual(
      blocks.map(({ type, signature, data }) => [type, signature ?? data]),
      [
        ['thinking', `bh1.${OPENAI_SIGNATURE}.A.b`],
        ['redacted_thinking', `bh1.${GEMINI_SIGNATURE}.S`],
        ['tool_use', undefined],
        ['redacted_thinking', 'E'],
      ],
    );
    assert.deepEqual(returned(blocks), parts);
  });

  it('never reaches Anthropic', () => {
    const { body, dropped } = again(decode({ messages: [user, { role: 'assistant', content: blocksOf(parts) }] }));
    const [, turn] = body['messages'] as readonly { readonly content: readonly JsonObject[] }[];
    assert.deepEqual(
      turn?.content.map(({ type }) => type),
      ['tool_use', 'redacted_thinking'],
    );
    assert.deepEqual(dropped, ['messages[].content[].thinking']);
    assert.ok(!JSON.stringify(body).includes('bh1.'));
  });

  it('is signed in streams too', () => {
    const told = stream([
      { type: 'part_start', choice: 0, part: 0, head: { type: 'thinking', format: GEMINI_SIGNATURE } },
      { type: 'signature', choice: 0, part: 0, signature: 'S', format: GEMINI_SIGNATURE },
      { type: 'part_end', choice: 0, part: 0 },
      { type: 'part_start', choice: 0, part: 1, head: { type: 'redacted_thinking', data: 'T', format: GEMINI_SIGNATURE } },
      { type: 'part_end', choice: 0, part: 1 },
    ]);
    const text = JSON.stringify(told);
    assert.ok(text.includes(`"signature":"bh1.${GEMINI_SIGNATURE}.S"`) && text.includes(`"data":"bh1.${GEMINI_SIGNATURE}.T"`));
  });
});

describe('calls', () => {
  it('keep their ids for the client, and lose the same letters in call and result for Anthropic alone', () => {
    assert.equal(blocksOf([call])[0]?.['id'], 'call:1');
    const turns = [
      user,
      { role: 'assistant', content: blocksOf([call]) },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call:1' }] },
    ];
    const request = decode({ messages: turns });
    assert.deepEqual(JSON.stringify(again(request).body).match(/"call[^"]*"/g), ['"call_1"', '"call_1"']);
    const openai = plain(openaiChatCodec.encodeRequest(request, { model: 'gpt-5.6', defaultMaxTokens: 1 }).body);
    assert.deepEqual(JSON.stringify(openai).match(/"call:[^"]*"/g), ['"call:1"', '"call:1"']);
  });

  it('of free text have it for their one member, in streams too', () => {
    assert.deepEqual(blocksOf([{ ...call, kind: 'custom', arguments: 'say "x"' }])[0]?.['input'], { input: 'say "x"' });
    const told = stream([
      { type: 'part_start', choice: 0, part: 0, head: { type: 'tool_call', id: 'a', name: 'f', kind: 'custom' } },
      { type: 'arguments_delta', choice: 0, part: 0, text: 'say "' },
      { type: 'arguments_delta', choice: 0, part: 0, text: 'x"' },
      { type: 'part_end', choice: 0, part: 0 },
    ]);
    const pieces = told.map(({ delta }) => (delta as { partial_json?: string } | undefined)?.partial_json ?? '');
    assert.deepEqual(JSON.parse(pieces.join('')), { input: 'say "x"' });
  });

  it('of free-text tools are asked for as functions', () => {
    const openai = openaiChatCodec.decodeRequest({ model: 'm', messages: [user], tools: [{ type: 'custom', custom: { name: 'patch' } }] });
    assert.ok(openai.ok);
    const { body, dropped } = again(openai.value);
    const input = { type: 'object', properties: { input: { type: 'string' } }, required: ['input'], additionalProperties: false };
    assert.deepEqual([body['tools'], dropped], [[{ name: 'patch', input_schema: input }], []]);
  });
});

describe('what an answer cannot show', () => {
  const image = { type: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'AAAAAAAA' } } as const;
  const linked = { type: 'image', source: { kind: 'url', url: 'https://a.example/a.png' } } as const;
  const audio = { type: 'audio', data: 'AAAA', format: 'pcm16' } as const;

  it('is named, and not taken for words of the model', () => {
    const blocks = blocksOf([image, linked, audio]);
    assert.deepEqual(
      blocks.map(({ text }) => text),
      ['[image omitted: image/png, 6 bytes]', '![image](https://a.example/a.png)', '[audio omitted: pcm16]'],
    );
    assert.deepEqual(returned(blocks).length, 1);
  });

  it('is named once in a stream of sound', () => {
    const told = stream(
      [image, audio, audio].flatMap((head, part) => [
        { type: 'part_start', choice: 0, part, head },
        { type: 'part_end', choice: 0, part },
      ]),
    );
    const words = told.flatMap(({ delta }) => (delta as { text?: string } | undefined)?.text ?? []);
    assert.deepEqual(words, ['[image omitted: image/png, 6 bytes]', '[audio omitted: pcm16]']);
  });
});

describe('citations of others', () => {
  const cited: Citation = { url: 'https://a.example', title: 'A', start: 3, end: 6, protocol: 'gemini', native: {} };
  const place = { type: 'web_search_result_location', url: 'https://a.example', title: 'A', encrypted_index: '' };

  it('are those of a web search, with the words they stand on', () => {
    const [, block] = blocksOf([
      { type: 'text', text: 'one' },
      { type: 'text', text: 'two', citations: [cited, { protocol: 'cohere-chat', native: {} }] },
    ]);
    assert.deepEqual(block?.['citations'], [{ ...place, cited_text: 'two' }]);
    const told = stream([
      { type: 'part_start', choice: 0, part: 0, head: { type: 'text' } },
      { type: 'citation', choice: 0, part: 0, citation: cited },
      { type: 'part_end', choice: 0, part: 0 },
    ]);
    assert.deepEqual(told.find(({ type }) => type === 'content_block_delta')?.['delta'], {
      type: 'citations_delta',
      citation: { ...place, cited_text: '' },
    });
  });

  it('are not sent to Anthropic, which did not make them', () => {
    const request = decode({
      messages: [user, { role: 'assistant', content: [{ type: 'text', text: 'two', citations: [{ ...place, cited_text: 'two' }] }] }],
    });
    const { body, dropped } = again(request);
    assert.deepEqual(
      [(body['messages'] as readonly Json[])[1], dropped],
      [{ role: 'assistant', content: 'two' }, ['messages[].content[].citations']],
    );
  });
});

describe('requests', () => {
  const content = [
    {
      type: 'search_result',
      source: 'https://a.example',
      title: 'A',
      content: [{ type: 'text', text: 'x' }],
      citations: { enabled: true },
    },
    { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'y' }] }, citations: { enabled: true }, context: 'c' },
    { type: 'document', source: { type: 'url', url: 'https://a.example/a.pdf' }, cache_control: { type: 'ephemeral', ttl: '1h' } },
  ];

  it('with search results and documents of every kind return as they came, and are files for others', () => {
    const request = decode({ messages: [{ role: 'user', content }] });
    assert.deepEqual([(again(request).body['messages'] as readonly Json[])[0], again(request).dropped], [{ role: 'user', content }, []]);
    const texts = request.messages[0]?.parts.map((part) =>
      part.type === 'file' && part.source.kind === 'text' ? part.source.text : part.type,
    );
    assert.deepEqual(texts, ['https://a.example\n\nx', 'y', 'file']);
  });

  it('say whether to show the reasoning, and what Anthropic alone knows', () => {
    const body = {
      thinking: { type: 'adaptive', display: 'omitted' },
      output_config: { effort: 'max', task_budget: { type: 'tokens', total: 9 } },
      container: 'c',
      context_management: { edits: [] },
      mcp_servers: [],
      metadata: { user_id: 'u' },
      service_tier: 'standard_only',
    };
    const request = decode(body);
    assert.deepEqual(request.reasoning, { mode: 'auto', effort: 'max', summary: 'none' });
    const { model: _model, max_tokens: _limit, messages: _messages, ...rest } = again(request).body;
    assert.deepEqual(rest, body);
  });

  it('have the input’s size in the first event where it is known in time', () => {
    const [first] = stream([
      { type: 'usage', usage: { ...NO_USAGE, input: 7, cachedInput: 3 } },
      { type: 'part_start', choice: 0, part: 0, head: { type: 'text' } },
    ]);
    const usage = (first?.['message'] as { readonly usage: JsonObject } | undefined)?.usage;
    assert.deepEqual([usage?.['input_tokens'], usage?.['cache_read_input_tokens']], [4, 3]);
  });
});
