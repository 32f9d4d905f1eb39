import { Metrics, SECONDS_BUCKETS } from '../telemetry/metrics.ts';
import type { WriteCounts } from './write-items.ts';

/** What the ledger counts about itself. */
export class LedgerMetrics {
  readonly registry = new Metrics();
  readonly #reservations = this.registry.counter('bulkhead_ledger_reservations_total', 'Reservations asked for, by what was decided.', [
    'decision',
  ]);
  readonly granted = this.#reservations.with('granted');
  readonly refused = this.#reservations.with('refused');
  readonly unavailable = this.#reservations.with('unavailable');
  readonly #events = this.registry.counter(
    'bulkhead_ledger_events_total',
    'Messages of gateways and vaults, by source and what was done with them.',
    ['source', 'result'],
  );
  readonly accepted = this.#events.with('gateway', 'accepted');
  readonly rejected = this.#events.with('gateway', 'rejected');
  readonly journaled = this.#events.with('vault', 'accepted');
  readonly journalRejected = this.#events.with('vault', 'rejected');
  readonly #rows = this.registry.counter('bulkhead_ledger_rows_total', 'Rows by what happened to them.', ['event']);
  readonly #inserted = this.#rows.with('inserted');
  readonly #duplicates = this.#rows.with('repeated');
  readonly #contradictions = this.#rows.with('contradicted');
  readonly #disputed = this.#rows.with('disputed');
  readonly states = this.registry.gauge(
    'bulkhead_ledger_rows_last_day',
    'Rows of the last 24 hours, by state: unmatched ones have no journal record.',
    ['state'],
  );
  readonly commitSeconds = this.registry.histogram(
    'bulkhead_ledger_commit_seconds',
    'Time from handing a batch to the disk to its acknowledgement.',
    SECONDS_BUCKETS,
  );
  readonly failures = this.registry.counter('bulkhead_ledger_commit_failures_total', 'Commits that the disk refused.');
  readonly inFlight = this.registry.gauge('bulkhead_ledger_reservations', 'Requests that hold a place now.');
  readonly waiting = this.registry.gauge('bulkhead_ledger_waiting_events', 'Events that are not on disk yet.');

  add({ inserted, duplicates, contradictions, disputed }: WriteCounts): void {
    this.#inserted.inc(inserted);
    this.#duplicates.inc(duplicates);
    this.#contradictions.inc(contradictions);
    this.#disputed.inc(disputed);
  }
}
