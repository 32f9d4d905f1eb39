import type { DifferenceKind } from '../core/reports.ts';
import type { SqliteDatabase, SqliteStatement } from '../store/sqlite/open.ts';
import type { CallRow } from './call-row.ts';
import { Plausibility } from './plausibility.ts';
import { fromColumns, type SqlRow } from './row-columns.ts';

/**
 * Compares what the gateway reported of a call with what the vault wrote of it, whenever a row changes. The vault's journal takes nothing
 * from the gateway but the bytes that it sends, so that a gateway which omits or shrinks its accounting is found by request id.
 */

/** What is told of a difference as soon as it is on disk. */
export interface FoundDifference {
  readonly requestId: string;
  readonly attempt: number;
  readonly kind: DifferenceKind;
}

/** The last bytes of an answer may pass a gateway whose client has left; a lie about money is larger. */
const BYTES_SHARE = 0.01;
const BYTES_SLACK = 64;
/** Calls from which a started ledger learns what a token weighs. */
const REMEMBERED_CALLS = 5_000;
const REMEMBERED_MS = 7 * 86_400_000;

interface Finding {
  readonly kind: DifferenceKind;
  readonly reported: number | null;
  readonly journal: number | null;
}

const NONE: readonly Finding[] = [];

/** Both sides have told all there is to tell of a call that ended well. */
const isComplete = (row: CallRow): boolean =>
  row.reported && row.outcome === 'ok' && row.journalOutcome === 'complete' && row.journalBytesIn !== null;

const differs = (reported: number, journal: number): boolean => Math.abs(reported - journal) > Math.max(BYTES_SLACK, journal * BYTES_SHARE);

/** What one row says by itself. Pure; the findings of a row that was corrected are gone. */
function findingsOf(row: CallRow): readonly Finding[] {
  if (row.state === 'unconfirmed') return [{ kind: 'missing_usage', reported: null, journal: row.journalBytesIn }];
  if (row.state === 'unmatched') return [{ kind: 'missing_journal', reported: row.bytesIn, journal: null }];
  if (row.state !== 'confirmed') return NONE;
  const findings: Finding[] = [];
  if (row.disputed) findings.push({ kind: 'owner', reported: null, journal: null });
  if (!isComplete(row)) return findings.length === 0 ? NONE : findings;
  const [sent, received] = [row.journalBytesOut ?? 0, row.journalBytesIn ?? 0];
  if (differs(row.bytesOut, sent)) findings.push({ kind: 'bytes_sent', reported: row.bytesOut, journal: sent });
  if (differs(row.bytesIn, received)) findings.push({ kind: 'bytes_received', reported: row.bytesIn, journal: received });
  return findings.length === 0 ? NONE : findings;
}

/** Writes differences in the transaction of the rows they are about. */
export class Reconciler {
  readonly #plausibility = new Plausibility();
  readonly #insert: SqliteStatement;
  readonly #resolve: SqliteStatement;
  readonly #tokens: SqliteStatement;
  #found: FoundDifference[] = [];
  #resolved = 0;

  constructor(db: SqliteDatabase, now: number) {
    this.#insert = db.prepare(
      `INSERT INTO difference (request_id, attempt, kind, reported, journal, found_at, started_at) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (request_id, attempt, kind) DO UPDATE SET reported = excluded.reported, journal = excluded.journal, resolved_at = NULL`,
    );
    this.#resolve = db.prepare(
      'UPDATE difference SET resolved_at = ? WHERE request_id = ? AND attempt = ? AND kind = ? AND resolved_at IS NULL',
    );
    this.#tokens = db.prepare(
      'SELECT input, output - reasoning AS output, journal_bytes_in, journal_bytes_out, started_at FROM usage WHERE request_id = ? AND attempt = ?',
    );
    this.#remember(db, now);
  }

  /** `before` undefined: the row is new. Call it after `after` is stored. */
  compare(before: CallRow | undefined, after: CallRow, now: number): void {
    const [old, fresh] = [before === undefined ? NONE : findingsOf(before), findingsOf(after)];
    if (old !== NONE || fresh !== NONE) this.#change(old, fresh, after, now);
    // Judged once, when the second of the two reports has come.
    if (isComplete(after) && after.state === 'confirmed' && !after.estimated && (before === undefined || !isComplete(before)))
      this.#weigh(after, now);
  }

  /** What was found since the last time; the transaction must be over. */
  take(): { readonly found: readonly FoundDifference[]; readonly resolved: number } {
    const taken = { found: this.#found, resolved: this.#resolved };
    this.forget();
    return taken;
  }

  /** The transaction did not happen. */
  forget(): void {
    this.#found = [];
    this.#resolved = 0;
  }

  #change(old: readonly Finding[], fresh: readonly Finding[], { requestId, attempt, startedAt }: CallRow, now: number): void {
    for (const { kind } of old)
      if (!fresh.some((other) => other.kind === kind)) this.#resolved += Number(this.#resolve.run(now, requestId, attempt, kind).changes);
    for (const { kind, reported, journal } of fresh) {
      this.#insert.run(requestId, attempt, kind, reported, journal, now, startedAt);
      if (!old.some((other) => other.kind === kind)) this.#found.push({ requestId, attempt, kind });
    }
  }

  /** The first judgement of a model is about calls that were stored before, so that their rows are read again. */
  #weigh(row: CallRow, now: number): void {
    for (const found of this.#plausibility.judge(row)) {
      const stored = this.#tokens.get(found.requestId, found.attempt);
      if (stored === undefined) continue;
      const [tokens, bytes] = found.kind === 'input_tokens' ? ['input', 'journal_bytes_out'] : ['output', 'journal_bytes_in'];
      const values = [Number(stored[tokens]), Number(stored[bytes]), now, Number(stored['started_at'])];
      const { requestId, attempt, kind } = found;
      this.#insert.run(requestId, attempt, kind, ...values);
      this.#found.push({ requestId, attempt, kind });
    }
  }

  /** What a token weighs is known again after a restart; what was found before is not learnt. */
  #remember(db: SqliteDatabase, now: number): void {
    const rows = db.prepare(
      `SELECT * FROM usage WHERE started_at > ? AND state = 'confirmed' AND outcome = 'ok' AND journal_outcome = 'complete' AND estimated = 0
         AND NOT EXISTS (SELECT 1 FROM difference WHERE difference.request_id = usage.request_id AND difference.attempt = usage.attempt)
       ORDER BY started_at DESC LIMIT ${REMEMBERED_CALLS}`,
    );
    rows.setReadBigInts(true);
    for (const row of rows.iterate(now - REMEMBERED_MS)) this.#plausibility.judge(fromColumns(row as SqlRow));
  }
}
