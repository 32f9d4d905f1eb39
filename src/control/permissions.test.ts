import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { may, type Identity, type Role } from '../access/permissions.ts';
import { OPERATIONS, type Operation } from '../api/operations.ts';
import { startTestNode, until, type TestNode } from './testing/node.ts';
import { codeOf, createPerson, type Person, type RoleAt } from './testing/people.ts';

const operations = Object.entries<Operation>(OPERATIONS).filter(([, { access }]) => access !== 'public');
const ROLES_HERE: Readonly<Record<Role | 'nobody', RoleAt | undefined>> = {
  platform_admin: { role: 'platform_admin' },
  platform_viewer: { role: 'platform_viewer' },
  org_admin: { role: 'org_admin', organization: 'acme' },
  team_admin: { role: 'team_admin', organization: 'acme', team: 'search' },
  member: { role: 'member', organization: 'acme', team: 'search' },
  viewer: { role: 'viewer', organization: 'acme', team: 'search' },
  nobody: undefined,
};

let node: TestNode;
const people = new Map<string, Person>();
/** An id of a row of the organization acme, by how an operation names it. */
const rows = new Map<string, string>();

before(async () => {
  node = await startTestNode();
  await until(() => node.asked.some(({ op }) => op === 'print'));
  for (const name of ['acme', 'other']) await node.call('organizations.create', { body: { name } });
  const team = await node.call('teams.create', { body: { name: 'search', organization: 'acme' } });
  for (const [name, role] of Object.entries(ROLES_HERE)) people.set(name, await createPerson(node, role === undefined ? [] : [role]));
  people.set('stranger', await createPerson(node, [{ role: 'org_admin', organization: 'other' }], 'other'));
  people.set('strange member', await createPerson(node, [{ role: 'member', organization: 'other', team: 'default' }], 'other'));
  const place = { organization: 'acme', team: 'search' };
  const worker = await createPerson(node, [{ role: 'member', ...place }], 'acme');
  const [membership] = (await node.call('members.list', { query: `user=${worker.id}` })).members;
  const [token] = (await node.call('tokens.list', { query: `user=${worker.id}` })).tokens;
  const limit = await node.call('limits.create', {
    body: { owner: { kind: 'team', id: 'search', organization: 'acme' }, measure: 'requests', amount: 5 },
  });
  rows
    .set('organization', team.organization)
    .set('team', team.id)
    .set('project', (await node.call('projects.create', { body: { name: 'p', ...place } })).id)
    .set('service-account', (await node.call('service-accounts.create', { body: { name: 's', ...place } })).id)
    .set('key', (await node.call('keys.create', { body: { name: 'k', ...place } })).id)
    .set('user', worker.id)
    .set('member', membership?.id ?? '')
    .set('token', token?.id ?? '')
    .set('rule', limit.id);
});
after(() => node.stop());

const person = (name: string): Person => people.get(name) as Person;
const target = ({ path }: Operation, id: string): string => path.replace('/admin/v1', '').replace(/\{\w+\}/, encodeURIComponent(id));
const identityOf = (name: string): Identity => {
  const role = ROLES_HERE[name as Role];
  const grant = role && { role: role.role, organization: role.organization === undefined ? null : 'acme', team: role.team ?? null };
  return { user: person(name).id, grants: grant === undefined ? [] : [grant] };
};

describe('every operation', () => {
  it('declares what it needs', () => {
    for (const [name, { permission, access }] of Object.entries<Operation>(OPERATIONS))
      assert.equal(permission === null, access === 'public', name);
  });

  for (const [name, operation] of operations) {
    it(`${name} is refused to each role without ${operation.permission}`, async () => {
      for (const role of Object.keys(ROLES_HERE)) {
        const allowed = operation.permission !== null && may(identityOf(role), operation.permission, { anywhere: true });
        if (allowed) continue;
        const answer = await person(role).request(
          operation.method,
          target(operation, rows.get(operation.scope) ?? 'x'),
          operation.method === 'GET' ? undefined : {},
        );
        assert.deepEqual([role, answer.status, codeOf(answer)], [role, 403, 'permission_denied']);
      }
    });
  }

  for (const [name, operation] of operations.filter(([, { scope }]) => !/visible|platform|named/.test(scope))) {
    it(`${name}: what lies in another organization is as if it were not there`, async () => {
      const id = rows.get(operation.scope) ?? '';
      assert.notEqual(id, '', operation.scope);
      for (const who of ['stranger', 'strange member']) {
        const body = BODIES[name];
        const answer = await person(who).request(operation.method, target(operation, id), body);
        if (answer.status === 403) {
          // Not even with an id that was never given would the answer be another one.
          assert.equal((await person(who).request(operation.method, target(operation, 'never'), body)).status, 403);
          continue;
        }
        assert.deepEqual([who, answer.status, codeOf(answer)], [who, 404, 'resource_missing']);
        const never = await person(who).request(operation.method, target(operation, `${id.slice(0, -1)}_`), body);
        const plain = (text: string): string => text.replace(/req_\w+/, '').replaceAll(`${id.slice(0, -1)}_`, id);
        assert.equal(plain(never.text), plain(answer.text));
      }
    });
  }
});

/** A body that an operation on one row takes. */
const BODIES: Readonly<Record<string, unknown>> = {
  'organizations.update': { name: 'mine' },
  'teams.update': { name: 'mine' },
  'projects.update': { name: 'mine' },
  'service-accounts.update': { name: 'mine' },
  'users.update': { name: 'mine' },
  'keys.update': { name: 'mine' },
  'keys.rotate': {},
  'keys.block': {},
  'keys.unblock': {},
  'limits.update': { amount: 500 },
  'shares.create': { owner: { kind: 'organization', id: 'other' }, percent: 50 },
  'shares.update': { percent: 50 },
  'budgets.update': { dollars: '500' },
  'budgets.raise': { dollars: '500', until: '2999-01-01T00:00:00Z', reason: 'r' },
};

describe('what another organization has', () => {
  for (const [what, method, path, body] of [
    ['a team named in a body', 'POST', '/keys', { name: 'k', organization: 'acme', team: 'search' }],
    ['a project', 'POST', '/projects', { name: 'q', organization: 'acme', team: 'search' }],
    ['a team to be', 'POST', '/teams', { name: 'q', organization: 'acme' }],
    ['a role', 'PUT', '/members', { user: 'person-1@example.com', role: 'member', organization: 'acme', team: 'search' }],
    ['a limit', 'POST', '/limits', { owner: { kind: 'team', id: 'search', organization: 'acme' }, measure: 'requests', amount: 1 }],
    ['a team that is not there', 'POST', '/keys', { name: 'k', organization: 'acme', team: 'nothing' }],
    ['a person there', 'POST', '/keys', { name: 'k', organization: 'acme', team: 'search', user: 'person-1@example.com' }],
    ['a list of its teams', 'GET', '/teams?organization=acme', undefined],
    ['a list of its keys', 'GET', '/keys?organization=acme&team=search', undefined],
    ['a list of its limits', 'GET', '/limits?organization=acme', undefined],
    ['its usage', 'GET', '/usage?organization=acme', undefined],
  ] as const) {
    it(`${what} is missing like one of an organization that does not exist`, async () => {
      const replace = (text: string): string => text.replaceAll('acme', 'nowhere');
      const answer = await person('stranger').request(method, path, body);
      const never = await person('stranger').request(method, replace(path), body && JSON.parse(replace(JSON.stringify(body))));
      const plain = (text: string): string => replace(text.replace(/req_\w+/, ''));
      assert.deepEqual([answer.status, plain(answer.text)], [404, plain(never.text)]);
    });
  }

  it('nor does a team say whom it does not have: a colleague of another organization is nobody', async () => {
    const make = (user: string) => person('stranger').request('POST', '/keys', { name: 'k', organization: 'other', user });
    const [real, never] = [await make(person('member').id), await make('usr_never')];
    assert.equal(real.status, 404);
    assert.equal(real.text.replace(person('member').id, 'usr_never').replace(/req_\w+/, ''), never.text.replace(/req_\w+/, ''));
    for (const user of [person('member').id, 'usr_never'])
      assert.deepEqual((await person('stranger').request('GET', `/members?user=${user}`)).body['members'], []);
  });

  for (const list of ['organizations', 'teams', 'projects', 'service-accounts', 'users', 'members', 'keys', 'limits', 'budgets']) {
    it(`is not in the list of ${list}`, async () => {
      const answer = await person('stranger').request('GET', `/${list}`);
      assert.equal(answer.status, 200, answer.text);
      for (const id of rows.values()) assert.equal(answer.text.includes(`"${id}"`), false, id);
    });
  }

  it('nor are keys of colleagues in that of a member', async () => {
    const own = await person('member').request('POST', '/keys', { name: 'own', organization: 'acme', team: 'search' });
    assert.deepEqual([own.status, own.body['user']], [201, person('member').id]);
    assert.deepEqual([own.body['organization_name'], own.body['team_name'], own.body['project_name']], ['acme', 'search', null]);
    const { body } = await person('member').request('GET', '/keys');
    assert.deepEqual(
      (body['keys'] as { id: string }[]).map(({ id }) => id),
      [own.body['id']],
    );
    assert.equal((await person('member').request('GET', `/keys/${rows.get('key')}`)).status, 404);
  });

  it('usage is shown of one’s own place, and of no other by another name', async () => {
    assert.equal((await person('org_admin').request('GET', '/usage?organization=acme')).status, 200);
    assert.equal((await person('org_admin').request('GET', '/usage')).status, 403);
    assert.equal((await person('viewer').request('GET', '/usage?organization=acme&team=search')).status, 200);
    assert.equal((await person('viewer').request('GET', '/usage?organization=acme')).status, 403);
  });
});

describe('the log', () => {
  it('says who acted, and what was refused to whom', async () => {
    const made = await person('org_admin').request('POST', '/teams', { name: 'logged', organization: 'acme' });
    assert.equal(made.status, 201, made.text);
    await person('team_admin').request('PATCH', `/teams/${rows.get('team')}`, { models: ['*'] });
    const actor = (name: string) => ({ kind: 'user', id: `user:${person(name).id}` });
    const done = node.audit().find(({ target: at }) => at === `team/${String(made.body['id'])}`);
    assert.deepEqual([done?.['actor'], done?.['decision']], [actor('org_admin'), 'allowed']);
    const denied = node.audit().findLast(({ decision }) => decision === 'denied');
    assert.deepEqual([denied?.['actor'], denied?.['act']], [actor('team_admin'), 'teams.update']);
  });
});
