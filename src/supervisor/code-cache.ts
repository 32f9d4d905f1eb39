import { spawnSync, type SpawnSyncOptionsWithStringEncoding } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { ROLES, type Layout } from '../core/process.ts';
import { CODE_FLAGS, codeFlags } from './flags.ts';
import { identityOf } from './folders.ts';
import { program } from './programs.ts';

/**
 * Node's compile cache: without it each process would strip the types of the same files, which costs 20 MB and 80 ms a
 * process. A cache is code: it is written by a run of ours before any client byte, and the roles use it only in layouts
 * in which the kernel forbids them to write it.
 */

const WARM_MS = 60_000;
const PROTECTED: ReadonlySet<Layout> = new Set(['uids', 'rootless', 'landlock']);

/** The folder that children name in NODE_COMPILE_CACHE; undefined: this layout goes without. Fills it when the program changed. */
export function codeCacheFor(layout: Layout, cache: string, codeDir: string, failed: (reason: string) => void): string | undefined {
  if (!PROTECTED.has(layout)) return undefined;
  // Node keeps one folder per uid, and in a user namespace it sees 0.
  const reason =
    layout === 'rootless'
      ? fill(cache, codeDir, 0, [program('unshare'), '--user', '--map-root-user'])
      : fill(cache, codeDir, process.getuid?.() ?? 0, []);
  if (reason === undefined) {
    if (layout === 'uids') nameForRoles(cache);
    return cache;
  }
  failed(reason);
  return undefined;
}

/** The same for the supervisor itself, which whoever starts it names in its NODE_COMPILE_CACHE. */
export function ownCodeCache(cache: string, codeDir: string): string | undefined {
  fs.mkdirSync(cache, { recursive: true, mode: 0o755 });
  return fill(cache, codeDir, process.getuid?.() ?? 0, []) === undefined ? cache : undefined;
}

/** In words why the cache for `uid` could not be filled; undefined: it holds the program as it is. */
function fill(cache: string, codeDir: string, uid: number, wrapper: readonly string[]): string | undefined {
  const stampFile = path.join(cache, `stamp-${uid}`);
  const groups = rolesByFlags();
  const stamp = stampOf(codeDir, [...groups.keys()]);
  if (fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === stamp) return undefined;
  for (const name of fs.readdirSync(cache)) if (name.endsWith(`-${uid}`)) fs.rmSync(path.join(cache, name), { recursive: true });
  const options: SpawnSyncOptionsWithStringEncoding = {
    env: { NODE_COMPILE_CACHE: cache },
    encoding: 'utf8',
    timeout: WARM_MS,
    stdio: ['ignore', 'ignore', 'pipe'],
  };
  for (const [flags, roles] of groups) {
    const [file, ...args] = [...wrapper, process.execPath, ...flags.split(' '), path.join(codeDir, 'src/main/warm.ts'), ...roles];
    if (file === undefined) return 'nothing to run';
    const { status, error, stderr } = spawnSync(file, args, options);
    if (status !== 0) return error?.message ?? stderr.trim().slice(-500);
  }
  readableByAll(cache);
  fs.writeFileSync(stampFile, stamp);
  return undefined;
}

/** Sets of flags and who runs under each: what is compiled together. */
function rolesByFlags(): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>([[CODE_FLAGS.join(' '), ['supervisor']]]);
  for (const role of ROLES) {
    const flags = codeFlags(role).join(' ');
    groups.set(flags, [...(groups.get(flags) ?? []), role]);
  }
  return groups;
}

/** A thread that starts after its process became another uid looks for the folder of that uid. */
function nameForRoles(cache: string): void {
  for (const name of fs.readdirSync(cache).filter((one) => one.startsWith('v') && one.endsWith('-0'))) {
    for (const role of ROLES) {
      const link = path.join(cache, `${name.slice(0, -1)}${identityOf('uids', role)?.uid}`);
      fs.rmSync(link, { force: true });
      fs.symlinkSync(name, link);
    }
  }
}

/** Roles read it under uids of their own. */
function readableByAll(folder: string): void {
  fs.chmodSync(folder, 0o755);
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const at = path.join(folder, entry.name);
    if (entry.isDirectory()) readableByAll(at);
    else if (entry.isFile()) fs.chmodSync(at, 0o644);
  }
}

/** Changes with the runtime, the flags and every source file; a stale entry is only slow, since Node compares the source. */
function stampOf(codeDir: string, flags: readonly string[]): string {
  const hash = createHash('sha256').update(`${process.version} ${codeDir} ${flags.join()}`);
  const source = path.join(codeDir, 'src');
  for (const name of fs.readdirSync(source, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
    const { size, mtimeMs } = fs.statSync(path.join(source, name));
    hash.update(`${name} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}
