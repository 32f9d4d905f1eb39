import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GoogleGenAI } from '@google/genai';
import { listCases, readAnswer } from '../../../test/replay/cases.ts';
import type { JsonObject } from '../../core/json.ts';
import type { CanonicalEvent } from '../../canonical/event.ts';
import { ANTHROPIC_SIGNATURE, GEMINI_SIGNATURE, type Part } from '../../canonical/part.ts';
import type { CanonicalResponse } from '../../canonical/response.ts';
import { NO_USAGE } from '../../core/usage.ts';
import type { SseEvent } from '../protocol.ts';
import { geminiCodec } from './codec.ts';
import { geminiErrors } from './errors.ts';
import { geminiPassThrough } from './pass-through.ts';
import { geminiUsage } from './usage.ts';

const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const CONTEXT = { model: 'asked-for', requestId: 'req_1', created: 1, includeUsage: true };

function streamed(chunks: readonly JsonObject[]): readonly CanonicalEvent[] {
  const { streamDecoder } = geminiCodec;
  let state = streamDecoder.start();
  const events: CanonicalEvent[] = [];
  for (const chunk of chunks) {
    const [next, given] = streamDecoder.step(state, { data: JSON.stringify(chunk) });
    state = next;
    events.push(...given);
  }
  return [...events, ...streamDecoder.finish(state)];
}

function encoded(events: readonly CanonicalEvent[]): readonly JsonObject[] {
  const { streamEncoder } = geminiCodec;
  let state = streamEncoder.start(CONTEXT);
  const given: SseEvent[] = [];
  for (const event of events) {
    const [next, said] = streamEncoder.step(state, event);
    state = next;
    given.push(...said);
  }
  return given.map(({ data }) => JSON.parse(data) as JsonObject);
}

const chunk = (parts: readonly JsonObject[], more: JsonObject = {}): JsonObject => ({
  candidates: [{ content: { parts, role: 'model' }, ...more }],
  responseId: 'r1',
  modelVersion: 'gemini',
});

const answered = (body: JsonObject): CanonicalResponse => {
  const result = geminiCodec.decodeResponse(body);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
};

const texts = (events: readonly CanonicalEvent[]): readonly string[] =>
  events.map((event) => ('text' in event ? `${event.type} ${event.text}` : event.type));
const START: CanonicalEvent = { type: 'start', id: 'r1', model: 'm' };
const END: readonly CanonicalEvent[] = [
  { type: 'finish', choice: 0, finish: { reason: 'stop', raw: 'end_turn', protocol: 'anthropic-messages' } },
  { type: 'end' },
];

describe('a stream', () => {
  it('gives parts in order, each signature before what it signs', () => {
    const events = streamed([
      chunk([{ text: 'hm', thought: true }]),
      chunk([{ text: 'Hel' }]),
      chunk([{ text: 'lo' }, { functionCall: { name: 'f', args: { a: 1 } }, thoughtSignature: 'S' }]),
      chunk([{ text: '', thoughtSignature: 'T' }], { finishReason: 'STOP' }),
    ]);
    assert.deepEqual(texts(events), [
      'start',
      'part_start',
      'thinking_delta hm',
      'part_end',
      'part_start',
      'text_delta Hel',
      'text_delta lo',
      'part_end',
      'part_start',
      'part_end',
      'part_start',
      'arguments_delta {"a":1}',
      'part_end',
      'part_start',
      'part_end',
      'finish',
      'end',
    ]);
    const heads = events.flatMap((event) => (event.type === 'part_start' ? [event.head] : []));
    assert.deepEqual(heads, [
      { type: 'thinking' },
      { type: 'text' },
      { type: 'redacted_thinking', data: 'S', format: GEMINI_SIGNATURE },
      { type: 'tool_call', id: 'call_gm_r1_1', name: 'f', kind: 'function' },
      { type: 'redacted_thinking', data: 'T', format: GEMINI_SIGNATURE },
    ]);
    assert.deepEqual(events.at(-2), { type: 'finish', choice: 0, finish: { reason: 'tool_calls', raw: 'STOP', protocol: 'gemini' } });
  });

  it('puts arguments that come in pieces together', () => {
    const piece = (jsonPath: string, value: JsonObject): JsonObject => ({
      functionCall: { partialArgs: [{ jsonPath, ...value }], willContinue: true },
    });
    const events = streamed([
      chunk([{ functionCall: { name: 'f', willContinue: true } }]),
      chunk([piece('$.city', { stringValue: 'New ', willContinue: true })]),
      chunk([piece('$.city', { stringValue: 'York' })]),
      chunk([
        piece('$.stops[1].name', { stringValue: 'b' }),
        piece('$.stops[0].name', { stringValue: 'a' }),
        piece('$.n', { numberValue: 2 }),
      ]),
      chunk([piece('$.__proto__', { boolValue: true }), piece("$['x y']", { nullValue: 'NULL_VALUE' })]),
      chunk([{ functionCall: {} }], { finishReason: 'STOP' }),
    ]);
    const args = events.find((event) => event.type === 'arguments_delta');
    assert.equal(
      args?.type === 'arguments_delta' && args.text,
      '{"city":"New York","stops":[{"name":"a"},{"name":"b"}],"n":2,"__proto__":true,"x y":null}',
    );
  });

  it('of several candidates is whole when all have said why they stopped', () => {
    const two = (first: JsonObject, second: JsonObject): JsonObject => ({
      candidates: [
        { content: { parts: [{ text: 'a' }] }, ...first },
        { content: { parts: [{ text: 'b' }] }, index: 1, ...second },
      ],
    });
    assert.deepEqual(streamed([two({ finishReason: 'STOP' }, {})]).at(-1)?.type, 'error');
    const whole = streamed([two({ finishReason: 'STOP' }, { finishReason: 'MAX_TOKENS' })]);
    assert.deepEqual(whole.at(-1), { type: 'end' });
    assert.deepEqual(texts(streamed(encoded(whole))), texts(whole));
  });

  it('whose question was blocked ends at once, and says so again', () => {
    const events = streamed([{ promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: { promptTokenCount: 4, totalTokenCount: 4 } }]);
    assert.deepEqual(texts(events), ['start', 'usage', 'finish', 'end']);
    assert.equal(events[2]?.type === 'finish' && events[2].finish.reason, 'content_filter');
    assert.deepEqual(encoded(events).at(-1)?.['promptFeedback'], { blockReason: 'SAFETY' });
  });

  it('ends in its error, and after one nothing counts', () => {
    const events = streamed([
      chunk([{ text: 'a' }]),
      { error: { code: 503, message: 'Overloaded.', status: 'UNAVAILABLE' } },
      chunk([], { finishReason: 'STOP' }),
    ]);
    assert.deepEqual(events.at(-1), { type: 'error', kind: 'unavailable', code: 'UNAVAILABLE', message: 'Overloaded.', cut: false });
    assert.deepEqual(
      streamed([{ candidates: [{ content: { parts: [{ text: 7 }] } }] }]).map(({ type }) => type),
      ['error'],
    );
  });

  it('as a JSON array means what it means as events', () => {
    const entry = listCases().find(({ protocol, framing }) => protocol === 'gemini' && framing === 'json-array');
    assert.ok(entry);
    const chunks = JSON.parse(readAnswer(entry.case).body.toString('utf8')) as readonly JsonObject[];
    const events = streamed(chunks);
    assert.deepEqual(events.at(-1), { type: 'end' });
    assert.deepEqual(texts(streamed(encoded(events))), texts(events));
  });
});

describe('another vendor’s answer for a Gemini client', () => {
  const signed: readonly Part[] = [
    { type: 'thinking', text: 'hm', signature: 'sig.1', format: ANTHROPIC_SIGNATURE },
    { type: 'redacted_thinking', data: 'sealed', format: ANTHROPIC_SIGNATURE },
    { type: 'tool_call', id: 'toolu_1', name: 'f', arguments: '{"a":1}', kind: 'function' },
  ];

  it('carries signatures in base64 through the client and back', () => {
    const response = { id: 'r', model: 'claude', choices: [{ index: 0, parts: signed }] };
    const [candidate] = plain(geminiCodec.encodeResponse(response))['candidates'] as readonly { content: JsonObject }[];
    const parts = candidate?.content['parts'] as readonly JsonObject[];
    for (const { thoughtSignature } of parts)
      if (thoughtSignature !== undefined) assert.match(String(thoughtSignature), /^[A-Za-z0-9+/]+=*$/);
    const next = geminiCodec.decodeRequest({ contents: [{ role: 'user', parts: [{ text: 'hi' }] }, candidate?.content ?? {}] });
    assert.ok(next.ok);
    assert.deepEqual(plain(next.value.messages[1]?.parts), plain(signed));
  });

  it('streams them so as well, and whole calls', () => {
    const chunks = encoded([
      START,
      { type: 'part_start', choice: 0, part: 0, head: { type: 'thinking', format: ANTHROPIC_SIGNATURE } },
      { type: 'thinking_delta', choice: 0, part: 0, text: 'hm' },
      { type: 'signature', choice: 0, part: 0, signature: 'sig.1', format: ANTHROPIC_SIGNATURE },
      { type: 'part_end', choice: 0, part: 0 },
      { type: 'part_start', choice: 0, part: 1, head: { type: 'redacted_thinking', data: 'sealed', format: ANTHROPIC_SIGNATURE } },
      { type: 'part_end', choice: 0, part: 1 },
      { type: 'part_start', choice: 0, part: 2, head: { type: 'tool_call', id: 'toolu_1', name: 'f', kind: 'function' } },
      { type: 'arguments_delta', choice: 0, part: 2, text: '{"a"' },
      { type: 'arguments_delta', choice: 0, part: 2, text: ':1}' },
      { type: 'part_end', choice: 0, part: 2 },
      { type: 'usage', usage: { ...NO_USAGE, input: 5, output: 7, reasoning: 3, cachedInput: 2 } },
      ...END,
    ]);
    const parts = chunks.flatMap(({ candidates }) =>
      (candidates as readonly JsonObject[]).flatMap(({ content }) => ((content ?? {}) as JsonObject)['parts'] ?? []),
    );
    assert.equal(parts.length, 3);
    const heads = streamed(chunks).flatMap((event) => (event.type === 'part_start' ? [event.head] : []));
    assert.deepEqual(heads.slice(1), [
      { type: 'redacted_thinking', data: 'sealed', format: ANTHROPIC_SIGNATURE },
      { type: 'tool_call', id: 'toolu_1', name: 'f', kind: 'function' },
    ]);
    assert.deepEqual(plain(chunks.at(-1)?.['usageMetadata']), {
      promptTokenCount: 5,
      candidatesTokenCount: 4,
      totalTokenCount: 12,
      cachedContentTokenCount: 2,
      thoughtsTokenCount: 3,
    });
    assert.deepEqual(
      chunks.slice(0, -1).map(({ usageMetadata }) => usageMetadata),
      [undefined, undefined, undefined],
    );
  });
});

describe('citations', () => {
  const text = 'Größe: 🌍 rund.';
  const bytes = (words: string): number => Buffer.byteLength(words);
  const groundingMetadata = {
    groundingChunks: [{ web: { uri: 'https://a.example', title: 'A' } }, { web: { uri: 'https://b.example' } }],
    groundingSupports: [
      { segment: { startIndex: bytes('Größe: '), endIndex: bytes('Größe: 🌍'), text: '🌍' }, groundingChunkIndices: [0, 1] },
      { segment: { startIndex: 999, endIndex: 1003, text: 'rund' }, groundingChunkIndices: [1, 7] },
    ],
  };
  const places = [
    ['https://a.example', '🌍'],
    ['https://b.example', '🌍'],
    ['https://b.example', 'rund'],
  ];

  it('are placed by bytes of UTF-8, and by their words where the bytes are wrong', () => {
    const [choice] = answered(chunk([{ text }], { groundingMetadata })).choices;
    const part = choice?.parts[0];
    assert.ok(part?.type === 'text');
    assert.deepEqual(
      part.citations?.map(({ url, start, end }) => [url, text.slice(start, end)]),
      places,
    );
  });

  it('are in the same places in a stream, before the text ends', () => {
    const events = streamed([
      chunk([{ text: text.slice(0, 4) }]),
      chunk([{ text: text.slice(4) }]),
      chunk([{ text: '', thoughtSignature: 'S' }], { groundingMetadata, finishReason: 'STOP' }),
    ]);
    const cited = events.flatMap((event) => (event.type === 'citation' ? [event] : []));
    assert.deepEqual(
      cited.map(({ part, citation: { url, start, end } }) => [part, url, text.slice(start, end)]),
      places.map((place) => [0, ...place]),
    );
  });

  it('of another protocol are counted in bytes again', () => {
    const citation = { url: 'https://a.example', title: 'A', start: 7, end: 9, protocol: 'openai-chat', native: {} };
    const parts: readonly Part[] = [{ type: 'text', text, citations: [citation, { protocol: 'anthropic-messages', native: {} }] }];
    const body = plain(geminiCodec.encodeResponse({ id: '', model: '', choices: [{ index: 0, parts }] }));
    const [candidate] = body['candidates'] as readonly JsonObject[];
    assert.deepEqual(candidate?.['groundingMetadata'], {
      groundingChunks: [{ web: { uri: 'https://a.example', title: 'A' } }],
      groundingSupports: [{ segment: { startIndex: 9, endIndex: 13, text: '🌍' }, groundingChunkIndices: [0] }],
    });
    const streamedParts = encoded([
      START,
      { type: 'part_start', choice: 0, part: 0, head: { type: 'text' } },
      { type: 'citation', choice: 0, part: 0, citation: { ...citation, start: undefined, end: undefined } },
      { type: 'text_delta', choice: 0, part: 0, text },
      { type: 'part_end', choice: 0, part: 0 },
      ...END,
    ]);
    const [last] = (streamedParts.at(-1)?.['candidates'] ?? []) as readonly {
      groundingMetadata: { groundingSupports: readonly { segment: JsonObject }[] };
    }[];
    assert.deepEqual(last?.groundingMetadata.groundingSupports[0]?.segment, { startIndex: 0, endIndex: bytes(text), text });
  });
});

describe('usage', () => {
  it('adds reasoning and what tools read, and knows sound', () => {
    const usage = geminiUsage({
      promptTokenCount: 10,
      toolUsePromptTokenCount: 5,
      candidatesTokenCount: 3,
      thoughtsTokenCount: 4,
      cachedContentTokenCount: 8,
      totalTokenCount: 22,
      promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 6 }],
      candidatesTokensDetails: [{ modality: 'AUDIO', tokenCount: 2 }],
    });
    assert.deepEqual(usage, { ...NO_USAGE, input: 15, output: 7, cachedInput: 8, reasoning: 4, inputAudio: 6, outputAudio: 2 });
  });

  it('takes a prompt that is only in the total from there, and no figures for none', () => {
    assert.deepEqual(geminiUsage({ candidatesTokenCount: 1, thoughtsTokenCount: 104, totalTokenCount: 680 })?.input, 575);
    assert.equal(geminiUsage({ trafficType: 'ON_DEMAND' }), undefined);
    assert.equal(geminiUsage({ promptTokenCount: -5, totalTokenCount: 1e300 })?.input, 0);
  });

  it('is read while bytes pass', () => {
    const data = JSON.stringify({
      candidates: [{ finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2 },
    });
    assert.ok(geminiPassThrough.mayMatter(Buffer.from(data)));
    assert.deepEqual(geminiPassThrough.readEvent({ data }), { usage: { ...NO_USAGE, input: 1, output: 2 }, finished: true });
    assert.equal(geminiPassThrough.mayMatter(Buffer.from('{"candidates":[{"content":{}}]}')), false);
    assert.deepEqual(geminiPassThrough.readEvent({ data: 'x' }), {});
  });
});

describe('errors', () => {
  const failures = listCases().filter(({ protocol, status }) => protocol === 'gemini' && status >= 400);

  it('are there', () => assert.ok(failures.length >= 15));
  for (const entry of failures) {
    it(`${entry.status} ${entry.case}`, () => {
      const text = readAnswer(entry.case).body.toString('utf8');
      const body = JSON.parse(text) as { error: { message: string } };
      const error = geminiErrors.decodeError(entry.status, body);
      assert.equal(error.message, body.error.message);
      const key = /API_KEY_INVALID|CREDENTIALS_MISSING/.test(text);
      const kinds: Readonly<Record<number, string>> = { 400: 'invalid_request', 403: 'permission', 404: 'not_found', 429: 'rate_limit' };
      assert.equal(error.kind, key ? 'authentication' : kinds[entry.status]);
    });
  }

  it('are read by Google’s client, in an answer and in a stream', async () => {
    const error = { status: 429, kind: 'rate_limit', code: 'too_many', message: 'Slow down.', param: 'contents' } as const;
    const client = (response: Response): GoogleGenAI =>
      new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl: 'http://gateway.test', fetch: async () => response } });
    const ask = { model: 'm', contents: 'hi' };
    const json = { 'content-type': 'application/json' };
    const refused = new Response(JSON.stringify(geminiErrors.encodeError(error, 'req_1')), { status: 429, headers: json });
    await assert.rejects(client(refused).models.generateContent(ask), {
      name: 'ApiError',
      status: 429,
      message: /Slow down\..*RESOURCE_EXHAUSTED/s,
    });
    const events = geminiErrors.encodeStreamError({ ...error, status: 200 }, 'req_1').map(({ data }) => `data: ${data}\n\n`);
    const broken = new Response(events.join(''), { headers: { 'content-type': 'text/event-stream' } });
    await assert.rejects(
      async () => {
        for await (const answer of await client(broken).models.generateContentStream(ask)) assert.fail(answer.text);
      },
      { name: 'ApiError', status: 502 },
    );
  });
});
