import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { codeOf, createPerson, type Person } from './testing/people.ts';
import { startTenancy, type Tenancy } from './testing/tenancy.ts';

let t: Tenancy;
before(async () => {
  t = await startTenancy();
});
after(() => t.node.stop());

describe('self-service', () => {
  let member: Person;
  let at: Awaited<ReturnType<Tenancy['organization']>>;
  before(async () => {
    at = await t.organization(['a', 'b']);
    member = await createPerson(t.node, [{ role: 'member', ...at.place }], at.name);
  });

  it('a member makes, changes, rotates and revokes own keys', async () => {
    const made = await member.request('POST', '/keys', { name: 'mine', ...at.place });
    assert.deepEqual([made.status, made.body['user']], [201, member.id]);
    const id = String(made.body['id']);
    assert.equal((await member.request('PATCH', `/keys/${id}`, { models: ['a'] })).status, 200);
    assert.equal(codeOf(await member.request('PATCH', `/keys/${id}`, { models: ['c'] })), 'exceeds_parent');
    const rotated = await member.request('POST', `/keys/${id}/rotate`, {});
    assert.equal(rotated.body['user'], member.id);
    assert.equal((await member.request('DELETE', `/keys/${id}`)).status, 200);
  });

  it('within the team’s number, even when asked at once', async () => {
    await t.node.call('teams.update', { id: at.team, body: { keys_per_member: 3 } });
    const answers = await Promise.all(Array.from({ length: 6 }, () => member.request('POST', '/keys', { name: 'many', ...at.place })));
    const alive = (await t.node.call('keys.list', { query: `user=${member.id}&state=active` })).keys.length;
    assert.equal(alive, 3);
    assert.ok(answers.some((answer) => codeOf(answer) === 'too_many_keys'));
    await t.node.call('teams.update', { id: at.team, body: { keys_per_member: 100 } });
  });

  it('nobody widens their own power by a field', async () => {
    const admin = await createPerson(t.node, [{ role: 'team_admin', ...at.place }], at.name);
    const other = await t.node.call('teams.create', { body: { name: 'other', organization: at.name } });
    const own = { name: 'k', ...at.place };
    const denied: readonly (readonly [Person, 'POST' | 'PUT' | 'PATCH', string, unknown, readonly unknown[]])[] = [
      [member, 'POST', '/keys', { ...own, user: admin.id }, ['permission_denied', 'resource_missing']],
      [member, 'POST', '/keys', { ...own, kind: 'admin' }, ['permission_denied']],
      [member, 'POST', '/keys', { ...own, kind: 'read' }, ['permission_denied']],
      [member, 'POST', '/keys', { ...own, team: 'other' }, ['permission_denied', 'resource_missing']],
      [member, 'POST', '/keys', { ...own, models: ['c'] }, ['exceeds_parent']],
      [member, 'PATCH', `/teams/${at.team}`, { keys_per_member: 1000 }, ['permission_denied']],
      [member, 'PUT', '/members', { user: member.id, role: 'team_admin', ...at.place }, ['permission_denied']],
      [admin, 'POST', '/keys', { ...own, team: 'other' }, ['permission_denied', 'resource_missing']],
      [admin, 'PATCH', `/teams/${at.team}`, { models: null }, ['permission_denied']],
      [admin, 'PATCH', `/teams/${at.team}`, { keys_per_member: 1000 }, ['permission_denied']],
      [admin, 'PUT', '/members', { user: admin.id, role: 'team_admin', ...at.place }, ['permission_denied']],
      [admin, 'PUT', '/members', { user: member.id, role: 'org_admin', organization: at.name }, ['permission_denied']],
      [
        admin,
        'PUT',
        '/members',
        { user: member.id, role: 'member', organization: at.name, team: other.name },
        ['permission_denied', 'resource_missing'],
      ],
      [admin, 'PUT', '/members', { user: member.id, role: 'platform_admin' }, ['permission_denied']],
      [admin, 'PATCH', `/organizations/${at.id}`, { models: null }, ['permission_denied']],
      [admin, 'PATCH', `/users/${admin.id}`, { email: 'root@example.com' }, ['permission_denied']],
      [admin, 'POST', '/tokens', { name: 't', user: member.id }, ['permission_denied', 'resource_missing']],
    ];
    for (const [who, method, target, body, codes] of denied) {
      const answer = await who.request(method, target, body);
      assert.ok(codes.includes(codeOf(answer)), `${method} ${target} ${JSON.stringify(body)}: ${answer.status} ${answer.text}`);
    }
    assert.equal((await admin.request('PUT', '/members', { user: member.id, role: 'viewer', ...at.place })).status, 200);
    assert.equal((await member.request('POST', '/keys', own)).status, 403, 'what was taken is gone at once');
    assert.equal((await admin.request('PUT', '/members', { user: member.id, role: 'member', ...at.place })).status, 200);
  });

  it('an organization’s administrator makes no token of somebody who may do more', async () => {
    const boss = await createPerson(t.node, [{ role: 'org_admin', organization: at.name }], at.name);
    const root = await createPerson(t.node, [{ role: 'platform_admin' }], at.name);
    for (const [method, target, body] of [
      ['POST', '/tokens', { name: 't', user: root.id }],
      ['PATCH', `/users/${root.id}`, { email: 'mine@example.com' }],
      ['PATCH', `/users/${root.id}`, { state: 'blocked' }],
      ['DELETE', `/users/${root.id}`, undefined],
    ] as const) {
      assert.equal(codeOf(await boss.request(method, target, body)), 'permission_denied', target);
    }
    assert.equal((await boss.request('POST', '/tokens', { name: 't', user: member.id })).status, 201);
  });

  it('a member blocks an own key, and does not undo a block', async () => {
    const made = await member.request('POST', '/keys', { name: 'mine', ...at.place });
    const id = String(made.body['id']);
    assert.equal((await member.request('POST', `/keys/${id}/block`)).status, 200);
    assert.equal(codeOf(await member.request('POST', `/keys/${id}/unblock`)), 'permission_denied');
    assert.equal((await t.node.call('keys.unblock', { id })).state, 'active');
  });

  it('rotating again and again makes no more keys than twice the team’s number', async () => {
    const person = await createPerson(t.node, [{ role: 'member', ...at.place }], at.name);
    await t.node.call('teams.update', { id: at.team, body: { keys_per_member: 2 } });
    let id = String((await person.request('POST', '/keys', { name: 'mine', ...at.place })).body['id']);
    const codes: unknown[] = [];
    for (let i = 0; i < 5; i++) {
      const answer = await person.request('POST', `/keys/${id}/rotate`, {});
      codes.push(answer.status === 201 ? 201 : codeOf(answer));
      if (answer.status === 201) id = String(answer.body['id']);
    }
    assert.deepEqual(codes, [201, 201, 201, 'too_many_keys', 'too_many_keys']);
    await t.node.call('teams.update', { id: at.team, body: { keys_per_member: 100 } });
  });
});

describe('tokens and keys on the control port', () => {
  it('a personal token is shown once, ends when it is revoked, expires, and with its person', async () => {
    const at = await t.organization();
    const person = await createPerson(t.node, [{ role: 'viewer', ...at.place }], at.name);
    assert.equal((await t.node.request('GET', '/admin/v1/tokens?user=' + person.id)).text.includes(person.token), false);
    const own = await person.request('POST', '/tokens', { name: 'own', expires_in_seconds: 3600 });
    assert.equal(own.status, 201);
    assert.equal((await person.request('GET', '/teams')).status, 200);
    const tokens = (await t.node.call('tokens.list', { query: `user=${person.id}` })).tokens;
    await t.node.call('tokens.revoke', { id: tokens.find(({ name }) => name === 'test')?.id ?? '' });
    assert.equal((await person.request('GET', '/teams')).status, 401);
    const second = { authorization: `Bearer ${String(own.body['token'])}` };
    assert.equal((await t.node.request('GET', '/admin/v1/teams', undefined, second)).status, 200);
    t.edit(`UPDATE tokens SET revoked_at = NULL WHERE user = ?`, person.id);
    assert.equal((await person.request('GET', '/teams')).status, 401, 'a column does not revive it');
    await t.node.call('users.update', { id: person.id, body: { state: 'blocked' } });
    assert.equal((await t.node.request('GET', '/admin/v1/teams', undefined, second)).status, 401);
  });

  it('a key of the kind admin acts for its team, from its addresses, and no key of the kind llm does', async () => {
    // Tests before this one edited rows.
    await t.node.call('rows.accept');
    const at = await t.organization();
    const [llm, admin, read, elsewhere] = [
      await t.key(at.place),
      await t.key({ ...at.place, kind: 'admin' }),
      await t.key({ ...at.place, kind: 'read' }),
      await t.key({ ...at.place, kind: 'admin', addresses: ['10.0.0.0/8'] }),
    ];
    const ask = (text: string, method = 'GET', target = `/teams/${at.team}`, body?: unknown) =>
      t.node.request(method, `/admin/v1${target}`, body, { authorization: `Bearer ${text}` });
    assert.deepEqual(
      await Promise.all([llm, admin, read, elsewhere].map(async ({ key: text }) => (await ask(text)).status)),
      [401, 200, 200, 401],
    );
    assert.equal((await ask(admin.key, 'POST', '/projects', { name: 'p', ...at.place })).status, 201);
    assert.equal((await ask(read.key, 'POST', '/projects', { name: 'q', ...at.place })).status, 403);
    assert.equal((await ask(admin.key, 'POST', '/projects', { name: 'p' })).status, 404);
    await t.node.call('keys.block', { id: admin.id });
    assert.equal((await ask(admin.key)).status, 401);
  });
});
