import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CanonicalEvent } from '../../canonical/event.ts';
import type { JsonObject } from '../../core/json.ts';
import { openaiChatCodec } from '../openai-chat/codec.ts';
import type { Encoded } from '../protocol.ts';
import { cohereChatCodec } from './codec.ts';

const TOOL = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {}, required: ['a'] } } };
const CALL = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };

/** What Cohere is asked where an OpenAI client asks this. */
function asked(body: JsonObject, model = 'command-a-03-2025'): Encoded {
  const decoded = openaiChatCodec.decodeRequest({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...body });
  assert.ok(decoded.ok);
  const { body: encoded, dropped } = cohereChatCodec.encodeRequest(decoded.value, { model, defaultMaxTokens: 1 });
  return { body: JSON.parse(JSON.stringify(encoded)) as JsonObject, dropped };
}

function decode(events: readonly JsonObject[]): readonly CanonicalEvent[] {
  const { streamDecoder } = cohereChatCodec;
  let state = streamDecoder.start();
  const decoded: CanonicalEvent[] = [];
  for (const event of events) {
    const [next, given] = streamDecoder.step(state, { data: JSON.stringify(event) });
    state = next;
    decoded.push(...given);
  }
  return [...decoded, ...streamDecoder.finish(state)];
}

describe('the plan of tool calls', () => {
  const history = { messages: [{ role: 'assistant', content: null, reasoning_content: 'I will', tool_calls: [CALL] }] };

  it('is reasoning, and goes back where it came from', () => {
    const body = { model: 'm', messages: [{ role: 'assistant', tool_plan: 'I will', tool_calls: [CALL] }] };
    const decoded = cohereChatCodec.decodeRequest(body);
    assert.ok(decoded.ok);
    assert.deepEqual(
      decoded.value.messages[0]?.parts.map((part) => [part.type, 'text' in part ? part.text : '']),
      [
        ['thinking', 'I will'],
        ['tool_call', ''],
      ],
    );
    const { body: encoded } = cohereChatCodec.encodeRequest(decoded.value, { model: 'm', defaultMaxTokens: 1 });
    assert.deepEqual(JSON.parse(JSON.stringify(encoded)), body);
  });

  it('is what a client of another protocol gives back as reasoning before a call', () => {
    assert.deepEqual(asked(history).body['messages'], [{ role: 'assistant', tool_plan: 'I will', tool_calls: [CALL] }]);
  });

  it('is reasoning for models that reason', () => {
    assert.deepEqual(asked(history, 'command-a-reasoning-08-2025').body['messages'], [
      { role: 'assistant', content: [{ type: 'thinking', thinking: 'I will' }], tool_calls: [CALL] },
    ]);
  });
});

describe('what an OpenAI client asks of Cohere', () => {
  it('one tool that must be called is offered alone', () => {
    const other = { type: 'function', function: { name: 'g', parameters: {} } };
    const { body } = asked({ tools: [other, TOOL], tool_choice: { type: 'function', function: { name: 'f' } } });
    assert.deepEqual([body['tools'], body['tool_choice']], [[TOOL], 'REQUIRED']);
  });

  it('strict tools are strict all together, or not at all', () => {
    const strict = { ...TOOL, function: { ...TOOL.function, strict: true } };
    assert.equal(asked({ tools: [strict] }).body['strict_tools'], true);
    const { body, dropped } = asked({ tools: [strict, TOOL] });
    assert.equal(body['strict_tools'], undefined);
    assert.deepEqual(dropped, ['tools[].strict']);
  });

  it('a format beside tools is left out and named', () => {
    const format = { response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } } };
    assert.deepEqual(asked(format).body['response_format'], { type: 'json_object', json_schema: { type: 'object' } });
    assert.deepEqual(asked({ ...format, tools: [TOOL] }).dropped, ['response_format']);
  });

  it('a text file is a document, another file is named', () => {
    const file = (type: string) => ({ type: 'file', file: { filename: 'a.txt', file_data: `data:${type};base64,aGk=` } });
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'q' }, file('text/plain'), file('application/pdf')] }];
    const { body, dropped } = asked({ messages });
    assert.deepEqual(body['documents'], [{ id: 'doc:0', data: { title: 'a.txt', text: 'hi' } }]);
    assert.deepEqual(dropped, ['messages[].content[].file']);
  });

  it('reasoning is asked of models that reason alone', () => {
    assert.deepEqual(asked({ reasoning_effort: 'low' }).dropped, ['reasoning_effort']);
    const { body, dropped } = asked({ reasoning_effort: 'low' }, 'command-a-reasoning-08-2025');
    assert.deepEqual([body['thinking'], dropped], [{ type: 'enabled', token_budget: 2048 }, []]);
  });

  it('numbers beyond Cohere’s range are left out and named', () => {
    const { body, dropped } = asked({ top_p: 1, frequency_penalty: -1, presence_penalty: 0.5 });
    assert.deepEqual([body['p'], body['frequency_penalty'], body['presence_penalty']], [undefined, undefined, 0.5]);
    assert.deepEqual(dropped, ['frequency_penalty', 'top_p']);
  });
});

describe('a document as a tool’s result', () => {
  it('is its words for others, and itself for Cohere', () => {
    const content = [{ type: 'document', document: { id: 'd', data: { output: '5' } } }];
    const body = { model: 'm', messages: [{ role: 'tool', tool_call_id: 'c1', content }] };
    const decoded = cohereChatCodec.decodeRequest(body);
    assert.ok(decoded.ok);
    const target = { model: 'm', defaultMaxTokens: 1 };
    assert.deepEqual(JSON.parse(JSON.stringify(cohereChatCodec.encodeRequest(decoded.value, target).body)), body);
    const other = openaiChatCodec.encodeRequest(decoded.value, target).body['messages'] as readonly JsonObject[];
    assert.deepEqual([other[0]?.['content'], other[0]?.['tool_call_id']], ['5', 'c1']);
  });
});

describe('Cohere’s streams', () => {
  const start = { type: 'message-start', id: 'i', delta: { message: { role: 'assistant' } } };
  const text = { type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: '😀 page' } } } };
  const cited = (members: JsonObject) => ({ type: 'citation-start', index: 0, delta: { message: { citations: members } } });
  const end = { type: 'message-end', delta: { finish_reason: 'COMPLETE' } };

  it('count citations in code points, and name the page of their first source', () => {
    const native = { start: 2, end: 6, text: 'page', sources: [{ type: 'document', document: { url: 'https://a.example', title: 't' } }] };
    const events = decode([start, text, { type: 'content-end', index: 0 }, cited(native), end]);
    const citation = events.find((event) => event.type === 'citation');
    assert.deepEqual(citation?.type === 'citation' && citation.citation, {
      url: 'https://a.example',
      title: 't',
      start: 3,
      end: 7,
      protocol: 'cohere-chat',
      native,
    });
  });

  it('end in an error where Cohere says so, and where its last word is missing', () => {
    const failed = decode([start, text, { type: 'message-end', delta: { finish_reason: 'ERROR', error: 'overloaded' } }]).at(-1);
    assert.deepEqual(failed, { type: 'error', kind: 'upstream', code: null, message: 'overloaded', cut: false });
    const cut = decode([start, text]).at(-1);
    assert.ok(cut?.type === 'error' && cut.cut);
    const refused = decode([{ id: 'x', message: 'too many requests' }]).at(-1);
    assert.ok(refused?.type === 'error' && refused.message === 'too many requests');
  });

  it('break where a piece comes of what was not begun', () => {
    for (const piece of [
      { type: 'content-delta', index: 0, delta: { message: { content: { text: 'a' } } } },
      { type: 'tool-call-delta', index: 0, delta: { message: { tool_calls: { function: { arguments: '{' } } } } },
    ])
      assert.equal(decode([start, piece]).at(-1)?.type, 'error');
  });
});
