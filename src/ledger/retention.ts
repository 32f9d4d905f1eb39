import { inTransaction, type SqliteDatabase, type SqliteStatement } from '../store/sqlite/open.ts';
import { LEVELS, MARGINS, monthOf } from './blocks.ts';
import { DAY_MS, GROUP_KINDS, HOUR_MS } from './sums.ts';

/** How long single rows and hourly sums are kept. Daily sums of keys, teams and models stay for good; those of end users as long as hours. */
export interface Retention {
  readonly rowsDays: number;
  readonly hoursDays: number;
}

export const RETENTION: Retention = { rowsDays: 400, hoursDays: 400 };

/** A batch that takes some milliseconds: a commit of the hot path never waits longer for the file than for one of these. */
const BATCH_ROWS = 500;

/** Kinds of groups that hold end users, for SQL. */
const END_USERS = [GROUP_KINDS.end_user.number, GROUP_KINDS.both.number].join(', ');
const END_USER_BLOCKS = [END_USERS, ...MARGINS.filter(({ of }) => of === 'end_user').map(({ number }) => number)].join(', ');

/**
 * Deletes what is older than the policy, a batch at a time, and never what somebody may still report on: a row that waits for its other
 * source stays. Deleting touches no sum, so that totals over whole days are the same before and after.
 *
 * The marks `rows_since` and `hours_since` move with the first batch, before anything is gone, so that a report never believes in
 * rows that are half deleted. Both are whole days of UTC.
 */
export class Compaction {
  readonly #db: SqliteDatabase;
  readonly #retention: Retention;
  readonly #mark: SqliteStatement;
  readonly #marked: SqliteStatement;
  readonly #rows: SqliteStatement;
  readonly #differences: SqliteStatement;
  readonly #hours: SqliteStatement;
  readonly #endUserDays: SqliteStatement;
  readonly #blocks: SqliteStatement;
  readonly #endUserBlocks: SqliteStatement;

  constructor(db: SqliteDatabase, retention: Retention) {
    this.#db = db;
    this.#retention = retention;
    this.#mark = db.prepare(
      'INSERT INTO report_fact (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)',
    );
    this.#marked = db.prepare('SELECT value FROM report_fact WHERE name = ?');
    const batch = (table: string, id: string, where: string): SqliteStatement =>
      db.prepare(`DELETE FROM ${table} WHERE (${id}) IN (SELECT ${id} FROM ${table} WHERE ${where} LIMIT ${BATCH_ROWS})`);
    this.#rows = batch('usage', 'request_id, attempt', "started_at < ? AND due_at IS NULL AND state <> 'open'");
    this.#differences = batch('difference', 'request_id, attempt, kind', 'found_at < ?');
    this.#hours = batch('usage_hour', 'hour, group_id', 'hour < ?');
    const endUsers = `(SELECT id FROM usage_group WHERE kind IN (${END_USERS}))`;
    this.#endUserDays = batch('usage_day', 'day, group_id', `day >= ? AND day < ? AND group_id IN ${endUsers}`);
    this.#blocks = batch('usage_block', 'level, period, kind', `level = ${LEVELS.hour} AND period < ?`);
    this.#endUserBlocks = batch('usage_block', 'level, period, kind', `level = ? AND period < ? AND kind IN (${END_USER_BLOCKS})`);
  }

  /** Deletes one batch. Returns how much; 0: there is nothing left to do. */
  step(now: number): number {
    const startOf = (days: number): number => Math.floor(now / DAY_MS - days) * DAY_MS;
    const [rows, hours] = [startOf(this.#retention.rowsDays), startOf(this.#retention.hoursDays)];
    return inTransaction(this.#db, () => {
      this.#mark.run('rows_since', rows);
      this.#mark.run('hours_since', hours);
      return (
        changed(this.#rows, rows) ||
        changed(this.#differences, rows) ||
        changed(this.#hours, hours / HOUR_MS) ||
        changed(this.#blocks, hours / HOUR_MS) ||
        this.#days(hours)
      );
    });
  }

  /** Other days are kept for good, so that only those are looked at which became old since the last time. */
  #days(hours: number): number {
    const from = Number(this.#marked.get('end_users_since')?.['value'] ?? 0);
    const deleted =
      from === hours
        ? 0
        : changed(this.#endUserBlocks, LEVELS.month, monthOf(hours - 1) + 1) ||
          changed(this.#endUserBlocks, LEVELS.day, hours / DAY_MS) ||
          changed(this.#endUserDays, from / DAY_MS, hours / DAY_MS);
    if (deleted === 0) this.#mark.run('end_users_since', hours);
    return deleted;
  }
}

const changed = (statement: SqliteStatement, ...bounds: readonly number[]): number => Number(statement.run(...bounds).changes);
