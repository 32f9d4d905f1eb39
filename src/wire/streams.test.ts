import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CanonicalEvent } from '../canonical/event.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { anthropicMessagesCodec } from './anthropic-messages/codec.ts';
import { openaiChatCodec } from './openai-chat/codec.ts';
import type { AnswerContext, Codec, SseEvent } from './protocol.ts';

/** What streams say beyond the recorded ones: failures, oddities of providers, and what a client of the other protocol is told. */

const CONTEXT: AnswerContext = { model: 'alias', requestId: 'req_1', created: 1, includeUsage: true };

function decode(codec: Codec, events: readonly SseEvent[]): readonly CanonicalEvent[] {
  let state = codec.streamDecoder.start();
  const out: CanonicalEvent[] = [];
  for (const event of events) {
    const [next, given] = codec.streamDecoder.step(state, event);
    state = next;
    out.push(...given);
  }
  return [...out, ...codec.streamDecoder.finish(state)];
}

function encode(codec: Codec, events: readonly CanonicalEvent[], context = CONTEXT): readonly SseEvent[] {
  let state = codec.streamEncoder.start(context);
  return events.flatMap((event) => {
    const [next, given] = codec.streamEncoder.step(state, event);
    state = next;
    return given;
  });
}

const openai = (...bodies: readonly (Json | string)[]): readonly SseEvent[] =>
  bodies.map((body) => ({ data: typeof body === 'string' ? body : JSON.stringify(body) }));
const anthropic = (...bodies: readonly JsonObject[]): readonly SseEvent[] =>
  bodies.map((body) => ({ event: String(body['type']), data: JSON.stringify(body) }));
const chunk = (delta: JsonObject, finish: string | null = null, index = 0): JsonObject => ({
  id: 'c',
  model: 'm',
  created: 1,
  choices: [{ index, delta, finish_reason: finish }],
});
const types = (events: readonly CanonicalEvent[]): readonly string[] => events.map(({ type }) => type);
const START = {
  type: 'message_start',
  message: { id: 'm1', model: 'claude', usage: { input_tokens: 3, cache_read_input_tokens: 4, output_tokens: 1 } },
};
const STOP = { type: 'message_stop' };
const ended = (reason: string): JsonObject => ({
  type: 'message_delta',
  delta: { stop_reason: reason, stop_sequence: null },
  usage: { output_tokens: 9 },
});
const data = (events: readonly SseEvent[]): readonly JsonObject[] =>
  events.filter((event) => event.data !== '[DONE]').map((event) => JSON.parse(event.data) as JsonObject);

describe('Anthropic streams', () => {
  it('passes over ping, unknown events and a foreign [DONE]', () => {
    const events = decode(anthropicMessagesCodec, [
      ...anthropic(START, { type: 'ping' }, { type: 'brand_new', x: 1 }),
      { data: '[DONE]' },
      ...anthropic(ended('end_turn'), STOP),
    ]);
    assert.deepEqual(types(events), ['start', 'usage', 'usage', 'finish', 'end']);
  });

  it('carries blocks and deltas that it does not know', () => {
    const block = { type: 'content_block_start', index: 0, content_block: { type: 'brand_new', x: 1 } };
    const delta = { type: 'content_block_delta', index: 0, delta: { type: 'new_delta', y: 2 } };
    const events = decode(
      anthropicMessagesCodec,
      anthropic(START, block, delta, { type: 'content_block_stop', index: 0 }, ended('end_turn'), STOP),
    );
    assert.deepEqual(types(events), ['start', 'usage', 'part_start', 'other_delta', 'part_end', 'usage', 'finish', 'end']);
    assert.ok(data(encode(anthropicMessagesCodec, events)).some((event) => JSON.stringify(event).includes('new_delta')));
    assert.ok(!JSON.stringify(encode(openaiChatCodec, events)).includes('brand_new'));
  });

  it('adds the cache to the input, and keeps what a correction leaves out', () => {
    const events = decode(anthropicMessagesCodec, anthropic(START, ended('end_turn'), STOP));
    const last = events.findLast((event) => event.type === 'usage');
    assert.ok(last?.type === 'usage');
    assert.deepEqual([last.usage.input, last.usage.cachedInput, last.usage.output], [7, 4, 9]);
  });

  it('turns an error event into an error, and says nothing after it', () => {
    const events = decode(
      anthropicMessagesCodec,
      anthropic(START, { type: 'error', error: { type: 'overloaded_error', message: 'busy' } }, STOP),
    );
    assert.deepEqual(events.at(-1), { type: 'error', kind: 'unavailable', code: 'overloaded_error', message: 'busy', cut: false });
    const told = encode(openaiChatCodec, events);
    assert.ok(!told.some((event) => event.data === '[DONE]'));
    assert.match(told.at(-1)?.data ?? '', /"message":"busy"/);
  });

  it('refuses what is not JSON and pieces of blocks that were not begun', () => {
    assert.equal(decode(anthropicMessagesCodec, [...anthropic(START), { data: '{"type":' }]).at(-1)?.type, 'error');
    const stray = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'x' } };
    assert.equal(decode(anthropicMessagesCodec, anthropic(START, stray)).at(-1)?.type, 'error');
  });

  it('takes a tool’s input from its start where no deltas follow', () => {
    const start = (input: JsonObject): JsonObject => ({
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'tool_use', id: 't', name: 'f', input },
    });
    const stop = { type: 'content_block_stop', index: 0 };
    const args = (events: readonly CanonicalEvent[]): string =>
      events.map((event) => (event.type === 'arguments_delta' ? event.text : '')).join('');
    assert.equal(args(decode(anthropicMessagesCodec, anthropic(START, start({ a: 1 }), stop, ended('tool_use'), STOP))), '{"a":1}');
    const delta = { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"b":2}' } };
    assert.equal(args(decode(anthropicMessagesCodec, anthropic(START, start({ a: 1 }), delta, stop, ended('tool_use'), STOP))), '{"b":2}');
  });

  for (const [reason, finish] of [
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['tool_use', 'tool_calls'],
    ['refusal', 'content_filter'],
    ['pause_turn', 'stop'],
    ['brand_new', 'stop'],
  ] as const) {
    it(`ends ${reason} as ${finish} for an OpenAI client`, () => {
      const told = data(encode(openaiChatCodec, decode(anthropicMessagesCodec, anthropic(START, ended(reason), STOP))));
      const reasons = told
        .flatMap((event) => (event['choices'] as readonly JsonObject[]).map((choice) => choice['finish_reason']))
        .filter((word) => word !== null);
      assert.deepEqual(reasons, [finish]);
    });
  }
});

describe('OpenAI streams', () => {
  it('are cut without [DONE] unless every choice said why it stopped', () => {
    assert.deepEqual(types(decode(openaiChatCodec, openai(chunk({ content: 'a' }), chunk({}, 'stop')))).at(-1), 'end');
    const half = decode(
      openaiChatCodec,
      openai(chunk({ content: 'a' }, null, 0), chunk({ content: 'b' }, null, 1), chunk({}, 'stop', 0)),
    ).at(-1);
    assert.ok(half?.type === 'error' && half.cut);
    const empty = decode(openaiChatCodec, []).at(-1);
    assert.ok(empty?.type === 'error' && empty.cut);
  });

  it('turn an error object, also one in a choice, into an error', () => {
    const top = decode(openaiChatCodec, openai(chunk({ content: 'a' }), { error: { message: 'broke', code: 'x' } }, '[DONE]'));
    assert.deepEqual([top.at(-1)?.type, types(top).filter((type) => type === 'end').length], ['error', 0]);
    const inside = decode(
      openaiChatCodec,
      openai({ id: 'c', choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error', error: { message: 'broke', code: 502 } }] }),
    );
    assert.ok(inside.at(-1)?.type === 'error');
  });

  it('tell whole tool calls of one index apart by their ids', () => {
    const call = (id: string, args: string): JsonObject => ({
      tool_calls: [{ index: 0, id, type: 'function', function: { name: 'f', arguments: args } }],
    });
    const events = decode(
      openaiChatCodec,
      openai(chunk(call('a', '{"x":1}')), chunk(call('b', '{"x":2}')), chunk({}, 'tool_calls'), '[DONE]'),
    );
    const heads = events.flatMap((event) => (event.type === 'part_start' && event.head.type === 'tool_call' ? [event.head.id] : []));
    assert.deepEqual(heads, ['a', 'b']);
  });

  it('refuse a piece of a tool call that had ended, instead of joining it to another', () => {
    const begin = (index: number): JsonObject => ({
      tool_calls: [{ index, id: `id${index}`, type: 'function', function: { name: 'f', arguments: '' } }],
    });
    const late = { tool_calls: [{ index: 0, function: { arguments: '{}' } }] };
    const events = decode(openaiChatCodec, openai(chunk(begin(0)), chunk(begin(1)), chunk(late), chunk({}, 'tool_calls'), '[DONE]'));
    assert.equal(events.at(-1)?.type, 'error');
  });

  it('end with tools where the provider says stop or nothing after a tool call', () => {
    const call = { tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }] };
    const events = decode(openaiChatCodec, openai(chunk(call), chunk({}, 'stop'), '[DONE]'));
    assert.match(JSON.stringify(encode(anthropicMessagesCodec, events)), /\\"stop_reason\\":\\"tool_use\\"/);
  });

  it('say a refusal to an Anthropic client as text with its own stop reason', () => {
    const told = JSON.stringify(
      encode(anthropicMessagesCodec, decode(openaiChatCodec, openai(chunk({ refusal: 'I cannot.' }), chunk({}, 'stop'), '[DONE]'))),
    );
    assert.match(told, /I cannot\./);
    assert.match(told, /\\"stop_reason\\":\\"refusal\\"/);
  });
});

describe('what an OpenAI client is told', () => {
  const thinking = (events: readonly JsonObject[]): readonly SseEvent[] =>
    encode(
      openaiChatCodec,
      decode(anthropicMessagesCodec, anthropic(START, ...events, { type: 'content_block_stop', index: 0 }, ended('end_turn'), STOP)),
    );

  it('a usage chunk only if it asked for one', () => {
    const events = decode(anthropicMessagesCodec, anthropic(START, ended('end_turn'), STOP));
    const last = data(encode(openaiChatCodec, events)).at(-1);
    assert.deepEqual(last?.['choices'], []);
    assert.equal((last?.['usage'] as JsonObject | undefined)?.['prompt_tokens'], 7);
    assert.ok(!JSON.stringify(encode(openaiChatCodec, events, { ...CONTEXT, includeUsage: false })).includes('usage'));
  });

  it('reasoning plainly, and with its signature in a form that can be sent back', () => {
    const told = data(
      thinking([
        { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'so' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'SIG' } },
      ]),
    ).map((event) => (event['choices'] as readonly { delta: JsonObject }[])[0]?.delta);
    assert.ok(told.some((delta) => delta?.['reasoning_content'] === 'so'));
    const details = told.flatMap((delta) => (delta?.['reasoning_details'] ?? []) as readonly JsonObject[]);
    assert.equal(details.map((detail) => detail['text'] ?? '').join(''), 'so');
    assert.equal(details.at(-1)?.['signature'], 'SIG');
  });

  it('{} for a call without arguments', () => {
    const told = thinking([{ type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 't', name: 'f', input: {} } }]);
    const pieces = data(told).flatMap((event) =>
      (event['choices'] as readonly { delta?: { tool_calls?: readonly { function: { arguments: string } }[] } }[]).flatMap(
        (choice) => choice.delta?.tool_calls ?? [],
      ),
    );
    assert.equal(pieces.map((piece) => piece.function.arguments).join(''), '{}');
  });

  it('web citations with the place of the text that they stand for', () => {
    const citation = { type: 'web_search_result_location', url: 'https://a.example', title: 'A', cited_text: 'x', encrypted_index: 'e' };
    const told = thinking([
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '', citations: [] } },
      { type: 'content_block_delta', index: 0, delta: { type: 'citations_delta', citation } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hello' } },
    ]);
    assert.match(JSON.stringify(data(told)), /"url_citation":\{"url":"https:\/\/a\.example","title":"A","start_index":0,"end_index":5\}/);
  });
});
