/** The thread that owns the ledger's file, so that a slow disk never holds up a reservation. */
import { parentPort, workerData } from 'node:worker_threads';
import path from 'node:path';
import { readOperatorPrices } from '../accounting/operator-prices.ts';
import { BulkheadError } from '../core/errors.ts';
import { openWritable } from '../store/sqlite/open.ts';
import { WAITS, type Waits } from './call-row.ts';
import type { FoundDifference } from './reconcile.ts';
import { RETENTION, type Retention } from './retention.ts';
import { DATABASE_FILE, MIGRATIONS } from './schema.ts';
import { keepUp } from './upkeep.ts';
import { decodeItems, type SweepResult, type WriteItem, type WriteResult } from './write-items.ts';
import { Writer } from './writer.ts';

export interface WriterSettings {
  readonly folder: string;
  readonly waits?: Waits;
  /** Bound on the file, in pages; tests fill a disk with it. */
  readonly maxPages?: number;
  /** The operator's price table that holds at the start, as `readOperatorPrices` takes it. */
  readonly prices?: string;
  readonly retention?: Retention;
}

export type ToWriter =
  /** `items`: as `encodeItems` made them. */
  | { readonly op: 'write'; readonly items: string }
  /** What comes after it is priced by this table. */
  | { readonly op: 'prices'; readonly text: string }
  | { readonly op: 'limit'; readonly maxPages: number }
  | { readonly op: 'close' };

export type FromWriter =
  /** `seq`: of the last transaction in the file. */
  | { readonly op: 'open'; readonly seq: number }
  /** The file cannot be opened, in words; an error loses its class on the way between threads. */
  | { readonly op: 'refused'; readonly reason: string }
  | { readonly op: 'written'; readonly result: WriteResult }
  /** Nothing of the batch is in the file. */
  | { readonly op: 'failed'; readonly reason: string }
  | { readonly op: 'swept'; readonly result: SweepResult }
  | { readonly op: 'sweep-failed'; readonly reason: string }
  /** What the two reports of calls do not agree on, on disk by now. */
  | { readonly op: 'differences'; readonly found: readonly FoundDifference[]; readonly resolved: number }
  | { readonly op: 'closed' };

const SWEEP_MS = 1000;

function run(
  { folder, waits = WAITS, maxPages, prices, retention = RETENTION }: WriterSettings,
  send: (message: FromWriter) => void,
  receive: (use: (message: ToWriter) => void) => void,
): void {
  const db = openWritable(path.join(folder, DATABASE_FILE), { synchronous: 'full', migrations: MIGRATIONS });
  if (maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${maxPages}`);
  const writer = new Writer(db, waits);
  if (prices !== undefined) usePrices(writer, prices);
  const sweep = (): void => {
    try {
      const result = writer.sweep(Date.now());
      if (result !== undefined) send({ op: 'swept', result });
    } catch (error) {
      // The waits stay due; the next turn tries again.
      send({ op: 'sweep-failed', reason: String(error) });
    }
    tellDifferences(writer, send);
  };
  const stopUpkeep = keepUp(db, writer, retention, (reason) => send({ op: 'sweep-failed', reason }));
  const timer = setInterval(sweep, Math.min(SWEEP_MS, Math.max(10, waits.settleMs / 2)));
  receive((message) => {
    if (message.op === 'write') {
      send(write(writer, decodeItems(message.items)));
      return tellDifferences(writer, send);
    }
    if (message.op === 'prices') return usePrices(writer, message.text);
    if (message.op === 'limit') return db.exec(`PRAGMA max_page_count = ${message.maxPages}`);
    clearInterval(timer);
    stopUpkeep();
    db.close();
    send({ op: 'closed' });
  });
  send({ op: 'open', seq: writer.seq });
}

function tellDifferences(writer: Writer, send: (message: FromWriter) => void): void {
  const { found, resolved } = writer.takeDifferences();
  if (found.length > 0 || resolved > 0) send({ op: 'differences', found, resolved });
}

/** Whoever sends a table has read it before, so that one which cannot be read is a bug. */
function usePrices(writer: Writer, text: string): void {
  const prices = readOperatorPrices(text);
  if (!prices.ok) throw new Error(`the price table cannot be used: ${prices.error}`);
  writer.usePrices(prices.value);
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
