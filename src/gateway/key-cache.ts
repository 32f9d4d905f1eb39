import type { Principal, SignedText } from '../access/principal.ts';
import type { Clock } from '../core/clock.ts';
import type { KeyDigest } from '../core/ids.ts';

export interface KeyCacheOptions {
  readonly clock: Clock;
  /** Keys held; one that was not used lately goes first. */
  readonly maxKeys: number;
  /** Unknown digests held, and for how long. Short, because a key may be created at any moment. */
  readonly maxUnknown: number;
  readonly unknownMs: number;
  /** Revoked digests held for the life of the process. */
  readonly maxRevoked: number;
}

interface Held {
  readonly principal: Principal;
  /** Found since it was last passed over for going. */
  used: boolean;
}

/** What the gateway knows of keys, by the full digest and nothing shorter (CVE-2026-35030: a cache by prefix). */
export class KeyCache {
  readonly #options: KeyCacheOptions;
  readonly #known = new Map<KeyDigest, Held>();
  readonly #unknown = new Map<KeyDigest, number>();
  readonly #revoked = new Set<KeyDigest>();
  /** Known or offered before control came back: they count only where control does not answer. */
  readonly #doubted = new Map<KeyDigest, Principal | SignedText>();
  /** Rows that control gave to another worker, not verified. */
  readonly #offered = new Map<KeyDigest, SignedText>();

  constructor(options: KeyCacheOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#known.size;
  }

  /** `unknown`: there is no such key. Undefined: ask. */
  find(digest: KeyDigest): Principal | 'unknown' | undefined {
    const held = this.#known.get(digest);
    if (held !== undefined) {
      held.used = true;
      return held.principal;
    }
    if (this.#revoked.has(digest)) return 'unknown';
    const until = this.#unknown.get(digest);
    if (until === undefined) return undefined;
    if (until > this.#options.clock.monotonic()) return 'unknown';
    this.#unknown.delete(digest);
    return undefined;
  }

  /** A revoke that came first wins. */
  add(principal: Principal): void {
    const { digest } = principal.key;
    if (this.#revoked.has(digest)) return;
    this.forget(digest);
    // Before it is there itself: where all others were used it would be the one to go.
    if (this.#known.size >= this.#options.maxKeys) this.#dropUnused();
    this.#known.set(digest, { principal, used: false });
  }

  /**
   * The one that was not used for longest goes, by the clock algorithm (Corbató 1968): putting each key that is found at the end of the map would cost every
   * request a change of the map.
   */
  #dropUnused(): void {
    for (const [digest, held] of this.#known) {
      this.#known.delete(digest);
      if (!held.used) return;
      held.used = false;
      this.#known.set(digest, held);
    }
  }

  addUnknown(digest: KeyDigest): void {
    this.forget(digest);
    this.#unknown.set(digest, this.#options.clock.monotonic() + this.#options.unknownMs);
    dropOldest(this.#unknown, this.#options.maxUnknown);
  }

  isRevoked(digest: KeyDigest): boolean {
    return this.#revoked.has(digest);
  }

  revoke(digest: KeyDigest): void {
    this.forget(digest);
    this.#revoked.add(digest);
    dropOldest(this.#revoked, this.#options.maxRevoked);
  }

  /** The row changed: it is asked for again. */
  forget(digest: KeyDigest): void {
    this.#known.delete(digest);
    this.#unknown.delete(digest);
    this.#doubted.delete(digest);
    this.#offered.delete(digest);
  }

  /** Everything is asked for again, for example after a time without word from control. Revoked stays revoked. */
  doubtAll(): void {
    for (const [digest, signed] of this.#offered) this.#doubt(digest, signed);
    for (const [digest, { principal }] of this.#known) this.#doubt(digest, principal);
    this.#known.clear();
    this.#unknown.clear();
    this.#offered.clear();
  }

  #doubt(digest: KeyDigest, found: Principal | SignedText): void {
    this.#doubted.set(digest, found);
    dropOldest(this.#doubted, this.#options.maxKeys);
  }

  /** What was known of a key before `doubtAll`, verified or not, and has neither been asked for nor changed since. */
  doubted(digest: KeyDigest): Principal | SignedText | undefined {
    return this.#doubted.get(digest);
  }

  /** A row for a key that may come to this worker too, from control as it is now. */
  offer(digest: KeyDigest, signed: SignedText): void {
    if (this.#known.has(digest) || this.#revoked.has(digest)) return;
    this.#offered.delete(digest);
    this.#offered.set(digest, signed);
    dropOldest(this.#offered, this.#options.maxKeys);
  }

  /** The row that was offered, once: what is made of it is added, or it is asked for. */
  takeOffered(digest: KeyDigest): SignedText | undefined {
    const signed = this.#offered.get(digest);
    if (signed !== undefined) this.#offered.delete(digest);
    return signed;
  }
}

function dropOldest(held: Map<KeyDigest, unknown> | Set<KeyDigest>, max: number): void {
  if (held.size <= max) return;
  for (const oldest of held.keys()) return void held.delete(oldest);
}
