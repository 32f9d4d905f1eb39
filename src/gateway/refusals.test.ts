import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { digestKey, newVirtualKey } from '../access/virtual-key.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import { errorOf, POLICY, startCompartment, type Answer, type Compartment } from './testing/compartment.ts';

const ANSWER = Buffer.from('{"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}');

function answerAll(call: IncomingCall): void {
  call.sendHead({ status: 200, headers: [['content-type', 'application/json']] });
  call.send(ANSWER);
  call.end({ bytesIn: 1, bytesOut: 1 });
}

const chat = (model: unknown, extra: Record<string, unknown> = {}): Record<string, unknown> => ({ model, messages: [], ...extra });

let gateway: Compartment;
let ledgerSays: 'yes' | 'parallel' | 'nothing' = 'yes';
before(async () => {
  gateway = await startCompartment({
    vault: answerAll,
    ledger: (call) => {
      if (call.head['op'] !== 'reserve' || ledgerSays === 'yes') return false;
      if (ledgerSays === 'parallel') call.error('too_many_parallel_requests', { owner: 'key_1', limit: 2 });
      return true;
    },
  });
});
after(() => gateway.close());

const refusal = (answer: Answer): unknown[] => [answer.status, errorOf(answer).code];

describe('keys', () => {
  it('missing is its own answer', async () =>
    assert.deepEqual(refusal(await gateway.ask(chat('fast'), { key: null })), [401, 'missing_key']));

  it('attack 36: malformed, unknown, revoked and expired keys get one and the same answer', async () => {
    const expired = gateway.addKey({ expiresAt: Date.now() - 1 });
    const revoked = gateway.addKey();
    assert.equal((await gateway.ask(chat('fast'), { key: revoked })).status, 200);
    await gateway.tell({ op: 'key.revoked', digest: digestKey(revoked) });
    const keys = ['bh_live_short', `${gateway.key.slice(0, -1)}!`, newVirtualKey('live'), expired, revoked, 'sk-of-another-product'];
    const answers = await Promise.all(keys.map((key) => gateway.ask(chat('fast'), { key })));
    const shown = answers.map((answer) => [answer.status, answer.body.replaceAll(String(answer.headers['x-bulkhead-request-id']), 'ID')]);
    for (const one of shown) assert.deepEqual(one, shown[0]);
    assert.deepEqual(refusal(answers[0] as Answer), [401, 'invalid_key']);
  });

  it('attack 35: a key that equals another in all but its end is another key', async () => {
    assert.equal((await gateway.ask(chat('fast'))).status, 200);
    assert.deepEqual(
      refusal(await gateway.ask(chat('fast'), { key: `${gateway.key.slice(0, -1)}${gateway.key.endsWith('a') ? 'b' : 'a'}` })),
      [401, 'invalid_key'],
    );
  });

  it('a row that was edited in the database is refused', async () => {
    const key = gateway.addKey();
    const digest = digestKey(key);
    const row = gateway.rows.get(digest) as { text: string; signature: string };
    gateway.rows.set(digest, { ...row, text: row.text.replace('org_1', 'org_2') });
    assert.deepEqual(refusal(await gateway.ask(chat('fast'), { key })), [401, 'invalid_key']);
  });

  it('a signed row of another key is refused', async () => {
    const key = newVirtualKey('test');
    gateway.rows.set(digestKey(key), gateway.rows.get(digestKey(gateway.key)) as { text: string; signature: string });
    assert.deepEqual(refusal(await gateway.ask(chat('fast'), { key })), [401, 'invalid_key']);
  });

  it('are asked for once by many, and not again', async () => {
    const key = gateway.addKey();
    const answers = await Promise.all(Array.from({ length: 10 }, () => gateway.ask(chat('fast'), { key })));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal(gateway.asked.filter((digest) => digest === digestKey(key)).length, 1);
  });

  it('changed are asked for again', async () => {
    const key = gateway.addKey({ models: ['claude'] });
    assert.deepEqual(refusal(await gateway.ask(chat('fast'), { key })), [403, 'model_not_allowed']);
    gateway.rows.set(
      digestKey(key),
      gateway.sign('key', { id: 'key_1', digest: digestKey(key), version: 2, name: 'test', organization: 'org_1', team: 'team_1' }),
    );
    await gateway.tell({ op: 'key.changed', digest: digestKey(key) });
    assert.equal((await gateway.ask(chat('fast'), { key })).status, 200);
  });
});

describe('models', () => {
  it('unknown: the answer names those that the key may use', async () => {
    const key = gateway.addKey({ models: ['fast', 'openai/*'] });
    const answer = await gateway.ask(chat('gpt-9'), { key });
    assert.deepEqual(refusal(answer), [404, 'unknown_model']);
    assert.match(errorOf(answer).message, /This key may use: fast, openai\/\*\./);
  });

  it('are listed for the key, in OpenAI’s shape', async () => {
    const list = JSON.parse((await gateway.ask(undefined, { method: 'GET', path: '/v1/models' })).body) as {
      object: string;
      data: { id: string; object: string; owned_by: string }[];
    };
    assert.deepEqual(
      list.data.map(({ id, object, owned_by: owner }) => [id, object, owner]),
      [
        ['fast', 'model', 'openai'],
        ['safe', 'model', 'openai'],
        ['claude', 'model', 'anthropic'],
      ],
    );
    for (const path of ['/v1/models/openai/gpt-x', '/v1/models/openai%2Fgpt-x'])
      assert.equal((JSON.parse((await gateway.ask(undefined, { method: 'GET', path })).body) as { id: string }).id, 'openai/gpt-x');
    assert.deepEqual(refusal(await gateway.ask(undefined, { method: 'GET', path: '/v1/models/nothing' })), [404, 'unknown_model']);
    assert.deepEqual(refusal(await gateway.ask(undefined, { method: 'GET', path: '/v1/models', key: null })), [401, 'missing_key']);
  });

  it('that an endpoint cannot reach are refused before a byte leaves', async () => {
    const calls = gateway.calls.length;
    const answer = await gateway.ask({ model: 'claude', input: 'x' }, { path: '/v1/embeddings' });
    assert.deepEqual(refusal(answer), [404, 'endpoint_not_supported']);
    await gateway.accounted();
    assert.ok(gateway.released.includes(String(answer.headers['x-bulkhead-request-id'])));
    assert.equal(gateway.calls.length, calls);
  });
});

describe('bodies', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['not JSON', '{"model":', 'invalid_json'],
    ['not an object', '["fast"]', 'invalid_request'],
    ['no model', '{"messages":[]}', 'invalid_request'],
    ['a model that is no string', '{"model":["fast"]}', 'invalid_request'],
    ['stream that is no flag', '{"model":"fast","stream":"yes"}', 'invalid_request'],
    ['attack 22: a name twice', '{"model":"fast","model":"openai/dear"}', 'json_duplicate_key'],
    ['attack 23: depth', `{"model":"fast","messages":${'['.repeat(100)}${']'.repeat(100)}}`, 'json_too_deep'],
    ['attack 25: a lone surrogate', '{"model":"fast","user":"\\ud800"}', 'invalid_json'],
  ];
  for (const [name, body, code] of cases) it(name, async () => assert.equal(errorOf(await gateway.ask(body)).code, code));

  it('attack 21: __proto__ passes as the bytes it is', async () => {
    const body = '{"model":"fast","__proto__":{"polluted":true},"constructor":{"prototype":1}}';
    assert.equal((await gateway.ask(body)).status, 200);
    assert.equal(gateway.calls.at(-1)?.body.toString(), body.replace('fast', 'gpt-fast'));
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  });

  it('attack 15: an api_base of the client changes nothing about where the call goes', async () => {
    await gateway.ask(chat('fast', { api_base: 'http://evil', base_url: 'http://evil' }));
    assert.deepEqual([gateway.calls.at(-1)?.head.path, gateway.calls.at(-1)?.head.credential], ['/v1/chat/completions', 'openai']);
  });

  it('a name of a model is never a path or a header', async () => {
    const answer = await gateway.ask(chat('openai/../../x\r\nx-evil: 1'));
    assert.equal(answer.status, 200);
    assert.equal(gateway.calls.at(-1)?.head.path, '/v1/chat/completions');
    assert.equal(answer.headers['x-evil'], undefined);
  });

  it('that are too large are refused with the limit', async () =>
    assert.deepEqual(refusal(await gateway.ask(chat('fast', { user: 'x'.repeat(4_000_001) }))), [413, 'body_too_large']));

  it('of another type are refused', async () =>
    assert.deepEqual(refusal(await gateway.ask('a=b', { headers: { 'content-type': 'text/plain' } })), [415, 'unsupported_media_type']));

  it('are not waited for when the key is wrong', async () => {
    const status = await new Promise((resolve, reject) => {
      const request = http.request(
        `${gateway.url}/v1/chat/completions`,
        {
          method: 'POST',
          agent: false,
          headers: { 'content-type': 'application/json', 'content-length': 1_000_000, authorization: 'Bearer nobody' },
        },
        (response) => {
          resolve(response.statusCode);
          request.destroy();
        },
      );
      request.on('error', reject);
      request.flushHeaders();
    });
    assert.equal(status, 401);
  });
});

describe('the ledger', () => {
  it('that refuses is passed on', async () => {
    ledgerSays = 'parallel';
    const answer = await gateway.ask(chat('fast'));
    ledgerSays = 'yes';
    assert.deepEqual(refusal(answer), [429, 'too_many_parallel_requests']);
  });

  it('that dies while a reservation is under way is asked once more', async () => {
    ledgerSays = 'nothing';
    const asking = gateway.ask(chat('fast'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    ledgerSays = 'yes';
    gateway.cut('ledger');
    assert.equal((await asking).status, 200);
    await gateway.accounted();
  });
});

describe('other paths', () => {
  it('have an answer in OpenAI’s shape with a request id', async () => {
    const answer = await gateway.ask({}, { path: '/v1/nothing' });
    assert.deepEqual(refusal(answer), [404, 'unknown_endpoint']);
    assert.equal((errorOf(answer) as unknown as { request_id: string }).request_id, answer.headers['x-bulkhead-request-id']);
    const wrong = await gateway.ask(undefined, { method: 'GET' });
    assert.deepEqual([...refusal(wrong), wrong.headers['allow']], [405, 'method_not_allowed', 'POST']);
  });

  it('tell health without a key', async () => {
    assert.equal((await gateway.ask(undefined, { method: 'GET', path: '/health/live', key: null })).status, 200);
    assert.deepEqual(JSON.parse((await gateway.ask(undefined, { method: 'GET', path: '/health/ready', key: null })).body), {
      status: 'ready',
    });
  });

  it('answer a page of an allowed origin and no other', async () => {
    const preflight = (origin: string) =>
      gateway.ask(undefined, { method: 'OPTIONS', key: null, headers: { origin, 'access-control-request-method': 'POST' } });
    assert.equal((await preflight('https://app.example')).headers['access-control-allow-origin'], 'https://app.example');
    assert.equal((await preflight('https://evil.example')).headers['access-control-allow-origin'], undefined);
    assert.equal(
      (await gateway.ask(chat('fast'), { headers: { origin: 'https://app.example' } })).headers['access-control-allow-origin'],
      'https://app.example',
    );
  });
});

describe('policy', () => {
  it('is taken only with the vault’s signature, and never an older one', async () => {
    const forged = { text: JSON.stringify({ ...POLICY, version: 9, models: [] }), signature: gateway.sign('key', {}).signature };
    await assert.rejects(gateway.tell({ op: 'policy.apply', snapshot: forged }), { code: 'proof_invalid' });
    await assert.rejects(
      gateway.tell({ op: 'policy.apply', snapshot: { ...gateway.sign('key', { ...POLICY, version: 9, models: [] }) } }),
      { code: 'proof_invalid' },
    );
    await gateway.tell({ op: 'policy.apply', snapshot: { ...gateway.sign('snapshot', { ...POLICY, version: 2, models: [] }) } });
    assert.deepEqual(refusal(await gateway.ask(chat('fast'))), [404, 'unknown_model']);
    await assert.rejects(gateway.tell({ op: 'policy.apply', snapshot: { ...gateway.sign('snapshot', POLICY) } }), {
      code: 'proof_invalid',
    });
    await gateway.tell({ op: 'policy.apply', snapshot: { ...gateway.sign('snapshot', { ...POLICY, version: 3 }) } });
    assert.equal((await gateway.ask(chat('fast'))).status, 200);
  });

  it('metrics come as a snapshot', async () => {
    const { metrics } = await gateway.tell({ op: 'metrics' });
    const names = (metrics as unknown as { families: { name: string }[] }).families.map(({ name }) => name);
    for (const name of [
      'bulkhead_gateway_requests_total',
      'bulkhead_gateway_overhead_seconds',
      'bulkhead_gateway_active_streams',
      'bulkhead_event_loop_delay_seconds',
    ])
      assert.ok(names.includes(name), name);
  });
});
