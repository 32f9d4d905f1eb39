import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CanonicalEvent } from '../../canonical/event.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { openaiChatCodec } from '../openai-chat/codec.ts';
import type { Encoded } from '../protocol.ts';
import { mistralChatCodec } from './codec.ts';

/** What Mistral is asked where an OpenAI client asks this. */
function asked(body: JsonObject, model = 'mistral-large-latest'): Encoded {
  const decoded = openaiChatCodec.decodeRequest({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...body });
  assert.ok(decoded.ok);
  const { body: encoded, dropped } = mistralChatCodec.encodeRequest(decoded.value, { model, defaultMaxTokens: 1 });
  return { body: JSON.parse(JSON.stringify(encoded)) as JsonObject, dropped };
}

const messagesOf = ({ body }: Encoded): readonly JsonObject[] => body['messages'] as readonly JsonObject[];

function decode(chunks: readonly JsonObject[]): readonly CanonicalEvent[] {
  const { streamDecoder } = mistralChatCodec;
  let state = streamDecoder.start();
  const decoded: CanonicalEvent[] = [];
  for (const data of [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]']) {
    const [next, given] = streamDecoder.step(state, { data });
    state = next;
    decoded.push(...given);
  }
  return decoded;
}

const chunk = (delta: JsonObject, reason: string | null = null): JsonObject => ({
  id: 'i',
  model: 'm',
  choices: [{ index: 0, delta, finish_reason: reason }],
});

const toolPiece = (index: number, id: string | undefined, name: string, args: Json): JsonObject =>
  chunk({ tool_calls: [{ index, id, function: { name, arguments: args } }] });

describe('ids of tool calls', () => {
  const history = (id: string) => ({
    messages: [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: null, tool_calls: [{ id, type: 'function', function: { name: 'f', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: id, content: 'r' },
    ],
  });
  const idsOf = (encoded: Encoded): readonly unknown[] => {
    const [, assistant, tool] = messagesOf(encoded);
    return [((assistant?.['tool_calls'] ?? []) as readonly JsonObject[])[0]?.['id'], tool?.['tool_call_id']];
  };

  it('of another provider become nine letters or digits, the same for a call and its result', () => {
    const [call, result] = idsOf(asked(history('call_abc-123_longer')));
    assert.match(String(call), /^[a-zA-Z0-9]{9}$/);
    assert.equal(result, call);
    assert.notEqual(call, idsOf(asked(history('call_abc-124_longer')))[0]);
  });

  it('of Mistral’s own making stay', () => {
    assert.deepEqual(idsOf(asked(history('Df1cqWOle'))), ['Df1cqWOle', 'Df1cqWOle']);
  });
});

describe('what an OpenAI client asks of Mistral', () => {
  it('is said in Mistral’s words', () => {
    const { body, dropped } = asked({
      seed: 7,
      tool_choice: 'required',
      tools: [{ type: 'function', function: { name: 'f' } }],
      max_tokens: 5,
      reasoning_effort: 'medium',
    });
    assert.deepEqual(
      [body['random_seed'], body['tool_choice'], body['max_tokens'], body['reasoning_effort'], dropped],
      [7, 'any', 5, 'high', []],
    );
  });

  it('and what Mistral has no words for is named', () => {
    const { dropped } = asked({ top_k: 5, logit_bias: { '1': 2 }, user: 'u', temperature: 1.8, logprobs: true, n: 2, store: true });
    assert.deepEqual(dropped, ['logit_bias', 'logprobs', 'store', 'temperature', 'top_k', 'user']);
  });

  it('a beginning of the answer is to be gone on with', () => {
    const last = messagesOf(
      asked({
        messages: [
          { role: 'user', content: 'q' },
          { role: 'assistant', content: 'It is' },
        ],
      }),
    ).at(-1);
    assert.deepEqual(last, { role: 'assistant', content: 'It is', prefix: true });
  });

  it('documents go by address or as text, sound without its format', () => {
    const file = (type: string) => ({ type: 'file', file: { filename: 'a', file_data: `data:${type};base64,aGk=` } });
    const sound = { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } };
    const [message] = messagesOf(asked({ messages: [{ role: 'user', content: [file('application/pdf'), file('text/plain'), sound] }] }));
    assert.deepEqual(message?.['content'], [
      { type: 'document_url', document_url: 'data:application/pdf;base64,aGk=', document_name: 'a' },
      { type: 'text', text: 'a\n\nhi' },
      { type: 'input_audio', input_audio: 'UklGRg==' },
    ]);
  });

  it('reasoning of earlier turns is a chunk of content', () => {
    const [, message] = messagesOf(
      asked({
        messages: [
          { role: 'user', content: 'q' },
          { role: 'assistant', content: 'a', reasoning_content: 'r' },
          { role: 'user', content: 'q' },
        ],
      }),
    );
    assert.deepEqual(message?.['content'], [
      { type: 'thinking', thinking: [{ type: 'text', text: 'r' }] },
      { type: 'text', text: 'a' },
    ]);
  });
});

describe('Mistral’s streams', () => {
  const callsOf = (events: readonly CanonicalEvent[]) =>
    events.flatMap((event) =>
      event.type === 'arguments_delta'
        ? [event.text]
        : event.type === 'part_start' && event.head.type === 'tool_call'
          ? [event.head.id]
          : [],
    );

  it('carry calls whole', () => {
    const both = chunk({
      tool_calls: [
        { index: 0, id: 'aaaaaaaaa', function: { name: 'f', arguments: '{"a":1}' } },
        { index: 1, id: 'bbbbbbbbb', function: { name: 'f', arguments: { b: 2 } } },
      ],
    });
    assert.deepEqual(callsOf(decode([both, chunk({ content: '' }, 'tool_calls')])), ['aaaaaaaaa', '{"a":1}', 'bbbbbbbbb', '{"b":2}']);
  });

  it('and in pieces', () => {
    const events = decode([
      toolPiece(0, 'x', 'f', ''),
      toolPiece(0, undefined, '', '{"a"'),
      toolPiece(0, undefined, '', ':1}'),
      toolPiece(1, 'y', 'f', '{}'),
      chunk({}, 'tool_calls'),
    ]);
    assert.deepEqual(callsOf(events), ['x', '{"a"', ':1}', 'y', '{}']);
    assert.equal(events.at(-1)?.type, 'end');
  });

  it('think in chunks, and refer to sources in between', () => {
    const thinking = { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] };
    const reference = { type: 'reference', reference_ids: [1] };
    const events = decode([chunk({ content: [thinking, { type: 'text', text: 'so' }, reference] }), chunk({ content: '!' }, 'stop')]);
    assert.deepEqual(
      events.flatMap((event) => (event.type === 'part_start' ? [event.head.type] : [])),
      ['thinking', 'text', 'other', 'text'],
    );
  });

  it('end in an error where a piece comes of a call that was not begun, and where Mistral says so', () => {
    assert.equal(decode([toolPiece(3, undefined, '', '{}')]).at(-1)?.type, 'error');
    const failed = decode([{ object: 'error', message: 'no', type: 'x' }]).at(-1);
    assert.ok(failed?.type === 'error' && failed.message === 'no');
  });
});
