import assert from 'node:assert/strict';
import type http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { OPERATIONS, type Operation } from '../api/operations.ts';
import { ADMIN_TOKEN, startTestNode, until, type Answer, type TestNode } from './testing/node.ts';

let node: TestNode;
before(async () => {
  node = await startTestNode();
  await until(() => node.asked.some(({ op }) => op === 'print'));
});
after(() => node.stop());

const codeOf = ({ body }: Answer): unknown => (body['error'] as Record<string, unknown> | undefined)?.['code'];
const withoutId = ({ status, text }: Answer): string => `${status} ${text.replace(/req_[0-9A-Z]{26}/, 'req')}`;
const filled = (path: string): string => path.replace(/\{\w+\}/g, 'x');

describe('deny by default', () => {
  const refusals = new Set<string>();
  for (const [name, { method, path, access }] of Object.entries<Operation>(OPERATIONS)) {
    it(`${name} ${access === 'public' ? 'answers' : 'refuses'} without a token`, async () => {
      const answer = await node.request(method, filled(path), undefined, { authorization: '' });
      if (access === 'public') return assert.equal(answer.status, 200);
      assert.equal(answer.status, 401);
      assert.equal(answer.headers['www-authenticate'], 'Bearer');
      refusals.add(withoutId(answer));
      assert.equal(refusals.size, 1);
    });
  }

  for (const target of ['/admin', '/admin/v1', '/admin/v1/nothing', '/nothing', '/admin/v1/keys/', '/health/live/x']) {
    it(`${target} does not say without a token whether it exists`, async () => {
      assert.equal((await node.request('GET', target, undefined, { authorization: '' })).status, 401);
    });
  }

  it('a public path is public for its own method only', async () => {
    assert.equal((await node.request('POST', '/metrics', undefined, { authorization: '' })).status, 401);
    assert.equal((await node.request('POST', '/metrics')).status, 405);
  });
});

describe('attack 36: one answer for every wrong token', () => {
  const tokens = [
    '',
    'bha_',
    'x',
    ADMIN_TOKEN.slice(0, -1),
    `${ADMIN_TOKEN}x`,
    ADMIN_TOKEN.toUpperCase(),
    'bh_live_000000000000000000000000000000000000',
    `x`.repeat(4000),
  ];
  it('missing, malformed, short, long, a virtual key: all alike', async () => {
    const answers = await Promise.all(
      tokens.map((token) => node.request('GET', '/admin/v1/keys', undefined, { authorization: token === '' ? '' : `Bearer ${token}` })),
    );
    assert.equal(new Set(answers.map(withoutId)).size, 1);
    assert.equal(answers[0]?.status, 401);
  });

  it('an unknown key id and one of another kind are missing alike', async () => {
    const answers = await Promise.all(
      ['key_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'default', "' OR 1=1 --"].map((id) =>
        node.request('GET', `/admin/v1/keys/${encodeURIComponent(id)}`),
      ),
    );
    for (const answer of answers) assert.deepEqual([answer.status, codeOf(answer)], [404, 'resource_missing']);
  });
});

describe('attack 34: CSRF and DNS rebinding', () => {
  const refused: Readonly<Record<string, Record<string, string>>> = {
    'a foreign origin': { origin: 'https://evil.example' },
    'an opaque origin': { origin: 'null' },
    'another port of this host': { origin: 'http://127.0.0.1:1' },
    'a cross-site fetch': { 'sec-fetch-site': 'cross-site' },
    'a rebound name': { host: 'rebound.evil.example' },
  };
  for (const [what, headers] of Object.entries(refused)) {
    it(`${what} is refused, with and without the token`, async () => {
      for (const authorization of [`Bearer ${ADMIN_TOKEN}`, '']) {
        const answer = await node.request('POST', '/admin/v1/keys', { name: 'csrf' }, { ...headers, authorization });
        assert.deepEqual([answer.status, codeOf(answer)], [403, 'browser_refused']);
      }
    });
  }

  it('a form cannot post: only JSON is read', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const answer = await node.request('POST', '/admin/v1/keys', '{"name":"csrf"}', { 'content-type': type });
      assert.equal(answer.status, 415, type);
    }
  });

  it('nothing was created', async () => {
    assert.equal(
      (await node.call('keys.list')).keys.some(({ name }) => name === 'csrf'),
      false,
    );
  });

  it('answers may not be framed, sniffed, cached or read by other origins', async () => {
    const { headers } = await node.request('GET', '/admin/v1/keys');
    assert.equal(headers['access-control-allow-origin'], undefined);
    assert.deepEqual([headers['cache-control'], headers['x-content-type-options']], ['no-store', 'nosniff']);
    assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/);
  });
});

describe('attacks 8 to 12: odd heads', () => {
  const raw = (rawHeaders: readonly string[], target = '/admin/v1/keys'): Promise<Answer> =>
    node.raw({ method: 'GET', path: target, headers: rawHeaders as unknown as http.OutgoingHttpHeaders, setHost: false });

  it('two Host headers, two Authorization headers', async () => {
    const token = `Bearer ${ADMIN_TOKEN}`;
    for (const headers of [
      ['host', '127.0.0.1', 'host', '127.0.0.1', 'authorization', token],
      ['host', '127.0.0.1', 'authorization', token, 'authorization', 'Bearer x'],
    ]) {
      assert.deepEqual(codeOf(await raw(headers)), 'duplicate_header');
    }
  });

  it('a Host that is a target', async () => {
    assert.equal(codeOf(await raw(['host', '127.0.0.1/?x=', 'authorization', `Bearer ${ADMIN_TOKEN}`])), 'bad_host');
  });

  for (const target of [
    '//admin/v1/keys',
    '/admin/v1/../v1/keys',
    '/admin/v1/%2e%2e/v1/keys',
    '/admin/v1/keys;x=1',
    '/admin%2fv1%2fkeys',
  ]) {
    it(`${target} leads nowhere`, async () => {
      const answer = await raw(['host', '127.0.0.1', 'authorization', `Bearer ${ADMIN_TOKEN}`], target);
      assert.deepEqual([answer.status, codeOf(answer)], [404, 'unknown_endpoint']);
    });
  }
});

describe('attacks 21 to 26: odd bodies', () => {
  const bodies: Readonly<Record<string, readonly [string, string]>> = {
    '21 __proto__ as a member': ['{"name":"a","__proto__":{"admin":true}}', 'invalid_field'],
    '21 __proto__ written with escapes': ['{"name":"a","\\u005f_proto__":{"admin":true}}', 'invalid_field'],
    '21 constructor': ['{"name":"a","constructor":{"prototype":{}}}', 'invalid_field'],
    '22 the same key twice': ['{"name":"a","name":"b"}', 'json_duplicate_key'],
    '23 depth': [`{"name":${'['.repeat(100_000)}`, 'json_too_deep'],
    '25 a lone surrogate': ['{"name":"\\ud800"}', 'invalid_json'],
    '26 many keys': [`{${Array.from({ length: 5000 }, (_, i) => `"k${i}":1`).join()}}`, 'json_too_many_keys'],
    'no JSON': ['{"name":', 'invalid_json'],
    'a list': ['[]', 'invalid_field'],
    text: ['"name"', 'invalid_field'],
    'more than a mebibyte': [`{"name":"${'x'.repeat(1_100_000)}"}`, 'body_too_large'],
  };
  for (const [what, [body, code]] of Object.entries(bodies)) {
    it(`${what}: ${code}`, async () => assert.equal(codeOf(await node.request('POST', '/admin/v1/keys', body)), code));
  }

  it('27 a compressed bomb', async () => {
    const answer = await node.request('POST', '/admin/v1/keys', 'x', { 'content-encoding': 'br' });
    assert.equal(answer.status, 415);
  });
});

describe('attack 37: mass assignment', () => {
  for (const field of [
    'role',
    'allowed_routes',
    'tenant_id',
    'id',
    'digest',
    'version',
    'state',
    'signature',
    'signed_text',
    'admin',
    'key',
  ]) {
    it(`${field} cannot be set by whoever creates a key`, async () => {
      const answer = await node.request('POST', '/admin/v1/keys', { name: 'a', [field]: 'x' });
      assert.deepEqual(
        [answer.status, codeOf(answer), (answer.body['error'] as Record<string, unknown>)['param']],
        [422, 'invalid_field', field],
      );
    });
  }

  it('an unknown or repeated query parameter is refused', async () => {
    assert.equal((await node.request('GET', '/admin/v1/keys?admin=1')).status, 422);
    assert.equal((await node.request('GET', '/admin/v1/keys?state=active&state=all')).status, 422);
    assert.equal((await node.request('GET', '/admin/v1/keys?__proto__=1')).status, 422);
  });

  it('a team of another organization is missing like one that does not exist', async () => {
    await node.call('organizations.create', { body: { name: 'other' } });
    const team = await node.call('teams.create', { body: { name: 'theirs', organization: 'other' } });
    for (const reference of [team.id, 'theirs', 'nothing']) {
      const answer = await node.request('POST', '/admin/v1/keys', { name: 'a', team: reference });
      assert.deepEqual([answer.status, codeOf(answer)], [404, 'resource_missing']);
    }
  });
});

it('every refusal has code, sentence, remedy and a request id that the header repeats', async () => {
  for (const answer of await Promise.all([
    node.request('GET', '/admin/v1/keys', undefined, { authorization: '' }),
    node.request('GET', '/admin/v1/keys/none'),
    node.request('POST', '/admin/v1/keys', '{'),
  ])) {
    const error = answer.body['error'] as Record<string, unknown>;
    assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'remedy', 'request_id']);
    assert.equal(error['request_id'], answer.headers['x-bulkhead-request-id']);
    assert.doesNotMatch(answer.text, /\{\w+\}|node:|\.ts/);
  }
});
