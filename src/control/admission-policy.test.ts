import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BudgetRaise } from '../core/rules.ts';
import { budgetWindow, editedRules, keyRules, NO_POLICY, policyAfter, rulesAfter, rulesOfKey, windowLength } from './admission-policy.ts';
import type { BudgetsTable, LimitsTable, OwnerColumns, RaisesTable } from './limit-tables.ts';

const NOW = 1_795_000_000_000;
const team: OwnerColumns = { owner_kind: 'team', owner_id: 'team_1', organization: 'org_1', team: 'team_1', project: null, user: null };
const key: OwnerColumns = { ...team, owner_kind: 'key', owner_id: 'key_1' };
const limit = (id: string, more: Partial<LimitsTable> = {}): LimitsTable => ({
  id,
  ...team,
  model: null,
  measure: 'requests',
  amount: 5,
  window_ms: 60_000,
  mode: 'enforce',
  created_at: NOW,
  ...more,
});
const budget = (id: string, more: Partial<BudgetsTable> = {}): BudgetsTable => ({
  id,
  ...team,
  model: null,
  provider: null,
  picodollars: '100',
  window: 'month',
  time_zone: 'Europe/Berlin',
  enforcement: 'hard',
  mode: 'enforce',
  thresholds: '[80]',
  created_at: NOW,
  ...more,
});
const raise = (of: string, until: number): RaisesTable => ({
  id: `raise_${until}`,
  budget: of,
  picodollars: '7',
  until,
  reason: 'x',
  request: null,
  created_at: NOW,
});
const ends = (raises: readonly BudgetRaise[] | undefined): readonly number[] => (raises ?? []).map(({ until }) => until - NOW);

describe('the next admission policy', () => {
  it('is the one before with the change, in the order of ids, without rules of keys', () => {
    const first = policyAfter(
      NO_POLICY,
      { limits: [limit('lim_2'), limit('lim_1'), limit('lim_3', key)], budgets: [budget('bud_1')] },
      NOW,
    );
    assert.deepEqual(
      first.limits.map(({ id }) => id),
      ['lim_1', 'lim_2'],
    );
    const second = policyAfter(first, { limits: [limit('lim_1', { amount: 9 })], removedBudgets: [budget('bud_1')] }, NOW);
    assert.deepEqual([second.limits.map(({ amount }) => amount), second.budgets], [[9, 5], []]);
  });

  it('keeps raises over a change of their budget, drops those that ended, and all where it is told so', () => {
    const one = policyAfter(NO_POLICY, { budgets: [budget('bud_1')], raises: [raise('bud_1', NOW + 10), raise('bud_1', NOW + 99)] }, NOW);
    assert.deepEqual(ends(one.budgets[0]?.raises), [10, 99]);
    const two = policyAfter(one, { budgets: [budget('bud_1', { picodollars: '50' })], raises: [raise('bud_1', NOW + 50)] }, NOW + 20);
    assert.deepEqual(ends(two.budgets[0]?.raises), [99, 50]);
    const three = policyAfter(two, { budgets: [budget('bud_1')], withoutRaises: ['bud_1'] }, NOW + 20);
    assert.deepEqual(ends(three.budgets[0]?.raises), []);
  });

  it('loses the shares of a limit with it', () => {
    const share = { id: 'share_1', limit_id: 'lim_1', ...team, percent: 30, created_at: NOW };
    const first = policyAfter(NO_POLICY, { limits: [limit('lim_1')], shares: [share] }, NOW);
    assert.equal(first.shares.length, 1);
    assert.deepEqual(policyAfter(first, { removedLimits: [limit('lim_1')] }, NOW).shares, []);
  });

  it('a key carries its own rules and nobody else’s, and comes back from its row as it was', () => {
    const of = ({ owner_id }: OwnerColumns): boolean => owner_id === 'key_1';
    const after = rulesAfter(
      { limits: [], budgets: [] },
      { limits: [limit('lim_1'), limit('lim_2', key)], budgets: [budget('bud_1', key)] },
      NOW,
      of,
    );
    const carried = keyRules(after);
    assert.deepEqual(carried?.limits, [{ id: 'lim_2', measure: 'requests', amount: 5, windowMs: 60_000, mode: 'enforce' }]);
    assert.deepEqual(rulesOfKey('key_1', carried ?? {}), after);
    assert.equal(keyRules({ limits: [], budgets: [] }), undefined);
  });

  it('rows that were changed, added or taken away in the file are named', () => {
    const rows = [limit('lim_1'), limit('lim_2')];
    const policy = policyAfter(NO_POLICY, { limits: rows, budgets: [budget('bud_1')] }, NOW);
    assert.deepEqual(editedRules(policy, rows, [budget('bud_1')]), []);
    assert.deepEqual(editedRules(policy, [limit('lim_1', { amount: 6 }), limit('lim_3')], [budget('bud_1')]), ['lim_1', 'lim_2', 'lim_3']);
    assert.deepEqual(editedRules(policy, rows, [budget('bud_1', { picodollars: '1000' })]), ['bud_1']);
  });

  it('windows are what their words say', () => {
    assert.deepEqual(budgetWindow({ window: 'day', time_zone: 'Asia/Tokyo' }), { kind: 'calendar', unit: 'day', timeZone: 'Asia/Tokyo' });
    assert.deepEqual(budgetWindow({ window: 'rolling:36h', time_zone: null }), { kind: 'rolling', ms: 129_600_000 });
    assert.equal(windowLength({ window: 'total', time_zone: null }), Infinity);
    assert.ok(windowLength({ window: 'week', time_zone: null }) < windowLength({ window: 'month', time_zone: null }));
  });
});
