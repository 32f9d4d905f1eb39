import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json, JsonObject } from '../../core/json.ts';
import type { CanonicalRequest } from '../../canonical/request.ts';
import { GEMINI_SIGNATURE, type Part } from '../../canonical/part.ts';
import { anthropicMessagesCodec } from '../anthropic-messages/codec.ts';
import type { AnswerContext } from '../protocol.ts';
import { openaiChatCodec } from './codec.ts';

/** What OpenAI's newer models, and those that copied its protocol, say beyond messages and functions. */

const CONTEXT: AnswerContext = { model: 'alias', requestId: 'req_1', created: 1, includeUsage: true };
const user = { role: 'user', content: 'hi' };
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function decode(members: JsonObject): CanonicalRequest {
  const decoded = openaiChatCodec.decodeRequest({ model: 'm', messages: [user], ...members });
  assert.ok(decoded.ok, JSON.stringify(decoded));
  return decoded.value;
}

const same = (request: CanonicalRequest): JsonObject =>
  plain(openaiChatCodec.encodeRequest(request, { model: 'm', defaultMaxTokens: 1 }).body);

/** A conversation as it would come from a client of another protocol. */
const foreign = (request: CanonicalRequest): CanonicalRequest => ({ ...request, source: 'gemini' });
const sendForeign = (request: CanonicalRequest, model: string) =>
  plain(openaiChatCodec.encodeRequest(foreign(request), { model, defaultMaxTokens: 1 }));

describe('tools of OpenAI', () => {
  const format = { type: 'grammar', grammar: { syntax: 'lark', definition: 'start: "x"' } };
  const custom = { type: 'custom', custom: { name: 'patch', description: 'Edits.', format } };
  const fn = { type: 'function', function: { name: 'f' } };
  const choice = { type: 'custom', custom: { name: 'patch' } };

  it('of free text are understood, and return as they came', () => {
    const body = { tools: [fn, custom], tool_choice: choice };
    const request = decode(body);
    assert.deepEqual(plain(request.tools?.[1]), { type: 'custom', name: 'patch', description: 'Edits.', format });
    assert.deepEqual(request.toolChoice, { type: 'tool', name: 'patch' });
    assert.deepEqual([same(request)['tools'], same(request)['tool_choice']], [body.tools, choice]);
  });

  it('of free text are functions for models without them', () => {
    const request = { ...decode({ tools: [custom], tool_choice: choice }), extensions: undefined };
    const [old, current] = [sendForeign(request, 'llama-4').body, sendForeign(request, 'gpt-5.6').body];
    assert.equal((old['tools'] as readonly JsonObject[])[0]?.['type'], 'function');
    assert.deepEqual(old['tool_choice'], { type: 'function', function: { name: 'patch' } });
    assert.deepEqual([(current['tools'] as readonly JsonObject[])[0], current['tool_choice']], [custom, choice]);
  });

  it('that alone are allowed are the only ones for another protocol', () => {
    const allowed = { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [fn] } };
    const body = { tools: [fn, custom], tool_choice: allowed };
    const request = decode(body);
    assert.deepEqual([request.tools?.length, request.toolChoice], [1, { type: 'required' }]);
    assert.deepEqual([same(request)['tools'], same(request)['tool_choice']], [body.tools, allowed]);
    const { body: sent, dropped } = anthropicMessagesCodec.encodeRequest(request, { model: 'claude-opus-5', defaultMaxTokens: 1 });
    assert.deepEqual([(plain(sent)['tools'] as readonly Json[]).length, sent['tool_choice'], dropped], [1, { type: 'any' }, []]);
  });
});

describe('settings', () => {
  it('have their places', () => {
    const body = {
      verbosity: 'low',
      prompt_cache_key: 'k',
      prompt_cache_retention: '24h',
      safety_identifier: 's',
      modalities: ['text', 'audio'],
      audio: { voice: 'alloy', format: 'wav' },
    };
    const request = decode(body);
    assert.deepEqual(
      [request.verbosity, request.promptCacheKey, request.safetyIdentifier, request.modalities],
      ['low', 'k', 's', ['text', 'audio']],
    );
    assert.deepEqual({ ...same(request), ...body }, same(request));
    const { dropped } = anthropicMessagesCodec.encodeRequest(request, { model: 'claude-opus-5', defaultMaxTokens: 1 });
    assert.deepEqual(dropped, ['audio', 'modalities', 'prompt_cache_key', 'prompt_cache_retention', 'verbosity']);
  });

  it('name a voice where another protocol asks for sound, and no images where OpenAI has none', () => {
    const spoken = sendForeign({ ...decode({}), modalities: ['audio'] }, 'gpt-audio').body;
    assert.deepEqual([spoken['modalities'], spoken['audio']], [['text', 'audio'], { voice: 'alloy', format: 'wav' }]);
    const drawn = { ...decode({}), modalities: ['text', 'image'] };
    assert.deepEqual(sendForeign(drawn, 'google/gemini-3-pro-image').body['modalities'], ['text', 'image']);
    assert.deepEqual(
      [sendForeign(drawn, 'gpt-5.6').body['modalities'], sendForeign(drawn, 'gpt-5.6').dropped],
      [undefined, ['modalities']],
    );
  });

  for (const [members, wanted] of [
    [{ reasoning: { effort: 'high', exclude: true } }, { effort: 'high', summary: 'none' }],
    [{ reasoning: { max_tokens: 2000 } }, { mode: 'budget', budget: 2000 }],
    [{ reasoning: { enabled: true } }, { mode: 'auto' }],
    [{ reasoning: { enabled: false } }, { mode: 'off' }],
    [{ thinking: { type: 'disabled' } }, { mode: 'off' }],
    [{ enable_thinking: true }, { mode: 'auto' }],
    [
      { extra_body: { google: { thinking_config: { thinking_budget: 800, include_thoughts: true } } } },
      { mode: 'budget', budget: 800, summary: 'auto' },
    ],
    [
      { reasoning_effort: 'low', reasoning: { exclude: true } },
      { effort: 'low', summary: 'none' },
    ],
  ] as const) {
    it(`ask for reasoning as ${JSON.stringify(members)}`, () => {
      const request = decode(members);
      assert.deepEqual(request.reasoning, wanted);
      const { model: _model, messages: _messages, ...rest } = same(request);
      assert.deepEqual(rest, members);
    });
  }
});

describe('content', () => {
  const sent = (part: JsonObject): { readonly part: Part | undefined; readonly again: Json | undefined } => {
    const request = decode({ messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }, part] }] });
    const [message] = same(request)['messages'] as readonly { readonly content: readonly Json[] }[];
    return { part: request.messages[0]?.parts[1], again: message?.content[1] };
  };

  it('may be film and files by their address', () => {
    const video = { type: 'video_url', video_url: { url: 'https://a.example/a.mp4' } };
    const byUrl = { type: 'file', file: { filename: 'a.pdf', file_url: 'https://a.example/a.pdf' } };
    assert.deepEqual(plain(sent(video)), { part: { type: 'video', source: { kind: 'url', url: video.video_url.url } }, again: video });
    const file = sent(byUrl);
    assert.ok(file.part?.type === 'file');
    assert.deepEqual([file.part.source, file.again], [{ kind: 'url', url: byUrl.file.file_url }, byUrl]);
  });

  it('goes by address, with cache markers, to those who take it so', () => {
    const parts: readonly Part[] = [
      { type: 'file', source: { kind: 'url', url: 'https://a.example/a.pdf' } },
      { type: 'text', text: 'x', cache: { ttl: 3600 } },
    ];
    const request = { ...decode({}), messages: [{ role: 'user', parts } as const] };
    const router = sendForeign(request, 'anthropic/claude-opus-5');
    const [message] = router.body['messages'] as readonly { readonly content: readonly Json[] }[];
    assert.deepEqual(message?.content, [
      { type: 'file', file: { file_data: 'https://a.example/a.pdf' } },
      { type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '1h' } },
    ]);
    assert.deepEqual(router.dropped, []);
    assert.deepEqual(sendForeign(request, 'gpt-5.6').dropped, ['messages[].content[].cache_control', 'messages[].content[].file']);
  });

  it('of tool results that is no text follows behind the last result of the round', () => {
    const image = { type: 'image', source: { kind: 'url', url: 'https://a.example/a.png' } } as const;
    const result = (callId: string, parts: readonly Part[]) => ({ role: 'tool', parts: [{ type: 'tool_result', callId, parts }] }) as const;
    const text = { type: 'text', text: 'ok' } as const;
    const messages = [result('a', [image]), result('b', [text]), { role: 'user', parts: [text] } as const];
    const { body } = sendForeign({ ...decode({}), messages }, 'gpt-5.6');
    assert.deepEqual(
      (body['messages'] as readonly JsonObject[]).map(({ role, tool_call_id: id }) => id ?? role),
      ['a', 'b', 'user', 'user'],
    );
  });
});

describe('answers', () => {
  const answer = (message: JsonObject): JsonObject => ({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [
      { index: 0, message: { role: 'assistant', content: null, refusal: null, ...message }, logprobs: null, finish_reason: 'stop' },
    ],
  });
  const partsOf = (body: JsonObject): readonly Part[] => {
    const decoded = openaiChatCodec.decodeResponse(body);
    assert.ok(decoded.ok);
    assert.deepEqual(plain(openaiChatCodec.encodeResponse(decoded.value, CONTEXT)), body);
    return plain(decoded.value.choices[0]?.parts ?? []);
  };

  it('may hold images', () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
    const wanted = { type: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'AAAA' } } as const;
    assert.deepEqual(partsOf(answer({ content: 'see', images: [image] })), [{ type: 'text', text: 'see' }, wanted]);
    const choices = [{ index: 0, parts: [wanted] }];
    const told = openaiChatCodec.encodeResponse({ id: 'c', model: 'm', choices }, CONTEXT);
    assert.deepEqual(plain((told['choices'] as readonly { message: JsonObject }[])[0]?.message['images']), [image]);
  });

  it('may be spoken', () => {
    const audio = { id: 'a', data: 'UklGRgAA', transcript: 'hi', expires_at: 2 };
    assert.deepEqual(partsOf(answer({ audio })), [{ type: 'audio', data: 'UklGRgAA', format: 'wav' }]);
    const parts = ['AQID', 'BAUG'].map((data) => ({ type: 'audio', data, format: 'pcm16' }) as const);
    const told = openaiChatCodec.encodeResponse({ id: 'c', model: 'm', choices: [{ index: 0, parts }] }, CONTEXT);
    const message = (told['choices'] as readonly { message: { audio: JsonObject } }[])[0]?.message;
    assert.equal(message?.audio['data'], 'AQIDBAUG');
  });

  it('sign a call in Google’s place, and are signed there', () => {
    const call = {
      id: 'a',
      type: 'function',
      function: { name: 'f', arguments: '{}' },
      extra_content: { google: { thought_signature: 'S' } },
    };
    const signature = { type: 'redacted_thinking', data: 'S', format: GEMINI_SIGNATURE } as const;
    const parts = partsOf(answer({ tool_calls: [call] }));
    assert.deepEqual(parts[0], signature);
    const tool = { type: 'tool_call', id: 'a', name: 'f', arguments: '{}', kind: 'function' } as const;
    const told = openaiChatCodec.encodeResponse({ id: 'c', model: 'm', choices: [{ index: 0, parts: [signature, tool] }] }, CONTEXT);
    const message = (plain(told)['choices'] as readonly { message: JsonObject }[])[0]?.message;
    assert.deepEqual(message?.['tool_calls'], [call]);
    assert.deepEqual(message?.['reasoning_details'], [
      { type: 'reasoning.encrypted', data: 'S', format: GEMINI_SIGNATURE, index: 0, id: 'a' },
    ]);
    const again = decode({ messages: [user, { ...message }] }).messages[1]?.parts;
    assert.deepEqual(plain(again)?.slice(0, 1), [signature]);
    assert.equal(again?.length, 2);
    const bare = sendForeign({ ...decode({}), messages: [{ role: 'assistant', parts: [signature, tool] }] }, 'gemini-3-pro').body;
    const [sent] = bare['messages'] as readonly JsonObject[];
    assert.deepEqual([sent?.['tool_calls'], sent?.['reasoning_details']], [[call], undefined]);
  });

  it('keep the order of reasoning, text and calls through a client', () => {
    const thinking = (text: string) => ({ type: 'thinking', text, signature: `${text}!`, format: 'anthropic-claude-v1' }) as const;
    const call = (id: string) => ({ type: 'tool_call', id, name: 'f', arguments: '{}', kind: 'function' }) as const;
    const parts = [
      thinking('a'),
      { type: 'text', text: 'one ' },
      thinking('b'),
      { type: 'text', text: 'two' },
      thinking('c'),
      call('1'),
      thinking('d'),
      call('2'),
      { type: 'redacted_thinking', data: 'e', format: GEMINI_SIGNATURE },
    ] as const;
    const told = openaiChatCodec.encodeResponse({ id: 'c', model: 'm', choices: [{ index: 0, parts }] }, CONTEXT);
    const message = (plain(told)['choices'] as readonly { message: JsonObject }[])[0]?.message;
    assert.equal(message?.['content'], 'one two');
    const request = decode({ messages: [user, { ...message }] });
    assert.deepEqual(plain(request.messages[1]?.parts), plain(parts));
    assert.deepEqual(plain((same(request)['messages'] as readonly Json[])[1]), plain(message));
  });

  it('take Perplexity’s sources for citations', () => {
    const body = {
      ...answer({ content: 'x' }),
      search_results: [{ title: 'A', url: 'https://a.example' }],
      citations: ['https://a.example'],
    };
    const [text] = partsOf(body);
    assert.ok(text?.type === 'text');
    assert.deepEqual([text.citations?.length, text.citations?.[0]?.url], [1, 'https://a.example']);
  });
});
