import type { UsageEvent } from '../core/usage.ts';
import type { JournalRecord } from '../ipc/messages.ts';
import { inTransaction, type SqliteDatabase, type SqliteStatement } from '../store/sqlite/open.ts';
import { addFact, emptyRow, expire, type CallFact, type CallRow, type Likeness, type ReservationFacts, type Waits } from './call-row.ts';
import { COLUMNS, fromColumns, toColumns, type SqlRow } from './row-columns.ts';

/** What the ledger's main thread hands over; one entry per frame that waits for its acknowledgement. */
export type WriteItem =
  | { readonly kind: 'usage'; readonly events: readonly UsageEvent[] }
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
}

const upsertSql = (): string => {
  const marks = COLUMNS.map(() => '?').join(', ');
  const updates = COLUMNS.slice(2).map((name) => `${name} = excluded.${name}`);
  return `INSERT INTO usage (${COLUMNS.join(', ')}) VALUES (${marks}) ON CONFLICT (request_id, attempt) DO UPDATE SET ${updates.join(', ')}`;
};

const SWEEP_ROWS = 500;

/** The one writer of the ledger's file. Every method is one transaction: when it returns, all of it is on disk. */
export class Writer {
  readonly #db: SqliteDatabase;
  readonly #waits: Waits;
  readonly #select: SqliteStatement;
  readonly #upsert: SqliteStatement;
  readonly #position: SqliteStatement;
  readonly #setPosition: SqliteStatement;
  readonly #attempts: SqliteStatement;
  readonly #staleGenerations: SqliteStatement;
  readonly #due: SqliteStatement;
  readonly #like: SqliteStatement;

  constructor(db: SqliteDatabase, waits: Waits) {
    this.#db = db;
    this.#waits = waits;
    const prepare = (sql: string): SqliteStatement => {
      const statement = db.prepare(sql);
      statement.setReadBigInts(true);
      return statement;
    };
    this.#select = prepare('SELECT * FROM usage WHERE request_id = ? AND attempt = ?');
    this.#upsert = prepare(upsertSql());
    this.#position = prepare('SELECT generation, position FROM journal WHERE shard = ?');
    this.#setPosition = prepare(
      'INSERT INTO journal (shard, generation, position) VALUES (?, ?, ?) ON CONFLICT (shard) DO UPDATE SET generation = excluded.generation, position = excluded.position',
    );
    this.#attempts = prepare("SELECT attempt FROM usage WHERE request_id = ? AND state = 'open'");
    this.#staleGenerations = prepare(
      "UPDATE usage SET due_at = min(coalesce(due_at, ?1), ?1) WHERE state = 'open' AND shard = ?2 AND generation <> ?3 AND journal_ended_at IS NULL",
    );
    this.#due = prepare(`SELECT * FROM usage WHERE due_at <= ? ORDER BY due_at LIMIT ${SWEEP_ROWS}`);
    this.#like = prepare(
      "SELECT provider, model, price_list, endpoint FROM usage WHERE credential = ?1 AND started_at > ?2 AND state = 'confirmed' AND (?3 = '' OR alias = ?3) ORDER BY started_at DESC LIMIT 1",
    );
  }

  /** Takes everything or nothing: a throw leaves the file as it was, and the same items may be given again. */
  apply(items: readonly WriteItem[], now: number): WriteResult {
    return inTransaction(this.#db, () => {
      const batch = new Batch((requestId, attempt) => this.#read(requestId, attempt), now, this.#waits);
      const acked = new Map<number, number>();
      for (const item of items) {
        if (item.kind === 'usage') for (const event of item.events) batch.add(event.requestId, event.attempt, { fact: 'usage', event });
        else if (item.kind === 'journal') acked.set(item.shard, this.#journal(batch, item, now));
        else for (const requestId of item.requestIds) this.#orphan(batch, requestId);
      }
      for (const row of batch.changed()) this.#upsert.run(...toColumns(row));
      return { acked, counts: batch.counts };
    });
  }

  /** Ends the waits that are over. Returns how many there were; a full answer means that there may be more. */
  sweep(now: number): number {
    const due = this.#due.all(now) as SqlRow[];
    if (due.length === 0) return 0;
    inTransaction(this.#db, () => {
      for (const columns of due) {
        const row = fromColumns(columns);
        this.#upsert.run(...toColumns(expire(row, row.reported ? undefined : this.#likeness(row))));
      }
    });
    return due.length;
  }

  #read(requestId: string, attempt: number): CallRow | undefined {
    const row = this.#select.get(requestId, attempt) as SqlRow | undefined;
    return row === undefined ? undefined : fromColumns(row);
  }

  #journal(batch: Batch, item: Extract<WriteItem, { readonly kind: 'journal' }>, now: number): number {
    const { shard, generation, records, reservations, orphans } = item;
    const stored = this.#position.get(shard) as { readonly generation: string; readonly position: bigint } | undefined;
    for (const record of records) {
      const { requestId, attempt } = record;
      // A start of an earlier generation whose end is not here yet waits no longer than one whose gateway is gone.
      const orphan = orphans.has(requestId) || record.generation !== generation;
      if (record.k === 'end') batch.add(requestId, attempt, { fact: 'end', record });
      else batch.add(requestId, attempt, { fact: 'start', shard, record, reservation: reservations.get(requestId) ?? null, orphan });
    }
    if (stored !== undefined && stored.generation !== generation) this.#staleGenerations.run(now + this.#waits.settleMs, shard, generation);
    const position = records.at(-1)?.offset ?? Number(stored?.position ?? -1);
    this.#setPosition.run(shard, generation, position);
    return position;
  }

  #orphan(batch: Batch, requestId: string): void {
    const attempts = new Set([...batch.attempts(requestId), ...this.#attempts.all(requestId).map((row) => Number(row['attempt']))]);
    for (const attempt of attempts) batch.add(requestId, attempt, { fact: 'orphaned' });
  }

  #likeness(row: CallRow): Likeness | undefined {
    const found = this.#like.get(row.credential, row.startedAt - LIKENESS_MS, row.alias) as SqlRow | undefined;
    if (found === undefined) return undefined;
    return {
      provider: String(found['provider']),
      model: String(found['model']),
      priceList: String(found['price_list']),
      endpoint: String(found['endpoint']),
    };
  }
}

/** How far back a call may lie to tell the price of an unconfirmed one. */
const LIKENESS_MS = 30 * 86_400_000;

/** The rows that one transaction touches: each is read once and written once, however many facts there are about it. */
class Batch {
  readonly #read: (requestId: string, attempt: number) => CallRow | undefined;
  readonly #now: number;
  readonly #waits: Waits;
  readonly #rows = new Map<string, { readonly before: CallRow | undefined; row: CallRow }>();
  readonly #counts = { inserted: 0, duplicates: 0, contradictions: 0, disputed: 0 };

  constructor(read: (requestId: string, attempt: number) => CallRow | undefined, now: number, waits: Waits) {
    this.#read = read;
    this.#now = now;
    this.#waits = waits;
  }

  get counts(): WriteCounts {
    return this.#counts;
  }

  add(requestId: string, attempt: number, fact: CallFact): void {
    const place = `${requestId}/${attempt}`;
    let entry = this.#rows.get(place);
    if (entry === undefined) {
      const before = this.#read(requestId, attempt);
      if (before === undefined) this.#counts.inserted++;
      entry = { before, row: before ?? emptyRow(requestId, attempt) };
      this.#rows.set(place, entry);
    }
    if (fact.fact === 'usage' && entry.row.reported) this.#countRepeat(entry.row, fact.event);
    const next = addFact(entry.row, fact, this.#now, this.#waits);
    if (next.disputed && !entry.row.disputed) this.#counts.disputed++;
    entry.row = next;
  }

  attempts(requestId: string): number[] {
    return [...this.#rows.values()].filter(({ row }) => row.requestId === requestId).map(({ row }) => row.attempt);
  }

  changed(): CallRow[] {
    return [...this.#rows.values()].filter(({ before, row }) => before !== row).map(({ row }) => row);
  }

  #countRepeat(row: CallRow, event: UsageEvent): void {
    this.#counts.duplicates++;
    const same = row.model === event.model && row.usage.input === event.usage.input && row.usage.output === event.usage.output;
    if (!same) this.#counts.contradictions++;
  }
}
