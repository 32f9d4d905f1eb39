import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { digestKey } from '../access/virtual-key.ts';
import { until } from './testing/node.ts';
import { createPerson } from './testing/people.ts';
import { startTenancy, type Tenancy } from './testing/tenancy.ts';

let t: Tenancy;
before(async () => {
  t = await startTenancy();
});
after(() => t.node.stop());

describe('a row edited behind our back', () => {
  /** The log comes through a pipe of its own, so it may come after the answer. */
  const reported = (target: string): Promise<void> => until(() => new RegExp(`row[.]edited.*${target}`).test(t.node.control.output()));

  it('a role that somebody wrote into the database gives nothing, and is reported', async () => {
    const at = await t.organization();
    const person = await createPerson(t.node, [{ role: 'viewer', ...at.place }], at.name);
    t.edit(`UPDATE memberships SET role = 'team_admin' WHERE user = ?`, person.id);
    assert.equal((await person.request('GET', `/teams/${at.team}`)).status, 403);
    t.edit(`UPDATE memberships SET role = 'platform_admin', organization = NULL, team = NULL WHERE user = ?`, person.id);
    assert.equal((await person.request('GET', '/doctor')).status, 403);
    await reported('membership/');
  });

  it('a role copied to another person is none', async () => {
    const root = await createPerson(t.node, [{ role: 'platform_admin' }]);
    const person = await createPerson(t.node, []);
    t.edit(
      `INSERT INTO memberships SELECT 'mem_copy', ?, organization, team, role, created_at, signature FROM memberships WHERE user = ?`,
      person.id,
      root.id,
    );
    assert.equal((await person.request('GET', '/doctor')).status, 403);
  });

  for (const [what, sql] of [
    ['of another person', `UPDATE tokens SET user = (SELECT user FROM memberships WHERE role = 'platform_admin' LIMIT 1) WHERE user = ?`],
    ['that never expires', `UPDATE tokens SET expires_at = 9999999999999 WHERE user = ?`],
    ['with another text', `UPDATE tokens SET digest = '${digestKey(`bhu_${'0'.repeat(36)}`)}' WHERE user = ?`],
  ] as const) {
    it(`a token ${what} opens nothing, and is reported`, async () => {
      const person = await createPerson(t.node, [{ role: 'platform_viewer' }]);
      assert.equal((await person.request('GET', '/doctor')).status, 200);
      t.edit(sql, person.id);
      assert.equal((await person.request('GET', '/doctor')).status, 401);
      if (what !== 'with another text') await reported('token/');
    });
  }

  for (const [what, sql] of [
    ['models', `UPDATE keys SET models = NULL WHERE id = ?`],
    ['team', `UPDATE keys SET team = 'default', organization = 'default' WHERE id = ?`],
    ['kind', `UPDATE keys SET kind = 'admin' WHERE id = ?`],
    ['end', `UPDATE keys SET expires_at = NULL WHERE id = ?`],
    ['signed text', `UPDATE keys SET signed_text = replace(signed_text, '"a"', '"z"') WHERE id = ?`],
  ] as const) {
    it(`a key whose ${what} was edited is not signed anew, and is reported`, async () => {
      const at = await t.organization();
      const made = await t.key({ ...at.place, models: ['a'], expires_in_seconds: 3600 });
      t.edit(sql, made.id);
      await t.refused('PATCH', `/keys/${made.id}`, { name: 'x' }, 'row_edited');
      await t.refused('POST', `/keys/${made.id}/rotate`, {}, 'row_edited');
      await reported(`key/${made.id}`);
    });
  }

  it('one that work from above meets is revoked', async () => {
    const at = await t.organization();
    const made = await t.key({ ...at.place, models: ['a'] });
    t.edit(`UPDATE keys SET models = '["a","b"]' WHERE id = ?`, made.id);
    await t.node.call('teams.update', { id: at.team, body: { models: ['c'], cut: true } });
    assert.equal(await t.rowOf(made.key), undefined);
  });

  it('one edited row does not hide the others from a list', async () => {
    const at = await t.organization();
    const made = await t.key(at.place);
    t.edit(`UPDATE keys SET signed_text = 'nonsense' WHERE id = ?`, made.id);
    const { keys } = await t.node.call('keys.list', { query: `organization=${at.name}` });
    assert.deepEqual(keys[0]?.models, []);
  });
});
