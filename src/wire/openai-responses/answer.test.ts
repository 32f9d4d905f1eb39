import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import OpenAI from 'openai';
import type { JsonObject } from '../../core/json.ts';
import { NO_USAGE } from '../../core/usage.ts';
import type { CanonicalEvent } from '../../canonical/event.ts';
import { ANTHROPIC_SIGNATURE, OPENAI_SIGNATURE, type Part } from '../../canonical/part.ts';
import type { CanonicalResponse, Finish } from '../../canonical/response.ts';
import { wrapOpaque } from '../opaque.ts';
import type { AnswerContext, SseEvent } from '../protocol.ts';
import { openaiResponsesCodec } from './codec.ts';

const ASKED: JsonObject = {
  model: 'alias',
  instructions: 'Be brief.',
  input: 'hi',
  tools: [{ type: 'custom', name: 'apply_patch' }, { type: 'function', name: 'f', parameters: {}, strict: false }, { type: 'web_search' }],
  tool_choice: 'auto',
  temperature: 0.5,
  text: { verbosity: 'low' },
  store: false,
  metadata: { a: 'b' },
};

const asked = openaiResponsesCodec.decodeRequest(ASKED);
assert.ok(asked.ok);
const CONTEXT: AnswerContext = { model: 'alias', requestId: 'req_1', created: 1_700_000_000, includeUsage: true, request: asked.value };

const plain = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;
const own = (raw: string): Finish => ({ reason: 'other', raw, protocol: 'gemini' });

/** The events in which a provider would stream these parts, each text and argument in two pieces. */
function streamed(parts: readonly Part[], finish: Finish): readonly CanonicalEvent[] {
  const events: CanonicalEvent[] = [{ type: 'start', id: 'id_1', model: 'claude' }];
  parts.forEach((value, part) => {
    const at = { choice: 0, part } as const;
    const pieces = (text: string): readonly string[] => [text.slice(0, 3), text.slice(3)];
    switch (value.type) {
      case 'text':
        events.push({ type: 'part_start', ...at, head: { type: 'text' } });
        for (const text of pieces(value.text)) events.push({ type: 'text_delta', ...at, text });
        for (const citation of value.citations ?? []) events.push({ type: 'citation', ...at, citation });
        break;
      case 'refusal':
        events.push({ type: 'part_start', ...at, head: { type: 'refusal' } }, { type: 'refusal_delta', ...at, text: value.text });
        break;
      case 'thinking':
        events.push({ type: 'part_start', ...at, head: { type: 'thinking', format: value.format } });
        events.push({ type: 'thinking_delta', ...at, text: value.text });
        if (value.signature !== undefined) events.push({ type: 'signature', ...at, signature: value.signature, format: value.format });
        break;
      case 'tool_call':
        events.push({ type: 'part_start', ...at, head: { type: 'tool_call', id: value.id, name: value.name, kind: value.kind } });
        for (const text of pieces(value.arguments)) if (text !== '') events.push({ type: 'arguments_delta', ...at, text });
        break;
      case 'redacted_thinking':
      case 'image':
      case 'other':
        events.push({ type: 'part_start', ...at, head: value });
        break;
      default:
        throw new Error(value.type);
    }
    events.push({ type: 'part_end', ...at });
  });
  return [...events, { type: 'usage', usage: USAGE }, { type: 'finish', choice: 0, finish }, { type: 'end' }];
}

const USAGE = { ...NO_USAGE, input: 9, output: 4, cachedInput: 2, reasoning: 1 };

function encoded(events: readonly CanonicalEvent[]): readonly SseEvent[] {
  const { streamEncoder } = openaiResponsesCodec;
  let state = streamEncoder.start(CONTEXT);
  return events.flatMap((event) => {
    const [next, given] = streamEncoder.step(state, event);
    state = next;
    return given;
  });
}

const bodies = (events: readonly SseEvent[]): readonly JsonObject[] => events.map(({ data }) => JSON.parse(data) as JsonObject);

/** What the official client puts together from the stream. */
async function accumulated(events: readonly SseEvent[]): Promise<OpenAI.Responses.Response> {
  const bytes = Buffer.from(events.map(({ event, data }) => `event: ${event ?? ''}\ndata: ${data}\n\n`).join(''));
  const client = new OpenAI({
    apiKey: 'none',
    maxRetries: 0,
    fetch: async () => new Response(new Uint8Array(bytes), { headers: { 'content-type': 'text/event-stream' } }),
  });
  return client.responses.stream({ model: 'm', input: 'hi' }).finalResponse();
}

const answer = (parts: readonly Part[], finish: Finish): CanonicalResponse => ({
  id: 'id_1',
  model: 'claude',
  choices: [{ index: 0, parts, finish }],
  usage: USAGE,
});

const STOP: Finish = { reason: 'stop', raw: 'end_turn', protocol: 'anthropic-messages' };
const outputOf = (parts: readonly Part[], finish = STOP): readonly JsonObject[] =>
  plain(openaiResponsesCodec.encodeResponse(answer(parts, finish), CONTEXT))['output'] as readonly JsonObject[];

const page = { url: 'https://a.example', title: 'A', protocol: 'anthropic-messages', native: {} };
const PARTS: Readonly<Record<string, readonly Part[]>> = {
  'texts of one message, with citations': [
    { type: 'text', text: 'Hello', citations: [page] },
    { type: 'text', text: ' world', citations: [{ ...page, start: 6, end: 8 }] },
    { type: 'other', protocol: 'anthropic-messages', value: { type: 'server_tool_use' } },
    { type: 'text', text: '!' },
  ],
  'signed reasoning, words and parallel calls': [
    { type: 'thinking', text: 'Let me see', signature: 'sig', format: ANTHROPIC_SIGNATURE },
    { type: 'redacted_thinking', data: 'dark', format: ANTHROPIC_SIGNATURE },
    { type: 'text', text: 'Both:' },
    { type: 'tool_call', id: 'toolu_1', name: 'f', arguments: '{"a":1}', kind: 'function' },
    { type: 'tool_call', id: '', name: 'f', arguments: '', kind: 'function' },
  ],
  'a free-text tool called as a function': [
    { type: 'tool_call', id: 'toolu_1', name: 'apply_patch', arguments: '{"input":"*** Begin\\n\\"x\\" ü"}', kind: 'function' },
  ],
  'a free-text tool': [{ type: 'tool_call', id: 'call_1', name: 'apply_patch', arguments: '*** Begin', kind: 'custom' }],
  'a refusal': [{ type: 'refusal', text: 'No.' }],
  'a picture': [
    { type: 'text', text: 'Here:' },
    { type: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'AAAA' } },
  ],
  nothing: [],
};

describe('an answer as Responses', () => {
  for (const [name, parts] of Object.entries(PARTS)) {
    for (const finish of [STOP, { reason: 'length', raw: 'max_tokens', protocol: 'anthropic-messages' } as const]) {
      it(`is the same streamed and plain: ${name} (${finish.reason})`, async () => {
        const events = encoded(streamed(parts, finish));
        const whole = plain(openaiResponsesCodec.encodeResponse(answer(parts, finish), CONTEXT));
        const last = bodies(events).at(-1);
        assert.deepEqual(last?.['response'], whole);
        assert.equal(last?.['type'], finish.reason === 'length' ? 'response.incomplete' : 'response.completed');
        const ends = bodies(events).filter(({ type }) => type === 'response.output_item.done');
        assert.deepEqual(
          ends.map(({ item }) => item),
          whole['output'],
        );
        const response = await accumulated(events);
        assert.deepEqual(plain(response.output.map(withoutParsed)), plain(whole['output']));
        assert.deepEqual(
          bodies(events).map(({ sequence_number: number }) => number),
          events.map((_, index) => index),
        );
      });
    }
  }

  it('carries another vendor’s reasoning sealed', () => {
    const [thinking, redacted] = outputOf(PARTS['signed reasoning, words and parallel calls'] ?? []);
    assert.deepEqual(thinking, {
      id: 'rs_req_1_0',
      type: 'reasoning',
      summary: [{ type: 'summary_text', text: 'Let me see' }],
      encrypted_content: wrapOpaque(ANTHROPIC_SIGNATURE, 'sig'),
    });
    assert.deepEqual([redacted?.['summary'], redacted?.['encrypted_content']], [[], wrapOpaque(ANTHROPIC_SIGNATURE, 'dark')]);
  });

  it('calls the free-text tool that the client asked for', () => {
    const [call] = outputOf(PARTS['a free-text tool called as a function'] ?? []);
    assert.deepEqual([call?.['type'], call?.['input']], ['custom_tool_call', '*** Begin\n"x" ü']);
  });

  it('gives a picture as base64', () => {
    assert.deepEqual(outputOf(PARTS['a picture'] ?? []).at(-1), {
      id: 'ig_req_1_1',
      type: 'image_generation_call',
      status: 'completed',
      result: 'AAAA',
    });
  });

  it('gives reasoning of its own vendor unwrapped', () => {
    const [item] = outputOf([{ type: 'redacted_thinking', data: 'gAAA', format: OPENAI_SIGNATURE }]);
    assert.equal(item?.['encrypted_content'], 'gAAA');
  });

  it('repeats what was asked for', () => {
    const response = plain(openaiResponsesCodec.encodeResponse(answer([], own('x')), CONTEXT));
    for (const name of ['instructions', 'tools', 'tool_choice', 'temperature', 'text', 'store', 'metadata'])
      assert.deepEqual(response[name], ASKED[name], name);
    assert.deepEqual([response['top_p'], response['max_output_tokens'], response['previous_response_id']], [null, null, null]);
    assert.deepEqual([response['object'], response['created_at'], response['status']], ['response', 1_700_000_000, 'completed']);
  });

  it('has an id that its client can come back to', () => {
    const idOf = (id: string): unknown => plain(openaiResponsesCodec.encodeResponse({ ...answer([], STOP), id }, CONTEXT))['id'];
    assert.deepEqual(['chatcmpl-393', 'msg_01', '', 'resp_68', 'gen-17'].map(idOf), [
      'resp_req_1',
      'resp_req_1',
      'resp_req_1',
      'resp_68',
      'gen-17',
    ]);
  });

  it('says usage in its own words', () => {
    assert.deepEqual(plain(openaiResponsesCodec.encodeResponse(answer([], STOP), CONTEXT))['usage'], {
      input_tokens: 9,
      input_tokens_details: { cached_tokens: 2, cache_write_tokens: 0 },
      output_tokens: 4,
      output_tokens_details: { reasoning_tokens: 1 },
      total_tokens: 13,
    });
  });
});

/** The official client adds what it parsed. */
function withoutParsed(item: OpenAI.Responses.ResponseOutputItem): JsonObject {
  const { parsed_arguments: _arguments, ...rest } = plain(item);
  if (!Array.isArray(rest['content'])) return rest;
  return { ...rest, content: (rest['content'] as readonly JsonObject[]).map(({ parsed: _parsed, ...part }) => part) };
}

describe('a stream that fails', () => {
  const failed = encoded([
    { type: 'start', id: '', model: '' },
    { type: 'part_start', choice: 0, part: 0, head: { type: 'text' } },
    { type: 'error', kind: 'rate_limit', code: null, message: 'Slow down.', cut: false },
  ]);

  it('is refused by the official client', async () => {
    await assert.rejects(accumulated(failed), /Slow down/);
  });

  it('ends in a failed response, without a completed one', () => {
    const last = bodies(failed).at(-1);
    assert.equal(last?.['type'], 'response.failed');
    const response = last['response'] as JsonObject;
    assert.deepEqual([response['status'], response['error']], ['failed', { code: 'rate_limit_exceeded', message: 'Slow down.' }]);
  });

  it('is not completed for the official client when it is cut', async () => {
    const { status } = await accumulated(encoded(streamed([{ type: 'text', text: 'Hello' }], STOP)).slice(0, -1));
    assert.equal(status, 'in_progress');
  });
});
