import assert from 'node:assert/strict';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { IssuerText } from '../../access/jwt.ts';
import { makeKey } from '../../access/testing/tokens.ts';
import { publicKeyFromRaw, verifyText } from '../../core/signing.ts';
import type { SignedText } from '../../access/principal.ts';
import { makeCertificate } from '../testing/upstream.ts';
import { startVault, type TestVault } from '../testing/vault.ts';

const certificate = makeCertificate('issuer.test');

describe('issuers', { skip: certificate === undefined ? 'the openssl program is missing' : false }, () => {
  const tls = certificate as NonNullable<typeof certificate>;
  const key = makeKey('ES256', 'k1');
  const server = https.createServer(tls);
  let vault: TestVault;
  let url: string;
  let discovery: Record<string, unknown>;
  let keySet: { status: number; body: string; headers: Record<string, string> };
  const asked: string[] = [];

  before(async () => {
    server.on('request', (request, response) => {
      asked.push(request.url ?? '');
      const isKeys = request.url?.startsWith('/keys') === true;
      const { status, body, headers } = isKeys ? keySet : { status: 200, body: JSON.stringify(discovery), headers: {} };
      response.writeHead(status, headers).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    vault = await startVault();
  });

  beforeEach(() => {
    asked.length = 0;
    discovery = { issuer: url, jwks_uri: `${url}/keys?v=1` };
    keySet = { status: 200, body: JSON.stringify({ keys: [key.jwk] }), headers: {} };
  });

  after(async () => {
    await vault.drain();
    server.closeAllConnections();
    server.close();
  });

  const fetchIssuer = (change: object = {}): Promise<unknown> =>
    vault.admin({ op: 'issuer.fetch', issuer: url, audiences: ['bulkhead'], allowPrivate: true, ca: tls.cert, ...change });
  const textOf = async (): Promise<IssuerText> => JSON.parse(((await fetchIssuer()) as SignedText).text) as IssuerText;

  it('are fetched by discovery and signed as what they are, and as nothing else', async () => {
    const signed = (await fetchIssuer()) as SignedText;
    const trusted = publicKeyFromRaw((await vault.info()).verifyKey);
    assert.deepEqual(
      (['issuer', 'row', 'session', 'key'] as const).map((kind) => verifyText(trusted, kind, signed)),
      [true, false, false, false],
    );
    const { issuer, audiences, keys } = JSON.parse(signed.text) as IssuerText;
    const { kty, kid, alg, crv, x, y } = key.jwk;
    assert.deepEqual({ issuer, audiences, keys }, { issuer: url, audiences: ['bulkhead'], keys: [{ kty, kid, alg, crv, x, y }] });
    assert.deepEqual(asked, ['/.well-known/openid-configuration', '/keys?v=1']);
  });

  it('control cannot have another text signed as one', async () => {
    const text = JSON.stringify({ issuer: url, audiences: ['bulkhead'], keys: [key.jwk], fetchedAt: 0, expiresAt: 1e15 });
    await assert.rejects(vault.admin({ op: 'sign', kind: 'issuer', text }), { code: 'permission_denied' });
    const session = (await vault.admin({ op: 'sign', kind: 'session', text })) as unknown as SignedText;
    assert.equal(verifyText(publicKeyFromRaw((await vault.info()).verifyKey), 'issuer', session), false);
  });

  it('live as long as they say, five minutes at least and an hour at most', async () => {
    const lifeOf = async (headers: Record<string, string>): Promise<number> => {
      keySet = { ...keySet, headers };
      const { fetchedAt, expiresAt } = await textOf();
      return (expiresAt - fetchedAt) / 1000;
    };
    assert.deepEqual(await lifeOf({}), 300);
    assert.deepEqual(await lifeOf({ 'cache-control': 'no-store, max-age=0' }), 300);
    assert.deepEqual(await lifeOf({ 'cache-control': 'public, max-age=1200, must-revalidate' }), 1200);
    assert.deepEqual(await lifeOf({ 'cache-control': 'max-age=86400' }), 3600);
  });

  it('give only keys that verify: public, strong, for signatures', async () => {
    const rsa = makeKey('RS256', 'private');
    const whole = { ...rsa.privateKey.export({ format: 'jwk' }), kid: 'private', alg: 'RS256' };
    const keys = [
      { ...key.jwk, kid: 'enc', use: 'enc' },
      { ...key.jwk, kid: 'sign', key_ops: ['sign'] },
      { kty: 'oct', kid: 'hmac', k: 'c2VjcmV0' },
      makeKey('RS256', 'weak', { bits: 1024 }).jwk,
      { ...key.jwk, kid: 'off-curve', y: key.jwk.x },
      'text',
      null,
      whole,
    ];
    keySet = { ...keySet, body: JSON.stringify({ keys }) };
    const { n, e, kty } = rsa.jwk;
    assert.deepEqual((await textOf()).keys, [{ kty, kid: 'private', alg: 'RS256', n, e }]);
  });

  it('a private address needs the operator’s word, and then reaches this issuer’s host alone', async () => {
    await assert.rejects(fetchIssuer({ allowPrivate: false }), { code: 'address_refused' });
    assert.deepEqual(asked, []);
    discovery['jwks_uri'] = url.replace('127.0.0.1', '127.0.0.2').concat('/keys');
    await assert.rejects(fetchIssuer(), { code: 'address_refused' });
    discovery['jwks_uri'] = 'https://169.254.169.254/latest/meta-data';
    await assert.rejects(fetchIssuer(), { code: 'address_refused' });
  });

  it('a certificate of an authority that nobody named is not believed', async () =>
    assert.rejects(fetchIssuer({ ca: undefined }), { code: 'upstream_unreachable' }));

  const wrong: Readonly<Record<string, () => void>> = {
    'a discovery document of another issuer': () => void (discovery['issuer'] = 'https://login.example.com'),
    'one of the same issuer but for a slash': () => void (discovery['issuer'] = `${url}/`),
    'a key set over plain http': () => void (discovery['jwks_uri'] = url.replace('https:', 'http:')),
    'a key set in a file': () => void (discovery['jwks_uri'] = 'file:///etc/passwd'),
    'no key set': () => void delete discovery['jwks_uri'],
    'an answer that is larger than 256 KiB': () => void (keySet = { ...keySet, body: `{"keys":[],"x":"${'x'.repeat(262_144)}"}` }),
    'an answer that is no JSON': () => void (keySet = { ...keySet, body: '<html>' }),
    'an answer that is no object': () => void (keySet = { ...keySet, body: '[]' }),
    'an error': () => void (keySet = { ...keySet, status: 500 }),
    'no key that verifies': () => void (keySet = { ...keySet, body: '{"keys":[]}' }),
  };
  for (const [name, change] of Object.entries(wrong)) {
    it(`is refused: ${name}`, async () => {
      change();
      await assert.rejects(fetchIssuer(), { code: 'upstream_invalid' });
    });
  }

  it('a redirect is not followed', async () => {
    keySet = { status: 302, body: '', headers: { location: `${url}/keys2` } };
    await assert.rejects(fetchIssuer(), (error: { readonly code?: string }) =>
      ['upstream_redirect', 'upstream_invalid'].includes(error.code ?? ''),
    );
    assert.equal(asked.includes('/keys2'), false);
  });

  for (const change of [
    { issuer: 'http://127.0.0.1' },
    { issuer: 'https://user:pass@127.0.0.1' },
    { issuer: 'https://127.0.0.1/?a=b' },
    { issuer: 'https://127.0.0.1/#a' },
    { issuer: `https://127.0.0.1/${'a'.repeat(600)}` },
    { issuer: 7 },
    { audiences: [] },
    { audiences: [''] },
    { audiences: 'bulkhead' },
    { audiences: Array.from({ length: 17 }, () => 'a') },
    { allowPrivate: 'yes' },
    { ca: 1 },
  ])
    it(`is not one: ${JSON.stringify(change).slice(0, 60)}`, () => assert.rejects(fetchIssuer(change), { code: 'invalid_field' }));

  it('only shard 0 fetches, for it alone signs', async () => {
    const other = await startVault({ index: 1 });
    await assert.rejects(other.admin({ op: 'issuer.fetch', issuer: url, audiences: ['a'], allowPrivate: true }), {
      code: 'permission_denied',
    });
    await other.drain();
  });
});
