import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { KeyRow } from '../access/principal.ts';
import { checkRestrictions } from './key-restrictions.ts';
import { errorOf, startCompartment, type Compartment } from './testing/compartment.ts';

const ANSWER = Buffer.from('{"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}');
const CHAT = { model: 'fast', messages: [] };
const CALL = { id: 'chat-completions', kind: 'forward' } as const;

const key = (row: Partial<KeyRow>): KeyRow => row as unknown as KeyRow;
const from = (clientAddress: string) => ({ clientAddress });

describe('addresses of a key', () => {
  const cases: readonly (readonly [readonly string[], string, boolean])[] = [
    [['10.0.0.0/8'], '10.255.0.1', true],
    [['10.0.0.0/8'], '11.0.0.1', false],
    [['192.0.2.7'], '192.0.2.7', true],
    [['192.0.2.7'], '192.0.2.8', false],
    [['2001:db8::/32'], '2001:db8:1::5', true],
    [['2001:db8::/32'], '2001:db9::1', false],
    [['10.0.0.0/8', '2001:db8::/32'], '::1', false],
    [['0.0.0.0/0'], '203.0.113.1', true],
    [['0.0.0.0/0'], '', false],
    [[], '10.0.0.1', false],
  ];
  for (const [addresses, address, allowed] of cases)
    it(`[${addresses.join(', ')}] ${allowed ? 'allow' : 'refuse'} ${address === '' ? 'an unknown address' : address}`, () => {
      const check = (): void => checkRestrictions(key({ addresses }), from(address), CALL);
      if (allowed) assert.doesNotThrow(check);
      else assert.throws(check, { code: 'address_not_allowed' });
    });

  it('that cannot be read allow nobody', () =>
    assert.throws(() => checkRestrictions(key({ addresses: ['10.0.0.0/8', 'home'] }), from('10.0.0.1'), CALL), { code: 'invalid_field' }));
});

describe('kinds of keys', () => {
  const list = { id: 'models', kind: 'models' } as const;
  it('llm: calls and lists', () => {
    checkRestrictions(key({ kind: 'llm' }), from('::1'), CALL);
    checkRestrictions(key({ kind: 'llm' }), from('::1'), list);
  });
  it('read: lists only', () => {
    checkRestrictions(key({ kind: 'read' }), from('::1'), list);
    assert.throws(() => checkRestrictions(key({ kind: 'read' }), from('::1'), CALL), { code: 'key_kind_not_allowed' });
  });
  for (const kind of ['admin', 'of the next version'])
    it(`${kind}: nothing here`, () => {
      for (const endpoint of [CALL, list])
        assert.throws(() => checkRestrictions(key({ kind: kind as 'admin' }), from('::1'), endpoint), { code: 'key_kind_not_allowed' });
    });
});

describe('a restricted key', () => {
  let gateway: Compartment;
  before(async () => {
    gateway = await startCompartment({
      vault: (call) => {
        call.sendHead({ status: 200, headers: [['content-type', 'application/json']] });
        call.send(ANSWER);
        call.end({ bytesIn: 1, bytesOut: 1 });
      },
      policy: { http: { corsOrigins: [], trustedProxies: ['127.0.0.0/8'] } },
    });
  });
  after(() => gateway.close());

  const refusals: readonly (readonly [string, Record<string, unknown>, string, RegExp])[] = [
    ['blocked', { blocked: true }, 'key_blocked', /is blocked/],
    ['for reading', { kind: 'read' }, 'key_kind_not_allowed', /of the kind read and may not call chat-completions/],
    ['for the admin API', { kind: 'admin' }, 'key_kind_not_allowed', /of the kind admin/],
    ['for other endpoints', { endpoints: ['embeddings', 'models'] }, 'endpoint_not_allowed', /It may call: embeddings, models/],
    ['for other addresses', { addresses: ['192.0.2.0/24'] }, 'address_not_allowed', /from the address 127\.0\.0\.1/],
  ];
  for (const [name, row, code, words] of refusals)
    it(`${name} is refused before anything is reserved or leaves`, async () => {
      const [reserved, calls] = [gateway.reserved.length, gateway.calls.length];
      const answer = await gateway.ask(CHAT, { key: gateway.addKey(row as never) });
      assert.deepEqual([answer.status, errorOf(answer).code, gateway.reserved.length, gateway.calls.length], [403, code, reserved, calls]);
      assert.match(errorOf(answer).message, words);
    });

  it('is refused in the protocol of its client', async () => {
    const blocked = gateway.addKey({ blocked: true });
    const answer = await gateway.ask({ model: 'claude', messages: [] }, { key: blocked, path: '/v1/messages' });
    assert.deepEqual((JSON.parse(answer.body) as { type: string; error: { type: string } }).error.type, 'permission_error');
  });

  it('is not asked for its body', async () => {
    const status = await new Promise((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        'content-length': 1_000_000,
        authorization: `Bearer ${gateway.addKey({ blocked: true })}`,
      };
      const request = http.request(`${gateway.url}/v1/chat/completions`, { method: 'POST', agent: false, headers }, (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      request.on('error', reject);
      request.flushHeaders();
    });
    assert.equal(status, 403);
  });

  it('passes where its row allows it', async () => {
    const inside = gateway.addKey({ kind: 'llm', endpoints: ['chat-completions'], addresses: ['192.0.2.0/24', '::1/128'] });
    const answer = await gateway.ask(CHAT, { key: inside, headers: { 'x-forwarded-for': '192.0.2.9' } });
    assert.equal(answer.status, 200);
    assert.equal((await gateway.ask(CHAT, { key: inside, headers: { 'x-forwarded-for': '198.51.100.1' } })).status, 403);
  });

  it('to list models needs the right to it', async () => {
    const list = (row: Record<string, unknown>) =>
      gateway.ask(undefined, { method: 'GET', path: '/v1/models', key: gateway.addKey(row as never) });
    assert.equal((await list({ kind: 'read' })).status, 200);
    assert.equal((await list({ endpoints: ['models'] })).status, 200);
    assert.deepEqual([(await list({ endpoints: ['chat-completions'] })).status, (await list({ kind: 'admin' })).status], [403, 403]);
    assert.equal((await list({ blocked: true })).status, 403);
  });

  it('may name models by wildcard', async () => {
    const below = gateway.addKey({ models: ['openai/*'] });
    assert.equal((await gateway.ask({ ...CHAT, model: 'openai/gpt-x' }, { key: below })).status, 200);
    assert.equal(errorOf(await gateway.ask(CHAT, { key: below })).code, 'model_not_allowed');
    assert.equal((await gateway.ask(CHAT, { key: gateway.addKey({ models: ['*'] }) })).status, 200);
  });

  it('a token of an issuer that is not known is a key that is not valid', async () => {
    const token = `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.${Buffer.from('{"sub":"ann"}').toString('base64url')}.c2lnbmF0dXJl`;
    const answer = await gateway.ask(CHAT, { key: token });
    assert.deepEqual([answer.status, errorOf(answer).code], [401, 'invalid_key']);
  });
});
