import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../../core/json.ts';
import type { CanonicalEvent } from '../../canonical/event.ts';
import { OPENAI_SIGNATURE } from '../../canonical/part.ts';
import { CUT } from '../protocol.ts';
import { streamDecoder } from './stream-decode.ts';

const CREATED: JsonObject = { type: 'response.created', response: { id: 'resp_1', model: 'gpt-5.6', created_at: 5 } };
const COMPLETED: JsonObject = { type: 'response.completed', response: { status: 'completed', output: [] } };

function decoded(...bodies: readonly JsonObject[]): readonly CanonicalEvent[] {
  let state = streamDecoder.start();
  const events = bodies.flatMap((body) => {
    const [next, given] = streamDecoder.step(state, { data: JSON.stringify(body) });
    state = next;
    return given;
  });
  return [...events, ...streamDecoder.finish(state)];
}

const whole = (...bodies: readonly JsonObject[]): readonly CanonicalEvent[] => decoded(CREATED, ...bodies, COMPLETED).slice(1);
const added = (output: number, item: JsonObject): JsonObject => ({ type: 'response.output_item.added', output_index: output, item });
const done = (output: number, item: JsonObject): JsonObject => ({ type: 'response.output_item.done', output_index: output, item });
const call = (id: string, text: string): JsonObject => ({ type: 'function_call', call_id: id, name: 'f', arguments: text });
const piece = (output: number, delta: string): JsonObject => ({
  type: 'response.function_call_arguments.delta',
  output_index: output,
  delta,
});

/** The stream in short: types, with what they say. */
const short = (events: readonly CanonicalEvent[]): readonly string[] =>
  events.map((event) => {
    if (event.type === 'part_start') return `${event.part} ${event.head.type}`;
    if ('text' in event) return `${event.part} +${event.text}`;
    return event.type;
  });

describe('a stream of Responses', () => {
  it('says a text once, whether it came in pieces or at one of its ends', () => {
    const message = {
      type: 'message',
      content: [{ type: 'output_text', text: 'hi', annotations: [{ type: 'url_citation', url: 'https://a.example' }] }],
    };
    const at = { output_index: 0, content_index: 0 };
    const expected = ['0 text', '0 +hi', 'citation', 'part_end', 'finish', 'end'];
    assert.deepEqual(short(whole(added(0, { type: 'message' }), done(0, message))), expected);
    assert.deepEqual(short(whole(done(0, message))), expected);
    const delta = { type: 'response.output_text.delta', ...at, delta: 'hi' };
    const end = { type: 'response.content_part.done', ...at, part: message.content[0] as JsonObject };
    assert.deepEqual(short(whole(added(0, { type: 'message' }), delta, end, done(0, message))), expected);
  });

  it('says a call’s arguments once', () => {
    const end = { type: 'response.function_call_arguments.done', output_index: 0, arguments: '{}' };
    const expected = ['0 tool_call', '0 +{}', 'part_end', 'finish', 'end'];
    assert.deepEqual(short(whole(added(0, call('c', '')), end, done(0, call('c', '{}')))), expected);
    assert.deepEqual(short(whole(added(0, call('c', '{}')), done(0, call('c', '{}')))), expected);
    assert.deepEqual(short(whole(added(0, call('c', '')), piece(0, '{}'), end, done(0, call('c', '{}')))), expected);
  });

  it('puts mixed items one behind the other', () => {
    const events = whole(
      added(0, call('a', '')),
      added(1, call('b', '')),
      piece(1, 'b1'),
      piece(0, 'a1'),
      piece(1, 'b2'),
      done(1, call('b', 'b1b2')),
      piece(0, 'a2'),
      done(0, call('a', 'a1a2')),
    );
    assert.deepEqual(short(events), [
      '0 tool_call',
      '0 +a1',
      '0 +a2',
      'part_end',
      '1 tool_call',
      '1 +b1',
      '1 +b2',
      'part_end',
      'finish',
      'end',
    ]);
  });

  it('follows no mixing without end', () => {
    const mixed = Array.from({ length: 2100 }, (_, index) => added(index, call(`c${index}`, '')));
    const last = whole(...mixed).at(-1);
    assert.ok(last?.type === 'error' && !last.cut);
  });

  it('joins the sections of a summary and signs them', () => {
    const at = { output_index: 0, summary_index: 0 };
    const section = { type: 'response.reasoning_summary_part.added', ...at };
    const words = { type: 'response.reasoning_summary_text.delta', ...at, delta: 'one' };
    const item = { type: 'reasoning', summary: [{ text: 'one' }, { text: 'two' }], encrypted_content: 'sealed' };
    const end = { type: 'response.reasoning_summary_text.done', ...at, text: 'two' };
    const events = whole(added(0, { type: 'reasoning', encrypted_content: '' }), section, words, section, end, done(0, item));
    assert.deepEqual(short(events), ['0 thinking', '0 +one', '0 +\n\n', '0 +two', 'signature', 'part_end', 'finish', 'end']);
    const signature = events.find(({ type }) => type === 'signature');
    assert.ok(signature?.type === 'signature' && signature.signature === 'sealed' && signature.format === OPENAI_SIGNATURE);
  });

  it('carries reasoning without a text as what only its vendor can read', () => {
    const events = whole(
      added(0, { type: 'reasoning', summary: [] }),
      done(0, { type: 'reasoning', summary: [], encrypted_content: 'sealed' }),
    );
    assert.deepEqual(short(events), ['0 redacted_thinking', 'part_end', 'finish', 'end']);
  });

  it('ends by calling tools, by its limit, or plainly', () => {
    const reason = (...bodies: readonly JsonObject[]): unknown => {
      const finish = decoded(CREATED, ...bodies).find(({ type }) => type === 'finish');
      return finish?.type === 'finish' ? finish.finish.reason : undefined;
    };
    const cutShort = (why: string): JsonObject => ({ type: 'response.incomplete', response: { incomplete_details: { reason: why } } });
    assert.equal(reason(COMPLETED), 'stop');
    assert.equal(reason(done(0, call('c', '{}')), COMPLETED), 'tool_calls');
    assert.equal(reason(cutShort('max_output_tokens')), 'length');
    assert.equal(reason(cutShort('content_filter')), 'content_filter');
  });

  it('fails where it says so, flat, nested or in its last event', () => {
    const failure = (body: JsonObject): unknown => {
      const last = decoded(CREATED, body, COMPLETED).at(-1);
      return last?.type === 'error' ? [last.kind, last.code, last.message, last.cut] : last;
    };
    const expected = ['rate_limit', 'rate_limit_exceeded', 'slow', false];
    const error = { code: 'rate_limit_exceeded', message: 'slow' };
    assert.deepEqual(failure({ type: 'error', ...error, param: null }), expected);
    assert.deepEqual(failure({ type: 'error', error: { type: 'tokens', ...error } }), expected);
    assert.deepEqual(failure({ type: 'response.failed', response: { status: 'failed', error } }), expected);
  });

  it('is cut without its last event', () => {
    assert.deepEqual(decoded(CREATED, added(0, call('a', ''))).at(-1), CUT);
    assert.deepEqual(decoded().at(-1), CUT);
  });
});
