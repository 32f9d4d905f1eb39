/** The thread that answers reports from the ledger's file, read-only, so that a long one holds up neither reservations nor writes. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { BulkheadError, type ErrorCode } from '../core/errors.ts';
import { openReadable, type SqliteDatabase } from '../store/sqlite/open.ts';
import {
  differences,
  rowsByState,
  usageDays,
  usageExport,
  usageRequest,
  usageRows,
  type DaysQuery,
  type DifferencesQuery,
  type ExportQuery,
  type RowsQuery,
} from './reports.ts';
import { Summaries, type SummaryQuery } from './summary.ts';
import { DATABASE_FILE } from './schema.ts';

export type Report =
  | SummaryQuery
  | RowsQuery
  | ExportQuery
  | DaysQuery
  | DifferencesQuery
  | { readonly op: 'usage.request'; readonly requestId: string }
  | { readonly op: 'backup'; readonly fileName: string }
  | { readonly op: 'states'; readonly since: number };

export interface ToReports {
  readonly id: number;
  readonly report: Report;
}

export interface FromReports {
  readonly id: number;
  /** The reply as JSON text, so that the thread that answers reservations only passes it on; or why there is none. */
  readonly reply?: string;
  readonly failure?: string;
  /** What was asked cannot be answered: the asker is told why. */
  readonly refused?: { readonly code: ErrorCode; readonly values: Readonly<Record<string, string | number>> };
}

const BACKUPS = 'backups';
const NICE = 5;

function answer(db: SqliteDatabase, summaries: Summaries, folder: string, report: Report): unknown {
  switch (report.op) {
    case 'usage.summary':
      return summaries.answer(report);
    case 'usage.rows':
      return usageRows(db, report);
    case 'usage.export':
      return usageExport(db, report);
    case 'usage.days':
      return usageDays(db, report);
    case 'reconciliation.list':
      return differences(db, report);
    case 'usage.request':
      return { rows: usageRequest(db, report.requestId) };
    case 'states':
      return rowsByState(db, report.since);
    case 'backup':
      return backup(folder, report.fileName);
  }
}

/** A consistent copy while the ledger goes on writing. It is whole and on disk when this returns; a failed one leaves no file. */
function backup(folder: string, fileName: string): { readonly file: string; readonly bytes: number } {
  const target = path.join(folder, BACKUPS, fileName);
  fs.mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
  // Taken before SQLite fills it: fails if the name is in use, and gives the copy its private mode.
  fs.closeSync(fs.openSync(target, 'wx', 0o600));
  const db = openReadable(path.join(folder, DATABASE_FILE));
  try {
    db.exec('PRAGMA query_only = OFF');
    db.prepare('VACUUM INTO ?').run(target);
    const fd = fs.openSync(target, 'r');
    fs.fsyncSync(fd);
    fs.closeSync(fd);
  } catch (error) {
    fs.rmSync(target, { force: true });
    throw error;
  } finally {
    db.close();
  }
  return { file: `${BACKUPS}/${fileName}`, bytes: fs.statSync(target).size };
}

const port = parentPort;
if (port === null) throw new Error('this file runs as a thread of the ledger');
// Of this thread alone, on Linux: where all cores are busy, reservations come first.
os.setPriority(0, NICE);
const { folder } = workerData as { readonly folder: string };
const db = openReadable(path.join(folder, DATABASE_FILE));
const summaries = new Summaries(db);
port.on('message', ({ id, report }: ToReports) => {
  let message: FromReports;
  try {
    message = { id, reply: JSON.stringify(answer(db, summaries, folder, report)) };
  } catch (error) {
    if (error instanceof BulkheadError) message = { id, refused: { code: error.code, values: error.values } };
    else message = { id, failure: error instanceof Error ? error.message : String(error) };
  }
  port.postMessage(message);
});
