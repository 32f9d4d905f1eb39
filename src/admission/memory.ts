/** Admission decides who may start a request and holds a place for it until it ends. This engine lives in one process's memory. */
import { BulkheadError } from '../core/errors.ts';
import type { KeyId, RequestId } from '../core/ids.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { UsageEvent } from '../core/usage.ts';
import type { Admission, Refusal, Reservation, ReserveRequest } from './admission.ts';

export class MemoryAdmission implements Admission {
  readonly #reservations = new Map<RequestId, Reservation>();
  /** Requests in flight; a key without any has no entry, so that the map stays as small as the traffic. */
  readonly #inFlight = new Map<KeyId, number>();

  reserve(owner: string, request: ReserveRequest): Result<void, Refusal> {
    const { requestId, key, maxParallel } = request;
    const held = this.#reservations.get(requestId);
    if (held !== undefined) {
      if (held.owner !== owner) throw new BulkheadError('permission_denied', { act: 'reserve for a request of another process' });
      return ok(undefined);
    }
    const inFlight = this.#inFlight.get(key) ?? 0;
    if (maxParallel !== undefined && inFlight >= maxParallel) {
      return fail({ code: 'too_many_parallel_requests', values: { owner: `The key ${key}`, limit: maxParallel } });
    }
    this.#inFlight.set(key, inFlight + 1);
    this.#reservations.set(requestId, { ...request, owner });
    return ok(undefined);
  }

  adjust(requestId: RequestId, maxInputTokens: number, maxOutputTokens: number): void {
    const held = this.#reservations.get(requestId);
    if (held !== undefined) this.#reservations.set(requestId, { ...held, maxInputTokens, maxOutputTokens });
  }

  settle(event: UsageEvent): void {
    this.#end(event.requestId);
  }

  release(requestId: RequestId): void {
    this.#end(requestId);
  }

  abandon(owner: string): readonly RequestId[] {
    const requestIds = [...this.#reservations.values()].filter((held) => held.owner === owner).map(({ requestId }) => requestId);
    for (const requestId of requestIds) this.#end(requestId);
    return requestIds;
  }

  reservation(requestId: RequestId): Reservation | undefined {
    return this.#reservations.get(requestId);
  }

  inFlight(key: KeyId): number {
    return this.#inFlight.get(key) ?? 0;
  }

  /** Requests in flight over all keys. */
  get size(): number {
    return this.#reservations.size;
  }

  #end(requestId: RequestId): void {
    const held = this.#reservations.get(requestId);
    if (held === undefined) return;
    this.#reservations.delete(requestId);
    const inFlight = this.#inFlight.get(held.key) ?? 0;
    if (inFlight <= 1) this.#inFlight.delete(held.key);
    else this.#inFlight.set(held.key, inFlight - 1);
  }
}
