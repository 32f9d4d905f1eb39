import { setTimeout as sleep } from 'node:timers/promises';
import { holds, namesUnknownKey, parseToken, readIssuer, type Claims, type Issuer, type ParsedToken } from '../access/jwt.ts';
import type { SignedText } from '../access/principal.ts';
import type { IssuerConfig } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import { BulkheadError } from '../core/errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Vaults } from './vaults.ts';

/** How often keys are fetched anew, so that one that an issuer took back is not taken for long. */
const REFRESH_MS = 240_000;
const FIRST_RETRY_MS = 1000;
/** Tokens that name an unknown key make the issuer be asked once in this time, however many there are. */
const REFETCH_MS = 30_000;

interface Held {
  readonly signed: SignedText;
  readonly issuer: Issuer;
}

/** A token that was verified, and whose word it is. */
export interface VerifiedToken {
  readonly config: IssuerConfig;
  readonly claims: Claims;
  /** The keys that it was verified with, as the vault signed them: the vault verifies with them too. */
  readonly signed: SignedText;
  /** Unix milliseconds until which these keys are taken. */
  readonly keysUntil: number;
}

/** How an issuer does, as far as this node has seen. Times are Unix milliseconds. */
export interface IssuerState {
  readonly config: IssuerConfig;
  /** Undefined: its keys were never fetched. */
  readonly issuer: Issuer | undefined;
  /** Null: it answered; undefined: it was not asked yet. */
  readonly failure: string | null | undefined;
  /** How far its tokens were issued in the future, at most. */
  readonly aheadMs: number;
}

export interface IssuersDeps {
  readonly vaults: Pick<Vaults, 'fetchIssuer'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The issuers of the configuration with their keys, which the vault fetches: this process reaches no network, and cannot choose keys. */
export class Issuers {
  readonly #deps: IssuersDeps;
  readonly #known = new Map<string, KnownIssuer>();
  #isApplied = false;

  constructor(deps: IssuersDeps) {
    this.#deps = deps;
  }

  get configs(): readonly IssuerConfig[] {
    return [...this.#known.values()].map(({ config }) => config);
  }

  get states(): readonly IssuerState[] {
    return [...this.#known.values()].map(({ state }) => state);
  }

  /** Those that did not change keep their keys. */
  apply(configs: readonly IssuerConfig[]): void {
    this.#isApplied = true;
    const before = new Map(this.#known);
    this.#known.clear();
    for (const config of configs) {
      const known = before.get(config.url);
      const same = known !== undefined && JSON.stringify(known.config) === JSON.stringify(config);
      this.#known.set(config.url, same ? known : new KnownIssuer(config, this.#deps));
      if (same) before.delete(config.url);
    }
    for (const gone of before.values()) gone.stop();
  }

  /**
   * Undefined: not a token of a known issuer that is for one of its audiences; a person's own may also be for the client that logs people in.
   * Throws issuer_unavailable while an issuer's keys were never fetched, or those that were are too old.
   */
  async verify(text: string, who: 'callers' | 'people'): Promise<VerifiedToken | undefined> {
    const token = parseToken(text);
    if (token === undefined) return undefined;
    // Before the configuration is known nobody's token is wrong.
    if (!this.#isApplied) throw new BulkheadError('issuer_unavailable', { issuer: 'of any token' });
    return this.#known.get(token.claims.iss)?.verify(token, who);
  }

  stop(): void {
    this.apply([]);
  }
}

class KnownIssuer {
  readonly config: IssuerConfig;
  readonly #deps: IssuersDeps;
  readonly #stopped = new AbortController();
  #held: Held | undefined;
  #fetching: Promise<void> | undefined;
  #fetchedAt = -Infinity;
  #failure: string | null | undefined;
  #aheadMs = 0;

  constructor(config: IssuerConfig, deps: IssuersDeps) {
    this.config = config;
    this.#deps = deps;
    void this.#keepFresh();
  }

  get state(): IssuerState {
    return { config: this.config, issuer: this.#held?.issuer, failure: this.#failure, aheadMs: this.#aheadMs };
  }

  stop(): void {
    this.#stopped.abort();
  }

  async verify(token: ParsedToken, who: 'callers' | 'people'): Promise<VerifiedToken | undefined> {
    const { clock } = this.#deps;
    if (this.#isStale(token)) await this.#fetch().catch(() => undefined);
    const held = this.#held;
    if (held === undefined || held.issuer.text.expiresAt <= clock.now())
      throw new BulkheadError('issuer_unavailable', { issuer: this.config.id });
    const { audiences, clientId } = this.config;
    const meant = who === 'people' && clientId !== null ? [...audiences, clientId] : audiences;
    const isHeld = holds(held.issuer, token, clock.now(), meant);
    this.#compareClocks(held.issuer, token, meant, isHeld);
    if (!isHeld) return undefined;
    return { config: this.config, claims: token.claims, signed: held.signed, keysUntil: held.issuer.text.expiresAt };
  }

  /** Only by tokens that the issuer signed: anybody may write any time into another one. */
  #compareClocks(issuer: Issuer, token: ParsedToken, meant: readonly string[], isHeld: boolean): void {
    const { iat } = token.claims;
    const issuedAt = typeof iat === 'number' ? iat * 1000 : 0;
    const aheadMs = issuedAt - this.#deps.clock.now();
    if (aheadMs > this.#aheadMs && (isHeld || holds(issuer, token, issuedAt, meant))) this.#aheadMs = aheadMs;
  }

  /** Asking the issuer again could change the answer, and it was not asked just now. */
  #isStale(token: ParsedToken): boolean {
    const { clock } = this.#deps;
    const isMissing =
      this.#held === undefined || this.#held.issuer.text.expiresAt <= clock.now() || namesUnknownKey(this.#held.issuer, token);
    return isMissing && (this.#fetching !== undefined || clock.monotonic() - this.#fetchedAt >= REFETCH_MS);
  }

  /** One call for all who wait. */
  #fetch(): Promise<void> {
    return (this.#fetching ??= this.#fetchOnce().finally(() => (this.#fetching = undefined)));
  }

  async #fetchOnce(): Promise<void> {
    const { vaults, clock, log } = this.#deps;
    const { id, url: issuer, audiences, allowPrivate, proxy, ca } = this.config;
    this.#fetchedAt = clock.monotonic();
    try {
      const extra = { ...(proxy !== null && { proxy }), ...(ca !== null && { ca }) };
      const signed = await vaults.fetchIssuer({ issuer, audiences, allowPrivate, ...extra });
      this.#held = { signed, issuer: readIssuer(signed.text) };
      this.#failure = null;
      log.info('issuer.fetched', { issuer: id, keys: this.#held.issuer.keys.length });
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
      log.warn('issuer.unavailable', { issuer: id, reason: this.#failure });
      throw error;
    }
  }

  async #keepFresh(): Promise<void> {
    const { signal } = this.#stopped;
    for (let waitMs = FIRST_RETRY_MS; !signal.aborted;) {
      const fetched = await this.#fetch().then(
        () => true,
        () => false,
      );
      waitMs = fetched ? REFRESH_MS : Math.min(waitMs * 2, REFRESH_MS);
      // An abort ends the wait early, and the loop with it.
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}
