import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CanonicalEvent } from '../../canonical/event.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Part } from '../../canonical/part.ts';
import { unwrapOpaque, wrapOpaque } from '../opaque.ts';
import type { AnswerContext, SseEvent } from '../protocol.ts';
import { bedrockConverseCodec } from './codec.ts';
import { bedrockErrors } from './errors.ts';
import { bedrockConversePassThrough } from './pass-through.ts';

/** What Converse's answers and streams say beyond the recorded ones. */

const CONTEXT: AnswerContext = { model: 'alias', requestId: 'req_1', created: 1, includeUsage: true };
const { streamDecoder, streamEncoder } = bedrockConverseCodec;

function decode(events: readonly SseEvent[]): readonly CanonicalEvent[] {
  let state = streamDecoder.start();
  const decoded = events.flatMap((event) => {
    const [next, given] = streamDecoder.step(state, event);
    state = next;
    return given;
  });
  return [...decoded, ...streamDecoder.finish(state)];
}

function encode(events: readonly CanonicalEvent[]): readonly SseEvent[] {
  let state = streamEncoder.start(CONTEXT);
  return events.flatMap((event) => {
    const [next, given] = streamEncoder.step(state, event);
    state = next;
    return given;
  });
}

const event = (name: string, body: JsonObject): SseEvent => ({ event: name, data: JSON.stringify({ ...body, p: 'abc' }) });
const START = event('messageStart', { role: 'assistant' });
const delta = (contentBlockIndex: number, words: JsonObject): SseEvent => event('contentBlockDelta', { contentBlockIndex, delta: words });
const begin = (contentBlockIndex: number, start: JsonObject): SseEvent => event('contentBlockStart', { contentBlockIndex, start });
const stop = (contentBlockIndex: number): SseEvent => event('contentBlockStop', { contentBlockIndex });
const stopped = (stopReason: string): SseEvent => event('messageStop', { stopReason });
const METADATA = event('metadata', {
  usage: { inputTokens: 3, outputTokens: 2, totalTokens: 9, cacheReadInputTokens: 4 },
  metrics: { latencyMs: 1 },
});
const types = (events: readonly CanonicalEvent[]): readonly string[] => events.map(({ type }) => type);

describe('streams of Converse', () => {
  it('are whole after messageStop, with their figures behind it', () => {
    const events = decode([START, delta(0, { text: 'a' }), stop(0), stopped('end_turn'), METADATA]);
    assert.deepEqual(types(events), ['start', 'part_start', 'text_delta', 'part_end', 'finish', 'usage', 'end']);
    const usage = events.find((given) => given.type === 'usage');
    assert.ok(usage?.type === 'usage');
    assert.deepEqual([usage.usage.input, usage.usage.cachedInput, usage.usage.output], [7, 4, 2]);
  });

  it('are whole without figures, and cut without messageStop', () => {
    assert.equal(decode([START, stopped('end_turn')]).at(-1)?.type, 'end');
    for (const events of [[], [START], [START, delta(0, { text: 'a' }), stop(0)], [START, METADATA]]) {
      const last = decode(events).at(-1);
      assert.ok(last?.type === 'error' && last.cut);
    }
  });

  it('end in an error at an exception, and say nothing after it', () => {
    const failed = { event: 'exception:throttlingException', data: '{"message":"slow down"}' };
    const events = decode([START, delta(0, { text: 'a' }), failed, stopped('end_turn'), METADATA]);
    assert.deepEqual(events.at(-1), { type: 'error', kind: 'rate_limit', code: 'throttlingException', message: 'slow down', cut: false });
    for (const name of ['exception:brandNewException', 'error:InternalError'])
      assert.equal(decode([START, { event: name, data: '{}' }]).at(-1)?.type, 'error');
  });

  it('begin a text or a reasoning with its first piece, and another where the pieces change kind or block', () => {
    const events = decode([
      START,
      delta(0, { reasoningContent: { text: 'so' } }),
      delta(0, { reasoningContent: { signature: 'SIG' } }),
      delta(0, { text: 'a' }),
      delta(1, { text: 'b' }),
      stopped('end_turn'),
    ]);
    assert.deepEqual(types(events), [
      'start',
      'part_start',
      'thinking_delta',
      'signature',
      'part_end',
      'part_start',
      'text_delta',
      'part_end',
      'part_start',
      'text_delta',
      'part_end',
      'finish',
      'end',
    ]);
  });

  it('refuse a piece of a tool call that was not begun, a second beginning, and what is no JSON', () => {
    for (const wrong of [delta(0, { toolUse: { input: '{}' } }), START, { event: 'contentBlockDelta', data: '{"delta":' }])
      assert.equal(decode([START, wrong, stopped('end_turn')]).at(-1)?.type, 'error');
  });

  it('pass over events that they do not know', () => {
    assert.deepEqual(types(decode([START, event('brandNew', {}), { data: '{}' }, stopped('end_turn')])), ['start', 'finish', 'end']);
  });

  it('keep the tools that Bedrock runs itself whole, so that no client is asked to answer them', () => {
    const call = { toolUse: { toolUseId: 'i', name: 'nova_code_interpreter', type: 'server_tool_use' } };
    const given = [START, begin(0, call), delta(0, { toolUse: { input: '{}' } }), stop(0), stopped('end_turn'), METADATA];
    const events = decode(given);
    assert.deepEqual(types(events).slice(1, 4), ['part_start', 'other_delta', 'part_end']);
    assert.deepEqual(decode(encode(events)), events);
  });

  it('carry images and redacted reasoning whole', () => {
    const events = decode([
      START,
      delta(0, { reasoningContent: { redactedContent: 'QUJD' } }),
      stop(0),
      begin(1, { image: { format: 'png' } }),
      delta(1, { image: { source: { bytes: 'AAAA' } } }),
      stop(1),
      stopped('end_turn'),
      METADATA,
    ]);
    const heads = events.flatMap((given) => (given.type === 'part_start' ? [given.head] : []));
    assert.deepEqual(heads, [
      { type: 'redacted_thinking', data: 'QUJD', format: 'anthropic-claude-v1' },
      { type: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'AAAA' } },
    ]);
    assert.deepEqual(decode(encode(events)), events);
  });

  it('tell which stop sequence was met, if the client asked for it', () => {
    const met = event('messageStop', { stopReason: 'stop_sequence', additionalModelResponseFields: { delta: { stop_sequence: 'END' } } });
    const events = decode([START, met, METADATA]);
    const finish = events.find((given) => given.type === 'finish');
    assert.equal(finish?.type === 'finish' && finish.finish.stopSequence, 'END');
    assert.deepEqual(decode(encode(events)), events);
  });
});

describe('what a client of Converse is told', () => {
  const head = { type: 'start', id: 'x', model: 'y' } as const;
  const part = (index: number, ...events: readonly CanonicalEvent[]): readonly CanonicalEvent[] => [
    ...events,
    { type: 'part_end', choice: 0, part: index },
  ];
  const bodies = (events: readonly CanonicalEvent[]): readonly JsonObject[] =>
    encode(events).map(({ data }) => JSON.parse(data) as JsonObject);

  it('{} for a call without arguments, and free text as one string', () => {
    const call = (kind: 'function' | 'custom', ...texts: readonly string[]): readonly CanonicalEvent[] =>
      part(
        0,
        { type: 'part_start', choice: 0, part: 0, head: { type: 'tool_call', id: 'i', name: 'f', kind } },
        ...texts.map((text) => ({ type: 'arguments_delta', choice: 0, part: 0, text }) as const),
      );
    const input = (events: readonly CanonicalEvent[]): unknown => {
      const pieces = bodies([head, ...events]).map((body) => body['delta'] as { toolUse?: { input: string } } | undefined);
      return JSON.parse(pieces.map((piece) => piece?.toolUse?.input ?? '').join(''));
    };
    assert.deepEqual(input(call('function')), {});
    assert.deepEqual(input(call('function', '{"a":', '1}')), { a: 1 });
    assert.deepEqual(input(call('custom', 'say "x"', '\n')), { input: 'say "x"\n' });
    assert.deepEqual(input(call('custom')), { input: '' });
  });

  it('no block for a part that says nothing or has no place here', () => {
    const empty = part(0, { type: 'part_start', choice: 0, part: 0, head: { type: 'text' } });
    const foreign = part(1, { type: 'part_start', choice: 0, part: 1, head: { type: 'other', protocol: 'gemini', value: {} } });
    const text = part(
      2,
      { type: 'part_start', choice: 0, part: 2, head: { type: 'text' } },
      { type: 'text_delta', choice: 0, part: 2, text: 'a' },
    );
    assert.deepEqual(bodies([head, ...empty, ...foreign, ...text]).slice(1), [
      { contentBlockIndex: 0, delta: { text: 'a' } },
      { contentBlockIndex: 0 },
    ]);
  });

  it('a failure as an exception, never as an end', () => {
    const told = encode([head, { type: 'error', kind: 'rate_limit', code: null, message: 'busy', cut: false }]);
    assert.deepEqual(told.at(-1), { event: 'exception:throttlingException', data: '{"message":"busy"}' });
    assert.ok(!told.some(({ event: name }) => name === 'messageStop'));
  });

  it('another vendor’s signatures unread, in its own opaque fields, which come back as they were', () => {
    const parts: readonly Part[] = [
      { type: 'thinking', text: 'so', signature: 'SIG', format: 'google-gemini-v1' },
      { type: 'redacted_thinking', data: 'DATA', format: 'openai-responses-v1' },
    ];
    const finish = { reason: 'stop', raw: 'STOP', protocol: 'gemini' } as const;
    const body = bedrockConverseCodec.encodeResponse({ id: '', model: '', choices: [{ index: 0, parts, finish }] }, CONTEXT);
    const content = (body['output'] as { message: { content: readonly { reasoningContent: JsonObject }[] } }).message.content;
    const signature = (content[0]?.reasoningContent['reasoningText'] as JsonObject | undefined)?.['signature'];
    assert.deepEqual(unwrapOpaque(String(signature)), { format: 'google-gemini-v1', data: 'SIG' });
    const blob = Buffer.from(String(content[1]?.reasoningContent['redactedContent']), 'base64').toString('utf8');
    assert.equal(blob, wrapOpaque('openai-responses-v1', 'DATA'));
    const decoded = bedrockConverseCodec.decodeRequest({ messages: [{ role: 'assistant', content }] });
    assert.ok(decoded.ok);
    assert.deepEqual(
      decoded.value.messages[0]?.parts.map((each) => ({ ...each, extensions: undefined })),
      parts.map((each) => ({ ...each, extensions: undefined })),
    );
  });
});

describe('blocks of Converse', () => {
  const decoded = (content: readonly JsonObject[]): readonly Part[] => {
    const request = bedrockConverseCodec.decodeRequest({ messages: [{ role: 'user', content }] });
    assert.ok(request.ok, JSON.stringify(request));
    const { body } = bedrockConverseCodec.encodeRequest(request.value, { model: 'm', defaultMaxTokens: 1 });
    assert.deepEqual(JSON.parse(JSON.stringify(body)), { messages: [{ role: 'user', content }] });
    return request.value.messages[0]?.parts ?? [];
  };
  const kinds = (content: readonly JsonObject[]): readonly string[] => decoded(content).map(({ type }) => type);
  const POINT = { cachePoint: { type: 'default' } };

  it('of every kind come back as they were', () => {
    const place = { uri: 's3://bucket/x', bucketOwner: '123456789012' };
    const search = { source: 'https://a.example', title: 'A', content: [{ text: 'found' }], citations: { enabled: true } };
    const content = [
      { text: 'a' },
      { image: { format: 'png', source: { s3Location: place } } },
      { document: { name: 'd', source: { content: [{ text: 'x' }] } } },
      { document: { format: 'md', name: 'd', source: { text: 'x' }, context: 'c', citations: { enabled: true } } },
      { video: { format: 'three_gp', source: { bytes: 'AAAA' } } },
      { audio: { format: 'mp3', source: { bytes: 'AAAA' } } },
      { audio: { format: 'mp3', source: { s3Location: place } } },
      { guardContent: { text: { text: 'look', qualifiers: ['query'] } } },
      { guardContent: { image: { format: 'png', source: { bytes: 'AAAA' } } } },
      { searchResult: search },
      { toolResult: { toolUseId: 'i', content: [{ json: { a: 1 } }, { searchResult: search }], status: 'success' } },
      { toolResult: { toolUseId: 'i', content: [], type: 'nova_code_interpreter_result' } },
      { toolUse: { toolUseId: 'i', name: 'n', input: {}, type: 'server_tool_use' } },
      { reasoningContent: { redactedContent: 'QUJD' } },
      { toolAddition: { tool: { name: 't' } } },
      { brandNew: { x: 1 } },
    ];
    assert.deepEqual(kinds(content), [
      'text',
      'image',
      'other',
      'file',
      'video',
      'audio',
      'other',
      'text',
      'other',
      'text',
      'tool_result',
      'other',
      'other',
      'redacted_thinking',
      'other',
      'other',
    ]);
  });

  it('are marked by the cache point behind them; one that marks nothing, or the same again, stays', () => {
    assert.deepEqual(kinds([POINT, { text: 'a' }, POINT, POINT]), ['other', 'text', 'other']);
    const [text] = decoded([{ text: 'a' }, { cachePoint: { type: 'default', ttl: '1h' } }]);
    assert.ok(text?.type === 'text');
    assert.deepEqual(text.cache, { ttl: 3600 });
  });

  it('named like members of every object are blocks that nobody knows', () => {
    const content = JSON.parse('[{"__proto__":{"x":1}},{"constructor":{}},{"toString":1}]') as readonly JsonObject[];
    const request = bedrockConverseCodec.decodeRequest({ messages: [{ role: 'user', content }] });
    assert.ok(request.ok);
    assert.deepEqual(
      request.value.messages[0]?.parts.map(({ type }) => type),
      ['other', 'other', 'other'],
    );
  });
});

describe('errors of Bedrock', () => {
  it('are told by their status, and by their name where it is said', () => {
    const read = (status: number, body: JsonObject | undefined): readonly unknown[] => {
      const { kind, code, message } = bedrockErrors.decodeError(status, body);
      return [kind, code, message];
    };
    assert.deepEqual(read(400, { message: 'no' }), ['invalid_request', null, 'no']);
    assert.deepEqual(read(403, { Message: 'no' }), ['permission', null, 'no']);
    assert.deepEqual(read(403, { __type: 'com.amazon.coral.service#ExpiredTokenException:http://x', message: 'old' }), [
      'authentication',
      'ExpiredTokenException',
      'old',
    ]);
    assert.deepEqual(read(424, { __type: 'ModelErrorException', message: 'x' }), ['upstream', 'ModelErrorException', 'x']);
    assert.deepEqual(read(500, undefined), ['upstream', null, 'The provider answered with status 500.']);
  });

  it('say their name', () => {
    const error = { status: 429, kind: 'rate_limit', code: null, message: 'slow', param: null } as const;
    assert.deepEqual(bedrockErrors.encodeError(error, 'req_1'), { message: 'slow', __type: 'ThrottlingException' });
  });
});

describe('streams of Converse that pass', () => {
  const read = (given: SseEvent): unknown => bedrockConversePassThrough.readEvent(given);

  it('are finished by messageStop; their figures, and failures, are read', () => {
    assert.deepEqual(read(stopped('end_turn')), { finished: true });
    assert.equal((read(METADATA) as { usage: { input: number } }).usage.input, 7);
    assert.deepEqual(read({ event: 'exception:validationException', data: '{"message":"no"}' }), { error: 'no' });
    assert.deepEqual(read(delta(0, { text: 'metadata' })), {});
  });

  it('are parsed only where it may matter', () => {
    const matters = (given: SseEvent): boolean =>
      bedrockConversePassThrough.mayMatter(Buffer.from(`event: ${given.event}\ndata: ${given.data}\n\n`));
    assert.deepEqual([stopped('x'), METADATA, { event: 'exception:x', data: '{}' }, delta(0, { text: 'a' })].map(matters), [
      true,
      true,
      true,
      false,
    ]);
  });
});
