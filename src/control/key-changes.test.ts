import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { digestKey } from '../access/virtual-key.ts';
import { until } from './testing/node.ts';
import { codeOf, createPerson } from './testing/people.ts';
import { startTenancy, type Tenancy } from './testing/tenancy.ts';

let t: Tenancy;
before(async () => {
  t = await startTenancy();
});
after(() => t.node.stop());

describe('changing a key', () => {
  it('every field, under the next version, effective once acknowledged', async () => {
    const { place } = await t.organization();
    const made = await t.key({ ...place, endpoints: ['messages'], addresses: ['10.0.0.0/8'], metadata: { app: 'x' } });
    const before = await t.rowOf(made.key);
    assert.deepEqual([before?.endpoints, before?.addresses, before?.metadata], [['messages'], ['10.0.0.0/8'], { app: 'x' }]);
    const body = {
      name: 'new',
      models: ['a'],
      max_parallel: 3,
      endpoints: ['chat-completions'],
      addresses: null,
      metadata: null,
      expires_at: '2999-01-01T00:00:00Z',
    };
    const changed = await t.node.call('keys.update', { id: made.id, body });
    assert.deepEqual(changed.confirmations, [{ process: 'gateway-0', confirmed: true, action: 'none' }]);
    assert.deepEqual(t.heard.at(-1), { op: 'key.changed', digest: digestKey(made.key) });
    const row = await t.rowOf(made.key);
    assert.deepEqual(
      [row?.version, row?.name, row?.models, row?.maxParallel, row?.endpoints, row?.addresses, row?.metadata, row?.expiresAt],
      [2, 'new', ['a'], 3, ['chat-completions'], undefined, undefined, Date.parse('2999-01-01T00:00:00Z')],
    );
  });

  for (const [field, value] of [
    ['team', 'x'],
    ['organization', 'x'],
    ['user', 'x'],
    ['service_account', 'x'],
    ['kind', 'admin'],
    ['blocked', false],
    ['rules', {}],
    ['version', 9],
    ['addresses', ['10.0.0.0/99']],
    ['addresses', ['everywhere']],
    ['endpoints', ['nothing']],
    ['metadata', Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, 'v']))],
    ['metadata', { k: 'x'.repeat(257) }],
  ] as const) {
    it(`refuses ${field} ${JSON.stringify(value).slice(0, 40)}`, async () => {
      const made = await t.key({});
      await t.refused('PATCH', `/keys/${made.id}`, { [field]: value }, 'invalid_field');
    });
  }

  it('blocked and let go again, each acknowledged by every worker', async () => {
    const made = await t.key({});
    const { state, confirmations } = await t.node.call('keys.block', { id: made.id });
    assert.deepEqual([state, confirmations.every(({ confirmed }) => confirmed)], ['blocked', true]);
    assert.deepEqual([(await t.rowOf(made.key))?.blocked, (await t.rowOf(made.key))?.version], [true, 2]);
    assert.equal((await t.node.call('keys.list', { query: 'state=blocked' })).keys[0]?.id, made.id);
    assert.equal((await t.node.request('POST', `/admin/v1/keys/${made.id}/rotate`, {})).status, 422);
    assert.equal((await t.node.call('keys.unblock', { id: made.id })).state, 'active');
    assert.deepEqual([(await t.rowOf(made.key))?.blocked, (await t.rowOf(made.key))?.version], [undefined, 3]);
  });

  /** As the vault has it on disk: what ends with `!` is blocked. */
  const inVault = (key: string): string | undefined => {
    const text = fs.readFileSync(path.join(t.node.folder, 'vault-0/revoked'), 'latin1');
    const at = text.indexOf(digestKey(key));
    return at < 0 ? undefined : text[at + 64];
  };

  it('the vault refuses a blocked key too, and takes it again when it is unblocked', async () => {
    const made = await t.key({});
    assert.equal(inVault(made.key), undefined);
    const { confirmations } = await t.node.call('keys.block', { id: made.id });
    assert.deepEqual(confirmations[0], { process: 'vault-0', confirmed: true, action: 'none' });
    assert.equal(inVault(made.key), '!');
    await t.node.call('keys.unblock', { id: made.id });
    assert.equal(inVault(made.key), ' ');
    await t.node.call('keys.block', { id: made.id });
    await t.node.call('keys.revoke', { id: made.id });
    assert.equal(inVault(made.key), '\n');
  });

  it('so do the keys of a person who is blocked', async () => {
    const at = await t.organization();
    const person = await createPerson(t.node, [{ role: 'member', ...at.place }], at.name);
    const made = await t.key({ ...at.place, user: person.id });
    await t.node.call('users.update', { id: person.id, body: { state: 'blocked' } });
    assert.equal(inVault(made.key), '!');
  });

  it('a vault that could not be told is told later', async () => {
    const made = await t.key({});
    await t.node.call('keys.block', { id: made.id });
    t.edit(`UPDATE keys SET block_confirmed = 0 WHERE id = ?`, made.id);
    const file = path.join(t.node.folder, 'vault-0/revoked');
    await t.node.kill('vault-0');
    fs.writeFileSync(file, fs.readFileSync(file, 'latin1').replace(`${digestKey(made.key)}!`, `${digestKey(made.key)} `), 'latin1');
    await t.node.restart('vault-0');
    assert.equal(inVault(made.key), ' ');
    await until(() => inVault(made.key) === '!');
  });

  it('a worker that does not confirm a block is killed', async () => {
    const made = await t.key({});
    const deaf = await t.node.connectWorker(7, () => undefined);
    const { confirmations } = await t.node.call('keys.block', { id: made.id });
    assert.deepEqual(confirmations.find(({ process }) => process === 'gateway-7')?.action, 'restarted');
    assert.equal(deaf.closed, true);
  });

  it('a revoked key is not changed', async () => {
    const made = await t.key({});
    await t.node.call('keys.revoke', { id: made.id });
    await t.refused('PATCH', `/keys/${made.id}`, { name: 'x' }, 'invalid_field');
  });

  it('a rotated key keeps whom it belongs to and what it may', async () => {
    const { place } = await t.organization();
    await t.node.call('service-accounts.create', { body: { name: 'ci', ...place } });
    const made = await t.key({ ...place, service_account: 'ci', endpoints: ['messages'], metadata: { a: 'b' } });
    const rotated = await t.node.call('keys.rotate', { id: made.id, body: {} });
    assert.deepEqual([rotated.service_account, rotated.endpoints, rotated.metadata], [made.service_account, ['messages'], { a: 'b' }]);
  });

  it('a key that took another’s place keeps the lineage, however often that was done', async () => {
    const first = await t.key();
    const second = await t.node.call('keys.rotate', { id: first.id, body: { grace_seconds: 60 } });
    const third = await t.node.call('keys.rotate', { id: second.id, body: {} });
    const lineageOf = async (key: string): Promise<unknown> => (await t.rowOf(key))?.lineage;
    assert.deepEqual(
      [await lineageOf(first.key), await lineageOf(second.key), await lineageOf(third.key)],
      [undefined, first.id, first.id],
    );
  });

  it('somebody else’s change in between is not overwritten', async () => {
    const made = await t.key();
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, i) => t.node.request('PATCH', `/admin/v1/keys/${made.id}`, { name: `n${i}` })),
    );
    const done = answers.filter(({ status }) => status === 200);
    for (const answer of answers) if (answer.status !== 200) assert.equal(codeOf(answer), 'changed_meanwhile');
    assert.ok(done.length < answers.length, 'at least two met');
    assert.equal((await t.rowOf(made.key))?.version, 1 + done.length);
  });
});
