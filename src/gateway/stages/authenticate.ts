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
export async function authenticate({ exchange }: Received, deps: Lookup): Promise<Authenticated> {
  const { principal, presented } = await identify(exchange.head, deps);
  exchange.facts = { key: principal.key.id };
  return pass<Authenticated>({ exchange, principal, presented });
}

/** Throws missing_key, invalid_key or key_lookup_unavailable. */
export async function identify(head: Head, { keys, clock }: Lookup): Promise<{ principal: Principal; presented: string }> {
  const presented = head.keys[0];
  if (presented === undefined) throw new BulkheadError('missing_key');
  const found = keys.find(digestKey(presented));
  const principal = found instanceof Promise ? await found : found;
  if (principal === undefined || isExpired(principal, clock.now())) throw new BulkheadError('invalid_key');
  return { principal, presented };
}

const isExpired = ({ key }: Principal, now: number): boolean => key.expiresAt !== undefined && key.expiresAt <= now;
