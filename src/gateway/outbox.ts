import type { Clock } from '../core/clock.ts';
import type { RequestId } from '../core/ids.ts';
import type { UsageEvent } from '../core/usage.ts';
import type { LedgerCall } from '../ipc/messages.ts';

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
const RETRY_MS = 250;

type End = { readonly kind: 'settled'; readonly event: UsageEvent } | { readonly kind: 'released'; readonly requestId: RequestId };

/** Ends of requests on their way to the ledger: sent in batches, kept until acknowledged, sent again after a failure. */
export class Outbox {
  readonly #options: OutboxOptions;
  #held: End[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending = false;
  #idle: (() => void)[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#held.length;
  }

  /** True: no further request may be admitted, because its end could not be held. */
  get isFull(): boolean {
    return this.#held.length >= this.#options.max;
  }

  settle(event: UsageEvent): void {
    this.#add({ kind: 'settled', event });
  }

  release(requestId: RequestId): void {
    this.#add({ kind: 'released', requestId });
  }

  /** Sends at once what failed before; called when the ledger is back. */
  retry(): void {
    this.#schedule(0);
  }

  /** Resolves when nothing is held any more. */
  flush(): Promise<void> {
    if (this.#held.length === 0) return Promise.resolve();
    this.#schedule(0);
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #add(end: End): void {
    this.#held.push(end);
    if (this.#held.length === BATCH) this.#schedule(0);
    else if (this.#timer === undefined) this.#schedule(DELAY_MS);
  }

  #schedule(delayMs: number): void {
    if (this.#sending) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#send(), delayMs);
  }

  async #send(): Promise<void> {
    this.#timer = undefined;
    if (this.#sending || this.#held.length === 0) return;
    this.#sending = true;
    const batch = this.#held.slice(0, MAX_BATCH);
    let delayMs = DELAY_MS;
    try {
      await this.#options.send({
        op: 'account',
        settled: batch.flatMap((end) => (end.kind === 'settled' ? [end.event] : [])),
        released: batch.flatMap((end) => (end.kind === 'released' ? [end.requestId] : [])),
      });
      this.#held = this.#held.slice(batch.length);
      if (this.#held.length >= BATCH) delayMs = 0;
    } catch {
      // Whatever the reason: the ledger has not said that it holds them, so they stay and are sent again.
      delayMs = RETRY_MS;
    }
    this.#sending = false;
    if (this.#held.length > 0) return this.#schedule(this.#idle.length > 0 && delayMs === DELAY_MS ? 0 : delayMs);
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
