import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { JournalRecord } from '../../ipc/messages/ledger.ts';
import type { UsageSummaryRow } from '../../ipc/messages/reports.ts';
import { openWritable, type SqliteDatabase } from '../../store/sqlite/open.ts';
import { WAITS } from '../call-row.ts';
import { MIGRATIONS } from '../schema.ts';
import { usageSummary, type SummaryQuery } from '../summary.ts';
import type { WriteItem } from '../write-items.ts';
import { Writer } from '../writer.ts';

/** Test code: a ledger's file of one test, its writer, and reports from it. */

export interface Scratch {
  readonly db: SqliteDatabase;
  readonly writer: Writer;
  /** The same file as after a crash: whatever was committed, and a writer that knows nothing. */
  reopen(): Scratch;
}

/** `now`: when the file is opened; days from then on are not over. */
export function scratch(t: Pick<TestContext, 'after'>, now = Date.now()): Scratch {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-ledger-'));
  const files: SqliteDatabase[] = [];
  t.after(() => {
    for (const db of files) if (db.isOpen) db.close();
    fs.rmSync(folder, { recursive: true });
  });
  const open = (): Scratch => {
    const db = openWritable(path.join(folder, 'ledger.db'), { synchronous: 'normal', migrations: MIGRATIONS });
    files.push(db);
    return {
      db,
      writer: new Writer(db, WAITS, now),
      reopen: () => {
        db.close();
        return open();
      },
    };
  };
  return open();
}

export const journalItem = (records: readonly JournalRecord[], generation = 'v1'): WriteItem => ({
  kind: 'journal',
  shard: 0,
  generation,
  records,
  reservations: new Map(),
  orphans: new Set(),
});

const ALL_TIME = Date.parse('2100-01-01');

export const sums = (db: SqliteDatabase, more: Partial<SummaryQuery>): readonly UsageSummaryRow[] =>
  usageSummary(db, { op: 'usage.summary', by: [], from: 0, to: ALL_TIME, filter: {}, limit: 10_000, timeZone: 'UTC', ...more }).rows;
