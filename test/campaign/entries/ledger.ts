import { syncBuiltinESMExports } from 'node:module';
import threads, { Worker, type WorkerOptions } from 'node:worker_threads';
import { AdmissionEngine } from '../../../src/admission/engine.ts';
import { startChild } from '../../../src/ipc/child.ts';
import { Admissions } from '../../../src/ledger/admissions.ts';
import { Ledger } from '../../../src/ledger/ledger.ts';
import { ReservationLog } from '../../../src/ledger/reservation-log.ts';
import { aroundMethod, followPlan, type CrashPoint, type Passages } from './crash-points.ts';
import { NOT_COMMITTED, NOT_TOLD } from './writer-points.ts';

const opOf = (message: unknown): unknown => (message as { op?: unknown }).op;

/** The writer thread commits; the main thread hands over and acknowledges. */
const aroundPost = (name: string, when: 'before' | 'after'): CrashPoint => ({
  name,
  arm: (hit) => {
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message: unknown) {
      if (when === 'before' && opOf(message) === 'write') hit();
      post.call(this, message, []);
      if (when === 'after' && opOf(message) === 'write') hit();
    };
  },
});

const beforeWritten = (name: string): CrashPoint => ({
  name,
  arm: (hit) => {
    const emit = Worker.prototype.emit;
    Worker.prototype.emit = function (this: Worker, event: string | symbol, ...args: unknown[]) {
      if (event === 'message' && opOf(args[0]) === 'written') hit();
      return emit.call(this, event, ...args);
    } as typeof emit;
  },
});

/** A grant's answer leaves when the grant is in the log. */
const aroundAnswer = (name: string, when: 'before' | 'after'): CrashPoint => ({
  name,
  arm: (hit) => {
    const grant = ReservationLog.prototype.grant;
    ReservationLog.prototype.grant = function (reservation, done) {
      grant.call(this, reservation, (isWritten) => {
        if (when === 'before') hit();
        done(isWritten);
        if (when === 'after') setImmediate(hit);
      });
    };
  },
});

const POINTS: readonly CrashPoint[] = [
  aroundMethod('reserve: decided, not in the log', ReservationLog, 'grant', 'before'),
  aroundAnswer('reserve: in the log, not answered', 'before'),
  aroundAnswer('reserve: answered', 'after'),
  aroundMethod('settle: before it is counted', Admissions, 'settle', 'before'),
  aroundMethod('settle: counted, not handed to the writer', Admissions, 'settle', 'after'),
  aroundMethod('release: before', Admissions, 'release', 'before'),
  aroundMethod('release: after', Admissions, 'release', 'after'),
  aroundMethod('journal: come, not handed to the writer', Ledger, 'answerVault', 'before'),
  aroundPost('write: before the batch is handed over', 'before'),
  aroundPost('write: while the batch is being written', 'after'),
  beforeWritten('write: committed, not acknowledged'),
  aroundMethod('write: before reservations end in the log', Admissions, 'stored', 'before'),
  aroundMethod('write: after reservations ended, not acknowledged', Admissions, 'stored', 'after'),
  aroundMethod('recovery: log read, nothing restored', AdmissionEngine, 'restore', 'before'),
  aroundMethod('recovery: restored, nobody served', AdmissionEngine, 'restore', 'after'),
  aroundMethod('recovery: before a gateway names its requests', Admissions, 'resume', 'before'),
  aroundMethod('recovery: a gateway named its requests, not answered', Admissions, 'resume', 'after'),
  aroundMethod('recovery: journal come again, not written', Ledger, 'answerVault', 'after'),
];

/** The writer runs by an entry of its own, which stands still at its points and says so here. */
function watchWriter(passages: Passages): void {
  const left = new Int32Array(new SharedArrayBuffer(12));
  const points = [NOT_COMMITTED, NOT_TOLD];
  passages.onAwaited = (point, passages) => {
    for (const [place, name] of points.entries()) Atomics.store(left, place, name === point ? passages : 0);
  };
  threads.Worker = class extends Worker {
    constructor(program: string | URL, options: WorkerOptions = {}) {
      const isWriter = String(program).endsWith('/writer-thread.ts');
      const workerData = { ...(options.workerData as object), left };
      super(isWriter ? new URL('./writer-thread.ts', import.meta.url) : program, isWriter ? { ...options, workerData } : options);
      this.on('message', (message: unknown) => {
        if (opOf(message) === 'crash') passages.die((message as { readonly point: string }).point);
      });
    }
  };
  syncBuiltinESMExports();
}

startChild('ledger', async (child) => {
  watchWriter(followPlan(child, POINTS));
  await (await import('../../../src/ledger/serve.ts')).serveLedger(child);
});
