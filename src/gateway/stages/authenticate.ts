import { digestKey } from '../../access/virtual-key.ts';
import type { Principal } from '../../access/principal.ts';
import { BulkheadError } from '../../core/errors.ts';
import type { Head } from '../../http/head.ts';
import type { Deps } from '../deps.ts';
import { pass, type Authenticated, type Received } from '../steps.ts';

type Lookup = Pick<Deps, 'keys' | 'clock'>;

/**
 * The key from the head alone. Malformed, unknown, revoked and expired keys take the same way (one digest, one lookup)
 * to the same answer (security.md §8, attack 36): nothing is decided by the key's shape.
 */
export function authenticate({ exchange }: Received, deps: Lookup): Authenticated | Promise<Authenticated> {
  const authenticated = ({ principal, presented }: Identified): Authenticated => {
    exchange.facts = { key: principal.key.id };
    return pass<Authenticated>({ exchange, principal, presented });
  };
  const identified = identify(exchange.head, deps);
  return identified instanceof Promise ? identified.then(authenticated) : authenticated(identified);
}

interface Identified {
  readonly principal: Principal;
  readonly presented: string;
}

/** At once for a key that is cached. Throws or rejects with missing_key, invalid_key or key_lookup_unavailable. */
export function identify(head: Head, { keys, clock }: Lookup): Identified | Promise<Identified> {
  const presented = head.keys[0];
  if (presented === undefined) throw new BulkheadError('missing_key');
  const inForce = (principal: Principal | undefined): Identified => {
    if (principal === undefined || isExpired(principal, clock.now())) throw new BulkheadError('invalid_key');
    return { principal, presented };
  };
  const found = keys.find(digestKey(presented));
  return found instanceof Promise ? found.then(inForce) : inForce(found);
}

const isExpired = ({ key }: Principal, now: number): boolean => key.expiresAt !== undefined && key.expiresAt <= now;
