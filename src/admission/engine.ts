/** The engine of limits and budgets: everything it knows is in memory, so that an answer waits for no disk. The ledger process runs one. */
import type { Clock } from '../core/clock.ts';
import { BulkheadError } from '../core/errors.ts';
import type { KeyId, RequestId } from '../core/ids.ts';
import type { Owners } from '../core/owner.ts';
import { Recent } from '../core/recent.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { AdmissionPolicy, AdmissionRefusal, BudgetRule, BudgetStatus, LimitState, LimitStatus } from '../core/rules.ts';
import type { TokenUsage, UsageEvent } from '../core/usage.ts';
import type { Admission, Reservation, ReserveRequest, ReserveTarget } from './admission.ts';
import type { OnThreshold } from './budget-meter.ts';
import { refusalOf, statesOf, takeAll } from './decide.ts';
import { Held } from './held.ts';
import type { KeyEntry } from './key-meters.ts';
import { PastCalls, type PastCall } from './past.ts';
import { Places, ruleOwnerOf } from './places.ts';
import { dearest, quote, type PriceOf } from './quote.ts';
import { RuleBook, type Meters } from './rule-book.ts';

export interface EngineOptions {
  readonly clock: Clock;
  readonly price: PriceOf;
  /**
   * Sum of the rows of the rule's owner (and model, and provider) whose `startedAt` is in [from, to), Unix milliseconds. Must hold every
   * event that was handed to `settle` before, waiting ones too, and none that will be. Asked when a rule is new to memory.
   * May throw: then the reservation or the policy that needed it is not taken.
   */
  readonly spent: (rule: BudgetRule, from: number, to: number) => bigint;
  /** Spending reached `percent` of a budget; once a window and threshold. */
  readonly onThreshold?: OnThreshold;
  /** Calls of before this process, oldest first, for the limits that were there before. Default: none. */
  readonly past?: () => Iterable<PastCall>;
  /** What a rule that only observes would have refused. */
  readonly onObserved?: (refusal: AdmissionRefusal) => void;
  /** Keys whose own rules are remembered. Default 50,000. */
  readonly maxKeys?: number;
}

/** A row whose price changed after its event was settled, or that came without one. */
export interface Charge extends Owners {
  readonly alias: string;
  readonly provider: string;
  /** Unix milliseconds, as the row has it: budgets count by this. */
  readonly startedAt: number;
}

type Granted = Result<readonly LimitState[] | undefined, AdmissionRefusal>;

const GRANTED: Granted = ok(undefined);
const MAX_KEYS = 50_000;
/** Requests whose events are remembered, so that one that is sent again counts once. */
const REMEMBERED = 200_000;
/** Attempts that share one number of bits. */
const BITS = 30;

export class AdmissionEngine implements Admission {
  readonly #clock: Clock;
  readonly #price: PriceOf;
  readonly #onObserved: (refusal: AdmissionRefusal) => void;
  readonly #book: RuleBook;
  readonly #past: PastCalls;
  readonly #places = new Places();
  /** A bit for each attempt that was settled. */
  readonly #settled = new Recent<number>(REMEMBERED);

  constructor(options: EngineOptions) {
    const {
      clock,
      price,
      spent,
      onThreshold = () => undefined,
      onObserved = () => undefined,
      maxKeys = MAX_KEYS,
      past = () => [],
    } = options;
    this.#clock = clock;
    this.#price = price;
    this.#onObserved = onObserved;
    this.#past = new PastCalls(past, clock.monotonic());
    this.#book = new RuleBook({ spent, onThreshold }, maxKeys);
  }

  /** Version of the policy that holds; 0: none yet. */
  get version(): number {
    return this.#book.policy.version;
  }

  get size(): number {
    return this.#places.live.size;
  }

  /** Replaces all rules but those of keys. Rules that stay keep their counts; new ones count the requests under way. */
  apply(policy: AdmissionPolicy): void {
    const now = this.#clock.now();
    const isFirst = this.version === 0;
    this.#book.apply(policy, now);
    if (isFirst && policy.limits.length > 0)
      this.#past.take((call) => this.#book.find(call, call.alias, undefined)?.limits, now, this.#clock.monotonic());
    for (const held of this.#places.live.values()) this.#attach(held, held.entry);
  }

  /**
   * Takes again what was granted before, by another process or connection, without asking whether it fits. Not for requests that have
   * rows; what another owner holds stays that owner's.
   */
  restore(reservations: readonly Reservation[]): void {
    const now = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    for (const reservation of reservations) {
      const known = this.#places.find(reservation.requestId);
      if (known !== undefined) {
        if (known.owner !== reservation.owner || this.#places.live.has(known.requestId)) continue;
        this.#end(known, undefined);
      }
      const since = monotonic - Math.max(0, now - reservation.at);
      const held = new Held(reservation.owner, reservation, reservation.at, since);
      this.#attach(held, this.#entryOf(reservation, now));
      this.#places.add(held);
    }
  }

  reserve(owner: string, request: ReserveRequest): Granted {
    const monotonic = this.#clock.monotonic();
    const known = this.#places.find(request.requestId);
    if (known !== undefined) {
      if (known.owner !== owner) throw new BulkheadError('permission_denied', { act: 'reserve for a request of another process' });
      if (this.#places.live.has(request.requestId)) return answer(known, monotonic);
      // Its connection was lost and is back: it is asked for anew.
      this.#end(known, undefined);
    }
    if (this.#places.hasOrphans) this.#expireOrphans(monotonic);
    const { key, maxParallel } = request;
    if (maxParallel !== undefined && this.inFlight(ruleOwnerOf(request)) >= maxParallel) {
      return fail({ code: 'too_many_parallel_requests', values: { owner: `The key ${key}`, limit: maxParallel } });
    }
    const now = this.#clock.now();
    const entry = this.#entryOf(request, now);
    const held = new Held(owner, request, now, monotonic);
    const meters = this.#book.find(request, request.alias, entry);
    if (meters !== undefined || (this.#book.policy.unknownPrice === 'refuse' && request.targets !== undefined)) {
      const refusal = this.#decide(held, meters ?? { limits: [], budgets: [] }, entry);
      if (refusal !== undefined) return fail(refusal);
    }
    this.#places.add(held);
    return answer(held, monotonic);
  }

  /** What it costs at the target that is really tried; more than was reserved is taken without asking. */
  adjust(requestId: RequestId, maxInputTokens: number, maxOutputTokens: number, target?: ReserveTarget): void {
    const held = this.#places.live.get(requestId);
    if (held === undefined) return;
    const monotonic = this.#clock.monotonic();
    const before = held.limits.map((meter) => meter.cost(held.maxInputTokens, held.limitedOutputTokens));
    held.maxInputTokens = maxInputTokens;
    held.maxOutputTokens = maxOutputTokens;
    held.limits.forEach((meter, index) => {
      const change = meter.cost(maxInputTokens, held.limitedOutputTokens) - (before[index] ?? 0);
      meter.change(held, change, held.since, monotonic);
    });
    if (target !== undefined) held.targets = [target];
    if (held.holds.length === 0) return;
    const quotes = quote(held, this.#price);
    const now = this.#clock.now();
    for (const hold of held.holds) hold.meter.rehold(hold, dearest(quotes, hold.meter.rule.provider) ?? 0n, now);
  }

  /**
   * What was really used and spent takes the place of what was held; a later attempt of the same request adds its own.
   * Counts an event once, however often it is sent, among the last 200,000 requests; not for events whose rows were there at start.
   * False: it was counted before.
   */
  settle(event: UsageEvent, picodollars: bigint): boolean {
    const { requestId, attempt, usage, alias, key, provider, startedAt } = event;
    const held = this.#places.find(requestId);
    const isNew = !this.#wasSettled(requestId, attempt);
    if (!isNew || this.#book.isEmpty) {
      if (held !== undefined) this.#end(held, undefined);
      return isNew;
    }
    const meters = this.#book.find(event, alias, this.#book.keys.get(key));
    if (held !== undefined) this.#end(held, usage);
    else this.#takeUsed(event, meters);
    this.#spend(meters, provider, picodollars, startedAt);
    return true;
  }

  /** A row's price became another one: the difference. Of a row that came without an event: all of it, and then `settleUnreported`. */
  correct(charge: Charge, deltaPicodollars: bigint): void {
    if (this.#book.isEmpty) return;
    const meters = this.#book.find(charge, charge.alias, this.#book.keys.get(charge.key));
    this.#spend(meters, charge.provider, deltaPicodollars, charge.startedAt);
  }

  release(requestId: RequestId): void {
    const held = this.#places.find(requestId);
    if (held !== undefined) this.#end(held, undefined);
  }

  /** It reached its provider, and its gateway will not say with what: places and money go back, all else that it took of limits may be used. */
  settleUnreported(requestId: RequestId): void {
    const held = this.#places.find(requestId);
    if (held !== undefined) this.#endUsed(held);
  }

  /**
   * Places go back at once. Money stays held until `settle` or `release` names the request, at most 150 s: a call of a dead gateway may
   * have reached its provider, and its row comes with the vault's journal. What it took of limits stays taken, for the same reason.
   */
  abandon(owner: string): readonly RequestId[] {
    const monotonic = this.#clock.monotonic();
    this.#expireOrphans(monotonic);
    const gone = [...this.#places.live.values()].filter((held) => held.owner === owner);
    for (const held of gone) {
      for (const meter of held.limits) if (meter.isParallel) meter.change(held, -1, held.since, monotonic);
      held.limits = held.limits.filter((meter) => !meter.isParallel);
      if (held.limits.length > 0 || held.holds.length > 0) this.#places.orphan(held, monotonic);
      else this.#places.remove(held);
    }
    return gone.map(({ requestId }) => requestId);
  }

  reservation(requestId: RequestId): Reservation | undefined {
    return this.#places.live.get(requestId);
  }

  inFlight(key: KeyId): number {
    return this.#places.inFlight(key);
  }

  /** By `ownerKey`; rules of a key only where it is named and used lately. Null: every rule of the policy. */
  status(ownerKeys: readonly string[] | null): { readonly limits: readonly LimitStatus[]; readonly budgets: readonly BudgetStatus[] } {
    return this.#book.status(ownerKeys, this.#clock.now(), this.#clock.monotonic());
  }

  /** Decides everything, then takes everything. */
  #decide(held: Held, meters: Meters, entry: KeyEntry | undefined): AdmissionRefusal | undefined {
    const { policy } = this.#book;
    const quotes = meters.budgets.length > 0 || policy.unknownPrice === 'refuse' ? quote(held, this.#price) : [];
    const moment = { now: held.at, monotonic: held.since };
    const refusal = refusalOf(held, meters, { moment, policy, quotes, onObserved: this.#onObserved });
    if (refusal !== undefined) return refusal;
    takeAll(held, meters, quotes, moment);
    held.pin(entry);
    return undefined;
  }

  /** Of the rules that ride with the request; requests of the key that are under way count for those that are new. */
  #entryOf(request: ReserveRequest, now: number): KeyEntry | undefined {
    const { rules } = request;
    if (rules === undefined) return undefined;
    const owner = ruleOwnerOf(request);
    const isNew = this.#book.keys.get(owner) === undefined;
    const { entry, grown } = this.#book.keys.sync(owner, rules, now);
    if (isNew && entry.limits.length > 0) this.#past.takeOfKey(owner, entry.limits, now, this.#clock.monotonic());
    if (owner !== request.key) this.#book.keys.alias(request.key, owner, entry);
    if (grown && this.#places.inFlight(owner) > 0) {
      for (const held of this.#places.live.values()) if (ruleOwnerOf(held) === owner) this.#attach(held, entry);
    }
    return entry;
  }

  /** Takes what it runs under without asking. */
  #attach(held: Held, entry: KeyEntry | undefined): void {
    const meters = this.#book.find(held, held.alias, entry);
    held.pin(entry);
    if (meters === undefined) return;
    const quotes = meters.budgets.length > 0 ? quote(held, this.#price) : [];
    takeAll(held, meters, quotes, { now: this.#clock.now(), monotonic: this.#clock.monotonic() });
  }

  /** Without `usage`, all that it held goes back. */
  #end(held: Held, usage: TokenUsage | undefined): void {
    this.#places.remove(held);
    held.unpin();
    if (held.limits.length > 0) {
      const monotonic = this.#clock.monotonic();
      for (const meter of held.limits) {
        const cost = meter.cost(held.maxInputTokens, held.limitedOutputTokens);
        meter.change(held, usage === undefined ? -cost : meter.settled(cost, usage), held.since, monotonic);
      }
    }
    if (held.holds.length > 0) {
      const now = this.#clock.now();
      for (const hold of held.holds) hold.meter.rehold(hold, 0n, now);
    }
  }

  /** Of an attempt that no reservation stands for. */
  #takeUsed(event: UsageEvent, meters: Meters | undefined): void {
    if (meters === undefined) return;
    const monotonic = this.#clock.monotonic();
    for (const meter of meters.limits) {
      const used = meter.used(event.usage);
      if (used > 0) meter.take(event, used, monotonic, monotonic);
    }
  }

  #spend(meters: Meters | undefined, provider: string, picodollars: bigint, at: number): void {
    if (meters === undefined) return;
    const now = this.#clock.now();
    for (const meter of meters.budgets) {
      if (meter.rule.provider === undefined || meter.rule.provider === provider) meter.spend(picodollars, at, now);
    }
  }

  #expireOrphans(monotonic: number): void {
    for (const held of this.#places.overdue(monotonic)) this.#endUsed(held);
  }

  /** What it took of limits that flow has to pass by itself: it may have been used. */
  #endUsed(held: Held): void {
    held.limits = held.limits.filter((meter) => meter.isParallel);
    this.#end(held, undefined);
  }

  #wasSettled(requestId: string, attempt: number): boolean {
    const group = attempt < BITS ? requestId : `${requestId} ${Math.floor(attempt / BITS)}`;
    const bit = 1 << (attempt % BITS);
    const bits = this.#settled.get(group) ?? 0;
    if ((bits & bit) !== 0) return true;
    this.#settled.set(group, bits | bit);
    return false;
  }
}

function answer(held: Held, monotonic: number): Granted {
  return held.limits.length === 0 && held.holds.length === 0 ? GRANTED : ok(statesOf(held, monotonic));
}
