import type { OperatorPrices } from '../accounting/operator-prices.ts';
import type { Clock } from '../core/clock.ts';
import { BulkheadError } from '../core/errors.ts';
import type { ReserveRequest } from '../admission/admission.ts';
import type { RequestId } from '../core/ids.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { Recent } from '../core/recent.ts';
import type { UsageEvent } from '../core/usage.ts';
import type { AccountReply, JournalReply } from '../ipc/messages/ledger.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import type { Logger } from '../telemetry/log.ts';
import { Admissions, type AdmissionsOptions } from './admissions.ts';
import type { Waits } from './call-row.ts';
import { checkAdjust, checkJournalHead, checkRecords, checkRequestId, checkReserve, checkResume, checkUsage } from './check.ts';
import { KEPT_PRICES } from './kept-texts.ts';
import { LedgerMetrics } from './ledger-metrics.ts';
import { Orphans } from './orphans.ts';
import type { FoundDifference } from './reconcile.ts';
import type { Retention } from './retention.ts';
import { factsOf, type ReservationFacts } from './reservation-facts.ts';
import { SignedKeeper } from './signed-keeper.ts';
import { WriteQueue } from './write-queue.ts';

/** Of one commit; the table of differences names all of them. */
const MAX_TOLD = 100;
const TOLD_LINEAGES = 50_000;

export interface LedgerOptions extends Pick<AdmissionsOptions, 'returnMs' | 'writeReservations'> {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly waits?: Waits;
  readonly maxPages?: number;
  readonly retention?: Retention;
  /** The file cannot be written any more, whatever happens to the disk: the process must end. */
  readonly onDeath: (reason: string) => void;
}

/** Reservations in memory, usage and journal on disk, and what binds the two. Answers gateways and vaults. */
export class Ledger {
  readonly metrics = new LedgerMetrics();
  readonly admissions: Admissions;
  readonly prices: SignedKeeper<OperatorPrices>;
  readonly #orphans: Orphans;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #queue: WriteQueue;
  /** Keys whose lineage the writer was told. */
  readonly #lineages = new Recent<true>(TOLD_LINEAGES);
  readonly #connected = new Set<string>();
  /** The process ends: connections close because of that, not because gateways died. */
  #draining = false;

  private constructor(options: LedgerOptions, queue: WriteQueue) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#queue = queue;
    this.#orphans = new Orphans(options.clock);
    const { folder, clock, log, returnMs, writeReservations } = options;
    const gone = (owner: string): void => void (this.#isConnected(owner) || this.gatewayGone(owner));
    this.prices = new SignedKeeper(KEPT_PRICES, {
      folder,
      log,
      onLoaded: (_, text) => queue.usePrices(text),
      onApplied: (prices, text) => {
        this.admissions.usePrices(prices);
        queue.usePrices(text);
      },
    });
    const prices = this.prices.load();
    this.admissions = new Admissions(
      { folder, clock, log, metrics: this.metrics, progress: queue, prices, returnMs, writeReservations },
      gone,
    );
  }

  /** Rejects when the file cannot be opened: its schema is newer, it is damaged, the disk refuses. */
  static async open(options: LedgerOptions): Promise<Ledger> {
    const { folder, waits, maxPages, retention, clock } = options;
    const settings = {
      folder,
      ...(waits === undefined ? {} : { waits }),
      ...(maxPages === undefined ? {} : { maxPages }),
      ...(retention === undefined ? {} : { retention }),
    };
    let ledger: Ledger | undefined;
    const queue = await WriteQueue.open(settings, clock, {
      onFailure: (reason) => ledger?.onFailure(reason),
      onRecovery: () => options.log.info('ledger.disk_recovered'),
      onWritten: (counts, seconds) => ledger?.onWritten(counts, seconds),
      onDifferences: (found, resolved) => ledger?.onDifferences(found, resolved),
      onChanges: (changes, ended) => ledger?.admissions.changed(changes, ended),
      onDeath: options.onDeath,
    });
    try {
      return (ledger = new Ledger(options, queue));
    } catch (error) {
      await queue.close();
      throw error;
    }
  }

  onFailure(reason: string): void {
    this.metrics.failures.inc();
    this.#log.error('ledger.disk_failed', { reason, count: this.#queue.size });
  }

  onWritten(counts: Parameters<LedgerMetrics['add']>[0], seconds: number): void {
    this.metrics.add(counts);
    this.metrics.commitSeconds.observe(seconds);
    if (counts.contradictions > 0) this.#log.warn('ledger.contradiction', { count: counts.contradictions });
    if (counts.disputed > 0) this.#log.warn('ledger.disputed', { count: counts.disputed });
  }

  /** Each is told by its request: somebody has to look. A resolved one was a report that came late. */
  onDifferences(found: readonly FoundDifference[], resolved: number): void {
    this.metrics.resolved.inc([], resolved);
    for (const { kind } of found) this.metrics.differences.inc([kind]);
    for (const { requestId, attempt, kind } of found.slice(0, MAX_TOLD)) {
      this.#log.warn('reconciliation.difference', { request_id: requestId, attempt, reason: kind });
    }
    if (found.length > MAX_TOLD) this.#log.warn('reconciliation.differences', { count: found.length });
  }

  /** Sets the file's bound in pages; for tests that fill a disk. */
  limit(maxPages: number): void {
    this.#queue.limit(maxPages);
  }

  /** From here on a closing connection says nothing about its gateway. */
  drain(): void {
    this.#draining = true;
  }

  /** Writes what waits and closes the file. */
  async close(): Promise<void> {
    await this.#queue.close();
    this.admissions.close();
  }

  snapshot(): JsonObject {
    this.admissions.measure();
    this.metrics.waiting.set(this.#queue.size);
    return this.metrics.registry.snapshot();
  }

  /** A call of the gateway process that `owner` names. */
  answerGateway(call: IncomingCall, owner: string): void {
    switch (call.head['op']) {
      case 'reserve':
        return this.#reserve(call, owner);
      case 'resume':
        return this.#resume(call, owner);
      case 'adjust':
        return this.#adjust(call, owner);
      case 'account':
        return this.#account(call, owner);
      default:
        call.error('internal');
    }
  }

  gatewayHere(owner: string): void {
    this.#connected.add(owner);
  }

  #isConnected(owner: string): boolean {
    return this.#connected.has(owner);
  }

  /** The last connection of a gateway process is closed: what it held is free, what it had not reported never may be. */
  gatewayGone(owner: string): void {
    this.#connected.delete(owner);
    if (this.#draining) return;
    const requestIds = this.admissions.abandon(owner);
    if (requestIds.length === 0) return;
    this.#orphans.add(requestIds);
    this.#log.warn('ledger.gateway_gone', { count: requestIds.length });
    this.#queue.add({ kind: 'orphaned', requestIds }, requestIds.length, () => undefined);
  }

  /** Records of a vault shard's journal. */
  answerVault(call: IncomingCall): void {
    const head = checkJournalHead(call.head);
    const records = checkRecords(call.head['records']);
    if (call.head['op'] !== 'journal' || !head.ok || !records.ok) {
      this.metrics.journalRejected.inc();
      this.#log.error('ledger.journal_rejected', { reason: head.ok ? (records.ok ? 'op' : records.error) : head.error });
      return call.error('internal');
    }
    if (this.#queue.full) return call.error('admission_unavailable');
    const { shard, generation } = head.value;
    const reservations = new Map<string, ReservationFacts>();
    const orphans = new Set<string>();
    for (const { k, requestId } of records.value) {
      if (k !== 'start') continue;
      const held = this.admissions.reservation(requestId);
      if (held !== undefined) {
        reservations.set(requestId, factsOf(held));
      } else if (this.#orphans.has(requestId)) orphans.add(requestId);
    }
    this.metrics.journaled.inc(records.value.length);
    this.#queue.add(
      { kind: 'journal', shard, generation, records: records.value, reservations, orphans },
      Math.max(1, records.value.length),
      (result) => {
        const reply: JournalReply = { acked: result.acked.get(shard) ?? -1 };
        call.reply({ ...reply });
      },
    );
  }

  /** Answered from memory: no request waits for a disk. Refused while nothing could be stored of its outcome. */
  #reserve(call: IncomingCall, owner: string): void {
    if (this.#queue.failure !== undefined || this.#queue.full) {
      this.metrics.unavailable.inc();
      return call.error('admission_unavailable');
    }
    const request = checkReserve(call.head['request']);
    if (!request.ok) return this.#refuseCall(call, 'reserve', request.error);
    this.#noteLineage(request.value);
    this.admissions.reserve(owner, request.value, (answer) => {
      if (!(answer instanceof BulkheadError))
        return call.reply(answer.limits === undefined ? {} : { limits: answer.limits as unknown as Json });
      if (answer.code === 'permission_denied') return this.#refuseCall(call, 'reserve', 'owner');
      call.error(answer.code, answer.values);
    });
  }

  /** Before the sums of its budgets are asked for, and before it has rows: what its predecessors spent is its own. */
  #noteLineage({ key, lineage }: ReserveRequest): void {
    if (lineage === undefined || this.#lineages.get(key) === true) return;
    this.#lineages.set(key, true);
    this.#queue.add({ kind: 'lineage', key, first: lineage }, 1, () => undefined);
  }

  #resume(call: IncomingCall, owner: string): void {
    const requests = checkResume(call.head['requests']);
    if (!requests.ok) return this.#refuseCall(call, 'resume', requests.error);
    for (const { requestId } of requests.value) this.#orphans.remove(requestId);
    for (const request of requests.value) this.#noteLineage(request);
    const resumed = this.admissions.resume(owner, requests.value);
    if (resumed < requests.value.length) {
      this.#log.error('ledger.call_rejected', { op: 'resume', reason: 'owner', count: requests.value.length - resumed });
    }
    call.reply({ resumed });
  }

  #adjust(call: IncomingCall, owner: string): void {
    const bounds = checkAdjust(call.head);
    if (!bounds.ok) return this.#refuseCall(call, 'adjust', bounds.error);
    const { requestId, maxInputTokens, maxOutputTokens, target } = bounds.value;
    if (this.#belongsToOther(requestId, owner)) return this.#refuseCall(call, 'adjust', 'owner');
    this.admissions.adjust(requestId, maxInputTokens, maxOutputTokens, target);
    call.reply({});
  }

  /** The places are free at once; the reply comes when the events are on disk. */
  #account(call: IncomingCall, owner: string): void {
    if (this.#queue.full) return call.error('admission_unavailable');
    const { settled, released } = call.head;
    if (!Array.isArray(settled) || !Array.isArray(released)) return this.#refuseCall(call, 'account', 'lists');
    const rejected: { requestId: string; reason: string }[] = [];
    const events: UsageEvent[] = [];
    for (const item of settled as readonly JsonObject[]) {
      const event = checkUsage(item, this.#clock.now());
      const reason = event.ok ? (this.#belongsToOther(event.value.requestId, owner) ? 'owner' : undefined) : event.error;
      if (event.ok && reason === undefined) events.push(event.value);
      else rejected.push({ requestId: checkRequestId(item?.['requestId']) ?? '', reason: reason ?? '' });
    }
    const charged = events.map((event) => {
      this.#orphans.remove(event.requestId);
      return this.admissions.settle(event);
    });
    for (const item of released as readonly string[]) this.#release(item, owner);
    this.#reportRejected(rejected, owner);
    const reply: AccountReply = { accepted: events.length, rejected };
    this.metrics.accepted.inc(events.length);
    if (events.length === 0) return call.reply({ ...reply });
    this.#queue.add({ kind: 'usage', events, charged }, events.length, () => {
      this.admissions.stored(events);
      call.reply({ ...reply });
    });
  }

  #release(item: string, owner: string): void {
    const requestId = checkRequestId(item);
    if (requestId !== undefined && !this.#belongsToOther(requestId, owner)) this.admissions.release(requestId);
  }

  #belongsToOther(requestId: RequestId, owner: string): boolean {
    const held = this.admissions.reservation(requestId);
    return held !== undefined && held.owner !== owner;
  }

  #refuseCall(call: IncomingCall, op: string, reason: string): void {
    this.metrics.rejected.inc();
    this.#log.error('ledger.call_rejected', { op, reason });
    call.error('permission_denied', { act: `${op} with this ${reason}` });
  }

  #reportRejected(rejected: AccountReply['rejected'], owner: string): void {
    if (rejected.length === 0) return;
    this.metrics.rejected.inc(rejected.length);
    const [first] = rejected;
    this.#log.error('ledger.events_rejected', {
      count: rejected.length,
      peer: owner,
      reason: first?.reason ?? '',
      request_id: first?.requestId ?? '',
    });
  }
}
