import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { LedgerCall, ReserveMessage } from '../ipc/messages/ledger.ts';
import { ownersInHead } from './client-owners.ts';
import { errorOf, startCompartment, type Answer, type Compartment } from './testing/compartment.ts';

const ANSWERS: Readonly<Record<string, string>> = {
  openai: '{"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}',
  anthropic:
    '{"id":"m","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}',
};

const digestOf = (user: string): string => `sha256:${createHash('sha256').update(user).digest('hex')}`;

const said = (headers: Record<string, string>): unknown => ownersInHead({ headers });

describe('owners in the head', () => {
  it('are nobody without a header, and where it is empty', () => {
    for (const headers of [{}, { 'x-bulkhead-user': '', 'x-bulkhead-tags': '' }])
      assert.deepEqual(said(headers), { endUser: undefined, tags: undefined });
  });

  it('are a user and up to sixteen tags, each once', () => {
    assert.deepEqual(said({ 'x-bulkhead-user': 'ann@example.com', 'x-bulkhead-tags': 'feature:search, a/b.c_d-1 ,feature:search' }), {
      endUser: 'ann@example.com',
      tags: ['feature:search', 'a/b.c_d-1'],
    });
    const sixteen = Array.from({ length: 16 }, (_, at) => `t${at}`);
    assert.deepEqual(said({ 'x-bulkhead-tags': sixteen.join() }), { endUser: undefined, tags: sixteen });
    assert.deepEqual(said({ 'x-bulkhead-user': 'u'.repeat(256) }), { endUser: 'u'.repeat(256), tags: undefined });
  });

  it('are the digest of a user that is longer', () => {
    for (const user of ['u'.repeat(257), 'u'.repeat(8000)])
      assert.deepEqual(said({ 'x-bulkhead-user': user }), { endUser: digestOf(user), tags: undefined });
  });

  const wrong: readonly (readonly [string, Record<string, string>])[] = [
    ['a long user in Latin-1', { 'x-bulkhead-user': '\u00f6'.repeat(257) }],
    ['a user in Latin-1', { 'x-bulkhead-user': 'J\u00f6rg' }],
    ['a user with a control character', { 'x-bulkhead-user': 'a\tb' }],
    ['seventeen tags', { 'x-bulkhead-tags': Array.from({ length: 17 }, (_, at) => `t${at}`).join() }],
    ['a tag of 65 characters', { 'x-bulkhead-tags': 't'.repeat(65) }],
    ['a tag with a space', { 'x-bulkhead-tags': 'a b' }],
    ['an empty tag', { 'x-bulkhead-tags': 'a,,b' }],
    ['a tag of another script', { 'x-bulkhead-tags': '\u00e9' }],
  ];
  for (const [name, headers] of wrong) it(`refuse ${name}`, () => assert.throws(() => said(headers), { code: 'invalid_request' }));
});

describe('owners of a request', () => {
  let gateway: Compartment;
  const reserved: ReserveMessage[] = [];
  before(async () => {
    gateway = await startCompartment({
      vault: (call, { credential }) => {
        call.sendHead({ status: 200, headers: [['content-type', 'application/json']] });
        call.send(Buffer.from(ANSWERS[credential] ?? ''));
        call.end({ bytesIn: 1, bytesOut: 1 });
      },
      ledger: (call) => {
        const asked = call.head as unknown as LedgerCall;
        if (asked.op === 'reserve') reserved.push(asked.request);
        return false;
      },
    });
  });
  after(() => gateway.close());

  const userOf = async (answer: Answer): Promise<unknown> => {
    await gateway.accounted();
    const id = answer.headers['x-bulkhead-request-id'];
    const event = gateway.settled.find(({ requestId }) => requestId === id);
    const request = reserved.find(({ requestId }) => requestId === id);
    assert.deepEqual([answer.status, event?.endUser], [200, request?.endUser], answer.body);
    return request?.endUser;
  };

  const chat = { model: 'fast', messages: [] };
  const messages = { model: 'claude', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] };
  const bodies: readonly (readonly [string, string, object, string | undefined])[] = [
    ['user', '/v1/chat/completions', { ...chat, user: 'J\u00f6rg \u{1f600}' }, 'J\u00f6rg \u{1f600}'],
    ['safety_identifier before user', '/v1/chat/completions', { ...chat, user: 'session', safety_identifier: 'ann' }, 'ann'],
    ['user where safety_identifier is null', '/v1/chat/completions', { ...chat, user: 'ann', safety_identifier: null }, 'ann'],
    ['an empty user', '/v1/chat/completions', { ...chat, user: '' }, undefined],
    ['nothing', '/v1/chat/completions', chat, undefined],
    ['a user of 256 characters', '/v1/chat/completions', { ...chat, user: 'u'.repeat(256) }, 'u'.repeat(256)],
    ['a user of 257 characters', '/v1/chat/completions', { ...chat, user: '\u00f6'.repeat(257) }, digestOf('\u00f6'.repeat(257))],
    ['a user of many bytes', '/v1/chat/completions', { ...chat, user: 'u'.repeat(100_000) }, digestOf('u'.repeat(100_000))],
    ['user of embeddings', '/v1/embeddings', { model: 'fast', input: 'x', user: 'ann' }, 'ann'],
    ['user of responses', '/v1/responses', { model: 'fast', input: 'x', store: false, user: 'ann' }, 'ann'],
    ['metadata.user_id', '/v1/messages', { ...messages, metadata: { user_id: 'ann' } }, 'ann'],
    ['a long metadata.user_id', '/v1/messages', { ...messages, metadata: { user_id: 'u'.repeat(300) } }, digestOf('u'.repeat(300))],
    ['metadata without user_id', '/v1/messages', { ...messages, metadata: {} }, undefined],
    ['a user of another protocol', '/v1/messages', { ...messages, user: 'ann' }, undefined],
  ];
  for (const [name, path, body, expected] of bodies)
    it(`the end user is read from the body: ${name}`, async () => assert.equal(await userOf(await gateway.ask(body, { path })), expected));

  it('the header wins over the body', async () => {
    const answer = await gateway.ask({ ...chat, user: 'body' }, { headers: { 'x-bulkhead-user': 'head', 'x-bulkhead-tags': 'a,b' } });
    assert.equal(await userOf(answer), 'head');
    assert.deepEqual(
      [reserved.at(-1)?.tags, gateway.settled.at(-1)?.tags],
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
    );
  });

  it('the labels of a Gemini request may name the user', async () => {
    const body = { contents: [{ role: 'user', parts: [{ text: 'hi' }] }], labels: { user: 'ann' } };
    assert.equal(await userOf(await gateway.ask(body, { path: '/v1beta/models/fast:generateContent' })), 'ann');
  });

  for (const [name, user] of [
    ['with a line break', 'a\nb'],
    ['that is long, with a line break', `${'u'.repeat(300)}\nb`],
    ['with a line separator', 'a\u2028b'],
    ['that is no text', { id: 7 }],
    ['that is a number', 7],
  ] as const)
    it(`a user ${name} is refused, and the field named`, async () => {
      const before = reserved.length;
      const answer = await gateway.ask({ ...chat, user });
      const error = errorOf(answer) as unknown as { code: string; param: string };
      assert.deepEqual([answer.status, error.code, error.param, reserved.length], [400, 'invalid_request', 'user', before]);
    });

  it('a user_id that cannot be shown is refused in Anthropic’s words', async () => {
    const answer = await gateway.ask({ ...messages, metadata: { user_id: 'a\u2028b' } }, { path: '/v1/messages' });
    assert.deepEqual([answer.status, (JSON.parse(answer.body) as { error: { type: string } }).error.type], [400, 'invalid_request_error']);
  });

  it('a form names its user in a field', async () => {
    const form = [
      '--b',
      'content-disposition: form-data; name="model"',
      '',
      'fast',
      '--b',
      'content-disposition: form-data; name="user"',
      '',
      'ann',
      '--b--',
      '',
    ];
    const answer = await gateway.ask(form.join('\r\n'), {
      path: '/v1/images/edits',
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
    });
    assert.equal(await userOf(answer), 'ann');
  });

  it('the header is taken once only', async () => {
    const answer = await gateway.ask(chat, { headers: { 'x-bulkhead-user': ['a', 'b'] as unknown as string } });
    assert.deepEqual([answer.status, errorOf(answer).code], [400, 'duplicate_header']);
  });

  it('the key’s row names all others', async () => {
    const rules = { limits: [{ id: 'lim_1', measure: 'requests', amount: 5, windowMs: 60_000, mode: 'enforce' }] };
    const key = gateway.addKey({ project: 'proj_1', user: 'user_1', maxParallel: 3, rules });
    const answer = await gateway.ask(chat, { key });
    await gateway.accounted();
    const request = reserved.at(-1);
    assert.deepEqual(
      { ...request, maxInputTokens: 0 },
      {
        requestId: answer.headers['x-bulkhead-request-id'],
        key: 'key_1',
        organization: 'org_1',
        team: 'team_1',
        project: 'proj_1',
        user: 'user_1',
        maxParallel: 3,
        rules: JSON.stringify(rules),
        alias: 'fast',
        targets: [{ provider: 'openai', model: 'gpt-fast', priceList: 'openai' }],
        maxInputTokens: 0,
        maxOutputTokens: 128_000,
        likelyOutputTokens: 4_096,
      },
    );
    assert.deepEqual([gateway.settled.at(-1)?.project, gateway.settled.at(-1)?.user], ['proj_1', 'user_1']);
  });
});
