import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { digestKey } from '../access/virtual-key.ts';
import { codeOf, createPerson, type Person, type RoleAt } from './testing/people.ts';
import { startTenancy, type Tenancy } from './testing/tenancy.ts';

let t: Tenancy;
before(async () => {
  t = await startTenancy();
});
after(() => t.node.stop());

const keyOf = (person: Person, place: object, more: object = {}) => t.key({ ...place, user: person.id, ...more });

async function roleOf(person: Person, team: string | null): Promise<string> {
  const { members } = await t.node.call('members.list', { query: `user=${person.id}` });
  return members.find((row) => row.team === team)?.id ?? '';
}

describe('a person who loses a role', () => {
  it('loses the keys in that team at once, and no others', async () => {
    const at = await t.organization();
    const other = await t.node.call('teams.create', { body: { name: 'ads', organization: at.name } });
    const elsewhere = { organization: at.name, team: 'ads' };
    const person = await createPerson(
      t.node,
      [
        { role: 'member', ...at.place },
        { role: 'member', ...elsewhere },
      ],
      at.name,
    );
    const [here, there, ofTeam] = [await keyOf(person, at.place), await keyOf(person, elsewhere), await t.key(at.place)];
    const { keys_revoked } = await t.node.call('members.remove', { id: await roleOf(person, at.team) });
    assert.equal(keys_revoked, 1);
    assert.deepEqual(t.heard.at(-1), { op: 'key.revoked', digest: digestKey(here.key) });
    assert.equal(await t.rowOf(here.key), undefined);
    assert.notEqual(await t.rowOf(there.key), undefined);
    assert.notEqual(await t.rowOf(ofTeam.key), undefined);
    assert.equal((await person.request('GET', `/teams/${other.id}`)).status, 200, 'the token may what is left');
    assert.ok(t.node.audit().some(({ act, target }) => act === 'key.end' && target === `key/${here.id}`));
  });

  it('loses the tokens with the last role', async () => {
    const at = await t.organization();
    const person = await createPerson(t.node, [{ role: 'member', ...at.place }], at.name);
    await t.node.call('members.remove', { id: await roleOf(person, at.team) });
    assert.equal((await person.request('GET', '/teams')).status, 401);
    t.edit(`UPDATE tokens SET revoked_at = NULL WHERE user = ?`, person.id);
    assert.equal((await person.request('GET', '/teams')).status, 401, 'a column does not revive it');
  });

  it('of the whole organization loses the keys of every team where nothing else is left', async () => {
    const at = await t.organization();
    await t.node.call('teams.create', { body: { name: 'ads', organization: at.name } });
    const person = await createPerson(
      t.node,
      [
        { role: 'member', organization: at.name },
        { role: 'member', ...at.place },
      ],
      at.name,
    );
    const [kept, lost] = [await keyOf(person, at.place), await keyOf(person, { organization: at.name, team: 'ads' })];
    const { keys_revoked } = await t.node.call('members.remove', { id: await roleOf(person, null) });
    assert.equal(keys_revoked, 1);
    assert.notEqual(await t.rowOf(kept.key), undefined);
    assert.equal(await t.rowOf(lost.key), undefined);
  });

  for (const [from, to, kind, held] of [
    ['team_admin', 'member', 'admin', false],
    ['team_admin', 'member', 'read', false],
    ['team_admin', 'viewer', 'read', true],
    ['team_admin', 'member', 'llm', true],
    ['member', 'team_admin', 'llm', true],
  ] as const) {
    it(`${from} → ${to} ${held ? 'keeps' : 'loses'} a key of the kind ${kind}`, async () => {
      const at = await t.organization();
      const person = await createPerson(t.node, [{ role: from, ...at.place } satisfies RoleAt], at.name);
      const made = await keyOf(person, at.place, { kind });
      const { keys_revoked } = await t.node.call('members.put', { body: { user: person.id, role: to, ...at.place } });
      assert.equal(keys_revoked, held ? 0 : 1);
      assert.equal((await t.rowOf(made.key)) !== undefined, held);
    });
  }

  it('a worker that does not confirm is killed before the answer', async () => {
    const at = await t.organization();
    const person = await createPerson(t.node, [{ role: 'member', ...at.place }], at.name);
    await keyOf(person, at.place);
    const deaf = await t.node.connectWorker(7, () => undefined);
    await t.node.call('members.remove', { id: await roleOf(person, at.team) });
    assert.equal(deaf.closed, true);
  });

  it('has no key made in that team any more', async () => {
    const at = await t.organization();
    const person = await createPerson(t.node, [{ role: 'member', ...at.place }], at.name);
    await t.node.call('members.remove', { id: await roleOf(person, at.team) });
    const answer = await t.node.request('POST', '/admin/v1/keys', { name: 'k', user: person.id, ...at.place });
    assert.equal(codeOf(answer), 'resource_missing');
  });
});
