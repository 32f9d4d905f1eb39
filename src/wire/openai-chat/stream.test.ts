import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CanonicalEvent } from '../../canonical/event.ts';
import { ANTHROPIC_SIGNATURE, GEMINI_SIGNATURE, type Part } from '../../canonical/part.ts';
import type { CanonicalRequest } from '../../canonical/request.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { AnswerContext } from '../protocol.ts';
import { openaiChatCodec } from './codec.ts';

/** Streams to OpenAI clients from answers that OpenAI itself does not give, and from those that copied its protocol. */

const CONTEXT: AnswerContext = { model: 'alias', requestId: 'req_1', created: 1, includeUsage: true };
const START = { type: 'start', id: 'c', model: 'm', created: 1 } as const;
const FINISH = { type: 'finish', choice: 0, finish: { reason: 'stop', raw: 'stop', protocol: 'openai-chat' } } as const;
const END = { type: 'end' } as const;

function encode(events: readonly CanonicalEvent[], context = CONTEXT): readonly JsonObject[] {
  let state = openaiChatCodec.streamEncoder.start(context);
  return events.flatMap((event) => {
    const [next, given] = openaiChatCodec.streamEncoder.step(state, event);
    state = next;
    return given.filter(({ data }) => data !== '[DONE]').map(({ data }) => JSON.parse(data) as JsonObject);
  });
}

function decode(chunks: readonly JsonObject[]): readonly CanonicalEvent[] {
  let state = openaiChatCodec.streamDecoder.start();
  const events: CanonicalEvent[] = [];
  for (const data of [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]']) {
    const [next, given] = openaiChatCodec.streamDecoder.step(state, { data });
    state = next;
    events.push(...given);
  }
  return JSON.parse(JSON.stringify(events)) as readonly CanonicalEvent[];
}

const deltas = (chunks: readonly JsonObject[]): readonly JsonObject[] =>
  chunks.flatMap(({ choices }) => (choices as readonly { readonly delta: JsonObject }[]).map(({ delta }) => delta));
const chunk = (delta: JsonObject, rest: JsonObject = {}): JsonObject => ({
  id: 'c',
  created: 1,
  model: 'm',
  choices: [{ index: 0, delta, finish_reason: null }],
  ...rest,
});
const last = { id: 'c', model: 'm', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };

const whole = (part: number, head: Extract<Part, { type: 'image' | 'audio' | 'redacted_thinking' }>): readonly CanonicalEvent[] => [
  { type: 'part_start', choice: 0, part, head },
  { type: 'part_end', choice: 0, part },
];
const call = (part: number, args: readonly string[], kind: 'function' | 'custom' = 'function'): readonly CanonicalEvent[] => [
  { type: 'part_start', choice: 0, part, head: { type: 'tool_call', id: 'a', name: 'patch', kind } },
  ...args.map((text) => ({ type: 'arguments_delta', choice: 0, part, text }) as const),
  { type: 'part_end', choice: 0, part },
];
const SIGNATURE = { type: 'redacted_thinking', data: 'S', format: GEMINI_SIGNATURE } as const;

describe('streams to a client', () => {
  it('sign a call in both places, and say the same when read again', () => {
    const finish = { ...FINISH, finish: { ...FINISH.finish, reason: 'tool_calls', raw: 'tool_calls' } } as const;
    const events = [START, ...whole(0, SIGNATURE), ...call(1, ['{}']), finish, END];
    const told = encode(events);
    const signed = deltas(told).filter((delta) => delta['reasoning_details'] !== undefined);
    assert.deepEqual(signed, [
      {
        reasoning_details: [{ type: 'reasoning.encrypted', data: 'S', format: GEMINI_SIGNATURE, index: 0, id: 'a' }],
        tool_calls: [
          {
            index: 0,
            id: 'a',
            type: 'function',
            function: { name: 'patch', arguments: '' },
            extra_content: { google: { thought_signature: 'S' } },
          },
        ],
      },
    ]);
    assert.deepEqual(decode(told), events);
  });

  it('come back in their order from a client that lays all details end to end', () => {
    const format = ANTHROPIC_SIGNATURE;
    const thought = (part: number, words: readonly string[]): readonly CanonicalEvent[] => [
      { type: 'part_start', choice: 0, part, head: { type: 'thinking', format } },
      ...words.map((text) => ({ type: 'thinking_delta', choice: 0, part, text }) as const),
      { type: 'signature', choice: 0, part, signature: `${words.join('')}!`, format },
      { type: 'part_end', choice: 0, part },
    ];
    const text = (part: number, words: string): readonly CanonicalEvent[] => [
      { type: 'part_start', choice: 0, part, head: { type: 'text' } },
      { type: 'text_delta', choice: 0, part, text: words },
      { type: 'part_end', choice: 0, part },
    ];
    const told = deltas(
      encode([START, ...thought(0, ['a', 'b']), ...text(1, 'one'), ...thought(2, ['c']), ...text(3, 'two'), FINISH, END]),
    );
    const decoded = openaiChatCodec.decodeRequest({
      model: 'm',
      messages: [
        {
          role: 'assistant',
          content: told.map((delta) => delta['content'] ?? '').join(''),
          reasoning_content: told.map((delta) => delta['reasoning_content'] ?? '').join(''),
          reasoning_details: told.flatMap((delta) => delta['reasoning_details'] ?? []),
        },
      ],
    });
    assert.ok(decoded.ok);
    assert.deepEqual(JSON.parse(JSON.stringify(decoded.value.messages[0]?.parts)), [
      { type: 'thinking', text: 'ab', signature: 'ab!', format },
      { type: 'text', text: 'one' },
      { type: 'thinking', text: 'c', signature: 'c!', format },
      { type: 'text', text: 'two' },
    ]);
  });

  it('say a signature that signs no call where it stood', () => {
    const text: readonly CanonicalEvent[] = [
      { type: 'part_start', choice: 0, part: 0, head: { type: 'text' } },
      { type: 'text_delta', choice: 0, part: 0, text: 'four' },
      { type: 'part_end', choice: 0, part: 0 },
    ];
    for (const end of [[FINISH, END], [END]]) {
      const details = deltas(encode([START, ...text, ...whole(1, SIGNATURE), ...end])).flatMap((delta) => delta['reasoning_details'] ?? []);
      assert.deepEqual(details, [{ type: 'reasoning.encrypted', data: 'S', format: GEMINI_SIGNATURE, index: 1, id: 'part_4_0' }]);
    }
  });

  it('show images and sound', () => {
    const image = { type: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'AAAA' } } as const;
    const audio = { type: 'audio', data: 'AQID', format: 'pcm16' } as const;
    const events = [START, ...whole(0, image), ...whole(1, audio), FINISH, END];
    const told = encode(events);
    assert.deepEqual(deltas(told).slice(1, 3), [
      { images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
      { audio: { data: 'AQID' } },
    ]);
    assert.deepEqual(decode(told), events);
  });

  it('give the calls of a free-text tool back as free text', () => {
    const request = { tools: [{ type: 'custom', name: 'patch' }] } as unknown as CanonicalRequest;
    const input = (context: AnswerContext, args: readonly string[], kind: 'function' | 'custom' = 'function'): unknown => {
      const calls = deltas(encode([START, ...call(0, args, kind), FINISH, END], context)).flatMap(
        (delta) =>
          (delta['tool_calls'] ?? []) as readonly { type?: string; custom?: { input: string }; function?: { arguments: string } }[],
      );
      return [calls[0]?.type, calls.map((piece) => piece.custom?.input ?? piece.function?.arguments).join('')];
    };
    const asked = { ...CONTEXT, request };
    assert.deepEqual(input(asked, ['{"inp', 'ut":"a\\', 'n\\u00', 'e9b"}']), ['custom', 'a\néb']);
    assert.deepEqual(input(asked, ['no', ' JSON']), ['custom', 'no JSON']);
    assert.deepEqual(input(asked, ['plain'], 'custom'), ['custom', 'plain']);
    assert.deepEqual(input(CONTEXT, ['{"input":', '"a"}']), ['function', '{"input":"a"}']);
  });

  it('cite in the order in which it was cited', () => {
    const citation = (url: string) =>
      ({ type: 'citation', choice: 0, part: 0, citation: { url, protocol: 'gemini', native: {} } }) as const;
    const told = encode([
      START,
      { type: 'part_start', choice: 0, part: 0, head: { type: 'text' } },
      { type: 'text_delta', choice: 0, part: 0, text: 'four' },
      citation('https://a.example'),
      citation('https://b.example'),
      { type: 'part_end', choice: 0, part: 0 },
      FINISH,
      END,
    ]);
    const annotations = deltas(told).flatMap((delta) => (delta['annotations'] ?? []) as readonly { url_citation: JsonObject }[]);
    assert.deepEqual(
      annotations.map(({ url_citation: { url, end_index: end } }): Json[] => [url ?? null, end ?? null]),
      [
        ['https://a.example', 4],
        ['https://b.example', 4],
      ],
    );
  });
});

describe('streams of providers', () => {
  it('name Perplexity’s sources once, on the text', () => {
    const sources = { search_results: [{ title: 'A', url: 'https://a.example' }] };
    const events = decode([chunk({ content: 'x' }, sources), chunk({ content: 'y' }, sources), { ...last, ...sources }]);
    assert.deepEqual(
      events.map(({ type }) => type),
      ['start', 'part_start', 'text_delta', 'text_delta', 'citation', 'part_end', 'finish', 'end'],
    );
    assert.deepEqual(decode(encode(events)), events);
  });

  it('divide sound from what is said of it', () => {
    const events = decode([chunk({ audio: { id: 'a', transcript: 'hi', data: 'AQID' } }), chunk({ audio: { data: 'BAUG' } }), last]);
    assert.deepEqual(
      events.flatMap((event) => (event.type === 'part_start' ? [event.head.type] : [])),
      ['other', 'audio', 'audio'],
    );
    assert.deepEqual(decode(encode(events)), events);
  });

  it('sign a text before it', () => {
    const signed = chunk({ content: 'x', extra_content: { google: { thought_signature: 'S' } } });
    const heads = decode([signed, signed, last]).flatMap((event) => (event.type === 'part_start' ? [event.head] : []));
    assert.deepEqual(heads, [SIGNATURE, { type: 'text' }]);
  });

  it('that call by turns with several choices keep them apart', () => {
    const of = (index: number, content: string): JsonObject => ({
      id: 'c',
      created: 1,
      model: 'm',
      choices: [{ index, delta: { content } }],
    });
    const ends = { id: 'c', model: 'm', choices: [0, 1].map((index) => ({ index, delta: {}, finish_reason: 'stop' })) };
    const events = decode([of(0, 'a'), of(1, 'b'), of(0, 'c'), ends]);
    const text = (choice: number): string =>
      events.map((event) => (event.type === 'text_delta' && event.choice === choice ? event.text : '')).join('');
    assert.deepEqual([text(0), text(1)], ['ac', 'b']);
    assert.deepEqual(decode(encode(events)), events);
  });
});
