import { Worker } from 'node:worker_threads';
import { BulkheadError } from '../core/errors.ts';
import type { FromReports, Report, ToReports } from './report-thread.ts';

/** A thread costs some megabytes, so that it lives only while somebody asks. */
const IDLE_MS = 30_000;

interface Asker {
  readonly resolve: (reply: string) => void;
  readonly reject: (error: Error) => void;
}

/** Hands reports to the report thread, which it starts when needed and ends when idle. */
export class ReportDesk {
  readonly #folder: string;
  readonly #askers = new Map<number, Asker>();
  #thread: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #nextId = 1;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The reply as JSON text. Rejects with the reason in words when the report fails, with a BulkheadError when it cannot be asked like that. */
  ask(report: Report): Promise<string> {
    clearTimeout(this.#idle);
    const thread = (this.#thread ??= this.#start());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#askers.set(id, { resolve, reject });
      thread.postMessage({ id, report } satisfies ToReports);
    });
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#thread?.terminate();
  }

  #start(): Worker {
    const thread = new Worker(new URL('./report-thread.ts', import.meta.url), { workerData: { folder: this.#folder } });
    thread.on('message', (message: FromReports) => this.#onMessage(message));
    thread.on('error', (error) => this.#onEnd(error instanceof Error ? error : new Error(String(error))));
    thread.on('exit', () => this.#onEnd(new Error('the report thread ended')));
    return thread;
  }

  #onMessage({ id, reply, failure, refused }: FromReports): void {
    const asker = this.#askers.get(id);
    this.#askers.delete(id);
    if (refused !== undefined) asker?.reject(new BulkheadError(refused.code, refused.values));
    else if (reply !== undefined) asker?.resolve(reply);
    else asker?.reject(new Error(failure ?? 'no reply'));
    if (this.#askers.size > 0) return;
    this.#idle = setTimeout(() => void this.#thread?.terminate(), IDLE_MS);
    this.#idle.unref();
  }

  #onEnd(error: Error): void {
    this.#thread = undefined;
    for (const { reject } of this.#askers.values()) reject(error);
    this.#askers.clear();
  }
}
