import type { Clock } from '../core/clock.ts';
import type { RequestId } from '../core/ids.ts';
import type { UsageEvent } from '../core/usage.ts';
import type { LedgerCall } from '../ipc/messages/ledger.ts';

export interface OutboxOptions {
  readonly clock: Clock;
  /** Resolves once the ledger has them for good; a rejection means: send again. */
  readonly send: (batch: Extract<LedgerCall, { op: 'account' }>) => Promise<void>;
  /** Ends held before `isFull`. */
  readonly max: number;
}

const DELAY_MS = 20;
const BATCH = 64;
/** What one call carries at most, when many piled up while the ledger was away. */
const MAX_BATCH = 512;
/** Batches under way at a time; a ledger that is silent gets no more. */
const MAX_BATCHES = 16;
const RETRY_MS = 250;

type End = { readonly kind: 'settled'; readonly event: UsageEvent } | { readonly kind: 'released'; readonly requestId: RequestId };

/**
 * Ends of requests on their way to the ledger: sent in batches, kept until acknowledged, sent again after a failure. Batches do not wait
 * for each other's acknowledgement, which comes with the ledger's next commit: until it has heard of an end, the slot is taken.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  #waiting: End[] = [];
  /** Ends under way, not acknowledged. */
  #underWay = 0;
  #batches = 0;
  #timer: NodeJS.Timeout | undefined;
  #flushing: (() => void)[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.length + this.#underWay;
  }

  /** True: no further request may be admitted, because its end could not be held. */
  get isFull(): boolean {
    return this.size >= this.#options.max;
  }

  settle(event: UsageEvent): void {
    this.#add({ kind: 'settled', event });
  }

  release(requestId: RequestId): void {
    this.#add({ kind: 'released', requestId });
  }

  /** Sends what waits at once: when the ledger is back, or when somebody may be waiting for the slot. */
  hurry(): void {
    if (this.#waiting.length > 0) this.#schedule(0);
  }

  /** Resolves when nothing is held any more. */
  flush(): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    this.hurry();
    return new Promise((resolve) => this.#flushing.push(resolve));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #add(end: End): void {
    this.#waiting.push(end);
    if (this.#waiting.length === BATCH) this.#schedule(0);
    else if (this.#timer === undefined) this.#schedule(DELAY_MS);
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#send();
    }, delayMs);
  }

  async #send(): Promise<void> {
    if (this.#waiting.length === 0 || this.#batches >= MAX_BATCHES) return;
    const batch = this.#waiting.splice(0, MAX_BATCH);
    this.#underWay += batch.length;
    this.#batches++;
    const delayMs = await this.#deliver(batch);
    this.#underWay -= batch.length;
    this.#batches--;
    if (this.#waiting.length > 0 && this.#timer === undefined)
      this.#schedule(this.#flushing.length > 0 && delayMs === DELAY_MS ? 0 : delayMs);
    if (this.size > 0) return;
    for (const resolve of this.#flushing.splice(0)) resolve();
  }

  /** Gives the pause before the next batch. */
  async #deliver(batch: readonly End[]): Promise<number> {
    try {
      await this.#options.send({
        op: 'account',
        settled: batch.flatMap((end) => (end.kind === 'settled' ? [end.event] : [])),
        released: batch.flatMap((end) => (end.kind === 'released' ? [end.requestId] : [])),
      });
      return this.#waiting.length >= BATCH ? 0 : DELAY_MS;
    } catch {
      // Whatever the reason: the ledger has not said that it holds them, so they go to the front and are sent again.
      this.#waiting.unshift(...batch);
      return RETRY_MS;
    }
  }
}
