import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import type { SignedText } from '../../access/principal.ts';
import { makeKey, tokenOf, unsignedToken } from '../../access/testing/tokens.ts';
import { signText } from '../../core/signing.ts';
import type { Proof } from '../../ipc/messages/vault.ts';
import { ProofChecker } from '../proof.ts';

/** What the vault takes of a gateway that may be captured, and of a control process that may be. */

const NOW = 1_800_000_000_000;
const SECONDS = NOW / 1000;
const ISSUER = 'https://login.example.com';
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519').privateKey;
const key = makeKey('ES256', 'k1');
const attacker = makeKey('ES256', 'k1');

const claims = (change: object = {}): object => ({ iss: ISSUER, sub: 'ada', aud: 'bulkhead', exp: SECONDS + 600, ...change });
const TOKEN = tokenOf(key, claims());
const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const issuerText = (change: object = {}): string =>
  JSON.stringify({ issuer: ISSUER, audiences: ['bulkhead'], keys: [key.jwk], fetchedAt: NOW, expiresAt: NOW + 900_000, ...change });
const issuer = signText(privateKey, 'issuer', issuerText());
const rowText = (token: string, change: object = {}): string =>
  JSON.stringify({
    id: 'key_1',
    digest: digestOf(token),
    version: 1,
    name: 'ada',
    organization: 'org_A',
    team: 't',
    expiresAt: NOW + 300_000,
    session: { issuer: ISSUER, subject: 'ada' },
    ...change,
  });
const rowFor = (token: string, change: object = {}): SignedText => signText(privateKey, 'session', rowText(token, change));
const proof = (change: Partial<Extract<Proof, { kind: 'jwt' }>> = {}): Proof => ({
  kind: 'jwt',
  row: rowFor(TOKEN),
  issuer,
  token: TOKEN,
  ...change,
});

const revoked = new Set<string>();
const checker = (): ProofChecker => new ProofChecker({ trusted: publicKey }, revoked);
const invalid = (wrong: Proof, now = NOW, proofs = checker()): void =>
  assert.throws(() => proofs.check(wrong, now, 0), { code: 'proof_invalid' });

describe('proof by a token of an issuer', () => {
  it('gives key and organization of the row, once and from the cache', () => {
    const proofs = checker();
    for (let i = 0; i < 2; i++) assert.deepEqual(proofs.check(proof(), NOW, 0), { key: 'key_1', organization: 'org_A', grant: undefined });
  });

  const forgeries: Readonly<Record<string, Proof>> = {
    'attack 35: alg none, under a row that control had signed for it': (() => {
      const token = unsignedToken(claims(), 'none', 'AAAA');
      return proof({ token, row: rowFor(token) });
    })(),
    'a token of a key that is not the issuer’s, under a row that control had signed for it': (() => {
      const token = tokenOf(attacker, claims());
      return proof({ token, row: rowFor(token) });
    })(),
    'a token for another program': (() => {
      const token = tokenOf(key, claims({ aud: 'other' }));
      return proof({ token, row: rowFor(token) });
    })(),
    'attack 35: a token whose first 20 characters are those of the row’s': proof({ token: tokenOf(attacker, claims()) }),
    'the row of another token of the same person': proof({ row: rowFor(tokenOf(key, claims({ jti: '2' }))) }),
    'a row of another subject': proof({ row: rowFor(TOKEN, { session: { issuer: ISSUER, subject: 'eve' } }) }),
    'a row of another issuer': proof({ row: rowFor(TOKEN, { session: { issuer: 'https://other.example', subject: 'ada' } }) }),
    'a row of no subject': proof({ row: rowFor(TOKEN, { session: undefined }) }),
    'a row without an end': proof({ row: rowFor(TOKEN, { expiresAt: undefined }) }),
    'a row that outlives its token': proof({ row: rowFor(TOKEN, { expiresAt: NOW + 3_600_000 }) }),
    'a row that nobody signed': proof({ row: { text: rowText(TOKEN, { organization: 'org_B' }), signature: rowFor(TOKEN).signature } }),
    'a key’s row': proof({ row: signText(privateKey, 'key', rowText(TOKEN)) }),
    'a row of control’s own': proof({ row: signText(privateKey, 'row', rowText(TOKEN)) }),
    'the row of a token as that of a key': { kind: 'key', row: rowFor(TOKEN), key: TOKEN },
    'an issuer with keys of control’s choice': proof({ issuer: signText(stranger, 'issuer', issuerText({ keys: [attacker.jwk] })) }),
    'an issuer signed as a row': proof({ issuer: signText(privateKey, 'row', issuerText()) }),
    'an issuer signed as a session': proof({ issuer: signText(privateKey, 'session', issuerText()) }),
    'an issuer whose text was edited': proof({
      issuer: { text: issuerText({ audiences: ['bulkhead', 'other'] }), signature: issuer.signature },
    }),
    'another issuer': proof({ issuer: signText(privateKey, 'issuer', issuerText({ issuer: 'https://other.example' })) }),
    'an issuer whose keys are too old': proof({ issuer: signText(privateKey, 'issuer', issuerText({ expiresAt: NOW })) }),
  };
  for (const [name, forged] of Object.entries(forgeries)) {
    it(`is refused: ${name}`, () => {
      invalid(forged);
      const proofs = checker();
      proofs.check(proof(), NOW, 0);
      // Nothing of what was right before makes it right.
      invalid(forged, NOW, proofs);
    });
  }

  it('is refused when the row, the token or the issuer’s keys are over, though it was taken before', () => {
    const proofs = checker();
    proofs.check(proof(), NOW, 0);
    invalid(proof(), NOW + 300_000, proofs);
    const short = tokenOf(key, claims({ exp: SECONDS + 10 }));
    const shortRow = rowFor(short, { expiresAt: NOW + 40_000 });
    proofs.check(proof({ token: short, row: shortRow }), NOW + 39_999, 0);
    invalid(proof({ token: short, row: shortRow }), NOW + 40_000, proofs);
    const old = signText(privateKey, 'issuer', issuerText({ expiresAt: NOW + 60_000 }));
    proofs.check(proof({ issuer: old }), NOW + 59_999, 0);
    invalid(proof({ issuer: old }), NOW + 60_000, proofs);
  });

  it('is refused once its digest is revoked', () => {
    const proofs = checker();
    proofs.check(proof(), NOW, 0);
    revoked.add(digestOf(TOKEN));
    invalid(proof(), NOW, proofs);
    revoked.clear();
  });
});
