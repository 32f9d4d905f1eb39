import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { BulkheadError } from '../../core/errors.ts';

/** Who may talk to the control port at all: no foreign web page (security.md §8, 34), nobody without the admin token. */

export interface BorderRules {
  /** Host names that this port is known by, without port. */
  readonly hosts: ReadonlySet<string>;
  /** True where the port listens on all addresses: then any address literal is ours. A name never is, for it may be rebound. */
  readonly anyAddress: boolean;
}

/** From the address that the configuration names for the control port. */
export function borderRules(controlUrl: string): BorderRules {
  const host = bare(new URL(controlUrl).hostname);
  return { hosts: new Set(['localhost', '127.0.0.1', '::1', host]), anyAddress: host === '0.0.0.0' || host === '::' };
}

/** Throws browser_refused. Whether the host is well-formed was checked before. */
export function refuseForeign({ headers }: IncomingMessage, rules: BorderRules): void {
  const host = bare((headers.host ?? '').replace(/:\d{1,5}$/, '')).toLowerCase();
  const known = rules.hosts.has(host) || (rules.anyAddress && isIP(host) !== 0);
  const ownPage = headers.origin === undefined || isOwnOrigin(headers);
  const site = headers['sec-fetch-site'];
  const direct = site === undefined || site === 'same-origin' || site === 'none';
  if (!known || !ownPage || !direct) throw new BulkheadError('browser_refused');
}

const isOwnOrigin = ({ origin, host }: IncomingHttpHeaders): boolean => origin === `http://${host}` || origin === `https://${host}`;

const bare = (host: string): string => host.replace(/^\[|\]$/g, '');

/** Compares admin tokens by digest, in the same time whatever is presented. */
export class AdminToken {
  readonly #digest: Buffer;

  /** `digest`: SHA-256 of the token, hexadecimal. Throws where it is none, or the digest of an empty token: no secret, no start. */
  constructor(digest: string) {
    if (!/^[0-9a-f]{64}$/.test(digest)) throw new Error('there is no digest of an admin token');
    if (digest === hash('sha256', '', 'hex')) throw new Error('the admin token is empty');
    this.#digest = Buffer.from(digest, 'hex');
  }

  isPresentedIn({ authorization }: IncomingHttpHeaders): boolean {
    const token = /^bearer +(\S{1,256})$/i.exec(authorization ?? '')?.[1] ?? '';
    return timingSafeEqual(hash('sha256', token, 'buffer'), this.#digest);
  }
}
