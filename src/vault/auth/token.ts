import { BulkheadError } from '../../core/error.ts';
import type { CredentialBinding, EgressHead } from '../../ipc/messages/vault.ts';
import { count, tokenFetches } from '../counts.ts';
import { Exchange, type Upstream } from '../exchange.ts';
import { Pool } from '../pool.ts';
import type { Request } from '../request.ts';
import type { Auth } from './auth.ts';
import { none } from './none.ts';

/** Session tokens: fetched from the one address that the binding names, by the vault's own transport, and held until shortly before they end. */

const TIMEOUTS = { connectMs: 5000, headMs: 15_000, idleMs: 15_000 };
const MAX_ANSWER_BYTES = 64 * 1024;
/** A token is replaced this long before its end, or at half its life if that is shorter. */
const EARLY_MS = 300_000;
/** One that has less left is not used although its replacement failed. */
const LEAST_MS = 30_000;
/** A failure is told to all callers for so long before the next attempt. */
const RETRY_MS = 1000;

export interface Session {
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** A value that is fetched when it is needed, by one caller for all. */
export class Renewed<T extends Session> {
  readonly #fetch: () => Promise<T>;
  readonly #now: () => number;
  #value: T | undefined;
  #renewAt = 0;
  #fetching: Promise<T> | undefined;
  #failure: { readonly error: unknown; readonly until: number } | undefined;

  constructor(fetch: () => Promise<T>, now: () => number = Date.now) {
    this.#fetch = fetch;
    this.#now = now;
  }

  /** Rejects with what the fetch rejected with. */
  get(): T | Promise<T> {
    const now = this.#now();
    if (this.#value !== undefined && now < this.#renewAt) return this.#value;
    if (this.#failure !== undefined && now < this.#failure.until) return Promise.reject(this.#failure.error);
    return (this.#fetching ??= this.#renew().finally(() => (this.#fetching = undefined)));
  }

  async #renew(): Promise<T> {
    try {
      const value = await this.#fetch();
      const now = this.#now();
      this.#renewAt = value.expiresAt - Math.min(EARLY_MS, (value.expiresAt - now) / 2);
      this.#failure = undefined;
      return (this.#value = value);
    } catch (error) {
      const now = this.#now();
      if (this.#value !== undefined && this.#value.expiresAt - now > LEAST_MS) {
        this.#renewAt = now + RETRY_MS;
        return this.#value;
      }
      this.#failure = { error, until: now + RETRY_MS };
      throw error;
    }
  }
}

export interface TokenAnswer {
  readonly status: number;
  readonly headers: EgressHead['headers'];
  /** For the caller to overwrite. */
  readonly body: Buffer;
}

/** Whether a binding's `tokenUrl` is one: `https`, a plain path, nothing else. */
export const isTokenUrl = (text: string | undefined): boolean =>
  text === undefined || (/^https:\/\/[^/?#@\\]+\/[A-Za-z0-9._~/-]*$/.test(text) && URL.parse(text)?.href === text);

/** POSTs a form to the binding's token address and overwrites it. Rejects with an `upstream_*` error that names the host. */
export async function postForm(
  binding: CredentialBinding,
  vendorUrl: string,
  body: Buffer,
  inject: Auth['inject'] = none().inject,
): Promise<TokenAnswer> {
  const named = 'tokenUrl' in binding.auth ? binding.auth.tokenUrl : undefined;
  const url = new URL(named ?? vendorUrl);
  // The vendor's own address is never private, whatever the credential's own upstream is.
  const allowPrivate = binding.allowPrivate && named !== undefined;
  const pool = new Pool({ ...binding, origin: url.origin, allowPrivate });
  const headers = [['content-type', 'application/x-www-form-urlencoded'] as const, ['accept', '*/*'] as const];
  const request = { method: 'POST', path: url.pathname, headers, body: 'bounded', timeouts: TIMEOUTS } as const;
  try {
    const answer = await ask(request, body, { pool, auth: { inject }, info: { uses: 0, lastUsedAt: null } });
    count(tokenFetches, String(answer.status));
    return answer;
  } catch (cause) {
    count(tokenFetches, cause instanceof BulkheadError ? cause.code : 'internal');
    if (!(cause instanceof BulkheadError)) throw cause;
    throw new BulkheadError(cause.code, { provider: url.host, ...cause.values }, { cause });
  } finally {
    body.fill(0);
    pool.retire();
  }
}

/** One request and its whole answer. */
export function ask(request: Request, body: Buffer, upstream: Upstream, maxBytes = MAX_ANSWER_BYTES): Promise<TokenAnswer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let [status, size] = [0, 0];
    let headers: TokenAnswer['headers'] = [];
    const target = {
      sendHead: (head: { readonly status: number; readonly headers?: TokenAnswer['headers'] }) => void ({ status, headers = [] } = head),
      send: (part: Buffer) => {
        parts.push(part);
        size += part.length;
        if (size > maxBytes) exchange.finish('cut', new BulkheadError('upstream_invalid', { reason: 'it is too long' }));
        return true;
      },
      consumed: () => undefined,
      end: () => {
        resolve({ status, headers, body: Buffer.concat(parts) });
        for (const part of parts) part.fill(0);
      },
      error: (...error: ConstructorParameters<typeof BulkheadError>) => reject(new BulkheadError(...error)),
    };
    const exchange = new Exchange(request, body, upstream, target, () => undefined);
    void exchange.begin();
  });
}

/**
 * What a token address's refusal means: 429 and its own failures are `upstream_error`, everything else says that it does not take
 * this credential. `word` is the answer's own error code.
 */
export function refusal(host: string, status: number, word: string | undefined): BulkheadError {
  const said = word === undefined || !/^[A-Za-z0-9_.]{1,64}$/.test(word) ? `answered ${status}` : `answered ${status} ${word}`;
  if (status === 429 || status >= 500)
    return new BulkheadError('upstream_error', { provider: host, status, reason: `no session token: it ${said}` });
  return new BulkheadError('credential_refused', { reason: `${host} gives no session token for it: it ${said}` });
}

export const unreadable = (host: string): BulkheadError =>
  new BulkheadError('upstream_invalid', { provider: host, reason: 'it is not a session token in the form agreed' });

export const hostOf = (url: string): string => new URL(url).host;
