import fs from 'node:fs';
import path from 'node:path';
import { hasPermissionModel, type Layout, type Role } from '../core/process.ts';
import type { Folders } from './folders.ts';

/** Megabytes of JavaScript heap; bodies live outside it. */
const HEAP_MB: Readonly<Record<Role, number>> = { gateway: 1024, vault: 512, ledger: 1024, auditor: 256, control: 512, sandbox: 256 };
/** Roles without a hot path: small young generations keep their idle memory down. */
const CALM: ReadonlySet<Role> = new Set(['auditor', 'control', 'sandbox']);

/** Flags that V8 counts among what its compiled code depends on: the compile cache has a folder for each set of them. */
export const CODE_FLAGS = ['--disallow-code-generation-from-strings'];
/** A heap that starts near its working size marks less often: a third of the time of a busy gateway's collector. */
const BUSY_FLAGS = ['--initial-old-space-size=96'];

/** The flags of a role among those: roles with the same ones share a folder of the compile cache. */
export const codeFlags = (role: Role): readonly string[] => (CALM.has(role) ? CODE_FLAGS : [...CODE_FLAGS, ...BUSY_FLAGS]);

/** Against what a dependency could do to its own process, in every layout but `none`. */
const HARDENING = [
  '--no-experimental-ffi',
  '--disable-sigusr1',
  '--disable-proto=delete',
  ...CODE_FLAGS,
  '--no-addons',
  '--disable-warning=ExperimentalWarning',
  '--disable-warning=SecurityWarning',
];

export interface FlagInput {
  readonly layout: Layout;
  readonly role: Role;
  readonly index: number;
  readonly codeDir: string;
  readonly folders: Folders;
  readonly entry: string;
  /** Folder of the compile cache, where the layout has one. */
  readonly codeCache: string | undefined;
}

/** Node's own flags for a role. `none` has no permission model and no hardening: it is the weak control of the attack tests. */
export function nodeFlags(to: FlagInput): string[] {
  const memory = [
    `--max-old-space-size=${HEAP_MB[to.role]}`,
    ...(CALM.has(to.role)
      ? ['--max-semi-space-size=2', '--v8-pool-size=1']
      : ['--max-semi-space-size=32', ...BUSY_FLAGS, '--v8-pool-size=1']),
  ];
  if (to.layout === 'none') return [...memory, '--disable-warning=ExperimentalWarning'];
  const rights = hasPermissionModel(to.role) ? ['--permission', '--allow-net', ...fileRights(to)] : [];
  return [...memory, ...HARDENING, ...rights];
}

/** The program, the own folder, and what `ipc/self-check.ts` reads; never the whole of codeDir, which may hold the data folder. */
function fileRights({ role, index, codeDir, folders, entry, codeCache }: FlagInput): string[] {
  const own = folders.own(role, index);
  const program = [
    path.join(codeDir, 'src'),
    path.join(codeDir, 'package.json'),
    path.dirname(entry),
    ...(role === 'control' ? [path.join(codeDir, 'node_modules')] : []),
  ];
  // Node uses a compile cache only with the right to write it; the kernel refuses that right to every role.
  const cache = codeCache === undefined ? [] : [codeCache];
  const readable = [...program, ...cache, '/proc/self/status', '/proc/self/environ', ...(own === null ? [] : [own])];
  return [
    ...readable.flatMap(spellings).map((at) => `--allow-fs-read=${at}`),
    ...[...(own === null ? [] : [own]), ...cache].flatMap(spellings).map((at) => `--allow-fs-write=${at}`),
  ];
}

/** A path as given and as the file system resolves it: Node checks both where a link is on the way. */
function spellings(at: string): string[] {
  if (at.startsWith('/proc/') || !fs.existsSync(at)) return [at];
  return [...new Set([at, fs.realpathSync(at)])];
}
