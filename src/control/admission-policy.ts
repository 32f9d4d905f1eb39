import type { AdmissionPolicy, BudgetRaise, BudgetRule, BudgetWindow, KeyRules, LimitRule, PriorityShare } from '../core/rules.ts';
import type { BudgetsTable, LimitsTable, OwnerColumns, RaisesTable, SharesTable } from './limit-tables.ts';
import { refOf } from './owners.ts';

/**
 * Rows → what the ledger holds and what keys carry. Pure. What comes next is made from what was signed last and the change, never from the
 * rows in the file: one that was edited behind our back gets nowhere by it.
 */

export interface RuleChange {
  /** Written as they are, new or in place of the one with this id. */
  readonly limits?: readonly LimitsTable[];
  readonly budgets?: readonly BudgetsTable[];
  readonly shares?: readonly SharesTable[];
  /** Their budgets are among `budgets`. */
  readonly raises?: readonly RaisesTable[];
  readonly removedLimits?: readonly LimitsTable[];
  readonly removedBudgets?: readonly BudgetsTable[];
  readonly removedShares?: readonly SharesTable[];
  /** Ids of budgets whose raises end now. */
  readonly withoutRaises?: readonly string[];
}

type Rules = Pick<AdmissionPolicy, 'limits' | 'budgets'>;

/** The rules of one set (the shared ones, or one key's) after the part of a change that `concerns` it. */
export function rulesAfter(before: Rules, change: RuleChange, now: number, concerns: (owner: OwnerColumns) => boolean): Rules {
  const limits = (change.limits ?? []).filter(concerns).map(limitRule);
  const budgets = (change.budgets ?? []).filter(concerns).map((row) => {
    const old = change.withoutRaises?.includes(row.id) === true ? undefined : before.budgets.find(({ id }) => id === row.id);
    const added = (change.raises ?? []).filter(({ budget }) => budget === row.id);
    return budgetRule(
      row,
      [...(old?.raises ?? []), ...added].filter(({ until }) => until > now),
    );
  });
  return {
    limits: replaced(before.limits, limits, change.removedLimits),
    budgets: replaced(before.budgets, budgets, change.removedBudgets),
  };
}

/** The next policy. `names` and `version` are the caller's. */
export function policyAfter(before: AdmissionPolicy, change: RuleChange, now: number): AdmissionPolicy {
  const rules = rulesAfter(before, change, now, ({ owner_kind }) => owner_kind !== 'key');
  const kept = new Set(rules.limits.map(({ id }) => id));
  const shares = replaced(before.shares, (change.shares ?? []).map(priorityShare), change.removedShares);
  return { ...before, ...rules, shares: shares.filter(({ limit }) => kept.has(limit)) };
}

interface Identified {
  readonly id: string;
}

/** In the order of ids, so that the same rules give the same text. */
function replaced<Rule extends Identified>(
  before: readonly Rule[],
  put: readonly Rule[],
  removed: readonly Identified[] = [],
): readonly Rule[] {
  const gone = new Set([...put, ...removed].map(({ id }) => id));
  return [...before.filter(({ id }) => !gone.has(id)), ...put].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Rules in the file that are not as they were signed: ids of those that somebody edited, added or took away there. */
export function editedRules(policy: Rules, limits: readonly LimitsTable[], budgets: readonly BudgetsTable[]): readonly string[] {
  // Raises end by themselves: a row without one that the policy still has is no edit.
  const plain = (rule: BudgetRule): unknown => ({ ...rule, raises: [] });
  const signed = new Map<string, unknown>([
    ...policy.limits.map((rule) => [rule.id, rule] as const),
    ...policy.budgets.map((rule) => [rule.id, plain(rule)] as const),
  ]);
  const stored = new Map<string, unknown>([
    ...limits.map((row) => [row.id, limitRule(row)] as const),
    ...budgets.map((row) => [row.id, plain(budgetRule(row, []))] as const),
  ]);
  const ids = new Set([...signed.keys(), ...stored.keys()]);
  return [...ids].filter((id) => JSON.stringify(signed.get(id)) !== JSON.stringify(stored.get(id)));
}

export const NO_POLICY: AdmissionPolicy = { version: 0, limits: [], budgets: [], shares: [], names: {}, unknownPrice: 'dearest' };

function limitRule(row: LimitsTable): LimitRule {
  return { id: row.id, owner: refOf(row), ...limitBody(row) };
}

function budgetRule(row: BudgetsTable, raises: readonly BudgetRaise[]): BudgetRule {
  return { id: row.id, owner: refOf(row), ...budgetBody(row, raises) };
}

/** What of a key's row the rules are, with their owner again. */
export function rulesOfKey(key: string, { limits = [], budgets = [] }: KeyRules): Rules {
  const owner = { kind: 'key', id: key } as const;
  // In the order of a rule that is made from its row, so that their texts are the same.
  const owned = <Rule extends { readonly id: string }>({ id, ...rest }: Rule) => ({ id, owner, ...rest });
  return { limits: limits.map(owned), budgets: budgets.map(owned) };
}

function withoutOwner<Rule extends { readonly owner: unknown }>(rule: Rule): Omit<Rule, 'owner'> {
  const { owner: _, ...rest } = rule;
  return rest;
}

/** The rules that go into a key's row. Undefined: none, so that the row of a plain key stays as small as it was. */
export function keyRules({ limits, budgets }: Rules): KeyRules | undefined {
  if (limits.length === 0 && budgets.length === 0) return undefined;
  return {
    ...(limits.length > 0 && { limits: limits.map(withoutOwner) }),
    ...(budgets.length > 0 && { budgets: budgets.map(withoutOwner) }),
  };
}

const limitBody = ({ model, measure, amount, window_ms, mode }: LimitsTable): Omit<LimitRule, 'id' | 'owner'> => ({
  ...(model !== null && { model }),
  measure,
  amount,
  ...(window_ms !== null && { windowMs: window_ms }),
  mode,
});

const budgetBody = (row: BudgetsTable, raises: readonly BudgetRaise[]): Omit<BudgetRule, 'id' | 'owner'> => ({
  ...(row.model !== null && { model: row.model }),
  ...(row.provider !== null && { provider: row.provider }),
  picodollars: row.picodollars,
  window: budgetWindow(row),
  enforcement: row.enforcement,
  mode: row.mode,
  thresholds: JSON.parse(row.thresholds) as number[],
  raises: raises.map(({ picodollars, until }) => ({ picodollars, until })),
});

const priorityShare = (row: SharesTable): PriorityShare => ({
  id: row.id,
  limit: row.limit_id,
  owner: refOf(row),
  percent: row.percent,
});

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The longest of each: a month of 31 days. Only for comparing a child with its parent. */
const CALENDAR_MS = { hour: HOUR_MS, day: DAY_MS, week: 7 * DAY_MS, month: 31 * DAY_MS } as const;

export function budgetWindow({ window, time_zone }: Pick<BudgetsTable, 'window' | 'time_zone'>): BudgetWindow {
  if (window === 'total') return { kind: 'total' };
  const [, count, unit] = /^rolling:(\d+)([hd])$/.exec(window) ?? [];
  if (unit !== undefined) return { kind: 'rolling', ms: Number(count) * (unit === 'h' ? HOUR_MS : DAY_MS) };
  return { kind: 'calendar', unit: window as keyof typeof CALENDAR_MS, timeZone: time_zone ?? 'UTC' };
}

/** Infinity: the total. */
export function windowLength(row: Pick<BudgetsTable, 'window' | 'time_zone'>): number {
  const window = budgetWindow(row);
  return window.kind === 'total' ? Infinity : window.kind === 'rolling' ? window.ms : CALENDAR_MS[window.unit];
}
