import type { BudgetRaise, BudgetRule, BudgetStatus } from '../core/rules.ts';
import { openSpending, type Spending } from './spending.ts';

/** Money that a request holds of one budget. */
export interface Hold {
  readonly meter: BudgetMeter;
  picodollars: bigint;
  /** The window in which it is held: money of a window that ended holds nothing of the next. */
  readonly epoch: number;
}

/** Tells that spending reached a threshold. */
export type OnThreshold = (rule: BudgetRule, percent: number, spent: bigint, at: number) => void;

const HUNDRED = 100n;
/** The epoch of a hold whose window ended before it was restored. */
const GONE = -1;

/** What two rules must share so that the sum of the one is the sum of the other. */
export const budgetIdentity = ({ model, provider, window }: Omit<BudgetRule, 'owner'>): string => {
  const of = window.kind === 'calendar' ? `${window.unit} ${window.timeZone}` : window.kind === 'rolling' ? String(window.ms) : '';
  return `${window.kind} ${of} ${provider ?? ''} ${model ?? ''}`;
};

/** One budget: what was spent and what is held in its window of now. Times are Unix milliseconds. */
export class BudgetMeter {
  #rule: BudgetRule;
  #picodollars = 0n;
  #raises: readonly { readonly picodollars: bigint; readonly until: number }[] = [];
  readonly #spending: Spending;
  readonly #onThreshold: OnThreshold;
  #held = 0n;
  #epoch = 0;
  /** Thresholds that were told, and when. */
  readonly #told = new Map<number, number>();

  /** Throws what `sumOf` throws, and a RangeError for a time zone that there is not. */
  constructor(rule: BudgetRule, now: number, sumOf: (rule: BudgetRule, from: number, to: number) => bigint, onThreshold: OnThreshold) {
    this.#rule = rule;
    this.#onThreshold = onThreshold;
    this.#spending = openSpending(rule.window, now, (from, to) => sumOf(rule, from, to));
    this.rule = rule;
  }

  get rule(): BudgetRule {
    return this.#rule;
  }

  set rule(rule: BudgetRule) {
    this.#rule = rule;
    this.#picodollars = BigInt(rule.picodollars);
    this.#raises = rule.raises.map(({ picodollars, until }: BudgetRaise) => ({ picodollars: BigInt(picodollars), until }));
  }

  /** What was passed already is taken as told: by the process before this one. */
  silence(now: number): void {
    for (const percent of this.#rule.thresholds) if (this.#reached(percent, now)) this.#told.set(percent, now);
  }

  /** What does not fit is refused. */
  get refuses(): boolean {
    return this.#rule.enforcement === 'hard' && this.#rule.mode === 'enforce';
  }

  /** With the raises that are in force. */
  amount(now: number): bigint {
    let amount = this.#picodollars;
    for (const raise of this.#raises) if (raise.until > now) amount += raise.picodollars;
    return amount;
  }

  /** Spent and held. */
  used(now: number): bigint {
    this.#roll(now);
    return this.#spending.sum + this.#held;
  }

  fits(picodollars: bigint, now: number): boolean {
    return this.used(now) + picodollars <= this.amount(now);
  }

  hold(picodollars: bigint, at: number, now: number): Hold {
    this.#roll(now);
    const { start } = this.#spending;
    const gone = this.#rule.window.kind === 'calendar' && start !== null && at < start;
    if (!gone) this.#held += picodollars;
    return { meter: this, picodollars, epoch: gone ? GONE : this.#epoch };
  }

  /** Changes what is held to another sum; to nothing when the request ends. */
  rehold(hold: Hold, picodollars: bigint, now: number): void {
    this.#roll(now);
    if (hold.epoch === this.#epoch) this.#held += picodollars - hold.picodollars;
    hold.picodollars = picodollars;
  }

  spend(picodollars: bigint, at: number, now: number): void {
    this.#roll(now);
    this.#spending.add(at, picodollars);
    for (const percent of this.#rule.thresholds) this.#tell(percent, now);
  }

  /** Unix milliseconds at which `picodollars` fit again by themselves; null: never. */
  fitsAt(picodollars: bigint, now: number): number | null {
    const amount = this.amount(now);
    if (picodollars > amount) return null;
    const freedAt = this.#spending.freedAt(this.used(now) + picodollars - amount);
    if (freedAt !== null) return freedAt;
    // What is held is not spent yet: with a new window it is gone, in a rolling one it may come back any moment.
    return this.#spending.resetsAt ?? (this.#rule.window.kind === 'rolling' ? now : null);
  }

  status(now: number): BudgetStatus {
    this.#roll(now);
    const { sum, start, resetsAt } = this.#spending;
    return {
      rule: this.#rule,
      spent: String(sum),
      reserved: String(this.#held),
      amount: String(this.amount(now)),
      windowStart: start,
      resetsAt,
    };
  }

  #roll(now: number): void {
    if (!this.#spending.roll(now)) return;
    this.#held = 0n;
    this.#epoch++;
    this.#told.clear();
  }

  #reached(percent: number, now: number): boolean {
    return this.#spending.sum > 0n && this.#spending.sum * HUNDRED >= this.amount(now) * BigInt(percent);
  }

  #tell(percent: number, now: number): void {
    const told = this.#told.get(percent);
    const { window } = this.#rule;
    if (told !== undefined && !(window.kind === 'rolling' && now - told >= window.ms)) return;
    if (!this.#reached(percent, now)) return;
    this.#told.set(percent, now);
    this.#onThreshold(this.#rule, percent, this.#spending.sum, now);
  }
}
