import fs from 'node:fs';
import path from 'node:path';
import { ROLES, type Layout, type Role } from '../core/process.ts';

/** First uid of the layout `uids`; each role has the same number as uid and as gid. Above what login tools hand out, below the kernel's overflow uid. */
const FIRST_UID = 64_001;

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** Who a role runs as, and to whom its folder and the socket files it connects to belong. Null: the supervisor's own identity. */
export function identityOf(layout: Layout, role: Role): Identity | null {
  if (layout !== 'uids') return null;
  const id = FIRST_UID + ROLES.indexOf(role);
  return { uid: id, gid: id };
}

/** The places of one data folder. */
export interface Folders {
  readonly data: string;
  readonly run: string;
  readonly logs: string;
  readonly admin: string;
  /** Compiled code, written by the supervisor alone. */
  readonly cache: string;
  /** Sockets a role connects to; nobody but the supervisor may list it. */
  sockets(role: Role): string;
  /** The one folder a role may write; null for roles that keep nothing. */
  own(role: Role, index: number): string | null;
}

export function foldersOf(data: string): Folders {
  const run = path.join(data, 'run');
  return {
    data,
    run,
    logs: path.join(data, 'logs'),
    admin: path.join(data, 'admin'),
    cache: path.join(data, 'cache'),
    sockets: (role) => path.join(run, role),
    own: (role, index) => {
      if (role === 'gateway' || role === 'sandbox') return null;
      return path.join(data, role === 'vault' ? `vault-${index}` : role);
    },
  };
}

/**
 * Creates what is missing and gives every role's folder to the identity it has in this layout, whatever layout the
 * node had before. Everything else stays with the supervisor. Sockets of an earlier run are removed.
 */
export function prepareFolders(folders: Folders, layout: Layout, shards: number): void {
  // Traversable, not listable: roles with uids of their own must reach their folders by name.
  for (const folder of [folders.data, folders.run]) ensure(folder, 0o711, null);
  for (const folder of [folders.logs, folders.admin]) ensure(folder, 0o700, null);
  ensure(folders.cache, 0o755, null);
  for (const role of ROLES) {
    const sockets = folders.sockets(role);
    fs.rmSync(sockets, { recursive: true, force: true });
    ensure(sockets, 0o711, null);
    for (let index = 0; index < (role === 'vault' ? shards : 1); index++) {
      const own = folders.own(role, index);
      if (own === null) continue;
      ensure(own, 0o700, identityOf(layout, role));
      giveTree(own, identityOf(layout, role));
    }
  }
}

function ensure(folder: string, mode: number, owner: Identity | null): void {
  fs.mkdirSync(folder, { recursive: true, mode });
  if (!fs.lstatSync(folder).isDirectory()) throw new Error(`${folder} is not a folder`);
  give(folder, owner);
  fs.chmodSync(folder, mode);
}

/** Never follows a link: a role could otherwise point the supervisor at files of others. */
function giveTree(folder: string, owner: Identity | null): void {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const at = path.join(folder, entry.name);
    give(at, owner);
    if (entry.isDirectory()) giveTree(at, owner);
  }
}

function give(at: string, owner: Identity | null): void {
  const { uid, gid } = owner ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const now = fs.lstatSync(at);
  if (now.uid !== uid || now.gid !== gid) fs.lchownSync(at, uid, gid);
}
