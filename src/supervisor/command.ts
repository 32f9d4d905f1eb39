import fs from 'node:fs';
import path from 'node:path';
import { ROLES, type Layout, type Role } from '../core/process.ts';
import { nodeFlags } from './flags.ts';
import type { Folders } from './folders.ts';
import { findProgram, program } from './programs.ts';

/** The command line of a role: in each layout, the programs that confine it, then Node. */

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** The whole environment of the process. */
  readonly env: Readonly<Record<string, string>>;
}

/** What a command is made for. */
export interface Confinement {
  readonly layout: Layout;
  readonly role: Role;
  readonly index: number;
  readonly codeDir: string;
  readonly folders: Folders;
  /** Absolute path of the program. */
  readonly entry: string;
  readonly shards: number;
  /** Folder of the compile cache, where the layout has one. */
  readonly codeCache: string | undefined;
  /** Descriptors that must survive into the role. */
  readonly fds: readonly number[];
}

const NO_NEW_PRIVILEGES = '--no-new-privs';
const NO_CAPABILITIES = ['--bounding-set=-all', '--inh-caps=-all'];

/**
 * Three lists, each ended by `--`: makes the first read-only, covers the second with empty folders, opens the third for
 * writing again; then runs the rest. Held by a mount namespace of its own, so that nothing changes for anyone else.
 */
const MOUNTS = `
while [ "$1" != -- ]; do mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 71; shift; done; shift
while [ "$1" != -- ]; do mount -t tmpfs -o ro,size=4k,mode=0 none "$1" || exit 71; shift; done; shift
while [ "$1" != -- ]; do mount --bind "$1" "$1" && mount -o remount,bind,rw "$1" || exit 71; shift; done; shift
exec "$@"`;

/** What a role sees of the file system where all roles have one uid. Connecting to a socket needs no right to write its folder. */
export interface View {
  readonly sealed: readonly string[];
  readonly hidden: readonly string[];
  readonly writable: readonly string[];
}

export function commandFor(to: Confinement): Command {
  const node = [process.execPath, ...nodeFlags(to), to.entry];
  const env: Record<string, string> = to.codeCache === undefined ? {} : { NODE_COMPILE_CACHE: to.codeCache };
  switch (to.layout) {
    case 'uids':
      return command([...namespaces(to.role), ...node], env);
    case 'rootless':
      return command([...rootless(to.role, viewOf(to)), ...node], env);
    case 'landlock':
      return command([...withoutRights(), ...launcher(to, node, env)], env);
    case 'permission':
      return command([...withoutRights(), ...node], env);
    case 'none':
      return command(node, env);
  }
}

function command([file, ...args]: readonly string[], env: Command['env']): Command {
  return { file: file ?? process.execPath, args, env };
}

const unshare = (role: Role): string[] => [...(role === 'vault' ? [] : ['--net']), '--pid', '--fork', '--mount-proc', '--kill-child'];

/** Network and process namespaces for a supervisor that is root; the vault keeps the network. The role itself gives up root. */
export const namespaces = (role: Role): string[] => [program('setpriv'), NO_NEW_PRIVILEGES, program('unshare'), ...unshare(role)];

/** The same without root, in a user namespace. All roles have one uid there: mounts keep them out of each other's folders. */
export function rootless(role: Role, { sealed, hidden, writable }: View): string[] {
  const present = (paths: readonly string[]): string[] => paths.filter((at) => fs.existsSync(at));
  const mounts = ['/bin/sh', '-c', MOUNTS, 'mounts', ...present(sealed), '--', ...present(hidden), '--', ...present(writable), '--'];
  return [
    program('unshare'),
    '--user',
    '--map-root-user',
    ...unshare(role),
    ...mounts,
    program('setpriv'),
    NO_NEW_PRIVILEGES,
    ...NO_CAPABILITIES,
  ];
}

/** Root keeps no capability; others have none. Without setpriv (macOS) nothing is taken away. */
function withoutRights(): string[] {
  if (findProgram('setpriv') === undefined) return [];
  return [program('setpriv'), NO_NEW_PRIVILEGES, ...(process.getuid?.() === 0 ? NO_CAPABILITIES : [])];
}

/** The program and the data folder are read-only, what is another role's is covered, the own folder is open. */
function viewOf({ role, index, shards, codeDir, folders }: Confinement): View {
  const own = folders.own(role, index);
  const kept = ROLES.flatMap((other) => Array.from({ length: other === 'vault' ? shards : 1 }, (_, i) => folders.own(other, i)));
  const sockets = ROLES.filter((other) => other !== role).map((other) => folders.sockets(other));
  return {
    sealed: [...programFiles(codeDir), folders.data],
    hidden: [folders.admin, folders.logs, ...sockets, ...kept.filter((folder): folder is string => folder !== null && folder !== own)],
    writable: own === null ? [] : [own],
  };
}

const programFiles = (codeDir: string): string[] => ['src', 'node_modules', 'package.json'].map((name) => path.join(codeDir, name));

/** What the C library reads to resolve names and find its own parts. */
const SYSTEM_FILES = [
  '/usr',
  '/lib',
  '/lib64',
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/nsswitch.conf',
  '/etc/host.conf',
  '/etc/gai.conf',
  '/etc/localtime',
  '/etc/ssl',
];

/** `src/main/landlock.ts` confines itself by the rules in its argument, then becomes `node`. */
function launcher(
  { role, index, codeDir, folders, entry, fds, codeCache }: Confinement,
  node: readonly string[],
  env: Command['env'],
): string[] {
  const own = folders.own(role, index);
  const cache = codeCache === undefined ? [] : [codeCache];
  const rules = {
    read: [...SYSTEM_FILES, process.execPath, ...programFiles(codeDir), path.dirname(entry), '/dev/urandom', '/dev/null', ...cache],
    write: own === null ? [] : [own],
    network: role === 'vault',
    fds,
    node,
    env,
  };
  return [
    process.execPath,
    '--experimental-ffi',
    '--disable-warning=ExperimentalWarning',
    path.join(codeDir, 'src/main/landlock.ts'),
    JSON.stringify(rules),
  ];
}
