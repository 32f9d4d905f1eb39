import fs from 'node:fs';
import path from 'node:path';
import type { NodeSpec } from '../config/node-spec.ts';
import { ROLES, type Layout, type Role, type RootKeySource } from '../core/process.ts';
import type { Boot } from '../ipc/supervision.ts';
import { identityOf, type Folders } from './folders.ts';
import { commandFor, type Command } from './command.ts';
import { FIRST_INHERITED_FD } from './process.ts';
import type { Place, Topology } from './topology.ts';

/** What a node is made of once its sockets are bound. */
export interface NodeParts {
  readonly spec: NodeSpec;
  readonly layout: Layout;
  readonly folders: Folders;
  readonly topology: Topology;
  /** Folder of the compile cache; see code-cache.ts. */
  readonly codeCache: string | undefined;
  /** Kept open by every child; see lock.ts. */
  readonly lockFd: number | undefined;
}

export interface StartPlan {
  readonly command: Command;
  readonly fds: readonly number[];
  readonly boot: Omit<Boot, 'generation'>;
  /** Closes what was opened for this start alone. */
  readonly release: () => void;
}

/** Everything that the process at `place` is started with. */
export function planStart({ spec, layout, folders, topology, codeCache, lockFd }: NodeParts, place: Place, firstStart: boolean): StartPlan {
  const { role, index } = place;
  const key = role === 'vault' ? rootKeyFor(spec.vault.rootKey) : undefined;
  const names = [...place.listen.keys()];
  const sockets = [...place.listen.values()].map((socket) => socket.fd);
  const fds = [...sockets, ...(key?.fd === undefined ? [] : [key.fd]), ...(lockFd === undefined ? [] : [lockFd])];
  const entry = path.resolve(spec.codeDir, spec.entries?.[role] ?? `src/main/${role}.ts`);
  const inherited = fds.map((_, i) => FIRST_INHERITED_FD + i);
  return {
    command: commandFor({
      layout,
      role,
      index,
      codeDir: spec.codeDir,
      folders,
      entry,
      shards: spec.vault.shards,
      codeCache,
      fds: [3, ...inherited],
    }),
    fds,
    boot: {
      role,
      index,
      layout,
      folder: folders.own(role, index) ?? folders.sockets(role),
      listen: Object.fromEntries(names.map((name, i) => [name, FIRST_INHERITED_FD + i])),
      connect: topology.connect[role],
      shards: spec.vault.shards,
      workers: spec.gateway.workers,
      rootKey: key === undefined ? null : { ...key.source, ...(key.fd === undefined ? {} : { fd: FIRST_INHERITED_FD + sockets.length }) },
      become: identityOf(layout, role),
      ...(role === 'ledger' && spec.ledger !== undefined && { ledger: spec.ledger }),
      node: nodeFacts(spec, topology, firstStart),
    },
    release: () => key?.release(),
  };
}

/** What the node is called from outside. */
export function nodeFacts(spec: NodeSpec, topology: Topology, firstStart: boolean): Boot['node'] {
  const { gateway, control } = spec;
  return {
    gatewayUrl: `${gateway.tls === null ? 'http' : 'https'}://${at(gateway.host, topology.gatewayPort)}`,
    controlUrl: `http://${at(control.host, topology.controlPort)}`,
    sandboxOrigin: topology.sandboxPort === null ? null : `http://127.0.0.1:${topology.sandboxPort}`,
    configFile: spec.configFile,
    ...(spec.pricesFile !== undefined && { pricesFile: spec.pricesFile }),
    adminDigest: spec.adminDigest,
    firstStart,
    environmentKeys: spec.environmentKeys,
    tls: gateway.tls !== null,
  };
}

const at = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

interface RootKey {
  readonly source: RootKeySource;
  readonly fd: number | undefined;
  release(): void;
}

/**
 * The supervisor never reads the root key. A file behind an inherited descriptor is opened anew for every start, so
 * that each reads it from its beginning; the bytes of a pipe are there once, for one start of one shard: after that
 * vault died, the node stays sealed until it is started again.
 */
function rootKeyFor(source: RootKeySource): RootKey {
  if (source.kind === 'file') return { source, fd: undefined, release: () => undefined };
  if (!fs.fstatSync(source.fd).isFile()) return { source, fd: source.fd, release: () => undefined };
  const fd = fs.openSync(`/dev/fd/${source.fd}`, 'r');
  return { source, fd, release: () => fs.closeSync(fd) };
}

/** In words what is wrong with a specification that is well-formed; undefined: nothing. */
export function whyNotStart(spec: NodeSpec): string | undefined {
  const { rootKey, shards } = spec.vault;
  if (rootKey.kind !== 'file') {
    const stat = statOf(rootKey.fd);
    if (stat === undefined) return `descriptor ${rootKey.fd}, which should hold the root key, is not open`;
    if (!stat.isFile() && shards > 1)
      return `a root key from a pipe can be read once, and there are ${shards} vault shards: redirect a file to descriptor ${rootKey.fd}`;
  }
  const missing = ROLES.map((role: Role) => path.resolve(spec.codeDir, spec.entries?.[role] ?? `src/main/${role}.ts`)).find(
    (entry) => !fs.existsSync(entry),
  );
  return missing === undefined ? undefined : `the program ${missing} is missing`;
}

function statOf(fd: number): fs.Stats | undefined {
  try {
    return fs.fstatSync(fd);
  } catch {
    // EBADF: nothing is open there.
    return undefined;
  }
}
