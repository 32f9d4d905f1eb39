import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import type { SignedText } from '../access/principal.ts';
import { signText } from '../core/signing.ts';
import type { Proof } from '../ipc/messages/vault.ts';
import { ProofChecker } from './proof.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const revoked = new Set<string>();
const checker = (): ProofChecker => new ProofChecker({ trusted: publicKey }, revoked);
const KEY = 'bh_live_0123456789';
const digestOf = (key: string): string => createHash('sha256').update(key).digest('hex');
const row = (extra: object = {}): SignedText =>
  signText(
    privateKey,
    'key',
    JSON.stringify({ id: 'key_1', digest: digestOf(KEY), version: 1, name: 'n', organization: 'org_A', team: 't', ...extra }),
  );
const proof = (signed: SignedText, key = KEY): Proof => ({ kind: 'key', row: signed, key });
const invalid = (act: () => unknown): void => assert.throws(act, { code: 'proof_invalid' });

describe('proof', () => {
  it('gives key and organization of a signed row', () => {
    const proofs = checker();
    const expected = { key: 'key_1', organization: 'org_A', grant: undefined };
    assert.deepEqual(proofs.check(proof(row()), 0, 0), expected);
    assert.deepEqual(proofs.check(proof(row()), 0, 0), expected);
  });

  it('forged row: another organization, a torn or foreign signature, another kind', () => {
    const proofs = checker();
    const good = row();
    proofs.check(proof(good), 0, 0);
    const forged = good.text.replace('org_A', 'org_B');
    invalid(() => proofs.check(proof({ text: forged, signature: good.signature }), 0, 0));
    invalid(() => proofs.check(proof({ text: good.text, signature: '' }), 0, 0));
    invalid(() => proofs.check(proof(signText(generateKeyPairSync('ed25519').privateKey, 'key', good.text)), 0, 0));
    invalid(() => proofs.check(proof(signText(privateKey, 'grant', good.text)), 0, 0));
    invalid(() => proofs.check({ kind: 'service', grant: good }, 0, 0));
  });

  it('other tenant’s id: a row without its key is worth nothing', () => {
    invalid(() => checker().check(proof(row(), 'bh_live_another'), 0, 0));
    invalid(() => checker().check(proof(row(), ''), 0, 0));
    invalid(() => checker().check(proof(row(), digestOf(KEY)), 0, 0));
  });

  it('replay of an expired or revoked key', () => {
    const proofs = checker();
    const signed = row({ expiresAt: 1000 });
    proofs.check(proof(signed), 999, 0);
    invalid(() => proofs.check(proof(signed), 1000, 0));
    invalid(() => proofs.check(proof(row({ expiresAt: 'never' })), 0, 0));
    proofs.check(proof(row()), 0, 0);
    revoked.add(digestOf(KEY));
    invalid(() => proofs.check(proof(row()), 0, 0));
    revoked.clear();
  });

  it('a row that says it is blocked, and one from before it was', () => {
    const proofs = checker();
    const [open, blocked, opened] = [row(), row({ version: 2, blocked: true }), row({ version: 3 })];
    proofs.check(proof(open), 0, 0);
    invalid(() => proofs.check(proof(blocked), 0, 0));
    // Nothing but the set tells a captured gateway that it must not go on with the row it has.
    revoked.add(digestOf(KEY));
    invalid(() => proofs.check(proof(open), 0, 0));
    revoked.clear();
    proofs.check(proof(opened), 0, 0);
  });

  it('old record: an earlier version of a row ends soon after a newer one was seen', () => {
    const proofs = checker();
    const [old, current] = [row(), row({ version: 2, expiresAt: 5000 })];
    proofs.check(proof(old), 0, 0);
    proofs.check(proof(current), 0, 100);
    proofs.check(proof(old), 0, 200);
    invalid(() => proofs.check(proof(old), 0, 20_000));
    proofs.check(proof(current), 0, 20_000);
  });

  it('a service uses what its grant names, until it expires', () => {
    const grant = { credential: 'openai', path: '/v1/models', organization: 'service', expiresAt: 1000, requestsPerHour: 5 };
    const sign = (extra: object = {}): Proof => ({
      kind: 'service',
      grant: signText(privateKey, 'grant', JSON.stringify({ ...grant, ...extra })),
    });
    assert.deepEqual(checker().check(sign(), 0, 0), { key: '', organization: 'service', grant });
    invalid(() => checker().check(sign(), 1000, 0));
    invalid(() => checker().check(sign({ organization: 'org_A' }), 0, 0));
    invalid(() => checker().check(sign({ expiresAt: null }), 0, 0));
    invalid(() => checker().check(sign({ digest: digestOf(KEY) }), 0, 0));
  });
});
