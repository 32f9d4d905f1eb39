import { BulkheadError } from '../core/errors.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import type { Logger } from '../telemetry/log.ts';
import { checkResponseName, checkResponsePut } from './check.ts';
import type { ResponseStore } from './response-store.ts';

/** Beyond this a conversation is no longer kept: its client sends it whole. */
const MAX_SEALED_BYTES = 32 * 1024 * 1024;

/** Answers gateways about stored responses. A disk that fails costs the response, never the process. */
export class ResponseDesk {
  readonly #store: ResponseStore;
  readonly #log: Logger;

  constructor(store: ResponseStore, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** False: the call is about something else. */
  answer(call: IncomingCall): boolean {
    const { op } = call.head;
    if (op !== 'response.put' && op !== 'response.get' && op !== 'response.remove') return false;
    try {
      if (op === 'response.put') this.#put(call);
      else this.#named(call, op);
    } catch (cause) {
      this.#log.error('responses.failed', { reason: cause instanceof Error ? cause.message : String(cause) });
      call.fail(new BulkheadError('admission_unavailable', {}, { cause }));
    }
    return true;
  }

  #put(call: IncomingCall): void {
    const put = checkResponsePut(call.head);
    if (!put.ok || call.body.length > MAX_SEALED_BYTES) return call.error('internal');
    const { name, facts, expiresAt } = put.value;
    call.reply({ stored: this.#store.put(name, facts, call.body, expiresAt) });
  }

  #named(call: IncomingCall, op: 'response.get' | 'response.remove'): void {
    const name = checkResponseName(call.head);
    if (!name.ok) return call.error('internal');
    if (op === 'response.remove') return call.reply({ removed: this.#store.remove(name.value) });
    const found = this.#store.get(name.value);
    call.reply({ facts: found === undefined ? null : { ...found.facts } }, found?.sealed);
  }
}
