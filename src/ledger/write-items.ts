import type { UsageEvent } from '../core/usage.ts';
import type { JournalRecord } from '../ipc/messages/ledger.ts';
import type { ReservationFacts } from './reservation-facts.ts';
import type { ChargeChange } from './charge-changes.ts';

/** What the ledger's main thread hands over; one entry per frame that waits for its acknowledgement. */
export type WriteItem =
  /** `charged`: decimal digits for each event, as the engine of budgets has counted it; absent: nothing was. */
  | { readonly kind: 'usage'; readonly events: readonly UsageEvent[]; readonly charged?: readonly string[] }
  | {
      readonly kind: 'journal';
      readonly shard: number;
      readonly generation: string;
      readonly records: readonly JournalRecord[];
      /** By request id: reservations alive when the records came. */
      readonly reservations: ReadonlyMap<string, ReservationFacts>;
      /** Requests whose gateway is gone. */
      readonly orphans: ReadonlySet<string>;
    }
  /** `key` took the place of others, of which `first` was the first. Before the first row of `key`. */
  | { readonly kind: 'lineage'; readonly key: string; readonly first: string }
  | { readonly kind: 'orphaned'; readonly requestIds: readonly string[] };

export interface WriteCounts {
  /** Rows that are new. */
  readonly inserted: number;
  /** Usage events for a call that was reported before. */
  readonly duplicates: number;
  /** Of those, the ones that say something else than the first. */
  readonly contradictions: number;
  readonly disputed: number;
}

export interface WriteResult {
  /** Last durable offset by shard, for the shards of this batch. */
  readonly acked: ReadonlyMap<number, number>;
  readonly counts: WriteCounts;
  /** Number of the transaction; strictly rising, sweeps included. */
  readonly seq: number;
  readonly changes: readonly ChargeChange[];
}

/** What came of waits that are over. */
export interface SweepResult {
  readonly rows: number;
  readonly seq: number;
  readonly changes: readonly ChargeChange[];
  /** Requests of which no call is open any more. */
  readonly ended: readonly string[];
}

/** Between threads items travel as JSON: writing and reading that takes half of what a structured clone does. */
export const encodeItems = (items: readonly WriteItem[]): string =>
  JSON.stringify(
    items.map((item) => (item.kind === 'journal' ? { ...item, reservations: [...item.reservations], orphans: [...item.orphans] } : item)),
  );

type SentItem =
  | Exclude<WriteItem, { readonly kind: 'journal' }>
  | (Omit<Extract<WriteItem, { readonly kind: 'journal' }>, 'reservations' | 'orphans'> & {
      readonly reservations: readonly (readonly [string, ReservationFacts])[];
      readonly orphans: readonly string[];
    });

export const decodeItems = (text: string): WriteItem[] =>
  (JSON.parse(text) as readonly SentItem[]).map((item) =>
    item.kind === 'journal' ? { ...item, reservations: new Map(item.reservations), orphans: new Set(item.orphans) } : item,
  );
