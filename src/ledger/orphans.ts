import type { Clock } from '../core/clock.ts';

/** The vault's record of a call may come after its gateway is gone; this is how long that is remembered. */
const KEEP_MS = 120_000;
const MAX_ORPHANS = 100_000;

/** Requests whose gateway ended without reporting them, oldest first. */
export class Orphans {
  readonly #clock: Clock;
  /** Request id → monotonic time at which it is forgotten. A Map keeps insertion order, so that the oldest are in front. */
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(requestIds: readonly string[]): void {
    const now = this.#clock.monotonic();
    for (const [requestId, until] of this.#until) {
      if (until > now && this.#until.size < MAX_ORPHANS) break;
      this.#until.delete(requestId);
    }
    for (const requestId of requestIds) this.#until.set(requestId, now + KEEP_MS);
  }

  has(requestId: string): boolean {
    return this.#until.has(requestId);
  }

  /** The gateway reported it after all. */
  remove(requestId: string): void {
    if (this.#until.size > 0) this.#until.delete(requestId);
  }
}
