import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { endOf, holds, LEEWAY_MS, namesUnknownKey, parseToken, readIssuer, type Issuer, type IssuerKey } from './jwt.ts';
import { base64url, hmacToken, makeKey, tokenOf, unsignedToken, type SigningKey } from './testing/tokens.ts';

const NOW = 1_800_000_000_000;
const SECONDS = NOW / 1000;
const ISSUER = 'https://login.example.com/realms/main';

const issuerOf = (keys: readonly IssuerKey[], expiresAt = NOW + 300_000): Issuer =>
  readIssuer(JSON.stringify({ issuer: ISSUER, audiences: ['bulkhead', 'other'], keys, fetchedAt: NOW, expiresAt }));
const claims = (change: object = {}): object => ({ iss: ISSUER, sub: 'ada', aud: 'bulkhead', exp: SECONDS + 600, iat: SECONDS, ...change });
const isTaken = (issuer: Issuer, token: string, now = NOW): boolean => {
  const parsed = parseToken(token);
  return parsed !== undefined && holds(issuer, parsed, now);
};

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA'];
const KEYS = new Map(ALGORITHMS.map((alg) => [alg, makeKey(alg, alg)]));
const keyOf = (alg: string): SigningKey => KEYS.get(alg) as SigningKey;
const RSA = keyOf('RS256');
const everyKey = issuerOf([...KEYS.values()].map(({ jwk }) => jwk));

describe('tokens of an issuer', () => {
  for (const alg of ALGORITHMS) {
    it(`takes ${alg}, and no bit of it changed`, () => {
      const token = tokenOf(keyOf(alg), claims());
      assert.equal(isTaken(everyKey, token), true);
      const [head = '', payload = '', signature = ''] = token.split('.');
      const flipped = Buffer.from(signature, 'base64url');
      flipped[0] = (flipped[0] ?? 0) ^ 1;
      assert.equal(isTaken(everyKey, `${head}.${payload}.${flipped.toString('base64url')}`), false);
      assert.equal(isTaken(everyKey, `${head}.${base64url(claims({ sub: 'eve' }))}.${signature}`), false);
    });
  }

  it('takes one of several audiences, and a key set whose keys name no algorithm', () => {
    const key = makeKey('RS256', 'k', { named: false });
    const issuer = issuerOf([key.jwk]);
    assert.equal(isTaken(issuer, tokenOf(key, claims({ aud: ['x', 'other'] }))), true);
    assert.equal(isTaken(issuer, tokenOf({ ...key, alg: 'PS256' }, claims())), true);
  });

  it('without a kid only where the set leaves no choice', () => {
    const another = makeKey('RS256', 'another');
    const token = tokenOf(RSA, claims(), { kid: undefined });
    assert.equal(isTaken(issuerOf([RSA.jwk]), token), true);
    assert.equal(isTaken(issuerOf([RSA.jwk, another.jwk]), token), false);
    assert.equal(isTaken(issuerOf([{ ...another.jwk, kid: RSA.kid }, RSA.jwk]), tokenOf(RSA, claims())), false);
  });

  it('tells a token with a new key from one that is wrong', () => {
    const newer = parseToken(tokenOf(makeKey('ES256', 'newer'), claims()));
    const wrong = parseToken(tokenOf(RSA, claims({ aud: 'x' })));
    assert.ok(newer !== undefined && wrong !== undefined);
    assert.deepEqual([namesUnknownKey(everyKey, newer), namesUnknownKey(everyKey, wrong)], [true, false]);
  });
});

describe('attack 35: forged tokens', () => {
  const publicPem = RSA.publicKey.export({ format: 'pem', type: 'spki' });
  const attacker = makeKey('RS256', 'attacker');
  const forged: Readonly<Record<string, string>> = {
    'alg none': unsignedToken(claims()),
    'alg None, in other letters': unsignedToken(claims(), 'nOnE'),
    'alg none with a signature': unsignedToken(claims(), 'none', 'AAAA'),
    'no signature under a real alg': tokenOf(RSA, claims()).replace(/[^.]*$/, ''),
    'no alg': tokenOf(RSA, claims(), { alg: undefined }),
    'HS256 keyed with the public key as PEM': hmacToken(RSA, claims(), publicPem),
    'HS256 keyed with the public key as DER': hmacToken(RSA, claims(), RSA.publicKey.export({ format: 'der', type: 'spki' })),
    'HS256 keyed with the modulus': hmacToken(RSA, claims(), Buffer.from(RSA.jwk.n ?? '', 'base64url')),
    'an algorithm that its key is not for': tokenOf({ ...RSA, alg: 'PS256' }, claims()),
    'an EC algorithm by the kid of an RSA key': tokenOf({ ...keyOf('ES256'), kid: 'RS256' }, claims()),
    'the P-256 algorithm by the kid of a P-384 key': tokenOf({ ...keyOf('ES256'), kid: 'ES384' }, claims()),
    'kid is a path': tokenOf({ ...attacker, kid: '../../../../dev/null' }, claims()),
    'kid is SQL': tokenOf({ ...attacker, kid: "' UNION SELECT 'k" }, claims()),
    'kid is no text': tokenOf(RSA, claims(), { kid: ['RS256'] }),
    'kid is the name of a member of every object': tokenOf({ ...attacker, kid: '__proto__' }, claims()),
    'kid is too long': tokenOf({ ...attacker, kid: 'k'.repeat(300) }, claims()),
    'jku leads to the attacker’s keys': tokenOf(attacker, claims(), { jku: 'https://evil.example/jwks' }),
    'jku, under a kid of the issuer': tokenOf({ ...attacker, kid: 'RS256' }, claims(), { jku: 'https://evil.example/jwks' }),
    'x5u leads to the attacker’s certificate': tokenOf({ ...attacker, kid: 'RS256' }, claims(), { x5u: 'https://evil.example/x5u' }),
    'jwk brings its own key': tokenOf({ ...attacker, kid: 'RS256' }, claims(), { jwk: attacker.jwk }),
    'x5c brings its own key': tokenOf({ ...attacker, kid: 'RS256' }, claims(), { x5c: ['MIIB'] }),
    'crit asks for what nobody knows': tokenOf(RSA, claims(), { crit: ['b64'], b64: false }),
    'the type of another kind of token': tokenOf(RSA, claims(), { typ: 'logout+jwt' }),
    'wrong aud': tokenOf(RSA, claims({ aud: 'another-program' })),
    'aud is a prefix': tokenOf(RSA, claims({ aud: 'bulk' })),
    'no aud': tokenOf(RSA, claims({ aud: undefined })),
    'aud is an object': tokenOf(RSA, claims({ aud: { 0: 'bulkhead', length: 1 } })),
    'aud is a list in a list': tokenOf(RSA, claims({ aud: [['bulkhead']] })),
    'wrong iss': tokenOf(RSA, claims({ iss: 'https://login.example.com/realms/other' })),
    'iss with a slash more': tokenOf(RSA, claims({ iss: `${ISSUER}/` })),
    'no sub': tokenOf(RSA, claims({ sub: undefined })),
    'an empty sub': tokenOf(RSA, claims({ sub: '' })),
    expired: tokenOf(RSA, claims({ exp: SECONDS - LEEWAY_MS / 1000 })),
    'no exp': tokenOf(RSA, claims({ exp: undefined })),
    'exp is text': tokenOf(RSA, claims({ exp: String(SECONDS + 600) })),
    'exp in milliseconds': tokenOf(RSA, claims({ exp: NOW + 600_000 })),
    'not before later': tokenOf(RSA, claims({ nbf: SECONDS + 60 })),
    'issued in the future': tokenOf(RSA, claims({ iat: SECONDS + 60 })),
    'the padding of base64': `${tokenOf(RSA, claims())}=`,
    'a fourth part': `${tokenOf(RSA, claims())}.e30`,
    'a part in another spelling': tokenOf(RSA, claims()).replace(/.$/, (last) => (last === 'B' ? 'C' : last === 'A' ? 'B' : `${last}A`)),
    'too long': tokenOf(RSA, claims({ padding: 'x'.repeat(9000) })),
    'a payload that is a list': (() => tokenOf(RSA, [claims()]))(),
  };
  for (const [name, token] of Object.entries(forged)) it(`is refused: ${name}`, () => assert.equal(isTaken(everyKey, token), false));

  it('is refused: a token whose first 20 characters are those of a right one', () => {
    const right = tokenOf(RSA, claims());
    const equal = tokenOf({ ...attacker, kid: 'RS256' }, claims({ sub: 'eve' }));
    assert.equal(right.slice(0, 20), equal.slice(0, 20));
    assert.deepEqual([isTaken(everyKey, right), isTaken(everyKey, equal)], [true, false]);
  });

  it('is refused: a weak RSA key, though its issuer publishes it', () => {
    const weak = makeKey('RS256', 'weak', { bits: 1024 });
    assert.deepEqual(issuerOf([weak.jwk]).keys, []);
    assert.equal(isTaken(issuerOf([weak.jwk]), tokenOf(weak, claims())), false);
  });

  it('is refused: any token of an issuer whose keys are too old', () =>
    assert.equal(isTaken(issuerOf([RSA.jwk], NOW), tokenOf(RSA, claims())), false));

  it('ends by its own time, a leeway for clocks later', () => {
    const token = tokenOf(RSA, claims({ exp: SECONDS }));
    const parsed = parseToken(token);
    assert.equal(parsed === undefined ? undefined : endOf(parsed.claims), NOW + LEEWAY_MS);
    assert.deepEqual([isTaken(everyKey, token, NOW + LEEWAY_MS - 1), isTaken(everyKey, token, NOW + LEEWAY_MS)], [true, false]);
  });

  it('no text makes the reader throw, and none is taken', () => {
    const part = fc.oneof(fc.string(), fc.base64String(), fc.json().map(base64url), fc.constant(base64url({ alg: 'RS256', kid: 'RS256' })));
    fc.assert(fc.property(fc.array(part, { maxLength: 5 }), (parts) => !isTaken(everyKey, parts.join('.'))));
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !isTaken(everyKey, text)));
  });
});
