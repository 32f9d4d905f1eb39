import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import type { KeyRow, SignedText } from '../access/principal.ts';
import { digestKey, isWellFormed } from '../access/virtual-key.ts';
import { publicKeyFromRaw, verifyText } from '../core/signing.ts';
import type { IncomingCall, Peer } from '../ipc/peer.ts';
import { startTestNode, until, type TestNode } from './testing/node.ts';

let node: TestNode;
let worker: Peer;
const heard: Record<string, unknown>[] = [];
before(async () => {
  node = await startTestNode({ shards: 2 });
  await until(() => node.asked.some(({ op }) => op === 'print'));
  worker = await node.connectWorker(0, (call) => {
    heard.push(call.head);
    call.reply({});
  });
});
after(() => node.stop());

const resolve = async (text: string, peer = worker): Promise<SignedText | null> =>
  (await peer.unary({ op: 'key.resolve', digest: digestKey(text) })).head['row'] as unknown as SignedText | null;
const rowOf = (signed: SignedText): KeyRow => JSON.parse(signed.text) as KeyRow;
const create = (body: Record<string, unknown> = {}) => node.call('keys.create', { body: { name: 'a', ...body } });

describe('creating a key', () => {
  it('shows its text once and stores a digest', async () => {
    const made = await create();
    assert.equal(isWellFormed(made.key), true);
    for (const name of fs.readdirSync(path.join(node.folder, 'control'))) {
      assert.equal(fs.readFileSync(path.join(node.folder, 'control', name)).includes(made.key), false, name);
    }
    assert.equal(JSON.stringify(await node.call('keys.show', { id: made.id })).includes(made.key), false);
    assert.equal(fs.readFileSync(path.join(node.folder, 'auditor/control.log'), 'utf8').includes(made.key.slice(8)), false);
  });

  it('the row a gateway gets is the one the vault signed', async () => {
    const made = await create({ models: ['fast', 'openai/*'], max_parallel: 3, expires_in_seconds: 60 });
    const signed = await resolve(made.key);
    assert.ok(signed);
    const { shards } = await node.call('vault.show');
    assert.equal(verifyText(publicKeyFromRaw(shards[0]?.verify_key ?? ''), 'key', signed), true);
    const row = rowOf(signed);
    assert.deepEqual(
      [row.id, row.digest, row.version, row.organization, row.team],
      [made.id, digestKey(made.key), 1, 'default', 'default'],
    );
    assert.deepEqual([row.models, row.maxParallel, new Date(row.expiresAt ?? 0).toISOString()], [['fast', 'openai/*'], 3, made.expires_at]);
  });

  it('an unknown key is nothing to a gateway', async () => assert.equal(await resolve('bh_live_unknown'), null));

  it('a row that was edited in the database no longer fits its signature', async () => {
    const made = await create({ models: ['fast'] });
    const db = new DatabaseSync(path.join(node.folder, 'control/control.db'));
    db.prepare(`UPDATE keys SET signed_text = replace(signed_text, '"fast"', '"dear"') WHERE id = ?`).run(made.id);
    db.close();
    const signed = await resolve(made.key);
    const { shards } = await node.call('vault.show');
    assert.ok(signed);
    assert.equal(verifyText(publicKeyFromRaw(shards[0]?.verify_key ?? ''), 'key', signed), false);
  });

  for (const [field, value] of [
    ['name', ''],
    ['name', 'a\u001b[31m'],
    ['environment', 'A'],
    ['max_parallel', 0],
    ['max_parallel', 1.5],
    ['models', []],
    ['expires_at', '2020-01-01T00:00:00Z'],
    ['expires_at', 'tomorrow'],
    ['expires_in_seconds', -1],
  ] as const) {
    it(`refuses ${field} ${JSON.stringify(value)}`, async () => {
      const answer = await node.request('POST', '/admin/v1/keys', { name: 'a', [field]: value });
      assert.equal(answer.status, 422);
    });
  }

  it('is in the log before it exists', async () => {
    const made = await create({ name: 'logged' });
    const entry = node.audit().find(({ target }) => target === `key/${made.id}`);
    assert.deepEqual(
      [entry?.['act'], entry?.['decision'], entry?.['actor']],
      ['key.create', 'allowed', { kind: 'admin', id: 'admin:local' }],
    );
  });

  it('lists by state, team and organization', async () => {
    await node.call('organizations.create', { body: { name: 'acme' } });
    const made = await create({ organization: 'acme' });
    const { keys } = await node.call('keys.list', { query: 'organization=acme&team=default&state=active' });
    assert.deepEqual(
      keys.map(({ id }) => id),
      [made.id],
    );
    assert.equal((await node.request('POST', '/admin/v1/organizations', { name: 'acme' })).status, 409);
  });
});

describe('revoking a key', () => {
  it('is acknowledged when every shard and worker has confirmed', async () => {
    const made = await create();
    const second = await node.connectWorker(1, (call) => call.reply({}));
    const { state, confirmations } = await node.call('keys.revoke', { id: made.id });
    assert.equal(state, 'revoked');
    assert.deepEqual(
      confirmations.map(({ process, confirmed }) => `${process} ${confirmed}`),
      ['vault-0 true', 'vault-1 true', 'gateway-0 true', 'gateway-1 true'],
    );
    assert.deepEqual(heard.at(-1), { op: 'key.revoked', digest: digestKey(made.key) });
    assert.equal(await resolve(made.key), null);
    const { shards } = await node.call('vault.show');
    assert.deepEqual(
      shards.map(({ revoked }) => revoked >= 1),
      [true, true],
    );
    second.destroy();
  });

  it('the vaults have it before any worker is told', async () => {
    const made = await create();
    let revokedAtTelling: number | undefined;
    const slow = await node.connectWorker(2, (call: IncomingCall) => {
      void node.call('vault.show').then(({ shards }) => {
        revokedAtTelling = shards[0]?.revoked;
        call.reply({});
      });
    });
    const before = (await node.call('vault.show')).shards[0]?.revoked ?? 0;
    await node.call('keys.revoke', { id: made.id });
    assert.equal(revokedAtTelling, before + 1);
    slow.destroy();
  });

  it('a worker that does not confirm is killed, and the answer says which', async () => {
    const made = await create();
    const deaf = await node.connectWorker(3, () => undefined);
    const { confirmations } = await node.call('keys.revoke', { id: made.id });
    assert.deepEqual(
      confirmations.find(({ process }) => process === 'gateway-3'),
      { process: 'gateway-3', confirmed: false, action: 'restarted' },
    );
    assert.ok(node.asked.some(({ op, role, index }) => op === 'kill' && role === 'gateway' && index === 3));
    assert.equal(deaf.closed, true);
  });

  it('a worker that answers with an error has not confirmed', async () => {
    const made = await create();
    await node.connectWorker(4, (call) => call.error('internal'));
    const { confirmations } = await node.call('keys.revoke', { id: made.id });
    assert.equal(confirmations.find(({ process }) => process === 'gateway-4')?.action, 'restarted');
  });

  it('a second time confirms again', async () => {
    const made = await create();
    await node.call('keys.revoke', { id: made.id });
    const { confirmations, revoked_at } = await node.call('keys.revoke', { id: made.id });
    assert.ok(confirmations.every(({ confirmed }) => confirmed));
    assert.equal((await node.call('keys.show', { id: made.id })).revoked_at, revoked_at);
  });

  it('a shard that is dead is started again and told', async () => {
    const made = await create();
    await node.kill('vault-1');
    const { confirmations } = await node.call('keys.revoke', { id: made.id });
    assert.deepEqual(
      confirmations.find(({ process }) => process === 'vault-1'),
      { process: 'vault-1', confirmed: true, action: 'restarted' },
    );
    assert.equal(await resolve(made.key), null);
  });
});

describe('revoking while a shard stays away', () => {
  it('says which process has not confirmed, gives the key to nobody, and finishes by itself', async () => {
    const other = await startTestNode({ deadStaysDead: true });
    try {
      await until(() => other.asked.some(({ op }) => op === 'print'));
      const asker = await other.connectWorker(0);
      const made = await other.call('keys.create', { body: { name: 'a' } });
      await other.kill('vault-0');
      const answer = await other.request('DELETE', `/admin/v1/keys/${made.id}`);
      assert.equal(answer.status, 503);
      assert.match(answer.text, /"code":"revoke_incomplete".*vault-0/);
      assert.equal(await resolve(made.key, asker), null);
      const open = async () => (await other.call('doctor.show')).checks.some(({ name, status }) => name === 'revokes' && status === 'fail');
      assert.equal(await open(), true);
      await other.restart('vault-0');
      await until(async () => !(await open()));
      assert.equal((await other.call('vault.show')).shards[0]?.revoked, 1);
    } finally {
      await other.stop();
    }
  });
});

describe('rotating a key', () => {
  it('makes a new one and lets the old one live for its grace time', async () => {
    const old = await create({ models: ['fast'], max_parallel: 2 });
    const rotated = await node.call('keys.rotate', { id: old.id, body: { grace_seconds: 3600 } });
    assert.notEqual(rotated.key, old.key);
    assert.deepEqual([rotated.models, rotated.max_parallel, rotated.name], [['fast'], 2, 'a']);
    assert.deepEqual([rotated.replaced.state, rotated.replaced.replaced_by, rotated.replaced.version], ['active', rotated.id, 2]);
    const row = rowOf((await resolve(old.key)) as SignedText);
    assert.deepEqual([row.version, new Date(row.expiresAt ?? 0).toISOString()], [2, rotated.replaced.expires_at]);
    assert.deepEqual(heard.at(-1), { op: 'key.changed', digest: digestKey(old.key) });
  });

  it('never makes a key live longer', async () => {
    const old = await create({ expires_in_seconds: 60 });
    const rotated = await node.call('keys.rotate', { id: old.id, body: { grace_seconds: 3600 } });
    assert.equal(rotated.replaced.expires_at, old.expires_at);
  });

  it('without grace the old one is revoked at once', async () => {
    const old = await create();
    const rotated = await node.call('keys.rotate', { id: old.id, body: { grace_seconds: 0 } });
    assert.equal(rotated.replaced.state, 'revoked');
    assert.equal(await resolve(old.key), null);
    assert.ok(await resolve(rotated.key));
  });

  it('a key whose grace time is over is revoked in the vault too, by itself', async () => {
    const old = await create();
    const rotated = await node.call('keys.rotate', { id: old.id, body: { grace_seconds: 1 } });
    await until(async () => (await node.call('keys.show', { id: old.id })).state === 'revoked');
    assert.ok(node.audit().some(({ act, target }) => act === 'key.retire' && target === `key/${old.id}`));
    assert.equal((await node.call('keys.show', { id: rotated.id })).state, 'active');
  });

  it('a revoked or replaced key is not rotated again', async () => {
    const old = await create();
    await node.call('keys.rotate', { id: old.id, body: {} });
    assert.equal((await node.request('POST', `/admin/v1/keys/${old.id}/rotate`, {})).status, 422);
  });
});

describe('questions of a gateway', () => {
  it('anything but the two it may ask is refused', async () => {
    for (const head of [{ op: 'key.list' }, { op: 'key.resolve', digest: "' OR 1=1 --" }, { op: 'key.resolve' }, {}]) {
      await assert.rejects(worker.unary(head as Record<string, string>));
    }
  });
});
