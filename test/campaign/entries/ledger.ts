import { Worker } from 'node:worker_threads';
import { startChild } from '../../../src/ipc/child.ts';
import { armOne, type CrashPoint } from './crash-points.ts';

const isWrite = (message: unknown): boolean => (message as { op?: unknown }).op === 'write';
const isWritten = (message: unknown): boolean => (message as { op?: unknown }).op === 'written';

/** The writer thread commits; the main thread hands over and acknowledges. */
const POINTS: readonly CrashPoint[] = [
  {
    name: 'ledger: before the batch is handed over',
    arm: (hit) => {
      const post = Worker.prototype.postMessage;
      Worker.prototype.postMessage = function (message: unknown) {
        if (isWrite(message)) hit();
        post.call(this, message, []);
      };
    },
  },
  {
    name: 'ledger: while the batch is being written',
    arm: (hit) => {
      const post = Worker.prototype.postMessage;
      Worker.prototype.postMessage = function (message: unknown) {
        post.call(this, message, []);
        if (isWrite(message)) hit();
      };
    },
  },
  {
    name: 'ledger: committed, not acknowledged',
    arm: (hit) => {
      const emit = Worker.prototype.emit;
      Worker.prototype.emit = function (this: Worker, event: string | symbol, ...args: unknown[]) {
        if (event === 'message' && isWritten(args[0])) hit();
        return emit.call(this, event, ...args);
      } as typeof emit;
    },
  },
];

// Batches are few: a tenth of a second apart under load.
armOne(POINTS, 3, 25);
startChild('ledger', async (child) => (await import('../../../src/ledger/serve.ts')).serveLedger(child));
