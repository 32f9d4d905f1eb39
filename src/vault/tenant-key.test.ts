import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { JsonObject } from '../core/json.ts';
import { startVault, type TestKey, type TestVault } from './testing/vault.ts';

describe('tenant keys', () => {
  let vault: TestVault;
  let key: TestKey;
  const ask = async (proof: unknown, purpose = 'responses'): Promise<Buffer> => {
    const { body } = await vault.gateway.unary({ op: 'tenant.key', proof, purpose } as JsonObject);
    return Buffer.from(body);
  };

  before(async () => {
    vault = await startVault();
    key = await vault.newKey('org_A');
  });
  after(async () => {
    await vault.drain();
    fs.rmSync(vault.folder, { recursive: true });
  });

  it('are 32 bytes of the organization of the proof, for any of its keys, and of no other', async () => {
    const [one, again, other] = await Promise.all([
      ask(key.proof),
      ask((await vault.newKey('org_A')).proof),
      ask((await vault.newKey('org_B')).proof),
    ]);
    assert.equal(one.length, 32);
    assert.deepEqual(one, again);
    assert.notDeepEqual(one, other);
  });

  it('are the same after a restart', async () => {
    const before = await ask(key.proof);
    await vault.drain();
    vault = await startVault({ folder: vault.folder });
    assert.deepEqual(await ask(key.proof), before);
  });

  it('refuses a presented key that is not the row’s: proof_invalid', () =>
    assert.rejects(ask({ ...key.proof, key: 'bh_test_another' }), { code: 'proof_invalid' }));

  it('refuses a row whose organization was edited: proof_invalid', () => {
    const row = { ...key.proof.row, text: key.proof.row.text.replace('org_A', 'org_B') };
    return assert.rejects(ask({ ...key.proof, row }), { code: 'proof_invalid' });
  });

  it('refuses a revoked key: proof_invalid', async () => {
    const revoked = await vault.newKey('org_A');
    await vault.admin({ op: 'revoke', digest: revoked.digest });
    await assert.rejects(ask(revoked.proof), { code: 'proof_invalid' });
  });

  it('refuses a call without a proof, and an organization named beside it: proof_invalid', async () => {
    for (const proof of [undefined, null, {}, 'x', { kind: 'key' }, { kind: 'key', organization: 'org_B' }])
      await assert.rejects(ask(proof), { code: 'proof_invalid' });
    const { body } = await vault.gateway.unary({
      op: 'tenant.key',
      proof: key.proof as unknown as JsonObject,
      purpose: 'responses',
      organization: 'org_B',
    });
    assert.deepEqual(Buffer.from(body), await ask(key.proof));
  });

  it('refuses a service: permission_denied', async () => {
    const text = JSON.stringify({ credential: 'openai', path: '/v1/', organization: 'service', expiresAt: Date.now() + 60_000 });
    const grant = await vault.admin({ op: 'sign', kind: 'grant', text });
    await assert.rejects(ask({ kind: 'service', grant }), { code: 'permission_denied' });
  });

  it('refuses another purpose: permission_denied', () => assert.rejects(ask(key.proof, 'anything'), { code: 'permission_denied' }));

  it('refuses on every shard but the first, whose root keys differ: permission_denied', async (t) => {
    const second = await startVault({ index: 1 });
    t.after(async () => {
      await second.drain();
      fs.rmSync(second.folder, { recursive: true });
    });
    await second.admin({ op: 'trust', verifyKey: (await vault.info()).verifyKey });
    const call = { op: 'tenant.key', proof: key.proof, purpose: 'responses' } as unknown as JsonObject;
    await assert.rejects(second.gateway.unary(call), { code: 'permission_denied' });
  });
});
