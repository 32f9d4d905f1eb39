import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CanonicalEvent } from '../../canonical/event.ts';
import type { JsonObject } from '../../core/json.ts';
import { openaiChatCodec } from '../openai-chat/codec.ts';
import type { Encoded } from '../protocol.ts';
import { ollamaChatCodec } from './codec.ts';

const TARGET = { model: 'qwen3', defaultMaxTokens: 1 };
const plain = (body: JsonObject): JsonObject => JSON.parse(JSON.stringify(body)) as JsonObject;

/** What Ollama is asked where an OpenAI client asks this. */
function asked(body: JsonObject): Encoded {
  const decoded = openaiChatCodec.decodeRequest({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...body });
  assert.ok(decoded.ok);
  const { body: encoded, dropped } = ollamaChatCodec.encodeRequest(decoded.value, TARGET);
  return { body: plain(encoded), dropped };
}

function decode(lines: readonly JsonObject[]): readonly CanonicalEvent[] {
  const { streamDecoder } = ollamaChatCodec;
  let state = streamDecoder.start();
  const decoded: CanonicalEvent[] = [];
  for (const line of lines) {
    const [next, given] = streamDecoder.step(state, { data: JSON.stringify(line) });
    state = next;
    decoded.push(...given);
  }
  return [...decoded, ...streamDecoder.finish(state)];
}

describe('what an OpenAI client asks of Ollama', () => {
  it('is said in Ollama’s options', () => {
    const { body, dropped } = asked({
      max_tokens: 5,
      temperature: 0.5,
      stop: 'x',
      seed: 1,
      reasoning_effort: 'none',
      response_format: { type: 'json_object' },
    });
    assert.deepEqual(body, {
      model: 'qwen3',
      messages: [{ role: 'user', content: 'hi' }],
      format: 'json',
      think: false,
      options: { num_predict: 5, temperature: 0.5, stop: ['x'], seed: 1 },
      stream: false,
    });
    assert.deepEqual(dropped, []);
  });

  it('arguments are objects, and a result names its tool', () => {
    const call = (id: string, args: string) => ({ id, type: 'function', function: { name: 'f', arguments: args } });
    const { body } = asked({
      messages: [
        { role: 'assistant', content: null, tool_calls: [call('c1', '{"a":1}'), call('c2', 'no json')] },
        { role: 'tool', tool_call_id: 'c1', content: 'r' },
      ],
    });
    assert.deepEqual(body['messages'], [
      {
        role: 'assistant',
        content: '',
        tool_calls: [
          { id: 'c1', function: { name: 'f', arguments: { a: 1 } } },
          { id: 'c2', function: { name: 'f', arguments: { INVALID_JSON: 'no json' } } },
        ],
      },
      { role: 'tool', content: 'r', tool_name: 'f', tool_call_id: 'c1' },
    ]);
  });

  it('that no tool be called is said by offering none; that one must be cannot be said', () => {
    const tools = [{ type: 'function', function: { name: 'f' } }];
    assert.equal(asked({ tools, tool_choice: 'none' }).body['tools'], undefined);
    assert.deepEqual(asked({ tools, tool_choice: 'required' }).dropped, ['tool_choice']);
  });

  it('pictures are data, never addresses', () => {
    const image = (url: string) => ({ type: 'image_url', image_url: { url } });
    const { body, dropped } = asked({
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'q' }, image('data:image/png;base64,iVBORw0='), image('https://a.example/b.png')] },
      ],
    });
    assert.deepEqual(body['messages'], [{ role: 'user', content: 'q', images: ['iVBORw0='] }]);
    assert.deepEqual(dropped, ['messages[].content[].image_url']);
  });
});

describe('calls without ids', () => {
  const body = {
    model: 'm',
    stream: true,
    messages: [
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ function: { name: 'f', arguments: {} } }, { function: { name: 'g', arguments: {} } }],
      },
      { role: 'tool', content: 'of g', tool_name: 'g' },
      { role: 'tool', content: 'of f', tool_name: 'f' },
    ],
  };

  it('are found by their results all the same, in protocols that need ids', () => {
    const decoded = ollamaChatCodec.decodeRequest(body);
    assert.ok(decoded.ok);
    const messages = openaiChatCodec.encodeRequest(decoded.value, TARGET).body['messages'] as readonly JsonObject[];
    const [f, g] = ((messages[0]?.['tool_calls'] ?? []) as readonly JsonObject[]).map(({ id }) => id);
    assert.ok(f !== g && typeof f === 'string' && f !== '');
    assert.deepEqual([messages[1]?.['tool_call_id'], messages[2]?.['tool_call_id']], [g, f]);
  });

  it('get none from us at Ollama', () => {
    const decoded = ollamaChatCodec.decodeRequest(body);
    assert.ok(decoded.ok);
    assert.deepEqual(plain(ollamaChatCodec.encodeRequest(decoded.value, { ...TARGET, model: 'm' }).body), body);
  });
});

describe('Ollama’s streams', () => {
  const line = (message: JsonObject, members: JsonObject = { done: false }) => ({
    model: 'm',
    created_at: '2026-01-01T00:00:00Z',
    message,
    ...members,
  });
  const end = line({ role: 'assistant', content: '' }, { done: true, done_reason: 'stop', prompt_eval_count: 3, eval_count: 2 });

  it('carry calls whole, and end by calling', () => {
    const call = { function: { name: 'f', arguments: { a: [1] } } };
    const events = decode([line({ thinking: 'hm' }), line({ tool_calls: [call, call] }), end]);
    assert.deepEqual(
      events.map((event) => (event.type === 'part_start' ? `start ${event.head.type}` : event.type)),
      [
        'start',
        'start thinking',
        'thinking_delta',
        'part_end',
        'start tool_call',
        'arguments_delta',
        'part_end',
        'start tool_call',
        'arguments_delta',
        'part_end',
        'usage',
        'finish',
        'end',
      ],
    );
    const finish = events.find((event) => event.type === 'finish');
    assert.ok(finish?.type === 'finish' && finish.finish.reason === 'tool_calls');
  });

  it('end in an error where Ollama says so, and where the last line is missing', () => {
    const failed = decode([line({ content: 'a' }), { error: 'out of memory' }]).at(-1);
    assert.deepEqual(failed, { type: 'error', kind: 'upstream', code: null, message: 'out of memory', cut: false });
    const cut = decode([line({ content: 'a' })]).at(-1);
    assert.ok(cut?.type === 'error' && cut.cut);
  });

  it('a line that is no object is an error, not a crash', () => {
    const { streamDecoder } = ollamaChatCodec;
    const [, events] = streamDecoder.step(streamDecoder.start(), { data: '[1' });
    assert.equal(events[0]?.type, 'error');
  });
});
