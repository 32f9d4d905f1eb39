import net from 'node:net';
import { BulkheadError } from '../core/errors.ts';

/** Addresses of load balancers whose `x-forwarded-for` is believed. */
export interface TrustedProxies {
  has(address: string): boolean;
}

/** A set of addresses; the empty set has none. */
export type AddressSet = TrustedProxies;

export const trustedProxies = (blocks: readonly string[]): TrustedProxies => addressSet(blocks, 'http.trusted_proxies');

/** `blocks`: CIDR blocks or single addresses. Throws invalid_field, naming `field`, for one that is neither. */
export function addressSet(blocks: readonly string[], field: string): AddressSet {
  const list = new net.BlockList();
  for (const block of blocks) addBlock(list, block, field);
  return { has: (address) => blocks.length > 0 && net.isIP(address) !== 0 && list.check(address, familyOf(address)) };
}

/**
 * The address that a request came from: the socket's, or, behind trusted proxies, the last entry of `x-forwarded-for` that is not
 * such a proxy itself. What a client writes there stands left of it and is never reached. An entry that is no address ends the walk.
 */
export function clientAddress(peer: string | undefined, forwardedFor: string | undefined, proxies: TrustedProxies): string {
  let address = plainAddress(peer ?? '') ?? '';
  if (forwardedFor === undefined || !proxies.has(address)) return address;
  for (const entry of forwardedFor.split(',').reverse()) {
    const next = plainAddress(entry.trim());
    if (next === undefined) break;
    address = next;
    if (!proxies.has(address)) break;
  }
  return address;
}

/** Without port and brackets; IPv4 in IPv6 as IPv4. Undefined: it is no address. */
function plainAddress(text: string): string | undefined {
  if (net.isIPv4(text)) return text;
  const bare = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(text)?.[1] ?? text;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare;
  return net.isIP(mapped) === 0 ? undefined : mapped;
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (net.isIPv4(address) ? 'ipv4' : 'ipv6');

function addBlock(list: net.BlockList, block: string, field: string): void {
  const [address = '', prefix] = block.split('/', 2);
  const bits = net.isIPv4(address) ? 32 : 128;
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (net.isIP(address) === 0 || length < 0 || length > bits || block.split('/').length > 2) {
    throw new BulkheadError('invalid_field', { field, reason: `${block} is not a CIDR block` });
  }
  list.addSubnet(address, length, familyOf(address));
}
