/** The ledger's writer thread with points of its own. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { Writer } from '../../../src/ledger/writer.ts';
import { NOT_COMMITTED, NOT_TOLD } from './writer-points.ts';

const { left } = workerData as { readonly left: Int32Array };
/** In a batch; the thread has other transactions too. */
let isWriting = false;

function at(place: number, point: string): void {
  if (!isWriting || Atomics.load(left, place) === 0 || Atomics.sub(left, place, 1) > 1) return;
  parentPort?.postMessage({ op: 'crash', point });
  Atomics.wait(left, left.length - 1, 0);
}

const { apply } = Writer.prototype;
Writer.prototype.apply = function (items, now) {
  isWriting = true;
  try {
    return apply.call(this, items, now);
  } finally {
    isWriting = false;
  }
};

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql) {
  if (sql === 'COMMIT') at(0, NOT_COMMITTED);
  exec.call(this, sql);
  if (sql === 'COMMIT') at(1, NOT_TOLD);
};

await import('../../../src/ledger/writer-thread.ts');
