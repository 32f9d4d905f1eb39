import { BriefMap } from '../core/brief-map.ts';
import type { RequestId } from '../core/ids.ts';
import type { LedgerCall } from '../ipc/messages/ledger.ts';

const BEFORE = '{"op":"reserve","request":';
/** A ReserveMessage as the call that asks for it, both JSON. */
export const reserveCall = (request: string): string => `${BEFORE}${request}}`;
const requestOf = (call: string): string => call.slice(BEFORE.length, -1);

/**
 * What the ledger holds for this worker, as the ReserveMessages that it granted. A ledger that comes back is told all of it first: what is not named has
 * ended. A request stays until its end is acknowledged, so that no other takes its place while its usage is still on the way.
 */
export class LiveReservations {
  readonly #granted = new BriefMap<RequestId, string>();

  get size(): number {
    return this.#granted.size;
  }

  /** `call`: as `reserveCall` made it and the connection wrote it, one flat text where its parts would be a dozen objects. */
  granted(requestId: RequestId, call: string): void {
    this.#granted.set(requestId, call);
  }

  /** The ledger has these ends for good. */
  acknowledged({ settled, released }: Extract<LedgerCall, { op: 'account' }>): void {
    for (const { requestId } of settled) this.#granted.delete(requestId);
    for (const requestId of released) this.#granted.delete(requestId);
  }

  /** The first call of a connection to the ledger, as JSON. */
  resumeCall(): string {
    return `{"op":"resume","requests":[${this.#granted.values().map(requestOf).join(',')}]}`;
  }
}
