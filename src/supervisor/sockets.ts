import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { getSystemErrorName } from 'node:util';
import type { Layout, Role } from '../core/process.ts';
import { identityOf, type Folders } from './folders.ts';

/** A socket that is bound and will be listened on by a child that inherits its descriptor. */
export interface BoundSocket {
  readonly fd: number;
  /** Port of a TCP socket, path of a Unix one. */
  readonly port: number;
  readonly path: string;
  close(): void;
}

interface ServerHandle {
  readonly fd: number;
  close(): void;
  getsockname?(out: { port?: number }): number;
}

/** UV_TCP_REUSEPORT of libuv. */
const REUSE_PORT = 2;
/** sockaddr_un of Linux holds 108 bytes with the final zero; others hold 104. */
const MAX_UNIX_PATH = 103;

type CreateServerHandle = (address: string, port: number, addressType: number, fd?: number, flags?: number) => ServerHandle | number;

/**
 * `net.Server.listen` binds and listens in one step, and a listening supervisor would accept connections that it can
 * not serve. Node's cluster module binds by this internal; no other file of the project uses it.
 */
function bind(...args: Parameters<CreateServerHandle>): ServerHandle {
  const create = (net as unknown as { readonly _createServerHandle?: CreateServerHandle })._createServerHandle;
  if (create === undefined) throw new Error(`Node ${process.version} has no net._createServerHandle; Bulkhead needs the version it pins`);
  const handle = create(...args);
  if (typeof handle !== 'number') return handle;
  const code = getSystemErrorName(handle);
  throw Object.assign(new Error(`${code} ${args[0]}`), { code });
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

/** In words: who holds the port, or why it cannot be had. */
function portError(what: string, host: string, port: number, error: unknown): Error {
  const code = codeOf(error);
  const at = `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
  if (code === 'EADDRINUSE')
    return new Error(`${what} cannot use ${at}: another program listens there. Stop it, or choose another port in bulkhead.yaml.`);
  if (code === 'EACCES') return new Error(`${what} cannot use ${at}: ports below 1024 need root. Choose another port in bulkhead.yaml.`);
  if (code === 'EADDRNOTAVAIL') return new Error(`${what} cannot use ${at}: this machine has no such address.`);
  return new Error(`${what} cannot use ${at}: ${code}`, { cause: error });
}

/** Binds `count` TCP sockets to one address; more than one share it by SO_REUSEPORT. Port 0: any free one, the same for all. */
export function bindTcp(what: string, host: string, port: number, count: number): BoundSocket[] {
  const family = net.isIPv6(host) ? 6 : 4;
  try {
    // SO_REUSEPORT would silently share the port with another node of the same user: ask for it alone first.
    const probe = bind(host, port, family);
    const chosen = portOf(probe);
    probe.close();
    return Array.from({ length: count }, () => tcpSocket(bind(host, chosen, family, undefined, REUSE_PORT)));
  } catch (error) {
    throw portError(what, host, port, error);
  }
}

/** Throws what libuv kept from `bind`: it reports a port in use only at the next use of the socket. */
function portOf(handle: ServerHandle): number {
  const out: { port?: number } = {};
  const status = handle.getsockname?.(out) ?? 0;
  if (status === 0) return out.port ?? 0;
  handle.close();
  throw Object.assign(new Error('bind'), { code: getSystemErrorName(status) });
}

const tcpSocket = (handle: ServerHandle): BoundSocket => ({ fd: handle.fd, port: portOf(handle), path: '', close: () => handle.close() });

/**
 * Binds the Unix socket by which `from` reaches `to`. The file belongs to the identity that connects; its name
 * cannot be guessed, which is what keeps roles of one uid apart where the kernel offers nothing better.
 */
export function bindUnix(folders: Folders, layout: Layout, from: Role, to: string): BoundSocket {
  const file = path.join(folders.sockets(from), `${to}-${randomBytes(9).toString('base64url')}`);
  if (Buffer.byteLength(file) > MAX_UNIX_PATH) {
    throw new Error(`the path of the data folder is too long for Unix sockets (${file}): move it to a shorter one`);
  }
  const handle = bind(file, -1, -1);
  fs.chmodSync(file, 0o600);
  const owner = identityOf(layout, from);
  if (owner !== null) fs.lchownSync(file, owner.uid, owner.gid);
  return { fd: handle.fd, port: 0, path: file, close: () => handle.close() };
}

/** Held as long as any process that inherited the descriptor lives. Undefined: somebody holds it. */
export function holdName(name: string): BoundSocket | undefined {
  try {
    const handle = bind(`\0${name}`, -1, -1);
    return { fd: handle.fd, port: 0, path: '', close: () => handle.close() };
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE') return undefined;
    throw error;
  }
}
