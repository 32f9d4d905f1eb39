import { priceBound, priceUsage } from '../accounting/price.ts';
import { NO_OPERATOR_PRICES, type OperatorPrices } from '../accounting/operator-prices.ts';
import type { Reservation, ReserveRequest, ReserveTarget } from '../admission/admission.ts';
import { AdmissionEngine } from '../admission/engine.ts';
import type { Most } from '../admission/quote.ts';
import type { Clock } from '../core/clock.ts';
import { BulkheadError } from '../core/errors.ts';
import type { RequestId } from '../core/ids.ts';
import { ownerKey } from '../core/owner.ts';
import type { AdmissionPolicy, BudgetRule, LimitState } from '../core/rules.ts';
import type { UsageEvent } from '../core/usage.ts';
import type { AdmissionStatusReply } from '../ipc/messages/reports.ts';
import type { Logger } from '../telemetry/log.ts';
import { Alerts } from './alerts.ts';
import type { ChargeChange } from './charge-changes.ts';
import type { LedgerMetrics } from './ledger-metrics.ts';
import { KEPT_POLICY } from './kept-texts.ts';
import { readPastCalls } from './past-calls.ts';
import { ReservationLog, type WriteBytes } from './reservation-log.ts';
import { SignedKeeper } from './signed-keeper.ts';
import { SpendReader, type Progress } from './spend-reader.ts';

/** How long a gateway may take to come back after a restart of the ledger. */
const RETURN_MS = 10_000;
/** How long money is held for a request of which nobody speaks any more; a little more than the engine's own patience. */
const SILENCE_MS = 160_000;
const TIDY_MS = 5_000;

export interface AdmissionsOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: LedgerMetrics;
  readonly progress: Progress;
  /** The operator's, that hold at the start. */
  readonly prices?: OperatorPrices | undefined;
  /** How long a gateway may take to come back. */
  readonly returnMs?: number | undefined;
  /** For tests that fill a disk. */
  readonly writeReservations?: WriteBytes | undefined;
}

/** What a reservation came to: `limits` undefined where no rule touched it. `held`: told once it is on disk. */
export type Granting = (answer: { readonly limits: readonly LimitState[] | undefined } | BulkheadError) => void;

/** The engine of limits and budgets with what makes it outlive its process: the policy's file, the reservations' log, the rows' sums. */
export class Admissions {
  readonly alerts: Alerts;
  readonly policy: SignedKeeper<AdmissionPolicy>;
  readonly #engine: AdmissionEngine;
  readonly #log: ReservationLog;
  readonly #spend: SpendReader;
  readonly #options: AdmissionsOptions;
  /** Requests on disk whose gateway is gone or has not named them again → monotonic time at which they are given up. */
  readonly #silent = new Map<RequestId, number>();
  readonly #tidy: NodeJS.Timeout;
  /** Budgets that have a metric, and their owners. */
  #measured: ReadonlyMap<string, string> = new Map();
  #prices: OperatorPrices;

  /** Throws when the policy's or the log's file cannot be read, or what was spent. `gone`: as for a gateway whose connections closed. */
  constructor(options: AdmissionsOptions, gone: (owner: string) => void) {
    const { folder, clock, log, metrics, progress } = options;
    this.#options = options;
    this.#prices = options.prices ?? NO_OPERATOR_PRICES;
    this.alerts = new Alerts(clock, log);
    this.#spend = new SpendReader(folder);
    const startedAt = clock.now();
    this.#engine = new AdmissionEngine({
      clock,
      price: (target, most) => this.#price(target, most),
      spent: (rule, from, to) => this.#spent(rule, from, to, progress),
      past: () => readPastCalls(folder, startedAt, log),
      onThreshold: (rule, percent, spent) => this.alerts.threshold(rule, percent, spent),
      onObserved: (refusal) => {
        metrics.observed.inc([refusal.code]);
        this.alerts.observed(refusal);
      },
    });
    this.policy = new SignedKeeper(KEPT_POLICY, {
      folder,
      log,
      onLoaded: (policy) => this.#engine.apply(policy),
      onApplied: (policy) => this.#engine.apply(policy),
      onRefused: (code) => this.alerts.add({ kind: 'policy.refused', code }),
    });
    this.policy.load();
    this.#log = this.#openLog(gone);
    this.#tidy = setInterval(() => this.#giveUp(), Math.min(TIDY_MS, options.returnMs ?? TIDY_MS));
    this.#tidy.unref();
  }

  get size(): number {
    return this.#engine.size;
  }

  reservation(requestId: RequestId): Reservation | undefined {
    return this.#engine.reservation(requestId);
  }

  usePrices(prices: OperatorPrices): void {
    this.#prices = prices;
  }

  /** `answer` is called once: at once, or with the end of this turn where the reservation must be on disk first. */
  reserve(owner: string, request: ReserveRequest, answer: Granting): void {
    const { metrics } = this.#options;
    if (this.policy.isDamaged) {
      metrics.unavailable.inc();
      return answer(new BulkheadError('admission_unavailable'));
    }
    const decision = attempt(() => this.#engine.reserve(owner, request));
    if (decision instanceof BulkheadError) {
      if (decision.code === 'admission_unavailable') metrics.unavailable.inc();
      return answer(decision);
    }
    if (!decision.ok) {
      metrics.refused.inc();
      metrics.refusals.inc([decision.error.code]);
      return answer(new BulkheadError(decision.error.code, decision.error.values));
    }
    const limits = decision.value;
    const held = this.#engine.reservation(request.requestId);
    if (held?.hard !== true) {
      metrics.granted.inc();
      return answer({ limits });
    }
    this.#log.grant(recordOf(request, owner, held.at), (isWritten) => {
      if (isWritten) {
        metrics.granted.inc();
        return answer({ limits });
      }
      this.#engine.release(request.requestId);
      metrics.unavailable.inc();
      answer(new BulkheadError('admission_unavailable'));
    });
  }

  /** Requests that a gateway has under way after a lost connection. Returns how many it holds; those of other gateways are not touched. */
  resume(owner: string, requests: readonly ReserveRequest[]): number {
    const at = this.#options.clock.now();
    const fresh: Reservation[] = [];
    let resumed = 0;
    for (const request of requests) {
      const held = this.#engine.reservation(request.requestId);
      if (held !== undefined && held.owner !== owner) continue;
      resumed++;
      this.#silent.delete(request.requestId);
      if (held === undefined) fresh.push(recordOf(request, owner, at));
    }
    this.#engine.restore(fresh);
    for (const record of fresh) {
      if (this.#engine.reservation(record.requestId)?.hard !== true) continue;
      // It runs already: a disk that refuses changes nothing about that, and is told by the log itself.
      this.#log.grant({ ...record, hard: true }, () => undefined);
    }
    return resumed;
  }

  adjust(requestId: RequestId, maxInputTokens: number, maxOutputTokens: number, target: ReserveTarget | undefined): void {
    this.#engine.adjust(requestId, maxInputTokens, maxOutputTokens, target);
  }

  /** Counts an event and frees its request's place. Returns what was counted, as the writer must be told it. */
  settle(event: UsageEvent): string {
    const { usage, model, baseModel, priceList, startedAt, provider, credential } = event;
    const { picodollars } = priceUsage(usage, model, priceList, startedAt, { provider, credential, baseModel, operator: this.#prices });
    return this.#engine.settle(event, picodollars) ? picodollars.toString() : '0';
  }

  /** The rows of these events are on disk. */
  stored(events: readonly UsageEvent[]): void {
    for (const { requestId } of events) this.#forget(requestId);
  }

  release(requestId: RequestId): void {
    this.#engine.release(requestId);
    this.#forget(requestId);
  }

  /** A gateway is gone: its places are free, its money is held until rows tell, or nobody has for long. */
  abandon(owner: string): readonly RequestId[] {
    const requestIds = this.#engine.abandon(owner);
    const until = this.#options.clock.monotonic() + SILENCE_MS;
    for (const requestId of requestIds) if (this.#log.has(requestId)) this.#silent.set(requestId, until);
    return requestIds;
  }

  /** The file's rows cost otherwise than was counted; requests in `ended` have rows and no report. */
  changed(changes: readonly ChargeChange[], ended: readonly string[]): void {
    for (const { charge, picodollars } of changes) this.#engine.correct(charge, BigInt(picodollars));
    for (const requestId of ended as readonly RequestId[]) {
      // An earlier attempt may have waited too long for the report of a request that its gateway still works on.
      if (this.#engine.reservation(requestId) !== undefined) continue;
      this.#engine.settleUnreported(requestId);
      this.#forget(requestId);
    }
  }

  status(owners: readonly string[] | null): AdmissionStatusReply {
    return { version: this.#engine.version, ...this.#engine.status(owners) };
  }

  measure(): void {
    const { metrics } = this.#options;
    metrics.inFlight.set(this.#engine.size);
    metrics.heldOnDisk.set(this.#log.size);
    const { budgets } = this.#engine.status(null);
    const measured = new Map(budgets.map(({ rule }) => [rule.id, ownerKey(rule.owner)]));
    for (const [rule, owner] of this.#measured) if (measured.get(rule) !== owner) metrics.budgetUsed.set(0, [rule, owner]);
    for (const { rule, spent, reserved, amount } of budgets) {
      const [used, most] = [BigInt(spent) + BigInt(reserved), BigInt(amount)];
      metrics.budgetUsed.set(most === 0n ? 1 : Number((used * 10_000n) / most) / 10_000, [rule.id, ownerKey(rule.owner)]);
    }
    this.#measured = measured;
  }

  close(): void {
    clearInterval(this.#tidy);
    this.#log.close();
    this.#spend.close();
  }

  #openLog(gone: (owner: string) => void): ReservationLog {
    const { folder, log: lines, clock, writeReservations: write, returnMs = RETURN_MS } = this.#options;
    const { log, found } = ReservationLog.open({
      folder,
      write,
      onFailure: (reason) => lines.error('reservations.disk_failed', { reason }),
      onRecovery: () => lines.info('reservations.disk_recovered'),
    });
    if (found.damaged > 0) lines.error('reservations.damaged', { count: found.damaged });
    const live = found.reservations.filter(({ requestId }) => !this.#spend.isOver(requestId));
    for (const { requestId } of found.reservations) if (this.#spend.isOver(requestId)) log.end(requestId);
    this.#engine.restore(live);
    const until = clock.monotonic() + SILENCE_MS;
    for (const { requestId } of live) this.#silent.set(requestId, until);
    const owners = new Set(live.map(({ owner }) => owner));
    if (live.length > 0) lines.info('reservations.restored', { count: live.length });
    if (owners.size > 0) setTimeout(() => owners.forEach(gone), returnMs).unref();
    return log;
  }

  #giveUp(): void {
    const now = this.#options.clock.monotonic();
    let count = 0;
    for (const [requestId, until] of this.#silent) {
      if (until > now) continue;
      if (this.#log.has(requestId)) count++;
      this.release(requestId);
    }
    if (count === 0) return;
    this.#options.log.warn('reservations.released', { count });
    this.alerts.add({ kind: 'reservations.released', count });
  }

  #forget(requestId: RequestId): void {
    if (this.#silent.size > 0) this.#silent.delete(requestId);
    if (this.#log.has(requestId)) this.#log.end(requestId);
  }

  #price({ provider, model, baseModel, priceList }: ReserveTarget, most: Most): { picodollars: bigint; known: boolean } {
    const { maxInputTokens: input, maxOutputTokens: output, maxUnits: units } = most;
    const context = { provider, credential: '', baseModel, operator: this.#prices };
    // Cache writes, sound and thought may cost more than plain tokens: a budget must hold whatever they turn out to be.
    return priceBound({ input, output, units }, model, priceList, this.#options.clock.now(), context);
  }

  /** Whatever keeps the sum from being read keeps the budget from being held, so that nothing is admitted under it. */
  #spent(rule: BudgetRule, from: number, to: number, progress: Progress): bigint {
    try {
      return this.#spend.spent(rule, from, to, progress);
    } catch (error) {
      this.#options.log.error('admission.sum_failed', { rule: rule.id, reason: error instanceof Error ? error.message : String(error) });
      throw new BulkheadError('admission_unavailable', {}, { cause: error });
    }
  }
}

/** By name: what a gateway sent, and not what the engine adds for itself. */
const recordOf = (request: ReserveRequest, owner: string, at: number): Reservation => ({ ...request, owner, at, hard: true });

/** The engine throws only what a caller may see; anything else is a bug and goes on. */
function attempt<T>(act: () => T): T | BulkheadError {
  try {
    return act();
  } catch (error) {
    if (error instanceof BulkheadError) return error;
    throw error;
  }
}
