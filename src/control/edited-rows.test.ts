import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { digestKey } from '../access/virtual-key.ts';
import { openWritable } from '../store/sqlite/open.ts';
import { DATABASE_FILE, MIGRATIONS } from './database.ts';
import { startTestNode, until } from './testing/node.ts';
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

interface Scene {
  /** Ids of two rows of the table. */
  readonly ids: readonly [string, string];
  /** Whether the row of the first id counts for anything. */
  readonly counts: () => Promise<boolean>;
}

const found = async (target: string): Promise<boolean> => (await t.node.request('GET', `/admin/v1${target}`)).status === 200;

/** Of each table that gives somebody something: an edit that would widen it, and how one tells that the row counts. */
const TABLES: Readonly<Record<string, { readonly name: string; readonly edit: string; readonly scene: () => Promise<Scene> }>> = {
  organizations: {
    name: 'organization',
    edit: 'models = NULL',
    scene: async () => {
      const [one, two] = [await t.organization(['a']), await t.organization(['b'])];
      return { ids: [one.id, two.id], counts: () => found(`/organizations/${one.id}`) };
    },
  },
  teams: {
    name: 'team',
    edit: 'keys_per_member = 1000',
    scene: async () => {
      const [one, two] = [await t.organization(), await t.organization()];
      return { ids: [one.team, two.team], counts: () => found(`/teams/${one.team}`) };
    },
  },
  projects: {
    name: 'project',
    edit: 'models = NULL',
    scene: async () => {
      const { place } = await t.organization();
      const make = async (name: string) => (await t.node.call('projects.create', { body: { name, models: ['a'], ...place } })).id;
      const one = await make('one');
      return { ids: [one, await make('two')], counts: () => found(`/projects/${one}`) };
    },
  },
  service_accounts: {
    name: 'service-account',
    edit: `name = 'somebody'`,
    scene: async () => {
      const { place } = await t.organization();
      const make = async (name: string) => (await t.node.call('service-accounts.create', { body: { name, ...place } })).id;
      const one = await make('one');
      return { ids: [one, await make('two')], counts: () => found(`/service-accounts/${one}`) };
    },
  },
  users: {
    name: 'user',
    edit: `state = 'active', organization = NULL`,
    scene: async () => {
      const at = await t.organization();
      const [one, two] = [
        await createPerson(t.node, [{ role: 'viewer', ...at.place }], at.name),
        await createPerson(t.node, [{ role: 'viewer', ...at.place }], at.name),
      ];
      return { ids: [one.id, two.id], counts: async () => (await one.request('GET', `/teams/${at.team}`)).status === 200 };
    },
  },
  access_groups: {
    name: 'access-group',
    edit: `models = '["everything/*"]'`,
    scene: async () => {
      const make = async () => (await t.node.call('access-groups.create', { body: { name: t.name('group'), models: ['a'] } })).id;
      const one = await make();
      return { ids: [one, await make()], counts: () => found(`/access-groups/${one}`) };
    },
  },
  memberships: {
    name: 'membership',
    edit: `role = 'team_admin'`,
    scene: async () => {
      const at = await t.organization();
      const person = await createPerson(t.node, [{ role: 'viewer', ...at.place }], at.name);
      const other = await createPerson(t.node, [{ role: 'viewer', ...at.place }], at.name);
      const roleOf = async (user: string) => (await t.node.call('members.list', { query: `user=${user}` })).members[0]?.id ?? '';
      return {
        ids: [await roleOf(person.id), await roleOf(other.id)],
        counts: async () => (await person.request('GET', `/teams/${at.team}`)).status === 200,
      };
    },
  },
};

describe('a row that gives somebody something', () => {
  /** Its line in the log, the count of it, and its record in the auditor's log. */
  async function isReported(name: string, id: string): Promise<void> {
    await until(() => new RegExp(`row[.]edited.*${name}/${id}`).test(t.node.control.output()));
    await until(() => t.node.audit().some(({ act, target }) => act === 'row.refuse' && target === `${name}/${id}`));
  }

  for (const [table, { name, edit, scene }] of Object.entries(TABLES)) {
    it(`of ${table}: edited, it is as if it were not there, and is reported`, async () => {
      const { ids, counts } = await scene();
      assert.equal(await counts(), true);
      t.edit(`UPDATE ${table} SET ${edit} WHERE id = ?`, ids[0]);
      assert.equal(await counts(), false);
      await isReported(name, ids[0]);
    });

    it(`of ${table}: without its seal it is none`, async () => {
      const { ids, counts } = await scene();
      t.edit(`UPDATE ${table} SET signature = '' WHERE id = ?`, ids[0]);
      assert.equal(await counts(), false);
      await isReported(name, ids[0]);
    });

    it(`of ${table}: the seal of another row is none`, async () => {
      const { ids, counts } = await scene();
      const [one, two] = ids;
      t.edit(`UPDATE ${table} SET signature = (SELECT signature FROM ${table} AS o WHERE o.id = ?) WHERE id = ?`, two, one);
      assert.equal(await counts(), false);
      await isReported(name, one);
    });
  }

  it('an organization that was widened behind our back allows nothing to the keys below', async () => {
    const at = await t.organization(['a']);
    const group = await t.node.call('access-groups.create', { body: { name: t.name('group'), models: ['a'] } });
    const made = await t.key({ ...at.place, models: ['a', `@${group.name}`] });
    t.edit(`UPDATE organizations SET models = '["a","b"]' WHERE id = ?`, at.id);
    await t.node.call('access-groups.update', { id: group.id, body: { models: ['a', 'c'] } });
    assert.deepEqual((await t.rowOf(made.key))?.models, []);
  });

  for (const [kind, body, change] of [
    ['limit', { measure: 'requests', amount: 5, window: '1m' }, { amount: 4 }],
    ['budget', { dollars: '5', window: 'day' }, { dollars: '4' }],
  ] as const) {
    for (const owner of ['team', 'key'] as const) {
      it(`a ${kind} of a ${owner} that was edited is not signed with the next change of it`, async () => {
        const at = await t.organization();
        const made = await t.key(at.place);
        const id = owner === 'key' ? made.id : at.team;
        const answer = await t.node.request('POST', `/admin/v1/${kind}s`, { owner: { kind: owner, id, organization: at.name }, ...body });
        assert.equal(answer.status, 201, answer.text);
        const rule = String(answer.body['id']);
        const column = kind === 'limit' ? 'amount = 500' : `picodollars = '500000000000000'`;
        t.edit(`UPDATE ${kind}s SET ${column}, model = 'x' WHERE id = ?`, rule);
        await t.refused('PATCH', `/${kind}s/${rule}`, change, 'row_edited');
        await isReported(kind, rule);
        assert.equal((await t.node.request('DELETE', `/admin/v1/${kind}s/${rule}`)).status, 200);
      });
    }
  }
});

/** A database as it was before the schema had seals. */
function oldDatabase(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-upgrade-'));
  fs.mkdirSync(path.join(folder, 'control'), { mode: 0o700 });
  const db = openWritable(path.join(folder, 'control', DATABASE_FILE), { synchronous: 'normal', migrations: MIGRATIONS.slice(0, 3) });
  db.exec(`
    INSERT INTO organizations (id, name, created_at, models) VALUES ('org_1', 'acme', 1, '["a"]');
    INSERT INTO teams (id, organization, name, created_at) VALUES ('team_1', 'org_1', 'search', 1);
    INSERT INTO projects (id, organization, team, name, created_at) VALUES ('proj_1', 'org_1', 'team_1', 'p', 1);
    INSERT INTO service_accounts (id, organization, team, name, created_at) VALUES ('svc_1', 'org_1', 'team_1', 'ci', 1);
    INSERT INTO users (id, name, email, organization, state, created_at) VALUES ('usr_1', 'Ann', 'ann@example.com', 'org_1', 'active', 1);
    INSERT INTO memberships (id, "user", role, created_at, signature) VALUES ('mem_1', 'usr_1', 'platform_admin', 1, '');
    INSERT INTO access_groups (id, name, models, created_at) VALUES ('grp_1', 'cheap', '["a"]', 1);
  `);
  db.close();
  return folder;
}

describe('rows of before they had seals', () => {
  it('count from the first start of this version on, but for what had seals before', async () => {
    const folder = oldDatabase();
    const node = await startTestNode({ folder });
    try {
      for (const target of ['organizations/acme', 'teams/team_1', 'projects/proj_1', 'service-accounts/svc_1', 'users/usr_1'])
        assert.equal((await node.request('GET', `/admin/v1/${target}`)).status, 200, target);
      assert.deepEqual((await node.call('access-groups.show', { id: 'cheap' })).models, ['a']);
      // With the organization and the team that every node has.
      await until(() => /rows[.]sealed.*"count":8/.test(node.control.output()));
      const { token } = await node.call('tokens.create', { body: { name: 't', user: 'usr_1' } });
      const own = await node.request('GET', '/admin/v1/doctor', undefined, { authorization: `Bearer ${token}` });
      assert.equal(own.status, 403, 'a role without a seal is none, however old');
    } finally {
      await node.stop();
      fs.rmSync(folder, { recursive: true });
    }
  });

  it('get them once; the log says so at an upgrade, and nothing where there was no before', async () => {
    const { node } = t;
    await until(() => node.audit().some(({ act }) => act === 'rows.seal'));
    assert.equal(node.audit().filter(({ act }) => act === 'rows.seal').length, 1);
    const at = await t.organization();
    assert.doesNotMatch(node.control.output(), /rows[.]sealed/);
    t.edit(`UPDATE teams SET keys_per_member = 1000, signature = '' WHERE id = ?`, at.team);
    await node.kill('control');
    await node.startControl();
    assert.equal((await node.request('GET', `/admin/v1/teams/${at.team}`)).status, 404);
    assert.equal((await node.request('GET', '/admin/v1/teams/default')).status, 200);
    assert.equal(node.audit().filter(({ act }) => act === 'rows.seal').length, 1);
  });
});
