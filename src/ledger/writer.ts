import { NO_OPERATOR_PRICES, type OperatorPrices } from '../accounting/operator-prices.ts';
import { readPriceDetail } from '../accounting/price-detail.ts';
import type { UsageEvent } from '../core/usage.ts';
import { inTransaction, type SqliteDatabase, type SqliteStatement } from '../store/sqlite/open.ts';
import { addFact, emptyRow, expire, type CallFact, type CallRow, type Likeness, type Waits } from './call-row.ts';
import { Aggregates, buildAggregates } from './aggregates.ts';
import { addUsage, Batch, type HeardCall } from './batch.ts';
import { ChargeChanges, type ChargeChange } from './charge-changes.ts';
import { Reconciler, type FoundDifference } from './reconcile.ts';
import { COLUMNS, fromColumns, toColumns, type SqlRow } from './row-columns.ts';
import { Sealer } from './sealer.ts';
import type { SweepResult, WriteCounts, WriteItem, WriteResult } from './write-items.ts';

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
  readonly #aggregates: Aggregates;
  readonly #sealer: Sealer;
  readonly #charges = new ChargeChanges();
  readonly #keepChanges: SqliteStatement;
  readonly #dropChanges: SqliteStatement;
  readonly #lastSeq: SqliteStatement;
  readonly #lineage: SqliteStatement;
  readonly #reconciler: Reconciler;
  #prices: OperatorPrices = NO_OPERATOR_PRICES;

  constructor(db: SqliteDatabase, waits: Waits, now = Date.now()) {
    this.#db = db;
    this.#waits = waits;
    this.#sealer = new Sealer(db, now);
    this.#aggregates = new Aggregates(db, this.#sealer);
    this.#reconciler = new Reconciler(db, now);
    this.#transact(() => buildAggregates(db, this.#aggregates));
    const prepare = (sql: string): SqliteStatement => {
      const statement = db.prepare(sql);
      statement.setReadBigInts(true);
      return statement;
    };
    this.#keepChanges = prepare('INSERT INTO charge_change (seq, batch, changes) VALUES (?, ?, ?)');
    this.#dropChanges = prepare('DELETE FROM charge_change WHERE seq <= ?');
    this.#lastSeq = prepare('SELECT max(seq) AS seq FROM charge_change');
    this.#lineage = prepare('INSERT OR IGNORE INTO key_lineage (first, key) VALUES (?, ?)');
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
      "SELECT provider, model, price_list, endpoint, price_detail FROM usage WHERE credential = ?1 AND started_at > ?2 AND state = 'confirmed' AND (?3 = '' OR alias = ?3) ORDER BY started_at DESC LIMIT 1",
    );
  }

  /** What prices rows from here on; those that are priced stay as they are. */
  usePrices(prices: OperatorPrices): void {
    this.#prices = prices;
  }

  /** Takes everything or nothing: a throw leaves the file as it was, and the same items may be given again. */
  apply(items: readonly WriteItem[], now: number): WriteResult {
    return this.#transact(() => {
      const batch = new Batch();
      const acked = new Map<number, number>();
      for (const item of items) {
        if (item.kind === 'usage') addUsage(batch, item);
        else if (item.kind === 'journal') acked.set(item.shard, this.#journal(batch, item, now));
        else if (item.kind === 'lineage') this.#lineage.run(item.first, item.key);
        else for (const requestId of item.requestIds) this.#orphan(batch, requestId);
      }
      const tally = new Tally(now, this.#waits, this.#prices);
      for (const call of batch.calls()) this.#write(call, tally);
      return { acked, counts: tally.counts, ...this.#numbered('batch') };
    });
  }

  /** Gives the transaction its number, and keeps what it changed for those who read the file before they hear of it. */
  #numbered(kind: 'batch' | 'sweep'): { readonly seq: number; readonly changes: readonly ChargeChange[] } {
    const changes = this.#charges.take();
    const seq = this.seq + 1;
    this.#keepChanges.run(seq, kind === 'batch' ? 1 : 0, JSON.stringify(changes));
    this.#dropChanges.run(seq - KEPT_CHANGES);
    return { seq, changes };
  }

  /** Number of the last transaction that is on disk; 0: none yet. */
  get seq(): number {
    return Number(this.#lastSeq.get()?.['seq'] ?? 0);
  }

  /** A call of which both sources speak at once is nearly always new, so that looking for its row first would be in vain. */
  #write({ requestId, attempt, facts }: HeardCall, tally: Tally): void {
    const looksNew = facts.some(({ fact }) => fact === 'start') && facts.some(({ fact }) => fact === 'usage');
    if (looksNew && this.#insertNew(tally.heard(emptyRow(requestId, attempt), facts), facts, tally)) return;
    const before = this.#read(requestId, attempt);
    const verdict = tally.heard(before ?? emptyRow(requestId, attempt), facts);
    if (before === undefined) return void this.#insertNew(verdict, facts, tally);
    if (verdict.row !== before) this.#replace(before, verdict.row, tally.now);
    this.#charges.heard(before, verdict.row, facts);
    tally.add(verdict);
  }

  /** A row of before becomes another: the sums and the differences with it. */
  #replace(before: CallRow, after: CallRow, now: number): void {
    this.#upsert.run(...toColumns(after));
    this.#aggregates.add(before, -1);
    this.#aggregates.add(after, 1);
    this.#reconciler.compare(before, after, now);
  }

  /** Packs the sums of one period that is over. False: there is none. */
  seal(now: number): boolean {
    return this.#sealer.step(now);
  }

  /** Commits the rows together with their sums. A throw leaves file and memory as they were. */
  #transact<T>(work: () => T): T {
    try {
      return inTransaction(this.#db, () => {
        const result = work();
        this.#aggregates.flush();
        return result;
      });
    } catch (error) {
      this.#aggregates.forget();
      this.#charges.take();
      this.#reconciler.forget();
      throw error;
    }
  }

  /** The differences that were found since this was asked the last time. */
  takeDifferences(): { readonly found: readonly FoundDifference[]; readonly resolved: number } {
    return this.#reconciler.take();
  }

  /** False: there is such a row already, and nothing was changed. */
  #insertNew(verdict: Verdict, facts: readonly CallFact[], tally: Tally): boolean {
    if (this.#insert.run(...toColumns(verdict.row)).changes === 0n) return false;
    this.#charges.heard(NO_ROW, verdict.row, facts);
    this.#aggregates.add(verdict.row, 1);
    this.#reconciler.compare(undefined, verdict.row, tally.now);
    tally.addNew(verdict);
    return true;
  }

  /** Ends the waits that are over; undefined: none is. A full answer means that there may be more. */
  sweep(now: number): SweepResult | undefined {
    const due = this.#due.all(now) as SqlRow[];
    if (due.length === 0) return undefined;
    return this.#transact(() => {
      const unreported = new Set<string>();
      for (const columns of due) {
        const row = fromColumns(columns);
        const after = expire(row, row.reported ? undefined : this.#likeness(row), this.#prices);
        this.#replace(row, after, now);
        this.#charges.replaced(row, after);
        if (!row.reported) unreported.add(row.requestId);
      }
      const ended = [...unreported].filter((requestId) => this.#attempts.get(requestId) === undefined);
      return { rows: due.length, ended, ...this.#numbered('sweep') };
    });
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
      baseModel: readPriceDetail(String(found['price_detail'] ?? ''))?.source.as,
      priceList: String(found['price_list']),
      endpoint: String(found['endpoint']),
    };
  }
}

/** The usual row has no row before it. */
const NO_ROW = emptyRow('', 0);

/** Transactions that memory may be behind the file: those of many minutes. */
const KEPT_CHANGES = 1000;

/** How far back a call may lie to tell the price of an unconfirmed one. */
const LIKENESS_MS = 30 * 86_400_000;

/** What facts make of a row, and what is worth counting about them. */
interface Verdict {
  readonly row: CallRow;
  readonly duplicates: number;
  readonly contradictions: number;
  readonly disputed: number;
}

class Tally {
  readonly now: number;
  readonly #waits: Waits;
  readonly #prices: OperatorPrices;
  readonly #counts = { inserted: 0, duplicates: 0, contradictions: 0, disputed: 0 };

  constructor(now: number, waits: Waits, prices: OperatorPrices) {
    this.now = now;
    this.#waits = waits;
    this.#prices = prices;
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
      const next = addFact(row, fact, this.now, this.#waits, this.#prices);
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
