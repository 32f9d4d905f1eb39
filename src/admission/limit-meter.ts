import type { LimitRule, LimitState, LimitStatus, Measure, PriorityShare } from '../core/rules.ts';
import type { Owners } from '../core/owner.ts';
import type { TokenUsage } from '../core/usage.ts';
import { ownedBy } from './counts.ts';
import { SlidingCounter, SlotCounter, type Gauge } from './sliding-counter.ts';

/** A share of an owner that did not use the limit for so long is kept by a quarter; of a limit without a window, for so long. */
const IDLE_PARALLEL_MS = 60_000;
const IDLE_PART = 4;

interface Share {
  readonly rule: PriorityShare;
  readonly gauge: Gauge;
  /** Monotonic milliseconds of the latest request of its owner, let through or not. */
  lastAsked: number;
}

/** What two rules must share so that the counts of the one are the counts of the other. */
export const limitIdentity = ({ measure, windowMs }: Omit<LimitRule, 'owner'>): string => `${measure} ${windowMs ?? ''}`;

/** What a reservation takes of a measure. */
function bound(measure: Measure, maxInput: number, maxOutput: number): number {
  switch (measure) {
    case 'requests':
    case 'parallel':
      return 1;
    case 'tokens':
      return maxInput + maxOutput;
    case 'input_tokens':
      return maxInput;
    case 'output_tokens':
      return maxOutput;
  }
}

const gaugeOf = ({ windowMs, measure }: LimitRule): Gauge =>
  measure === 'parallel' || windowMs === undefined ? new SlotCounter() : new SlidingCounter(windowMs);

/**
 * One limit. Times are milliseconds of the monotonic clock.
 *
 * Shares: what an owner has not used of its share is kept from all others, so that it always gets it. An owner that did not ask for a whole
 * window leaves all but a quarter of it to the others, so that it is not lost; its share is whole again with its first request, and
 * what the others took of it is free again within a window.
 */
export class LimitMeter {
  rule: LimitRule;
  readonly #gauge: Gauge;
  #shares: readonly Share[] = [];

  constructor(rule: LimitRule) {
    this.rule = rule;
    this.#gauge = gaugeOf(rule);
  }

  /** Shares that stay keep their counts. */
  share(rules: readonly PriorityShare[]): void {
    if (rules.length === 0 && this.#shares.length === 0) return;
    this.#shares = rules.map((rule) => {
      const old = this.#shares.find((one) => one.rule.id === rule.id && one.rule.owner.id === rule.owner.id);
      return { rule, gauge: old?.gauge ?? gaugeOf(this.rule), lastAsked: old?.lastAsked ?? -Infinity };
    });
  }

  cost(maxInput: number, maxOutput: number): number {
    return bound(this.rule.measure, maxInput, maxOutput);
  }

  /** What this request may use of the limit at most: all but what is kept for others. */
  available(owners: Owners, now: number): number {
    let kept = 0;
    for (const share of this.#shares) if (!ownedBy(owners, share.rule.owner)) kept += this.#kept(share, now);
    return this.rule.amount - kept - this.#gauge.used(now);
  }

  take(owners: Owners, cost: number, at: number, now: number): void {
    this.#gauge.take(at, cost, now);
    for (const share of this.#shares) {
      if (!ownedBy(owners, share.rule.owner)) continue;
      share.gauge.take(at, cost, now);
      if (at > share.lastAsked) share.lastAsked = at;
    }
  }

  /** A request came that takes nothing: its owner is not idle, so that its share is whole again. */
  ask(owners: Owners, now: number): void {
    for (const share of this.#shares) if (now > share.lastAsked && ownedBy(owners, share.rule.owner)) share.lastAsked = now;
  }

  /** Corrects what a request took at `at`. */
  change(owners: Owners, delta: number, at: number, now: number): void {
    if (delta === 0) return;
    this.#gauge.change(at, delta, now);
    for (const share of this.#shares) if (ownedBy(owners, share.rule.owner)) share.gauge.change(at, delta, now);
  }

  /** What the end of a request changes of what it took. */
  settled(cost: number, usage: TokenUsage): number {
    switch (this.rule.measure) {
      case 'parallel':
        return -cost;
      case 'requests':
        return 0;
      default:
        return this.used(usage) - cost;
    }
  }

  /** What a call used of what flows. */
  used({ input, output }: Pick<TokenUsage, 'input' | 'output'>): number {
    const { measure } = this.rule;
    return measure === 'requests' || measure === 'parallel' ? 0 : bound(measure, input, output);
  }

  /** Places are held, all else flows. */
  get isParallel(): boolean {
    return this.rule.measure === 'parallel';
  }

  /** Milliseconds until `missing` more are there; at least 1. What never is there by itself is a whole window away. */
  msUntil(missing: number, now: number): number {
    return Math.max(1, this.#gauge.msUntilFreed(missing, now) ?? this.rule.windowMs ?? 1000);
  }

  state(owners: Owners, now: number): LimitState {
    const remaining = Math.max(0, this.available(owners, now));
    return { measure: this.rule.measure, limit: this.rule.amount, remaining, resetMs: Math.ceil(this.#gauge.msUntilEmpty(now)) };
  }

  status(now: number): LimitStatus {
    const used = this.#gauge.used(now);
    const remaining = Math.max(0, this.rule.amount - used);
    return { rule: this.rule, used, remaining, resetMs: Math.ceil(this.#gauge.msUntilEmpty(now)) };
  }

  #kept(share: Share, now: number): number {
    const whole = Math.floor((this.rule.amount * share.rule.percent) / 100);
    const idle = now - share.lastAsked > (this.rule.windowMs ?? IDLE_PARALLEL_MS);
    const part = idle ? Math.ceil(whole / IDLE_PART) : whole;
    return Math.max(0, part - share.gauge.used(now));
  }
}
