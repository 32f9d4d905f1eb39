import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Layout } from '../core/process.ts';
import { CODE_FLAGS } from './flags.ts';
import type { Folders } from './folders.ts';
import { program } from './programs.ts';

/**
 * Node's compile cache for the children: without it each of them would strip the types of the same files, which costs
 * 20 MB and 80 ms a process. A cache is code: it is written by a run of ours before any client byte, and used only in
 * layouts in which the kernel forbids the roles to write it.
 */

const WARM_MS = 60_000;
const PROTECTED: ReadonlySet<Layout> = new Set(['uids', 'rootless', 'landlock']);

/** The folder to name in NODE_COMPILE_CACHE; undefined: this layout goes without. Fills it when the program changed. */
export function prepareCodeCache(layout: Layout, folders: Folders, codeDir: string, say: (reason: string) => void): string | undefined {
  if (!PROTECTED.has(layout)) return undefined;
  const stampFile = path.join(folders.cache, 'stamp');
  const stamp = stampOf(layout, codeDir);
  if (fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === stamp) return folders.cache;
  fs.rmSync(folders.cache, { recursive: true, force: true });
  fs.mkdirSync(folders.cache, { mode: 0o755 });
  fs.chmodSync(folders.cache, 0o755);
  const failed = warm(layout, folders.cache, codeDir);
  if (failed !== undefined) {
    say(failed);
    return undefined;
  }
  openTree(folders.cache);
  fs.writeFileSync(stampFile, stamp);
  return folders.cache;
}

/** Node keeps one folder per uid that it sees: in a user namespace that is 0. */
function warm(layout: Layout, cache: string, codeDir: string): string | undefined {
  const wrapper = layout === 'rootless' ? [program('unshare'), '--user', '--map-root-user'] : [];
  const [file, ...args] = [...wrapper, process.execPath, ...CODE_FLAGS, path.join(codeDir, 'src/main/warm.ts')];
  const { status, error, stderr } = spawnSync(file ?? process.execPath, args, {
    env: { NODE_COMPILE_CACHE: cache },
    encoding: 'utf8',
    timeout: WARM_MS,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (status === 0) return undefined;
  return error?.message ?? stderr.trim().slice(-500);
}

/** Roles read it under uids of their own. */
function openTree(folder: string): void {
  fs.chmodSync(folder, 0o755);
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const at = path.join(folder, entry.name);
    if (entry.isDirectory()) openTree(at);
    else fs.chmodSync(at, 0o644);
  }
}

/** Changes with the runtime, the layout and every source file; a stale entry is only slow, since Node compares the source. */
function stampOf(layout: Layout, codeDir: string): string {
  const hash = createHash('sha256').update(`${process.version} ${layout === 'rootless'} ${codeDir}`);
  const source = path.join(codeDir, 'src');
  for (const name of fs.readdirSync(source, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
    const { size, mtimeMs } = fs.statSync(path.join(source, name));
    hash.update(`${name} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}
