import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import net from 'node:net';
import { BulkheadError } from '../core/error.ts';

export const systemResolve = (host: string): Promise<readonly LookupAddress[]> => lookup(host, { all: true });

const blockList = (subnets: string): net.BlockList => {
  const list = new net.BlockList();
  for (const subnet of subnets.trim().split(/\s+/)) {
    const [address, bits] = subnet.split('/') as [string, string];
    list.addSubnet(address, Number(bits), net.isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return list;
};

/** Never dialled, whatever the configuration says: unspecified, link-local and metadata services, multicast, reserved. */
const NEVER = blockList(`0.0.0.0/8 169.254.0.0/16 100.100.100.200/32 192.0.0.192/32 224.0.0.0/4 240.0.0.0/4
  ::/128 fe80::/10 fec0::/10 ff00::/8 fd00:ec2::/32`);
/** Dialled only for a credential with `allowPrivate`. The last three carry an IPv4 address in a way only old tunnels need. */
const PRIVATE = blockList(`10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16
  198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 ::1/128 fc00::/7 2001:db8::/32 64:ff9b:1::/48 2001::/32 2002::/16`);

/** The IPv4 address in `::ffff:0:0/96` or `64:ff9b::/96` (RFC 6052), which is what the connection would reach. */
function embedded(address: string): string | undefined {
  // The URL parser gives the one canonical spelling; both prefixes leave at most two groups after `::`.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const match = /^(?:::ffff:|64:ff9b::)(?:([0-9a-f]{1,4}):)?([0-9a-f]{0,4})$/.exec(canonical);
  if (match === null) return undefined;
  const [high, low] = [Number.parseInt(match[1] ?? '0', 16), Number.parseInt(`0${match[2]}`, 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** Whether a credential's connection may go to this very address. Anything that is not an IP address may not. */
export function mayDial(address: string, allowPrivate: boolean): boolean {
  const family = net.isIP(address);
  if (family === 0 || address.includes('%')) return false;
  const inner = family === 6 ? embedded(address) : undefined;
  if (inner !== undefined) return mayDial(inner, allowPrivate);
  const type = family === 6 ? 'ipv6' : 'ipv4';
  return !NEVER.check(address, type) && (allowPrivate || !PRIVATE.check(address, type));
}

/** Resolves a host and gives its addresses if every one of them may be dialled. */
export async function resolveChecked(host: string, allowPrivate: boolean, resolve: typeof systemResolve): ReturnType<typeof systemResolve> {
  const literal = host.startsWith('[') ? host.slice(1, -1) : host;
  const family = net.isIP(literal);
  const found = family === 0 ? await resolve(host) : [{ address: literal, family }];
  if (found.length === 0 || !found.every(({ address }) => mayDial(address, allowPrivate))) throw new BulkheadError('address_refused');
  return found;
}
