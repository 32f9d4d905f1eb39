import type { KeyId } from '../core/ids.ts';
import type { ReserveRequest } from './admission.ts';
import type { Held } from './held.ts';

/** Whose the key's own rules and places are. */
export const ruleOwnerOf = ({ key, lineage }: Pick<ReserveRequest, 'key' | 'lineage'>): KeyId => lineage ?? key;

/** How long the money of a request is held whose gateway is gone: longer than the ledger waits for the vault's word of it. */
const ORPHAN_MS = 150_000;

/** Who holds a place, and who no longer does but still holds money. */
export class Places {
  readonly live = new Map<string, Held>();
  /** Requests in flight; a key without any has no entry, so that the map stays as small as the traffic. */
  readonly #inFlight = new Map<string, number>();
  /** Oldest first, with the monotonic time at which what they hold goes back by itself. */
  readonly #orphans = new Map<string, { readonly held: Held; readonly until: number }>();

  find(requestId: string): Held | undefined {
    return this.live.get(requestId) ?? (this.#orphans.size === 0 ? undefined : this.#orphans.get(requestId)?.held);
  }

  inFlight(key: string): number {
    return this.#inFlight.get(key) ?? 0;
  }

  add(held: Held): void {
    this.live.set(held.requestId, held);
    const owner = ruleOwnerOf(held);
    this.#inFlight.set(owner, this.inFlight(owner) + 1);
  }

  /** Ends it, live or orphaned. */
  remove(held: Held): void {
    if (!this.live.delete(held.requestId)) {
      this.#orphans.delete(held.requestId);
      return;
    }
    const owner = ruleOwnerOf(held);
    const inFlight = this.inFlight(owner);
    if (inFlight <= 1) this.#inFlight.delete(owner);
    else this.#inFlight.set(owner, inFlight - 1);
  }

  orphan(held: Held, monotonic: number): void {
    this.remove(held);
    this.#orphans.set(held.requestId, { held, until: monotonic + ORPHAN_MS });
  }

  /** The orphans that nobody named in time. */
  overdue(monotonic: number): readonly Held[] {
    const overdue: Held[] = [];
    for (const { held, until } of this.#orphans.values()) {
      if (until > monotonic) break;
      overdue.push(held);
    }
    return overdue;
  }

  get hasOrphans(): boolean {
    return this.#orphans.size > 0;
  }
}
