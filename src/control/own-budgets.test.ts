import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { codeOf, createPerson, type Person } from './testing/people.ts';
import { startTenancy, type Tenancy } from './testing/tenancy.ts';

let t: Tenancy;
before(async () => {
  t = await startTenancy();
});
after(() => t.node.stop());

describe('a member’s own budget', () => {
  it('is seen by the member, who asks for more, which an administrator of the organization grants', async () => {
    const organization = 'own-budgets';
    await t.node.call('organizations.create', { body: { name: organization } });
    await t.node.call('teams.create', { body: { name: 'search', organization } });
    const place = { organization, team: 'search' };
    const member = await createPerson(t.node, [{ role: 'member', ...place }], organization);
    const other = await createPerson(t.node, [{ role: 'member', ...place }], organization);
    const lead = await createPerson(t.node, [{ role: 'team_admin', ...place }], organization);
    const boss = await createPerson(t.node, [{ role: 'org_admin', organization }], organization);
    const owner = { kind: 'user', id: member.id };
    const budget = await boss.request('POST', '/budgets', { owner, dollars: '10', window: 'day' });
    assert.equal(budget.status, 201, budget.text);
    const budgetId = String(budget.body['id']);
    assert.equal((await member.request('GET', `/budgets/${budgetId}`)).status, 200);
    assert.equal((await member.request('PATCH', `/budgets/${budgetId}`, { dollars: '99' })).status, 403);
    const ask = { owner, dollars: '5', until: '2999-01-01T00:00:00Z', reason: 'a demo' };
    for (const person of [other, lead]) assert.equal(codeOf(await person.request('POST', '/budget-requests', ask)), 'resource_missing');
    const asked = await member.request('POST', '/budget-requests', ask);
    assert.equal(asked.status, 201, asked.text);
    const id = String(asked.body['id']);
    const seenBy = async (person: Person): Promise<number> =>
      ((await person.request('GET', '/budget-requests')).body['requests'] as readonly unknown[]).length;
    assert.deepEqual([await seenBy(member), await seenBy(other), await seenBy(boss)], [1, 0, 1]);
    assert.equal((await member.request('POST', `/budget-requests/${id}/grant`, {})).status, 403);
    assert.equal(codeOf(await lead.request('POST', `/budget-requests/${id}/grant`, {})), 'resource_missing');
    assert.equal((await boss.request('POST', `/budget-requests/${id}/grant`, {})).status, 200);
    const raises = (await member.request('GET', `/budgets/${budgetId}`)).body['raises'] as readonly { readonly dollars: string }[];
    assert.deepEqual(
      raises.map(({ dollars }) => dollars),
      ['5.00'],
    );
  });
});
