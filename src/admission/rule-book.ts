import { EVERYONE, ownerKey, type OwnerKind, type Owners } from '../core/owner.ts';
import type { AdmissionPolicy, BudgetRule, BudgetStatus, LimitRule, LimitStatus } from '../core/rules.ts';
import { budgetIdentity, BudgetMeter } from './budget-meter.ts';
import { isFor } from './counts.ts';
import { KeyMeters, type KeyEntry, type Sums } from './key-meters.ts';
import { limitIdentity, LimitMeter } from './limit-meter.ts';

/** What counts a request. */
export interface Meters {
  readonly limits: LimitMeter[];
  readonly budgets: BudgetMeter[];
}

type Index = Readonly<Record<OwnerKind, Map<string, Meters>>>;

const emptyIndex = (): Index => ({
  organization: new Map(),
  team: new Map(),
  project: new Map(),
  key: new Map(),
  user: new Map(),
  end_user: new Map(),
  tag: new Map(),
});

/** Which meters count a request: those of the policy by owner, and those of its key's own rules. */
export class RuleBook {
  readonly keys: KeyMeters;
  readonly #sums: Sums;
  #policy: AdmissionPolicy = { version: 0, limits: [], budgets: [], shares: [], names: {}, unknownPrice: 'dearest' };
  #limits = new Map<string, LimitMeter>();
  #budgets = new Map<string, BudgetMeter>();
  #index = emptyIndex();

  constructor(sums: Sums, maxKeys: number) {
    this.#sums = sums;
    this.keys = new KeyMeters(maxKeys, sums);
  }

  get policy(): AdmissionPolicy {
    return this.#policy;
  }

  /** Nothing counts anything. */
  get isEmpty(): boolean {
    return this.#limits.size === 0 && this.#budgets.size === 0 && this.keys.size === 0;
  }

  /** All or nothing: throws before anything is replaced. */
  apply(policy: AdmissionPolicy, now: number): void {
    const budgets = new Map(policy.budgets.map((rule) => [rule.id, this.#budgetMeter(rule, now)]));
    const limits = new Map(policy.limits.map((rule) => [rule.id, this.#limitMeter(rule)]));
    const index = emptyIndex();
    const metersOf = ({ owner: { kind, id } }: LimitRule | BudgetRule): Meters => {
      const found = index[kind].get(id) ?? { limits: [], budgets: [] };
      index[kind].set(id, found);
      return found;
    };
    const shares = Map.groupBy(policy.shares, ({ limit }) => limit);
    for (const rule of policy.limits) {
      const meter = limits.get(rule.id) as LimitMeter;
      meter.rule = rule;
      meter.share(shares.get(rule.id) ?? []);
      metersOf(rule).limits.push(meter);
    }
    for (const rule of policy.budgets) {
      const meter = budgets.get(rule.id) as BudgetMeter;
      meter.rule = rule;
      metersOf(rule).budgets.push(meter);
    }
    this.#policy = policy;
    this.#limits = limits;
    this.#budgets = budgets;
    this.#index = index;
  }

  /** Undefined: nothing counts it. The key's own rules are those of `entry`. */
  find(owners: Owners, alias: string, entry: KeyEntry | undefined): Meters | undefined {
    let found: Meters | undefined;
    if (this.#limits.size > 0 || this.#budgets.size > 0) found = this.#findInPolicy(owners, alias);
    return entry === undefined ? found : gather(found, entry, alias);
  }

  status(ownerKeys: readonly string[] | null, now: number, monotonic: number): { limits: LimitStatus[]; budgets: BudgetStatus[] } {
    const named = ownerKeys === null ? null : new Set(ownerKeys);
    const isNamed = ({ rule }: LimitMeter | BudgetMeter): boolean => named === null || named.has(ownerKey(rule.owner));
    const limits = [...this.#limits.values()].filter(isNamed);
    const budgets = [...this.#budgets.values()].filter(isNamed);
    for (const name of named ?? []) {
      const entry = name.startsWith('key:') ? this.keys.get(name.slice('key:'.length)) : undefined;
      if (entry === undefined) continue;
      limits.push(...entry.limits);
      budgets.push(...entry.budgets);
    }
    return { limits: limits.map((meter) => meter.status(monotonic)), budgets: budgets.map((meter) => meter.status(now)) };
  }

  #findInPolicy(owners: Owners, alias: string): Meters | undefined {
    const { organization, team, project, key, user, end_user: endUsers, tag: tags } = this.#index;
    let found = gather(undefined, organization.get(EVERYONE.id), alias);
    found = gather(found, organization.get(owners.organization), alias);
    found = gather(found, team.get(owners.team), alias);
    if (owners.project !== undefined) found = gather(found, project.get(owners.project), alias);
    found = gather(found, key.get(owners.key), alias);
    if (owners.user !== undefined) found = gather(found, user.get(owners.user), alias);
    if (endUsers.size > 0 && owners.endUser !== undefined) {
      found = gather(found, endUsers.get(`${owners.organization}/${owners.endUser}`), alias);
    }
    if (tags.size > 0 && owners.tags !== undefined) {
      for (const one of new Set(owners.tags)) found = gather(found, tags.get(`${owners.organization}/${one}`), alias);
    }
    return found;
  }

  #limitMeter(rule: LimitRule): LimitMeter {
    const old = this.#limits.get(rule.id);
    return old !== undefined && identity(old.rule) === identity(rule) ? old : new LimitMeter(rule);
  }

  #budgetMeter(rule: BudgetRule, now: number): BudgetMeter {
    const old = this.#budgets.get(rule.id);
    if (old !== undefined && ownerKey(old.rule.owner) === ownerKey(rule.owner) && budgetIdentity(old.rule) === budgetIdentity(rule))
      return old;
    const meter = new BudgetMeter(rule, now, this.#sums.spent, this.#sums.onThreshold);
    // With the first policy, what was passed was told by the process before this one; later ones bring rules that nobody was told of.
    if (this.#policy.version === 0) meter.silence(now);
    return meter;
  }
}

const identity = (rule: LimitRule): string => `${limitIdentity(rule)} ${ownerKey(rule.owner)}`;

function gather(
  found: Meters | undefined,
  more: { readonly limits: readonly LimitMeter[]; readonly budgets: readonly BudgetMeter[] } | undefined,
  alias: string,
): Meters | undefined {
  if (more === undefined) return found;
  let all = found;
  for (const meter of more.limits) if (isFor(meter.rule.model, alias)) (all ??= { limits: [], budgets: [] }).limits.push(meter);
  for (const meter of more.budgets) if (isFor(meter.rule.model, alias)) (all ??= { limits: [], budgets: [] }).budgets.push(meter);
  return all;
}
