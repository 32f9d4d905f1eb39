import type { BudgetRaise, BudgetRule, BudgetWindow, KeyRules, LimitRule } from '../core/rules.ts';
import { budgetIdentity, BudgetMeter, type OnThreshold } from './budget-meter.ts';
import { limitIdentity, LimitMeter } from './limit-meter.ts';

type UnownedLimit = Omit<LimitRule, 'owner'>;
type UnownedBudget = Omit<BudgetRule, 'owner'>;

/** What counts the rules of one key. */
export interface KeyEntry {
  /** As they came last; the same object tells that nothing changed. */
  rules: KeyRules;
  limits: readonly LimitMeter[];
  budgets: readonly BudgetMeter[];
  /** Keys that took its key's place and were seen since. */
  successors: readonly string[];
  /** Requests that hold something of it: it is not forgotten before they end. */
  pins: number;
}

export interface Sums {
  readonly spent: (rule: BudgetRule, from: number, to: number) => bigint;
  readonly onThreshold: OnThreshold;
}

const NONE: readonly never[] = [];
const NO_RULES: KeyRules = {};
/** Looked at for one that can be forgotten; with more in use than that, memory grows with the requests in flight. */
const MAX_LOOKS = 16;

/** Rules that ride with their key's requests. Those that were used longest ago are forgotten; what their key spent is asked again. */
export class KeyMeters {
  readonly #max: number;
  readonly #sums: Sums;
  /** Keys that took another's place → the first of their lineage. */
  readonly #owners = new Map<string, string>();
  /** In order of use, by the first key of a lineage. */
  readonly #entries = new Map<string, KeyEntry>();

  constructor(max: number, sums: Sums) {
    this.#max = max;
    this.#sums = sums;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** By any key of the lineage. */
  get(key: string): KeyEntry | undefined {
    return this.#entries.get(this.#owners.size === 0 ? key : (this.#owners.get(key) ?? key));
  }

  /** `key` took the place of others, of which `owner` was the first: what is `owner`'s is its own too. */
  alias(key: string, owner: string, entry: KeyEntry): void {
    if (this.#owners.get(key) === owner) return;
    this.#owners.set(key, owner);
    entry.successors = [...entry.successors, key];
  }

  /** The entry by the rules as they are now, and whether one of them is new to it. */
  sync(key: string, rules: KeyRules, now: number): { readonly entry: KeyEntry; readonly grown: boolean } {
    const entry = this.#entries.get(key) ?? { rules: NO_RULES, limits: NONE, budgets: NONE, successors: NONE, pins: 0 };
    // While none can be forgotten their order does not matter.
    if (entry.rules === rules && this.#entries.size < this.#max / 2) return { entry, grown: false };
    const limits = this.#limits(key, entry.limits, rules.limits ?? NONE);
    const budgets = this.#budgets(key, entry.budgets, rules.budgets ?? NONE, now);
    const grown = isGrown(entry.limits, limits) || isGrown(entry.budgets, budgets);
    entry.rules = rules;
    entry.limits = limits;
    entry.budgets = budgets;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > this.#max) this.#forget();
    return { entry, grown };
  }

  #limits(key: string, meters: readonly LimitMeter[], rules: readonly UnownedLimit[]): readonly LimitMeter[] {
    if (rules.length === meters.length && rules.every((rule, i) => sameLimit(rule, (meters[i] as LimitMeter).rule))) return meters;
    return rules.map((unowned) => {
      const rule: LimitRule = { ...unowned, owner: { kind: 'key', id: key } };
      const old = meters.find((meter) => meter.rule.id === rule.id && limitIdentity(meter.rule) === limitIdentity(rule));
      if (old !== undefined) old.rule = rule;
      return old ?? new LimitMeter(rule);
    });
  }

  #budgets(key: string, meters: readonly BudgetMeter[], rules: readonly UnownedBudget[], now: number): readonly BudgetMeter[] {
    if (rules.length === meters.length && rules.every((rule, i) => sameBudget(rule, (meters[i] as BudgetMeter).rule))) return meters;
    return rules.map((unowned) => {
      const rule: BudgetRule = { ...unowned, owner: { kind: 'key', id: key } };
      const old = meters.find((meter) => meter.rule.id === rule.id && budgetIdentity(meter.rule) === budgetIdentity(rule));
      if (old !== undefined) {
        old.rule = rule;
        return old;
      }
      const meter = new BudgetMeter(rule, now, this.#sums.spent, this.#sums.onThreshold);
      meter.silence(now);
      return meter;
    });
  }

  #forget(): void {
    let looks = 0;
    for (const [key, { pins, successors }] of this.#entries) {
      if (pins === 0) {
        this.#entries.delete(key);
        for (const successor of successors) this.#owners.delete(successor);
        return;
      }
      if (++looks >= MAX_LOOKS) return;
    }
  }
}

const isGrown = <T>(before: readonly T[], after: readonly T[]): boolean => after !== before && after.some((one) => !before.includes(one));

const sameLimit = (a: UnownedLimit, b: UnownedLimit): boolean =>
  a.id === b.id &&
  a.amount === b.amount &&
  a.measure === b.measure &&
  a.windowMs === b.windowMs &&
  a.model === b.model &&
  a.mode === b.mode;

const sameBudget = (a: UnownedBudget, b: UnownedBudget): boolean =>
  a.id === b.id &&
  a.picodollars === b.picodollars &&
  a.enforcement === b.enforcement &&
  a.mode === b.mode &&
  a.model === b.model &&
  a.provider === b.provider &&
  sameWindow(a.window, b.window) &&
  sameList(a.thresholds, b.thresholds, (one, other) => one === other) &&
  sameList(a.raises, b.raises, (one: BudgetRaise, other) => one.until === other.until && one.picodollars === other.picodollars);

function sameWindow(a: BudgetWindow, b: BudgetWindow): boolean {
  if (a.kind === 'calendar') return b.kind === 'calendar' && a.unit === b.unit && a.timeZone === b.timeZone;
  return a.kind === b.kind && (a.kind === 'total' || (b.kind === 'rolling' && a.ms === b.ms));
}

const sameList = <T>(a: readonly T[], b: readonly T[], same: (one: T, other: T) => boolean): boolean =>
  a.length === b.length && a.every((one, i) => same(one, b[i] as T));
