import assert from 'node:assert/strict';
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

describe('a child never exceeds its parent', () => {
  it('a key has what its organization, team and project all allow', async () => {
    const { place, name } = await t.organization(['openai/*', 'fast']);
    await t.node.call('projects.create', { body: { name: 'p', ...place, models: ['openai/gpt', 'fast'] } });
    const [all, some] = [await t.key(place), await t.key({ ...place, project: 'p', models: ['openai/gpt'] })];
    assert.deepEqual(
      [all.models, (await t.rowOf(all.key))?.models, (await t.rowOf(all.key))?.wanted],
      [['openai/*', 'fast'], ['openai/*', 'fast'], null],
    );
    const row = await t.rowOf(some.key);
    assert.deepEqual([row?.models, row?.wanted, typeof row?.project], [['openai/gpt'], undefined, 'string']);
    assert.match(await t.refused('POST', '/keys', { name: 'k', ...place, models: ['slow', 'fast'] }, 'exceeds_parent'), /slow/);
    await t.refused('POST', '/keys', { name: 'k', ...place, project: 'p', models: ['openai/*'] }, 'exceeds_parent');
    await t.refused('POST', '/teams', { name: 't', organization: name, models: ['*'] }, 'exceeds_parent');
    await t.refused('POST', '/projects', { name: 'q', ...place, models: ['anthropic/*'] }, 'exceeds_parent');
    await t.refused('PATCH', `/keys/${some.id}`, { models: ['slow'] }, 'exceeds_parent');
  });

  it('a parent that shrinks names what no longer fits, and changes nothing', async () => {
    const { id, place, team } = await t.organization(['a', 'b', 'c']);
    await t.node.call('teams.update', { id: team, body: { models: ['a', 'b'] } });
    const made = await t.key({ ...place, name: 'greedy', models: ['b'] });
    const text = await t.refused('PATCH', `/organizations/${id}`, { models: ['a'] }, 'children_exceed');
    assert.match(text, /2 below organization .* team search, key greedy/);
    assert.deepEqual((await t.node.call('organizations.show', { id })).models, ['a', 'b', 'c']);
    assert.equal((await t.rowOf(made.key))?.version, 1);
  });

  it('cut: true cuts team and keys down, signs their rows anew and tells every worker', async () => {
    const { id, place, team } = await t.organization(['a', 'b', 'c']);
    await t.node.call('teams.update', { id: team, body: { models: ['a', 'b'] } });
    const [greedy, modest, heir] = [
      await t.key({ ...place, models: ['a', 'b'] }),
      await t.key({ ...place, models: ['a'] }),
      await t.key(place),
    ];
    const changed = await t.node.call('organizations.update', { id, body: { models: ['a'], cut: true } });
    assert.deepEqual([changed.models, changed.keys_changed, changed.cut.length], [['a'], 2, 2]);
    assert.deepEqual((await t.node.call('teams.show', { id: team })).models, ['a']);
    for (const { key: text, version } of [
      { ...greedy, version: 2 },
      { ...modest, version: 1 },
      { ...heir, version: 2 },
    ]) {
      const row = await t.rowOf(text);
      assert.deepEqual([row?.models, row?.version], [['a'], version]);
    }
    assert.ok(t.heard.some(({ op, digest }) => op === 'key.changed' && digest === digestKey(greedy.key)));
    await t.node.call('organizations.update', { id, body: { models: null } });
    assert.deepEqual((await t.rowOf(greedy.key))?.models, ['a'], 'what was cut does not come back');
  });

  it('what fits is not touched when a parent shrinks, and keys without models of their own follow', async () => {
    const { team, place } = await t.organization();
    const made = await t.key(place);
    assert.equal((await t.rowOf(made.key))?.models, undefined);
    assert.equal((await t.node.call('teams.update', { id: team, body: { models: ['a'] } })).keys_changed, 1);
    assert.deepEqual((await t.rowOf(made.key))?.models, ['a']);
    assert.equal((await t.node.call('teams.update', { id: team, body: { models: ['a'] } })).keys_changed, 0);
  });

  it('an access group is followed by every key that names it, and by those of teams that do', async () => {
    const { place, team } = await t.organization();
    const group = await t.node.call('access-groups.create', { body: { name: t.name('g'), models: ['a', 'b'] } });
    const made = await t.key({ ...place, models: [`@${group.name}`] });
    assert.deepEqual((await t.rowOf(made.key))?.models, ['a', 'b']);
    await t.node.call('teams.update', { id: team, body: { models: [`@${group.name}`] } });
    const heir = await t.key(place);
    const changed = await t.node.call('access-groups.update', { id: group.id, body: { models: ['b', 'c'] } });
    assert.equal(changed.keys_changed, 2);
    assert.deepEqual(
      [(await t.rowOf(made.key))?.models, (await t.rowOf(heir.key))?.models],
      [
        ['b', 'c'],
        ['b', 'c'],
      ],
    );
    assert.equal((await t.node.request('DELETE', `/admin/v1/access-groups/${group.id}`)).status, 409);
    await t.refused('POST', '/keys', { name: 'k', ...place, models: ['@nothing'] }, 'resource_missing');
    await t.refused('PUT', `/access-groups/${group.id}`, { models: ['@other'] }, 'invalid_field');
  });

  it('a key that is made while its team shrinks has no more than the team', async () => {
    const { place, team } = await t.organization();
    const creating = Array.from({ length: 12 }, () => t.node.request('POST', '/admin/v1/keys', { name: 'k', ...place }));
    await t.node.call('teams.update', { id: team, body: { models: ['a'] } });
    const answers = await Promise.all(creating);
    for (const answer of answers) {
      if (answer.status === 201) assert.deepEqual((await t.rowOf(String(answer.body['key'])))?.models, ['a']);
      else assert.equal(codeOf(answer), 'changed_meanwhile');
    }
  });
});

describe('removing', () => {
  it('a team revokes its keys first and leaves nobody a role in it', async () => {
    const at = await t.organization();
    const person = await createPerson(t.node, [{ role: 'team_admin', ...at.place }], at.name);
    const made = [await t.key(at.place), await t.key({ ...at.place, user: person.id })];
    const { keys_revoked } = await t.node.call('teams.remove', { id: at.team });
    assert.equal(keys_revoked, 2);
    for (const { key: text, id } of made) {
      assert.equal(await t.rowOf(text), undefined);
      assert.equal((await t.node.call('keys.show', { id })).state, 'revoked');
    }
    assert.equal((await person.request('GET', '/keys')).status, 403);
    assert.equal((await t.node.request('POST', '/admin/v1/keys', { name: 'k', ...at.place })).status, 404);
    await t.node.call('teams.create', { body: { name: 'search', organization: at.name } });
  });

  it('a project, a service account, a person and an organization likewise', async () => {
    const at = await t.organization();
    const person = await createPerson(t.node, [{ role: 'member', ...at.place }], at.name);
    const project = await t.node.call('projects.create', { body: { name: 'p', ...at.place } });
    const account = await t.node.call('service-accounts.create', { body: { name: 's', ...at.place } });
    const made = [
      await t.key({ ...at.place, project: 'p' }),
      await t.key({ ...at.place, service_account: 's' }),
      await t.key({ ...at.place, user: person.id }),
      await t.key(at.place),
    ];
    const counts = [
      await t.node.call('projects.remove', { id: project.id }),
      await t.node.call('service-accounts.remove', { id: account.id }),
      await t.node.call('users.remove', { id: person.id }),
      await t.node.call('organizations.remove', { id: at.id }),
    ];
    assert.deepEqual(
      counts.map(({ keys_revoked }) => keys_revoked),
      [1, 1, 1, 1],
    );
    for (const { key: text } of made) assert.equal(await t.rowOf(text), undefined);
    assert.equal((await person.request('GET', '/keys')).status, 401);
    assert.equal((await t.node.request('DELETE', '/admin/v1/organizations/default')).status, 422);
    assert.equal((await t.node.request('DELETE', '/admin/v1/teams/default')).status, 422);
  });

  it('work that a dead process left is finished by the next', async () => {
    const at = await t.organization();
    const made = await t.key(at.place);
    t.edit(`INSERT INTO key_work (act, kind, target) VALUES ('revoke', 'team', ?)`, at.team);
    await until(async () => (await t.rowOf(made.key)) === undefined);
    await until(async () => (await t.node.call('keys.show', { id: made.id })).state === 'revoked');
  });

  it('a blocked person’s keys are blocked', async () => {
    const at = await t.organization();
    const person = await createPerson(t.node, [{ role: 'member', ...at.place }], at.name);
    const made = await t.key({ ...at.place, user: person.id });
    assert.equal((await t.node.call('users.update', { id: person.id, body: { state: 'blocked' } })).keys_changed, 1);
    assert.equal((await t.rowOf(made.key))?.blocked, true);
    await t.refused('POST', `/keys/${made.id}/unblock`, {}, 'invalid_field');
    await t.refused('POST', '/keys', { name: 'k', ...at.place, user: person.id }, 'invalid_field');
  });
});
