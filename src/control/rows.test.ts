import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, afterEach, before, describe, it } from 'node:test';
import { DATABASE_FILE } from './database.ts';
import { startTestNode, until } from './testing/node.ts';
import { codeOf, createPerson } from './testing/people.ts';
import { startTenancy, Tenancy } from './testing/tenancy.ts';

/** Rows that somebody takes away, adds or puts back behind our back: each is seen, and frees nothing. */

let t: Tenancy;
before(async () => {
  t = await startTenancy();
});
after(() => t.node.stop());
afterEach(() => t.node.call('rows.accept'));

const tables = async (): Promise<readonly string[]> => (await t.node.call('rows.show')).differences.map(({ table }) => table);

async function isReported(table: string): Promise<void> {
  await until(() => new RegExp(`rows[.]differ.*rows/${table}`).test(t.node.control.output()));
  await until(() => t.node.audit().some(({ act, target }) => act === 'rows.differ' && target === `rows/${table}`));
}

/** As it was written, with its seal. */
function copyOf(table: string, id: string): () => void {
  const at = path.join(t.node.folder, 'control', DATABASE_FILE);
  const db = new DatabaseSync(at);
  const row = db.prepare(`SELECT * FROM ${table} WHERE id = ?`).get(id) as Record<string, string | number | null>;
  db.close();
  const names = Object.keys(row).map((name) => `"${name}"`);
  return () =>
    t.edit(`INSERT INTO ${table} (${names.join()}) VALUES (${names.map(() => '?').join()})`, ...(Object.values(row) as string[]));
}

const budgetOf = (team: string, organization: string) =>
  t.node.call('budgets.create', { body: { owner: { kind: 'team', id: team, organization }, dollars: '5', window: 'day' } });

const budgetIds = async () => (await t.node.call('admission.status')).budgets.map(({ id }) => id);

describe('a row that somebody took away or put back', () => {
  it('is no difference while nobody else writes, whatever we do', async () => {
    const at = await t.organization(['a']);
    const made = await t.key({ ...at.place, models: ['a'] });
    await budgetOf(at.team, at.name);
    await t.node.call('keys.revoke', { id: made.id });
    assert.deepEqual(await t.node.call('rows.show'), { state: 'ok', older: false, differences: [] });
    assert.equal((await t.node.call('doctor.show')).checks.find(({ name }) => name === 'rows')?.status, 'ok');
  });

  it('a hard budget that was taken away: enforced as before, reported, and nobody but the operator changes anything until it is accepted', async () => {
    const at = await t.organization();
    const admin = await createPerson(t.node, [{ role: 'platform_admin' }]);
    const made = await t.key(at.place);
    const budget = await budgetOf(at.team, at.name);
    t.edit(`DELETE FROM budgets WHERE id = ?`, budget.id);
    const refused = await admin.request('POST', '/keys', { name: 'k', ...at.place });
    assert.deepEqual([refused.status, codeOf(refused)], [409, 'rows_differ']);
    assert.match(refused.text, /budgets/);
    assert.deepEqual(await tables(), ['budgets']);
    await isReported('budgets');
    assert.ok((await budgetIds()).includes(budget.id), 'the ledger goes on with what was signed');
    const { status, checks } = await t.node.call('doctor.show');
    assert.equal(status, 'fail');
    assert.match(checks.find(({ name }) => name === 'rows')?.message ?? '', /budgets/);
    assert.equal((await admin.request('GET', `/teams/${at.team}`)).status, 200);
    assert.equal((await admin.request('DELETE', `/keys/${made.id}`)).status, 200, 'power may always be taken away');
    assert.deepEqual(codeOf(await admin.request('POST', '/rows/accept', {})), 'rows_differ');
    assert.deepEqual(await t.node.call('rows.accept'), { state: 'ok', older: false, differences: [] });
    assert.ok(t.node.audit().some(({ act }) => act === 'rows.accept'));
    assert.equal((await admin.request('POST', '/keys', { name: 'k', ...at.place })).status, 201);
  });

  it('a role that was taken away and put back with its seal may look, and change nothing', async () => {
    const person = await createPerson(t.node, [{ role: 'platform_admin' }]);
    const { members } = await t.node.call('members.list', { query: `user=${person.id}` });
    const putBack = copyOf('memberships', members[0]?.id ?? '');
    await t.node.call('members.remove', { id: members[0]?.id ?? '' });
    const other = await createPerson(t.node, [{ role: 'platform_admin' }]);
    putBack();
    assert.equal(codeOf(await other.request('POST', '/organizations', { name: t.name('org') })), 'rows_differ');
    assert.deepEqual(await tables(), ['memberships']);
    t.edit(`DELETE FROM memberships WHERE id = ?`, members[0]?.id ?? '');
    assert.equal((await other.request('POST', '/organizations', { name: t.name('org') })).status, 201, 'all is as it was');
  });

  it('the policy that was taken away: the ledger keeps its own, nothing is written over it, and accepting makes it of the rows', async () => {
    const at = await t.organization();
    const budget = await budgetOf(at.team, at.name);
    t.edit(`DELETE FROM meta WHERE name = 'admission.policy'`);
    assert.deepEqual(await tables(), ['meta']);
    await t.refused(
      'POST',
      '/budgets',
      { owner: { kind: 'team', id: at.team, organization: at.name }, dollars: '9', window: 'hour' },
      'row_edited',
    );
    await t.node.kill('ledger');
    await t.node.restart('ledger');
    await until(() => /admission[.]waiting/.test(t.node.control.output()));
    assert.ok((await budgetIds()).includes(budget.id), 'no empty policy took its place');
    await t.node.call('rows.accept');
    assert.ok((await budgetIds()).includes(budget.id), 'and none does afterwards');
    const more = await t.node.call('budgets.create', {
      body: { owner: { kind: 'team', id: at.team, organization: at.name }, dollars: '4', window: 'hour' },
    });
    assert.deepEqual((await budgetIds()).filter((id) => [budget.id, more.id].includes(id)).length, 2);
  });

  it('an older policy with its signature is not what the next one is made from', async () => {
    const at = await t.organization();
    const at0 = path.join(t.node.folder, 'control', DATABASE_FILE);
    const db = new DatabaseSync(at0);
    const { value } = db.prepare(`SELECT value FROM meta WHERE name = 'admission.policy'`).get() as { value: string };
    db.close();
    const budget = await budgetOf(at.team, at.name);
    t.edit(`UPDATE meta SET value = ? WHERE name = 'admission.policy'`, value);
    await t.refused(
      'POST',
      '/limits',
      { owner: { kind: 'team', id: at.team, organization: at.name }, measure: 'requests', amount: 5 },
      'row_edited',
    );
    assert.ok((await budgetIds()).includes(budget.id));
    t.edit(`DELETE FROM meta WHERE name = 'admission.policy'`);
    await t.node.call('rows.accept');
    assert.ok((await budgetIds()).includes(budget.id));
  });

  it('work that was noted and a key’s use of a group: seen, and made good when it is accepted', async () => {
    const group = await t.node.call('access-groups.create', { body: { name: t.name('group'), models: ['a', 'b'] } });
    const at = await t.organization();
    const made = await t.key({ ...at.place, models: [`@${group.name}`] });
    t.edit(`DELETE FROM group_uses WHERE access_group = ?`, group.name);
    await t.node.call('access-groups.update', { id: group.id, body: { models: ['a'] } });
    assert.deepEqual((await t.rowOf(made.key))?.models, ['a', 'b'], 'nothing says any more that the key is concerned');
    await until(async () => (await tables()).includes('group_uses'));
    await t.node.call('rows.accept');
    await until(async () => (await t.rowOf(made.key))?.models?.length === 1);
  });

  it('a request for more whose amount was edited is none', async () => {
    const at = await t.organization();
    await budgetOf(at.team, at.name);
    const body = { owner: { kind: 'team', id: at.team, organization: at.name }, dollars: '1', until: '2999-01-01T00:00:00Z', reason: 'r' };
    const [one, two] = [await t.node.call('budget-requests.create', { body }), await t.node.call('budget-requests.create', { body })];
    t.edit(`UPDATE budget_requests SET picodollars = '900000000000000' WHERE id = ?`, one.id);
    assert.equal((await t.node.request('POST', `/admin/v1/budget-requests/${one.id}/grant`, {})).status, 404);
    await until(() => t.node.audit().some(({ act, target }) => act === 'row.refuse' && target === `budget-request/${one.id}`));
    assert.equal((await t.node.call('budget-requests.grant', { id: two.id, body: {} })).state, 'granted');
    t.edit(`UPDATE budget_requests SET state = 'open' WHERE id = ?`, two.id);
    assert.equal((await t.node.request('POST', `/admin/v1/budget-requests/${two.id}/grant`, {})).status, 404);
    await t.node.call('rows.accept');
  });
});

describe('a database that was put back', () => {
  it('is older than the auditor’s log says, also when it is whole in itself; a restart without one is not', async () => {
    const node = await startTestNode();
    const own = new Tenancy(node, await node.connectWorker(0), []);
    const at = path.join(node.folder, 'control', DATABASE_FILE);
    const notes = () => node.audit().filter(({ act }) => act === 'rows.note').length;
    try {
      await own.organization();
      await until(() => notes() > 1);
      const db = new DatabaseSync(at);
      db.exec(`VACUUM INTO '${at}.old'`);
      db.close();
      const person = await createPerson(node, [{ role: 'platform_admin' }]);
      const before = notes();
      await until(() => notes() > before);
      await node.kill('control');
      await node.startControl();
      assert.equal((await node.call('rows.show')).state, 'ok');
      await node.kill('control');
      for (const end of ['-wal', '-shm']) fs.rmSync(at + end, { force: true });
      fs.renameSync(`${at}.old`, at);
      await node.startControl();
      assert.deepEqual(await node.call('rows.show'), { state: 'differs', older: true, differences: [] });
      await until(() => node.audit().some(({ act, target }) => act === 'rows.differ' && target === 'rows/database'));
      assert.equal((await person.request('GET', '/doctor')).status, 401);
      assert.equal((await node.call('rows.accept')).state, 'ok');
      await node.kill('control');
      await node.startControl();
      assert.equal((await node.call('rows.show')).state, 'ok');
    } finally {
      await node.stop();
    }
  });

  it('without its heads is none that an upgrade has yet to count, and a mark of an upgrade seals nothing', async () => {
    const at = await t.organization();
    await until(() => t.node.audit().some(({ act }) => act === 'rows.note'));
    await t.node.kill('control');
    t.edit(`DELETE FROM heads`);
    t.edit(`INSERT INTO unsealed (since) VALUES (0)`);
    t.edit(`UPDATE teams SET signature = '', keys_per_member = 1000 WHERE id = ?`, at.team);
    await t.node.startControl();
    assert.equal((await t.node.call('rows.show')).state, 'differs');
    assert.equal(t.node.audit().filter(({ act }) => act === 'rows.count').length, 1);
    assert.equal(t.node.audit().filter(({ act }) => act === 'rows.seal').length, 1);
    assert.equal((await t.node.request('GET', `/admin/v1/teams/${at.team}`)).status, 404);
  });
});
