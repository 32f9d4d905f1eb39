import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { KeyRow, SignedText } from '../access/principal.ts';
import type { AdmissionPolicy } from '../core/rules.ts';
import { ADMIN_TOKEN, startTestNode, until, type TestNode } from './testing/node.ts';

/** Limits, budgets and requests for more over the real admin API, with the real vault, ledger and auditor. */

const IN_A_WEEK = new Date(Date.now() + 7 * 86_400_000).toISOString();
const team = { kind: 'team', id: 'default' };

describe('limits and budgets', () => {
  let node: TestNode;
  before(async () => {
    node = await startTestNode();
  });
  after(() => node.stop());

  const refused = async (method: string, target: string, body: unknown): Promise<readonly [number, string, string]> => {
    const { status, body: answer } = await node.request(method, `/admin/v1${target}`, body);
    const { code, message } = answer['error'] as { code: string; message: string };
    return [status, code, message];
  };
  /** What control has stored: the policy as the vault signed it. */
  const policy = (): AdmissionPolicy => {
    const db = new DatabaseSync(path.join(node.folder, 'control/control.db'), { readOnly: true });
    const row = db.prepare("SELECT value FROM meta WHERE name = 'admission.policy'").get();
    db.close();
    return JSON.parse((JSON.parse(String(row?.['value'])) as SignedText).text) as AdmissionPolicy;
  };
  const clear = async (): Promise<void> => {
    for (const { id } of (await node.call('limits.list')).limits) await node.call('limits.remove', { id });
    for (const { id } of (await node.call('budgets.list')).budgets) await node.call('budgets.remove', { id });
  };

  it('a limit is acknowledged once the ledger has it, and shown with what is left', async () => {
    const made = await node.call('limits.create', { body: { owner: team, measure: 'requests', amount: 600 } });
    assert.deepEqual([made.applied, made.window, made.owner.name, made.mode], ['yes', '1m', 'default', 'enforce']);
    const { limits, version } = await node.call('admission.status');
    assert.deepEqual(
      limits.map(({ id, used, remaining, owner }) => [id, used, remaining, owner.name]),
      [[made.id, 0, 600, 'default']],
    );
    assert.equal(version, policy().version);
    assert.equal(policy().names['team:default'], 'default');
    const changed = await node.call('limits.update', { id: made.id, body: { amount: 60, window: '1h', mode: 'observe' } });
    assert.deepEqual([changed.amount, changed.window, changed.mode], [60, '1h', 'observe']);
    assert.equal((await node.call('limits.remove', { id: made.id })).applied, 'yes');
    assert.deepEqual((await node.call('admission.status')).limits, []);
    assert.deepEqual(
      node.audit().flatMap(({ act }) => (String(act).startsWith('limit.') ? [act] : [])),
      ['limit.create', 'limit.update', 'limit.remove'],
    );
  });

  it('a renamed owner is called by its new name', async () => {
    const { id } = await node.call('teams.create', { body: { name: 'before' } });
    await node.call('limits.create', { body: { owner: { kind: 'team', id: 'before' }, measure: 'requests', amount: 5 } });
    await node.call('teams.update', { id, body: { name: 'after' } });
    assert.equal(policy().names[`team:${id}`], 'after');
    await clear();
  });

  it('owners of every kind are found by name, and a model alone is the whole node', async () => {
    await node.call('keys.create', { body: { name: 'owned' } });
    const owners = [
      [{ kind: 'organization', id: 'default' }, 'default'],
      [{ kind: 'organization', id: '*' }, '*'],
      [{ kind: 'end_user', id: 'ada' }, 'default/ada'],
      [{ kind: 'tag', id: 'batch' }, 'default/batch'],
    ] as const;
    for (const [owner, id] of owners) {
      const made = await node.call('limits.create', { body: { owner, measure: 'parallel', amount: 5 } });
      assert.equal(made.owner.id, id);
    }
    const made = await node.call('limits.create', { body: { owner: { kind: 'model' }, model: 'fast', measure: 'tokens', amount: 5 } });
    assert.deepEqual([made.owner.id, made.model], ['*', 'fast']);
    assert.equal((await node.call('limits.list', { query: 'owner_kind=tag&owner=batch' })).limits.length, 1);
    assert.equal(
      (await refused('POST', '/limits', { owner: { kind: 'team', id: 'nobody' }, measure: 'requests', amount: 1 }))[1],
      'resource_missing',
    );
    assert.equal((await refused('POST', '/limits', { owner: { kind: 'model' }, measure: 'requests', amount: 1 }))[1], 'invalid_field');
    await clear();
  });

  it('refuses what means nothing', async () => {
    const limit = { owner: team, measure: 'requests', amount: 10 };
    for (const more of [
      { amount: 0 },
      { amount: 1.5 },
      { window: '0s' },
      { window: '400d' },
      { measure: 'parallel', window: '1m' },
      { measure: 'calls' },
    ])
      assert.equal((await refused('POST', '/limits', { ...limit, ...more }))[1], 'invalid_field', JSON.stringify(more));
    const budget = { owner: team, dollars: '10' };
    for (const more of [
      { dollars: '0' },
      { dollars: '0.00' },
      { dollars: 10 },
      { dollars: '1e3' },
      { dollars: '0.0000000000001' },
      { dollars: '-1' },
      { window: 'year' },
      { window: 'rolling:400d' },
      { time_zone: 'Europe/Atlantis' },
      { window: 'total', time_zone: 'Europe/Berlin' },
      { thresholds: [0] },
    ])
      assert.equal((await refused('POST', '/budgets', { ...budget, ...more }))[1], 'invalid_field', JSON.stringify(more));
    await node.call('limits.create', { body: limit });
    assert.equal((await refused('POST', '/limits', { ...limit, amount: 11 }))[1], 'resource_exists');
    await clear();
  });

  it('dollars are kept to the last picodollar', async () => {
    const made = await node.call('budgets.create', { body: { owner: team, dollars: '0.000000000001', window: 'total' } });
    assert.equal(made.dollars, '0.000000000001');
    assert.equal(policy().budgets[0]?.picodollars, '1');
    const { budgets } = await node.call('admission.status');
    assert.deepEqual([budgets[0]?.left, budgets[0]?.spent, budgets[0]?.resets_at], ['0.000000000001', '0.00', null]);
    const monthly = await node.call('budgets.create', { body: { owner: team, dollars: '500', time_zone: 'Europe/Berlin' } });
    assert.deepEqual([monthly.window, monthly.time_zone, monthly.thresholds], ['month', 'Europe/Berlin', [80, 100]]);
    assert.notEqual((await node.call('admission.status')).budgets.find(({ id }) => id === monthly.id)?.resets_at, null);
    await clear();
  });

  it('a child never has more than its parent leaves, whichever is written last', async () => {
    await node.call('limits.create', { body: { owner: { kind: 'organization', id: 'default' }, measure: 'requests', amount: 100 } });
    const [status, code, message] = await refused('POST', '/limits', { owner: team, measure: 'requests', amount: 101 });
    assert.deepEqual([status, code], [409, 'rule_above_parent']);
    assert.match(message, /the organization default leaves: 100 requests/);
    const child = await node.call('limits.create', { body: { owner: team, measure: 'requests', amount: 100 } });
    const [parent] = (await node.call('limits.list', { query: 'owner_kind=organization' })).limits;
    const shrunk = await refused('PATCH', `/limits/${parent?.id}`, { amount: 40 });
    assert.deepEqual([shrunk[0], shrunk[1]], [409, 'rule_below_children']);
    const cut = await node.call('limits.update', { id: String(parent?.id), body: { amount: 40, cut: true } });
    assert.deepEqual(cut.cut, [child.id]);
    assert.equal((await node.call('limits.show', { id: child.id })).amount, 40);
    assert.deepEqual(
      policy()
        .limits.map(({ amount }) => amount)
        .sort((a, b) => a - b),
      [40, 40],
    );
    await clear();
  });

  it('a budget is raised until an end, never above what the parent leaves, and a cut ends raises that do not fit', async () => {
    const parent = await node.call('budgets.create', { body: { owner: { kind: 'organization', id: 'default' }, dollars: '100' } });
    const child = await node.call('budgets.create', { body: { owner: team, dollars: '90' } });
    const more = { until: IN_A_WEEK, reason: 'a launch' };
    assert.equal((await refused('POST', `/budgets/${child.id}/raises`, { ...more, dollars: '11' }))[1], 'rule_above_parent');
    assert.equal(
      (await refused('POST', `/budgets/${child.id}/raises`, { ...more, dollars: '1', until: '2020-01-01T00:00:00Z' }))[1],
      'invalid_field',
    );
    const raised = await node.call('budgets.raise', { id: child.id, body: { ...more, dollars: '10' } });
    assert.deepEqual(
      raised.raises.map(({ dollars, until, reason }) => [dollars, until, reason]),
      [['10.00', IN_A_WEEK, 'a launch']],
    );
    assert.equal((await node.call('admission.status')).budgets.find(({ id }) => id === child.id)?.amount, '100.00');
    const changed = await node.call('budgets.update', { id: child.id, body: { dollars: '80' } });
    assert.equal(changed.raises.length, 1);
    const cut = await node.call('budgets.update', { id: parent.id, body: { dollars: '85', cut: true } });
    assert.deepEqual(cut.cut, [child.id]);
    const after = await node.call('budgets.show', { id: child.id });
    assert.deepEqual([after.dollars, after.raises], ['80.00', []]);
    assert.deepEqual(policy().budgets.find(({ id }) => id === child.id)?.raises, []);
    await clear();
  });

  it('a request for more is granted once, with the raise, or denied', async () => {
    const body = { owner: team, dollars: '25', until: IN_A_WEEK, reason: 'a launch' };
    const asked = await node.call('budget-requests.create', { body });
    assert.deepEqual([asked.state, asked.asked_by, asked.dollars], ['open', 'admin:local', '25.00']);
    assert.equal((await refused('POST', `/budget-requests/${asked.id}/grant`, {}))[1], 'resource_missing');
    assert.deepEqual(await refused('POST', '/budget-requests/ask_none/grant', {}), [
      404,
      'resource_missing',
      'There is no request ask_none.',
    ]);
    const budget = await node.call('budgets.create', { body: { owner: team, dollars: '100' } });
    const granted = await node.call('budget-requests.grant', { id: asked.id, body: { dollars: '20', answer: 'not all' } });
    assert.deepEqual([granted.state, granted.budget, granted.answer, granted.applied], ['granted', budget.id, 'not all', 'yes']);
    assert.deepEqual(
      (await node.call('budgets.show', { id: budget.id })).raises.map(({ dollars, request }) => [dollars, request]),
      [['20.00', asked.id]],
    );
    assert.deepEqual((await refused('POST', `/budget-requests/${asked.id}/grant`, {})).slice(0, 2), [409, 'request_decided']);
    assert.equal((await refused('POST', `/budget-requests/${asked.id}/deny`, {}))[1], 'request_decided');
    const second = await node.call('budget-requests.create', { body });
    await node.call('budgets.create', { body: { owner: team, dollars: '10', window: 'day' } });
    assert.equal((await refused('POST', `/budget-requests/${second.id}/grant`, {}))[1], 'budget_choice');
    assert.equal((await node.call('budget-requests.deny', { id: second.id, body: { answer: 'no' } })).state, 'denied');
    assert.deepEqual((await node.call('budget-requests.list')).requests, []);
    assert.equal((await node.call('budget-requests.list', { query: 'state=all' })).requests.length, 2);
    await clear();
  });

  it('shares of a limit are at most all of it', async () => {
    const limit = await node.call('limits.create', {
      body: { owner: { kind: 'model' }, model: 'scarce', measure: 'tokens', amount: 1000 },
    });
    const share = await node.call('shares.create', { id: limit.id, body: { owner: team, percent: 60 } });
    assert.deepEqual([share.limit, share.owner.name], [limit.id, 'default']);
    assert.equal(policy().shares.length, 1);
    const other = { owner: { kind: 'organization', id: 'default' }, percent: 41 };
    assert.equal((await refused('POST', `/limits/${limit.id}/shares`, other))[1], 'invalid_field');
    assert.equal((await refused('POST', `/limits/${limit.id}/shares`, { owner: team, percent: 1 }))[1], 'resource_exists');
    assert.equal((await node.call('shares.update', { id: share.id, body: { percent: 70 } })).percent, 70);
    await node.call('limits.remove', { id: limit.id });
    assert.deepEqual([(await node.call('shares.list')).shares, policy().shares], [[], []]);
  });

  it('a key’s rules are in its signed row, with a new version, and move with a rotation', async () => {
    const key = await node.call('keys.create', { body: { name: 'own-rules' } });
    const told: unknown[] = [];
    const worker = await node.connectWorker(0, (call) => {
      told.push(call.head['op']);
      call.reply({});
    });
    const rowOf = async (): Promise<KeyRow> => {
      const db = new DatabaseSync(path.join(node.folder, 'control/control.db'), { readOnly: true });
      const row = db.prepare("SELECT signed_text FROM keys WHERE name = 'own-rules' AND replaced_by IS NULL").get();
      db.close();
      return JSON.parse(String(row?.['signed_text'])) as KeyRow;
    };
    const owner = { kind: 'key', id: 'own-rules' };
    const limit = await node.call('limits.create', { body: { owner, measure: 'requests', amount: 5 } });
    const budget = await node.call('budgets.create', { body: { owner, dollars: '1' } });
    await node.call('budgets.raise', { id: budget.id, body: { dollars: '2', until: IN_A_WEEK, reason: 'x' } });
    assert.equal(limit.applied, 'yes');
    assert.ok(told.filter((op) => op === 'key.changed').length >= 3);
    const row = await rowOf();
    assert.deepEqual(row.rules?.limits, [{ id: limit.id, measure: 'requests', amount: 5, windowMs: 60_000, mode: 'enforce' }]);
    assert.deepEqual(row.rules?.budgets?.[0]?.raises, [{ picodollars: '2000000000000', until: Date.parse(IN_A_WEEK) }]);
    assert.equal(row.version, 4);
    assert.deepEqual([policy().limits, policy().budgets], [[], []]);
    const rotated = await node.call('keys.rotate', { id: key.id, body: { grace_seconds: 3600 } });
    assert.deepEqual((await rowOf()).rules, row.rules);
    assert.equal((await node.call('limits.show', { id: limit.id })).owner.id, rotated.id);
    await node.call('limits.remove', { id: limit.id });
    await node.call('budgets.remove', { id: budget.id });
    assert.equal((await rowOf()).rules, undefined);
    worker.destroy();
  });

  it('a rule that was edited in the file does not count and is reported', async () => {
    const limit = await node.call('limits.create', { body: { owner: team, measure: 'requests', amount: 7 } });
    const db = new DatabaseSync(path.join(node.folder, 'control/control.db'), { timeout: 5000 });
    db.prepare('UPDATE limits SET amount = 1000000 WHERE id = ?').run(limit.id);
    db.prepare("UPDATE limits SET owner_id = 'nobody' WHERE id = ?").run(limit.id);
    await node.call('limits.create', { body: { owner: team, measure: 'tokens', amount: 8 } });
    assert.deepEqual(
      policy()
        .limits.map(({ amount }) => amount)
        .sort((a, b) => a - b),
      [7, 8],
    );
    await node.kill('ledger');
    await node.restart('ledger');
    await until(() => node.control.output().includes('row.edited'));
    assert.match(node.control.output(), new RegExp(`row\\.edited.*${limit.id}`));
    const signed = String(db.prepare("SELECT value FROM meta WHERE name = 'admission.policy'").get()?.['value']);
    db.prepare("UPDATE meta SET value = replace(value, '7', '9') WHERE name = 'admission.policy'").run();
    assert.equal((await refused('POST', '/limits', { owner: team, measure: 'parallel', amount: 1 }))[1], 'row_edited');
    db.prepare("UPDATE meta SET value = ? WHERE name = 'admission.policy'").run(signed);
    db.close();
    await clear();
  });

  it('without the ledger a rule is stored, says so, and arrives when it is back', async () => {
    await node.kill('ledger');
    const made = await node.call('limits.create', { body: { owner: team, measure: 'requests', amount: 9 } });
    assert.equal(made.applied, 'later');
    assert.deepEqual((await refused('GET', '/admission', undefined))[1], 'ledger_unavailable');
    await node.restart('ledger');
    await until(async () => (await node.request('GET', '/admin/v1/admission')).status === 200);
    await until(async () => (await node.call('admission.status')).limits.some(({ id }) => id === made.id));
    await clear();
  });

  it('alerts that the ledger raised are listed', async () => {
    assert.deepEqual((await node.call('alerts.list')).alerts, []);
  });

  it('who is limited does not say by how much: a team’s administrator writes below the team, and asks above', async () => {
    // Tests before this one edited rows.
    await node.call('rows.accept');
    await node.call('teams.create', { body: { name: 'red' } });
    await node.call('users.create', { body: { name: 'Ada', email: 'ada@example.com' } });
    await node.call('members.put', { body: { user: 'ada@example.com', role: 'team_admin', organization: 'default', team: 'red' } });
    const { token } = await node.call('tokens.create', { body: { name: 'laptop', user: 'ada@example.com' } });
    await node.call('keys.create', { body: { name: 'reds', team: 'red' } });
    const ada = async (method: string, target: string, body?: unknown): Promise<number> =>
      (await node.request(method, `/admin/v1${target}`, body, { authorization: `Bearer ${token}` })).status;
    const red = { kind: 'team', id: 'red' };
    const [mine, other] = [
      await node.call('budgets.create', { body: { owner: red, dollars: '10' } }),
      await node.call('budgets.create', { body: { owner: team, dollars: '10' } }),
    ];
    assert.equal(await ada('POST', '/limits', { owner: red, measure: 'requests', amount: 5 }), 403);
    assert.equal(await ada('POST', `/budgets/${mine.id}/raises`, { dollars: '1', until: IN_A_WEEK, reason: 'x' }), 403);
    assert.equal(await ada('GET', `/budgets/${other.id}`), 404);
    assert.equal(await ada('POST', '/limits', { owner: { kind: 'key', id: 'reds' }, measure: 'requests', amount: 5 }), 201);
    const listed = await node.request('GET', '/admin/v1/budgets', undefined, { authorization: `Bearer ${token}` });
    assert.deepEqual(
      (listed.body['budgets'] as { id: string }[]).map(({ id }) => id),
      [mine.id],
    );
    const status = await node.request('GET', '/admin/v1/admission', undefined, { authorization: `Bearer ${token}` });
    assert.deepEqual(
      (status.body['budgets'] as { id: string }[]).map(({ id }) => id),
      [mine.id],
    );
    const request = await node.request(
      'POST',
      '/admin/v1/budget-requests',
      { owner: red, dollars: '5', until: IN_A_WEEK, reason: 'x' },
      { authorization: `Bearer ${token}` },
    );
    assert.equal(request.status, 201);
    assert.match(String(request.body['asked_by']), /^user:/);
    assert.equal(await ada('POST', `/budget-requests/${String(request.body['id'])}/grant`, {}), 403);
    assert.notEqual(ADMIN_TOKEN, token);
  });
});
