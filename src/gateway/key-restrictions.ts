import type { KeyRow } from '../access/principal.ts';
import { BulkheadError } from '../core/errors.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import { addressSet, type AddressSet } from '../http/client-address.ts';
import type { Head } from '../http/head.ts';

/** Per row as it was verified, so that a changed one is compiled anew. */
const compiled = new WeakMap<KeyRow, AddressSet>();

/**
 * What the signed row says about where and for what a key may be used: all of it before the body is read. Throws key_blocked,
 * address_not_allowed, key_kind_not_allowed or endpoint_not_allowed.
 */
export function checkRestrictions(key: KeyRow, head: Pick<Head, 'clientAddress'>, endpoint: Pick<Endpoint, 'id' | 'kind'>): void {
  if (key.blocked !== undefined) throw new BulkheadError('key_blocked');
  if (key.addresses !== undefined && !addressesOf(key, key.addresses).has(head.clientAddress))
    throw new BulkheadError('address_not_allowed', { address: head.clientAddress });
  if (key.kind !== undefined && !serves(key.kind, endpoint))
    throw new BulkheadError('key_kind_not_allowed', { kind: key.kind, endpoint: endpoint.id });
  if (key.endpoints !== undefined && !key.endpoints.includes(endpoint.id))
    throw new BulkheadError('endpoint_not_allowed', { endpoint: endpoint.id, endpoints: key.endpoints.join(', ') || '(none)' });
}

function serves(kind: NonNullable<KeyRow['kind']>, { kind: asked }: Pick<Endpoint, 'kind'>): boolean {
  switch (kind) {
    case 'llm':
      return true;
    case 'read':
      return asked === 'models' || asked === 'model';
    default:
      // The admin API is control's; a kind that this worker does not know opens nothing here.
      return false;
  }
}

function addressesOf(key: KeyRow, blocks: readonly string[]): AddressSet {
  let addresses = compiled.get(key);
  if (addresses === undefined) {
    addresses = addressSet(blocks, 'addresses');
    compiled.set(key, addresses);
  }
  return addresses;
}
