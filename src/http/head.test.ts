import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { clientAddress, trustedProxies } from './client-address.ts';
import { checkJsonType } from './head.ts';
import { ask, startBorder, type Border } from './testing/border.ts';

const codeOf = (body: string): string => (JSON.parse(body) as { error: { code: string } }).error.code;
const get = (target: string, ...headers: string[]): string =>
  `GET ${target} HTTP/1.1\r\n${['host: gateway', ...headers].join('\r\n')}\r\n\r\n`;

describe('request head', () => {
  let border: Border;
  before(async () => {
    border = await startBorder();
  });
  after(() => border.close());

  const refuses = (name: string, bytes: string | Buffer, status: number, code: string): void =>
    void it(`refuses ${name} with ${status} ${code}`, async () => {
      const answer = await ask(border.port, bytes);
      assert.deepEqual([answer.status, codeOf(answer.body)], [status, code]);
      assert.match(answer.headers['x-bulkhead-request-id'] ?? '', /^req_/);
      assert.equal(answer.headers['content-type'], 'application/json');
    });

  const post = (headers: string, body = ''): string => `POST /v1/x HTTP/1.1\r\nhost: gateway\r\n${headers}\r\n\r\n${body}`;

  refuses(
    'attack 1: content-length with transfer-encoding',
    post('content-length: 5\r\ntransfer-encoding: chunked', '0\r\n\r\n'),
    400,
    'malformed_request',
  );
  refuses('attack 2: two content-lengths', post('content-length: 5\r\ncontent-length: 6', 'hello'), 400, 'malformed_request');
  refuses('attack 2: the same content-length twice', post('content-length: 5\r\ncontent-length: 5', 'hello'), 400, 'malformed_request');
  refuses('attack 3: transfer-encoding xchunked', post('transfer-encoding: xchunked', '0\r\n\r\n'), 400, 'malformed_request');
  refuses(
    'attack 3: transfer-encoding chunked, identity',
    post('transfer-encoding: chunked, identity', '0\r\n\r\n'),
    400,
    'malformed_request',
  );
  refuses('attack 3: transfer-encoding gzip, chunked', post('transfer-encoding: gzip, chunked', '0\r\n\r\n'), 400, 'malformed_request');
  refuses('attack 3: space before the colon', post('content-length : 0'), 400, 'malformed_request');
  refuses('attack 4: a folded header', post('x-a: 1\r\n folded: 2'), 400, 'malformed_request');
  refuses('attack 4: a bare LF', 'GET / HTTP/1.1\nhost: gateway\n\n', 400, 'malformed_request');
  refuses('attack 4: a NUL in a header', post('x-a: \u0000'), 400, 'malformed_request');
  refuses('attack 5: a bad chunk size', post('transfer-encoding: chunked', 'zz\r\nhello\r\n0\r\n\r\n'), 400, 'malformed_request');
  refuses(
    'attack 6: a huge chunk extension',
    post('transfer-encoding: chunked', `5;${'x'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n`),
    413,
    'body_too_large',
  );
  refuses('attack 7: a head beyond 16 KB', get('/', `x-a: ${'x'.repeat(20_000)}`), 431, 'head_too_large');
  refuses(
    'attack 7: more header lines than allowed',
    get('/', ...Array.from({ length: 100 }, (_, i) => `x-${i}: 1`)),
    431,
    'head_too_large',
  );
  refuses('attack 7: 1,000 header lines', get('/', ...Array.from({ length: 1000 }, (_, i) => `x-${i}: 1`)), 431, 'head_too_large');
  refuses('attack 8: two Hosts', get('/', 'host: gateway'), 400, 'duplicate_header');
  for (const host of ['a/?x=', 'a b', 'a@b', 'a:port', 'a:1:2', '', '[::1', 'a,b', 'http://a', '-a', 'ä']) {
    refuses(`attack 9: Host ${JSON.stringify(host)}`, Buffer.from(`GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`, 'latin1'), 400, 'bad_host');
  }
  refuses('a missing Host in HTTP/1.1', 'GET / HTTP/1.1\r\n\r\n', 400, 'bad_host');
  refuses('attack 10: an absolute-form target', get('http://gateway/v1/models'), 400, 'bad_target');
  refuses('attack 10: an asterisk', 'OPTIONS * HTTP/1.1\r\nhost: gateway\r\n\r\n', 400, 'bad_target');
  refuses('attack 10: CONNECT', 'CONNECT gateway:443 HTTP/1.1\r\nhost: gateway\r\n\r\n', 400, 'bad_target');
  refuses('a fragment in the target', get('/v1/models#x'), 400, 'bad_target');
  refuses('attack 11: two Authorizations', get('/', 'authorization: Bearer a', 'Authorization: Bearer b'), 400, 'duplicate_header');
  for (const name of ['x-api-key', 'api-key', 'content-type', 'content-encoding', 'expect', 'origin']) {
    refuses(`attack 11: two of ${name}`, get('/', `${name}: a`, `${name}: b`), 400, 'duplicate_header');
  }
  for (const path of [
    '/v1/../admin',
    '/..',
    '/.',
    '/v1/./x',
    '/%2e%2e/x',
    '/v1/%2E/x',
    '//v1/models',
    '/v1//models',
    '/v1;a=b/models',
    '/v1/models%3bx',
    '/v1\\models',
    '/v1%5cmodels',
    '/v1%2fmodels',
    '/v1/%00',
    '/v1/%0a',
    '/v1/%',
    '/v1/%g0',
    '/v1/%252e',
    '/v1/models/%2e%2e%2fx',
    '/v1/"x"',
    '/v1/<x>',
    '/v1/{x}',
  ]) {
    refuses(`attack 12: ${path}`, get(path), 404, 'unknown_endpoint');
  }
  refuses('a path that is not ASCII', Buffer.from('GET /v1/\xe9 HTTP/1.1\r\nhost: gateway\r\n\r\n', 'latin1'), 400, 'malformed_request');
  refuses('a control character in the target', 'GET /v1/\u0001 HTTP/1.1\r\nhost: gateway\r\n\r\n', 400, 'malformed_request');
  refuses('an upgrade to a web socket', get('/', 'connection: upgrade', 'upgrade: websocket'), 400, 'malformed_request');
  refuses('an unknown expectation', get('/', 'expect: 200-ok'), 400, 'malformed_request');
  refuses('chunked in HTTP/1.0', 'POST /v1/x HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 400, 'malformed_request');

  it('takes ordinary requests, with a name that holds a slash where one may', async () => {
    for (const host of ['gateway', 'Gateway.example:4100', '127.0.0.1:80', '[::1]:4100', 'my_service']) {
      assert.equal((await ask(border.port, `GET /v1/models?limit=2&after=a%2Fb HTTP/1.1\r\nhost: ${host}\r\n\r\n`)).status, 200, host);
    }
    const answer = await ask(
      border.port,
      get('/v1/models/openai%2Fgpt-5.6@x:y?a=1', 'authorization: bearer  bh_a', 'x-api-key: bh_b', 'api-key: bh_a'),
    );
    assert.deepEqual(JSON.parse(answer.body), {
      method: 'GET',
      path: '/v1/models/openai%2Fgpt-5.6@x:y',
      query: 'a=1',
      keys: ['bh_a', 'bh_b'],
      bytes: 0,
      text: '',
    });
  });

  it('sees every header line up to the limit', async () => {
    const lines = [...Array.from({ length: 98 }, (_, i) => `x-${i}: 1`), 'x-api-key: last'];
    assert.deepEqual((JSON.parse((await ask(border.port, get('/', ...lines))).body) as { keys: string[] }).keys, ['last']);
  });

  it('takes HTTP/1.0, with and without Host', async () => {
    assert.equal((await ask(border.port, 'GET /health/live HTTP/1.0\r\n\r\n')).status, 200);
    assert.equal((await ask(border.port, 'GET /health/live HTTP/1.0\r\nhost: gateway\r\n\r\n')).status, 200);
  });

  it('passes over an offer of h2c, as Java clients make it, and still reads the body', async () => {
    const answer = await ask(
      border.port,
      post('connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AA\r\ncontent-length: 5', 'hello'),
    );
    assert.deepEqual([answer.status, (JSON.parse(answer.body) as { text: string }).text], [200, 'hello']);
  });

  it('finds no key in other authorization schemes', async () => {
    const answer = await ask(border.port, get('/', 'authorization: Basic YTpi'));
    assert.deepEqual((JSON.parse(answer.body) as { keys: string[] }).keys, []);
  });

  it('tells listeners of every refusal below HTTP', () => {
    assert.ok(border.refused.length > 5);
    for (const { error, requestId, address } of border.refused)
      assert.deepEqual([requestId.slice(0, 4), address, error.row.status >= 400], ['req_', '127.0.0.1', true]);
  });

  it('takes JSON types only as JSON', () => {
    for (const contentType of ['application/json', 'application/merge-patch+json']) checkJsonType({ contentType });
    for (const contentType of ['', 'text/plain', 'application/jsonx', 'multipart/form-data', 'application/x-www-form-urlencoded']) {
      assert.throws(() => checkJsonType({ contentType }), { code: 'unsupported_media_type' });
    }
  });
});

describe('client address', () => {
  const proxies = trustedProxies(['10.0.0.0/8', '2001:db8::/32', '192.0.2.7']);

  it('is the socket’s unless a trusted proxy speaks', () => {
    assert.equal(clientAddress('203.0.113.9', '1.2.3.4', proxies), '203.0.113.9');
    assert.equal(clientAddress('::ffff:203.0.113.9', undefined, proxies), '203.0.113.9');
    assert.equal(clientAddress('10.0.0.1', undefined, proxies), '10.0.0.1');
    assert.equal(clientAddress('10.0.0.1', '1.2.3.4', trustedProxies([])), '10.0.0.1');
  });

  it('is the rightmost address that is no trusted proxy: what the client wrote itself is never believed', () => {
    assert.equal(clientAddress('10.0.0.1', '6.6.6.6, 1.2.3.4, 10.9.9.9', proxies), '1.2.3.4');
    assert.equal(clientAddress('::ffff:10.0.0.1', '127.0.0.1, 1.2.3.4:5566', proxies), '1.2.3.4');
    assert.equal(clientAddress('2001:db8::1', '[2001:db9::2]:443, 192.0.2.7', proxies), '2001:db9::2');
    assert.equal(clientAddress('10.0.0.1', '10.0.0.2', proxies), '10.0.0.2');
  });

  it('stops at what is no address', () => {
    for (const text of ['1.2.3.4, unknown', '1.2.3.4, ', '1.2.3.4, 999.1.1.1', 'x\r\ny'])
      assert.equal(clientAddress('10.0.0.1', text, proxies), '10.0.0.1', text);
  });

  it('refuses blocks that are none', () => {
    for (const block of ['10.0.0.0/33', 'a', '10.0.0.0/8/8', '::/129', '10.0.0.0/-1', '', '10.0.0.0/'])
      assert.throws(() => trustedProxies([block]), { code: 'invalid_field' }, block);
  });
});
