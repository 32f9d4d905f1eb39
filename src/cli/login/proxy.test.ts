import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { makeCertificate } from '../../vault/testing/upstream.ts';
import { discover } from './issuer.ts';
import { proxyFor } from './proxy.ts';

const issuerAt = (url: string): URL => new URL(url);
const proxyOf = (env: Readonly<Record<string, string>>, url = 'https://login.example.com/x'): string | undefined =>
  proxyFor(issuerAt(url), env)?.href;

describe('proxy of the environment', () => {
  it('is the one of https_proxy, else of all_proxy, in small letters first', () => {
    assert.equal(proxyOf({}), undefined);
    assert.equal(proxyOf({ HTTPS_PROXY: '' }), undefined);
    assert.equal(proxyOf({ HTTP_PROXY: 'http://p:1' }), undefined);
    assert.equal(proxyOf({ HTTPS_PROXY: 'http://p:1', all_proxy: 'http://p:3' }), 'http://p:1/');
    assert.equal(proxyOf({ HTTPS_PROXY: 'http://p:1', https_proxy: 'http://p:2' }), 'http://p:2/');
    assert.equal(proxyOf({ ALL_PROXY: 'http://p:3' }), 'http://p:3/');
    for (const text of ['socks5://p:1', 'https://p:1', 'p'])
      assert.throws(() => proxyOf({ HTTPS_PROXY: text }), /not one of the form/, text);
  });

  for (const [list, isExempt] of [
    ['*', true],
    ['example.com', true],
    ['.example.com', true],
    ['*.example.com', true],
    ['other.org, login.example.com', true],
    ['LOGIN.example.com:443', true],
    ['login.example.com:8443', false],
    ['ample.com', false],
    ['login.example', false],
    [',', false],
    ['', false],
  ] as const) {
    it(`no_proxy=${list}: ${isExempt ? 'straight' : 'through the proxy'}`, () =>
      assert.equal(proxyOf({ HTTPS_PROXY: 'http://p:1', no_proxy: list }), isExempt ? undefined : 'http://p:1/'));
  }
});

const certificate = makeCertificate('issuer.test');

describe('an issuer behind a proxy', { skip: certificate === undefined ? 'SKIPPED: openssl is not installed' : false }, () => {
  const issuer = https.createServer({ ...certificate }, (request, response) => {
    const url = `https://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
    response.end(JSON.stringify({ issuer: url, token_endpoint: `${url}/token`, path: request.url }));
  });
  const seen: { readonly target: string; readonly authorization: string | undefined }[] = [];
  const proxy = http.createServer();
  let status = 200;
  proxy.on('connect', (request: http.IncomingMessage, socket) => {
    seen.push({ target: request.url ?? '', authorization: request.headers['proxy-authorization'] });
    socket.write(`HTTP/1.1 ${status} x\r\n\r\n`);
    if (status !== 200) {
      socket.end();
      return;
    }
    const [host = '', port] = (request.url ?? '').split(':');
    const up = connect(Number(port), host);
    for (const [from, to] of [
      [up, socket],
      [socket, up],
    ] as const) {
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  });
  const names = ['https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY', 'all_proxy', 'ALL_PROXY'];
  const before_ = new Map(names.map((name) => [name, process.env[name]]));

  before(async () => {
    for (const server of [issuer, proxy]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    seen.length = 0;
    status = 200;
  });
  after(() => {
    for (const [name, value] of before_) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    for (const server of [issuer, proxy]) {
      server.closeAllConnections();
      server.close();
    }
  });

  const url = (): string => `https://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
  const use = (text: string | undefined): void => {
    for (const name of names) delete process.env[name];
    if (text !== undefined) process.env['HTTPS_PROXY'] = text;
  };
  const at = (credentials = ''): string => `http://${credentials}127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const facts = () => ({ url: url(), client_id: 'cli', scopes: ['openid'], ca: certificate?.cert ?? '' });

  it('is asked through it, which is told the host and sees no more; its certificate is checked all the same', async () => {
    use(at('ann:s%40cret@'));
    assert.equal((await discover(facts())).token, `${url()}/token`);
    assert.deepEqual(seen, [{ target: new URL(url()).host, authorization: `Basic ${Buffer.from('ann:s@cret').toString('base64')}` }]);
    await assert.rejects(discover({ ...facts(), ca: null }), { message: /cannot be reached: (DEPTH_ZERO_)?SELF_SIGNED_CERT/ });
    use(undefined);
    assert.equal((await discover(facts())).token, `${url()}/token`);
    assert.equal(seen.length, 2);
  });

  it('a proxy that refuses, answers like a web server, or is not there is named', async () => {
    use(at());
    status = 407;
    await assert.rejects(discover(facts()), { message: /the proxy 127\.0\.0\.1:\d+ answered 407/ });
    use('http://127.0.0.1:1');
    await assert.rejects(discover(facts()), { message: /the proxy 127\.0\.0\.1:1 cannot be reached: ECONNREFUSED/ });
    use('socks5://127.0.0.1:1');
    await assert.rejects(discover(facts()), { message: /not one of the form http:\/\/host:port/ });
  });
});
