import { digestKey } from '../../access/virtual-key.ts';
import type { Principal } from '../../access/principal.ts';
import { BulkheadError } from '../../core/errors.ts';
import type { Endpoint } from '../../endpoints/endpoint.ts';
import type { Head } from '../../http/head.ts';
import type { Deps } from '../deps.ts';
import { checkRestrictions } from '../key-restrictions.ts';
import { pass, type Authenticated, type Received } from '../steps.ts';

type Lookup = Pick<Deps, 'keys' | 'clock'>;

/**
 * The key from the head alone. Malformed, unknown, revoked and expired keys take the same way (one digest, one lookup)
 * to the same answer (security.md §8, attack 36): nothing is decided by the key's shape. A key in force is then held to what its row says.
 */
export function authenticate({ exchange }: Received, deps: Lookup): Authenticated | Promise<Authenticated> {
  const authenticated = ({ principal, presented }: Identified): Authenticated => {
    exchange.facts = { key: principal.key.id };
    return pass<Authenticated>({ exchange, principal, presented });
  };
  const identified = identify(exchange.head, exchange.endpoint, deps);
  return identified instanceof Promise ? identified.then(authenticated) : authenticated(identified);
}

interface Identified {
  readonly principal: Principal;
  readonly presented: string;
}

/** Three parts of base64url between dots (RFC 7519 §3): a token of an issuer, which no virtual key looks like. */
const TOKEN = /^[A-Za-z0-9_-]{1,1024}\.[A-Za-z0-9_-]{1,8192}\.[A-Za-z0-9_-]{1,2048}$/;
const isToken = (presented: string): boolean => presented.includes('.') && TOKEN.test(presented);

/**
 * At once for a key that is cached. Throws or rejects with missing_key, invalid_key, key_lookup_unavailable or what the key's row forbids
 * at this endpoint.
 */
export function identify(head: Head, endpoint: Pick<Endpoint, 'id' | 'kind'>, { keys, clock }: Lookup): Identified | Promise<Identified> {
  const presented = head.keys[0];
  if (presented === undefined) throw new BulkheadError('missing_key');
  const digest = digestKey(presented);
  const token = isToken(presented) ? presented : undefined;
  const inForce = (principal: Principal | undefined): Identified => {
    if (principal === undefined || isExpired(principal, clock.now())) throw new BulkheadError('invalid_key');
    checkRestrictions(principal.key, head, endpoint);
    return { principal, presented };
  };
  const found = keys.find(digest, token);
  if (found instanceof Promise) return found.then(inForce);
  if (found?.key.session === undefined || !isExpired(found, clock.now())) return inForce(found);
  // A session's row lives for minutes, and whoever asks again may be given the next one under the same digest.
  keys.forget(digest);
  const renewed = keys.find(digest, token);
  return renewed instanceof Promise ? renewed.then(inForce) : inForce(renewed);
}

const isExpired = ({ key }: Principal, now: number): boolean => key.expiresAt !== undefined && key.expiresAt <= now;
