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
  readonly refusals = this.registry.counter(
    'bulkhead_ledger_refusals_total',
    'Reservations that a rule refused, by the code that was told.',
    ['code'],
  );
  readonly observed = this.registry.counter(
    'bulkhead_ledger_observed_refusals_total',
    'Reservations that a rule would have refused if it did more than observe, by code.',
    ['code'],
  );
  readonly budgetUsed = this.registry.gauge(
    'bulkhead_ledger_budget_used_ratio',
    'Spent and reserved of a budget of the policy, 1 for all of it; 0 for one that is gone.',
    ['rule', 'owner'],
  );
  readonly heldOnDisk = this.registry.gauge('bulkhead_ledger_hard_reservations', 'Reservations under a hard budget, each of them on disk.');
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
  readonly differences = this.registry.counter(
    'bulkhead_ledger_differences_total',
    'Calls of which gateway and vault report differently, by how; `bulkhead usage differences` names them.',
    ['kind'],
  );
  readonly resolved = this.registry.counter(
    'bulkhead_ledger_differences_resolved_total',
    'Differences that a report which came late has settled.',
  );
  readonly inFlight = this.registry.gauge('bulkhead_ledger_reservations', 'Requests that hold a place now.');
  readonly waiting = this.registry.gauge('bulkhead_ledger_waiting_events', 'Events that are not on disk yet.');

  add({ inserted, duplicates, contradictions, disputed }: WriteCounts): void {
    this.#inserted.inc(inserted);
    this.#duplicates.inc(duplicates);
    this.#contradictions.inc(contradictions);
    this.#disputed.inc(disputed);
  }
}
