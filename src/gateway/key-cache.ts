import type { Principal } from '../access/principal.ts';
import type { Clock } from '../core/clock.ts';
import type { KeyDigest } from '../core/ids.ts';

export interface KeyCacheOptions {
  readonly clock: Clock;
  /** Keys held; the one used longest ago goes first. */
  readonly maxKeys: number;
  /** Unknown digests held, and for how long. Short, because a key may be created at any moment. */
  readonly maxUnknown: number;
  readonly unknownMs: number;
  /** Revoked digests held for the life of the process. */
  readonly maxRevoked: number;
}

/** What the gateway knows of keys, by the full digest and nothing shorter (CVE-2026-35030: a cache by prefix). */
export class KeyCache {
  readonly #options: KeyCacheOptions;
  readonly #known = new Map<KeyDigest, Principal>();
  readonly #unknown = new Map<KeyDigest, number>();
  readonly #revoked = new Set<KeyDigest>();

  constructor(options: KeyCacheOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#known.size;
  }

  /** `unknown`: there is no such key. Undefined: ask. */
  find(digest: KeyDigest): Principal | 'unknown' | undefined {
    const principal = this.#known.get(digest);
    if (principal !== undefined) {
      // A Map keeps the order of insertion, so putting it back makes it the youngest.
      this.#known.delete(digest);
      this.#known.set(digest, principal);
      return principal;
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
    this.#unknown.delete(digest);
    this.#known.set(digest, principal);
    dropOldest(this.#known, this.#options.maxKeys);
  }

  addUnknown(digest: KeyDigest): void {
    this.#unknown.delete(digest);
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
  }

  /** Everything is asked for again, for example after a time without word from control. Revoked stays revoked. */
  forgetAll(): void {
    this.#known.clear();
    this.#unknown.clear();
  }
}

function dropOldest(held: Map<KeyDigest, unknown> | Set<KeyDigest>, max: number): void {
  if (held.size <= max) return;
  for (const oldest of held.keys()) return void held.delete(oldest);
}
