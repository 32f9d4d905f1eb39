/** The thread that owns the ledger's file, so that a slow disk never holds up a reservation. */
import { parentPort, workerData } from 'node:worker_threads';
import path from 'node:path';
import { BulkheadError } from '../core/errors.ts';
import { openWritable } from '../store/sqlite/open.ts';
import { WAITS, type Waits } from './call-row.ts';
import { DATABASE_FILE, MIGRATIONS } from './schema.ts';
import { decodeItems, type WriteItem, type WriteResult } from './write-items.ts';
import { Writer } from './writer.ts';

export interface WriterSettings {
  readonly folder: string;
  readonly waits?: Waits;
  /** Bound on the file, in pages; tests fill a disk with it. */
  readonly maxPages?: number;
}

export type ToWriter =
  /** `items`: as `encodeItems` made them. */
  { readonly op: 'write'; readonly items: string } | { readonly op: 'limit'; readonly maxPages: number } | { readonly op: 'close' };

export type FromWriter =
  | { readonly op: 'open' }
  /** The file cannot be opened, in words; an error loses its class on the way between threads. */
  | { readonly op: 'refused'; readonly reason: string }
  | { readonly op: 'written'; readonly result: WriteResult }
  /** Nothing of the batch is in the file. */
  | { readonly op: 'failed'; readonly reason: string }
  | { readonly op: 'swept'; readonly rows: number }
  | { readonly op: 'sweep-failed'; readonly reason: string }
  | { readonly op: 'closed' };

const SWEEP_MS = 1000;

function run(
  { folder, waits = WAITS, maxPages }: WriterSettings,
  send: (message: FromWriter) => void,
  receive: (use: (message: ToWriter) => void) => void,
): void {
  const db = openWritable(path.join(folder, DATABASE_FILE), { synchronous: 'full', migrations: MIGRATIONS });
  if (maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${maxPages}`);
  const writer = new Writer(db, waits);
  const sweep = (): void => {
    try {
      const rows = writer.sweep(Date.now());
      if (rows > 0) send({ op: 'swept', rows });
    } catch (error) {
      // The waits stay due; the next turn tries again.
      send({ op: 'sweep-failed', reason: String(error) });
    }
  };
  const timer = setInterval(sweep, Math.min(SWEEP_MS, Math.max(10, waits.settleMs / 2)));
  receive((message) => {
    if (message.op === 'write') return send(write(writer, decodeItems(message.items)));
    if (message.op === 'limit') return db.exec(`PRAGMA max_page_count = ${message.maxPages}`);
    clearInterval(timer);
    db.close();
    send({ op: 'closed' });
  });
  send({ op: 'open' });
}

function write(writer: Writer, items: readonly WriteItem[]): FromWriter {
  try {
    return { op: 'written', result: writer.apply(items, Date.now()) };
  } catch (error) {
    return { op: 'failed', reason: String(error) };
  }
}

const words = (error: unknown): string =>
  error instanceof BulkheadError ? `${error.message} ${error.remedy}` : error instanceof Error ? error.message : String(error);

const port = parentPort;
if (port === null) throw new Error('this file runs as a thread of the ledger');
const send = (message: FromWriter): void => port.postMessage(message);
try {
  run(workerData as WriterSettings, send, (use) => port.on('message', use));
} catch (error) {
  send({ op: 'refused', reason: words(error) });
}
