import { Worker } from 'node:worker_threads';
import type { Clock } from '../core/clock.ts';
import type { FoundDifference } from './reconcile.ts';
import { encodeItems, type WriteCounts, type WriteItem, type WriteResult } from './write-items.ts';
import type { ChargeChange } from './charge-changes.ts';
import type { FromWriter, ToWriter, WriterSettings } from './writer-thread.ts';

/**
 * Writes of this long are gathered into one transaction: a commit costs some 200 µs of CPU however much is in it, a call whose
 * start, usage and end come together is written once, and
 * nobody but the senders' outboxes waits for it.
 */
const GATHER_MS = 200;
/** Events waiting for the disk before the ledger takes no more. */
const MAX_WAITING = 50_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

interface Waiting {
  readonly item: WriteItem;
  readonly size: number;
  readonly done: (result: WriteResult) => void;
}

export interface QueueEvents {
  onFailure(reason: string): void;
  onRecovery(): void;
  /** A batch is on disk, `seconds` after it was handed over. */
  onWritten(counts: WriteCounts, seconds: number): void;
  /** What the file's rows cost otherwise than memory was told, and requests that ended without a report. */
  onChanges(changes: readonly ChargeChange[], ended: readonly string[]): void;
  onDifferences(found: readonly FoundDifference[], resolved: number): void;
  /** The thread is gone. Nothing can be stored any more. */
  onDeath(reason: string): void;
}

/** Gathers writes for the writer thread and acknowledges each once it is on disk, and never before. */
export class WriteQueue {
  readonly #thread: Worker;
  readonly #clock: Clock;
  readonly #events: QueueEvents;
  #waiting: Waiting[] = [];
  /** Handed to the thread and not answered yet; kept for another try until they are on disk. */
  #sent: readonly Waiting[] = [];
  #size = 0;
  #timer: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #failure: string | undefined;
  #state: 'opening' | 'open' | 'closing' = 'opening';
  #sentAt = 0;
  #seen = 0;

  private constructor(settings: WriterSettings, clock: Clock, events: QueueEvents) {
    this.#thread = new Worker(new URL('./writer-thread.ts', import.meta.url), { workerData: settings });
    this.#clock = clock;
    this.#events = events;
  }

  /** Resolves when the file is open and its schema up to date; rejects with the reason in words. */
  static open(settings: WriterSettings, clock: Clock, events: QueueEvents): Promise<WriteQueue> {
    const queue = new WriteQueue(settings, clock, events);
    return new Promise((resolve, reject) => {
      queue.#thread.on('message', (message: FromWriter) => {
        if (message.op === 'open') resolve(queue);
        if (message.op === 'refused') reject(new Error(message.reason));
        queue.#onMessage(message);
      });
      queue.#thread.on('error', (error) => {
        reject(error);
        if (queue.#state === 'open') events.onDeath(error instanceof Error ? error.message : String(error));
      });
    });
  }

  /** Why the disk cannot be written; undefined: it can. */
  get failure(): string | undefined {
    return this.#failure;
  }

  get full(): boolean {
    return this.#size >= MAX_WAITING;
  }

  /** Events that are not on disk yet. */
  get size(): number {
    return this.#size;
  }

  /** Number of the last transaction that memory has heard of. */
  get seen(): number {
    return this.#seen;
  }

  /** Items that the thread has not answered yet: in the file, or not. */
  *sent(): Iterable<WriteItem> {
    for (const { item } of this.#sent) yield item;
  }

  /** Items that the thread was not given yet. */
  *waiting(): Iterable<WriteItem> {
    for (const { item } of this.#waiting) yield item;
  }

  /** `done` is called once the item is on disk. `size` is how many events it holds. */
  add(item: WriteItem, size: number, done: (result: WriteResult) => void): void {
    this.#waiting.push({ item, size, done });
    this.#size += size;
    if (this.#sent.length === 0) this.#schedule(GATHER_MS);
  }

  /** Sets the bound on the file in pages; for tests that fill a disk. */
  limit(maxPages: number): void {
    this.#post({ op: 'limit', maxPages });
  }

  /** What is handed over from here on is priced by this table, in the order of the calls. */
  usePrices(text: string): void {
    this.#post({ op: 'prices', text });
  }

  /** Writes what waits, then closes the file. A disk that still fails loses nothing: its senders were not acknowledged. */
  async close(): Promise<void> {
    while (this.#size > 0 && this.#failure === undefined) await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    clearTimeout(this.#timer);
    this.#state = 'closing';
    const closed = new Promise((resolve) => this.#thread.once('exit', resolve));
    this.#post({ op: 'close' });
    await closed;
  }

  #schedule(delayMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#send();
    }, delayMs);
  }

  #send(): void {
    // After a failure the same items go first, so that a sender's order is kept.
    if (this.#sent.length === 0) {
      this.#sent = this.#waiting;
      this.#waiting = [];
    }
    if (this.#sent.length === 0) return;
    this.#sentAt = this.#clock.monotonic();
    this.#post({ op: 'write', items: encodeItems(this.#sent.map(({ item }) => item)) });
  }

  #onMessage(message: FromWriter): void {
    switch (message.op) {
      case 'open':
        this.#state = 'open';
        this.#seen = message.seq;
        return;
      case 'written':
        return this.#onWritten(message.result);
      case 'failed':
        return this.#onFailed(message.reason);
      case 'differences':
        return this.#events.onDifferences(message.found, message.resolved);
      case 'sweep-failed':
        return this.#events.onFailure(message.reason);
      case 'swept':
        this.#seen = message.result.seq;
        return this.#events.onChanges(message.result.changes, message.result.ended);
      case 'refused':
      case 'closed':
        void this.#thread.terminate();
    }
  }

  #onWritten(result: WriteResult): void {
    const sent = this.#sent;
    this.#sent = [];
    this.#seen = result.seq;
    if (result.changes.length > 0) this.#events.onChanges(result.changes, []);
    this.#retryMs = FIRST_RETRY_MS;
    if (this.#failure !== undefined) {
      this.#failure = undefined;
      this.#events.onRecovery();
    }
    for (const { size, done } of sent) {
      this.#size -= size;
      done(result);
    }
    this.#events.onWritten(result.counts, (this.#clock.monotonic() - this.#sentAt) / 1000);
    if (this.#waiting.length > 0) this.#schedule(GATHER_MS);
  }

  #onFailed(reason: string): void {
    this.#failure = reason;
    this.#events.onFailure(reason);
    this.#schedule(this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  #post(message: ToWriter): void {
    this.#thread.postMessage(message);
  }
}
