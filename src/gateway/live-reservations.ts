import type { RequestId } from '../core/ids.ts';
import type { LedgerCall } from '../ipc/messages.ts';

/**
 * What the ledger holds for this worker, as the ReserveRequests that it granted. A ledger that comes back is told all of it first: what is not named has
 * ended. A request stays until its end is acknowledged, so that no other takes its place while its usage is still on the way.
 */
export class LiveReservations {
  readonly #granted = new Map<RequestId, string>();

  get size(): number {
    return this.#granted.size;
  }

  /** `request`: as JSON. */
  granted(requestId: RequestId, request: string): void {
    this.#granted.set(requestId, request);
  }

  /** The ledger has these ends for good. */
  acknowledged({ settled, released }: Extract<LedgerCall, { op: 'account' }>): void {
    for (const { requestId } of settled) this.#granted.delete(requestId);
    for (const requestId of released) this.#granted.delete(requestId);
  }

  /** The first call of a connection to the ledger, as JSON. */
  resumeCall(): string {
    return `{"op":"resume","requests":[${[...this.#granted.values()].join(',')}]}`;
  }
}
