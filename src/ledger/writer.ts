import type { UsageEvent } from '../core/usage.ts';
import { inTransaction, type SqliteDatabase, type SqliteStatement } from '../store/sqlite/open.ts';
import { addFact, emptyRow, expire, type CallFact, type CallRow, type Likeness, type Waits } from './call-row.ts';
import { COLUMNS, fromColumns, toColumns, type SqlRow } from './row-columns.ts';
import type { WriteCounts, WriteItem, WriteResult } from './write-items.ts';

const INSERT = `INSERT INTO usage (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')}) ON CONFLICT (request_id, attempt) DO`;
const UPDATES = COLUMNS.slice(2).map((name) => `${name} = excluded.${name}`);

const SWEEP_ROWS = 500;

/** The one writer of the ledger's file. Every method is one transaction: when it returns, all of it is on disk. */
export class Writer {
  readonly #db: SqliteDatabase;
  readonly #waits: Waits;
  readonly #select: SqliteStatement;
  readonly #insert: SqliteStatement;
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
    this.#insert = prepare(`${INSERT} NOTHING`);
    this.#upsert = prepare(`${INSERT} UPDATE SET ${UPDATES.join(', ')}`);
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
      const batch = new Batch();
      const acked = new Map<number, number>();
      for (const item of items) {
        if (item.kind === 'usage') for (const event of item.events) batch.add(event.requestId, event.attempt, { fact: 'usage', event });
        else if (item.kind === 'journal') acked.set(item.shard, this.#journal(batch, item, now));
        else for (const requestId of item.requestIds) this.#orphan(batch, requestId);
      }
      const tally = new Tally(now, this.#waits);
      for (const call of batch.calls()) this.#write(call, tally);
      return { acked, counts: tally.counts };
    });
  }

  /** A call of which both sources speak at once is nearly always new, so that looking for its row first would be in vain. */
  #write({ requestId, attempt, facts }: HeardCall, tally: Tally): void {
    const looksNew = facts.some(({ fact }) => fact === 'start') && facts.some(({ fact }) => fact === 'usage');
    if (looksNew && this.#insertNew(tally.heard(emptyRow(requestId, attempt), facts), tally)) return;
    const before = this.#read(requestId, attempt);
    const verdict = tally.heard(before ?? emptyRow(requestId, attempt), facts);
    if (before === undefined) return void this.#insertNew(verdict, tally);
    if (verdict.row !== before) this.#upsert.run(...toColumns(verdict.row));
    tally.add(verdict);
  }

  /** False: there is such a row already, and nothing was changed. */
  #insertNew(verdict: Verdict, tally: Tally): boolean {
    if (this.#insert.run(...toColumns(verdict.row)).changes === 0n) return false;
    tally.addNew(verdict);
    return true;
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

interface HeardCall {
  readonly requestId: string;
  readonly attempt: number;
  readonly facts: CallFact[];
}

/** The calls that one transaction touches: each is written once, however many facts there are about it. */
class Batch {
  readonly #calls = new Map<string, HeardCall>();

  calls(): Iterable<HeardCall> {
    return this.#calls.values();
  }

  add(requestId: string, attempt: number, fact: CallFact): void {
    const place = `${requestId}/${attempt}`;
    const known = this.#calls.get(place);
    if (known === undefined) this.#calls.set(place, { requestId, attempt, facts: [fact] });
    else known.facts.push(fact);
  }

  attempts(requestId: string): number[] {
    return [...this.#calls.values()].filter((call) => call.requestId === requestId).map(({ attempt }) => attempt);
  }
}

/** What facts make of a row, and what is worth counting about them. */
interface Verdict {
  readonly row: CallRow;
  readonly duplicates: number;
  readonly contradictions: number;
  readonly disputed: number;
}

class Tally {
  readonly #now: number;
  readonly #waits: Waits;
  readonly #counts = { inserted: 0, duplicates: 0, contradictions: 0, disputed: 0 };

  constructor(now: number, waits: Waits) {
    this.#now = now;
    this.#waits = waits;
  }

  get counts(): WriteCounts {
    return this.#counts;
  }

  heard(before: CallRow, facts: readonly CallFact[]): Verdict {
    let row = before;
    let [duplicates, contradictions, disputed] = [0, 0, 0];
    for (const fact of facts) {
      if (fact.fact === 'usage' && row.reported) {
        duplicates++;
        if (contradicts(row, fact.event)) contradictions++;
      }
      const next = addFact(row, fact, this.#now, this.#waits);
      if (next.disputed && !row.disputed) disputed++;
      row = next;
    }
    return { row, duplicates, contradictions, disputed };
  }

  add({ duplicates, contradictions, disputed }: Verdict): void {
    this.#counts.duplicates += duplicates;
    this.#counts.contradictions += contradictions;
    this.#counts.disputed += disputed;
  }

  addNew(verdict: Verdict): void {
    this.#counts.inserted++;
    this.add(verdict);
  }
}

const contradicts = (row: CallRow, event: UsageEvent): boolean =>
  row.model !== event.model || row.usage.input !== event.usage.input || row.usage.output !== event.usage.output;
