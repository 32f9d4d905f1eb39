#!/usr/bin/env node
// The `bulkhead` command. Plain JavaScript that Node.js 20 parses: it installs the pinned runtime, then runs the CLI under it.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled, runtimePath } from './install.js';

const CLI = path.join(fileURLToPath(new URL('..', import.meta.url)), 'src', 'main', 'cli.ts');
/** The CLI compiled: as well kept as the packages beside it. A node's processes have a cache of their own (src/supervisor/code-cache.ts). */
const CODE_CACHE = path.join(fileURLToPath(new URL('..', import.meta.url)), 'node_modules', '.cache', 'bulkhead');
const [FIRST_FD, LAST_FD] = [3, 9];

/**
 * Descriptors from 3 on that the caller handed over (a root key, a passphrase). Node.js's own begin with an event queue, which is no
 * file, pipe or socket: what stands before it without a gap was there before Node.js was.
 */
function inheritedDescriptors() {
  let end = FIRST_FD;
  while (end <= LAST_FD && isHandedOver(end)) end++;
  const named = new Set(namedDescriptors());
  const last = Math.max(end - 1, ...named);
  return Array.from({ length: Math.max(0, last - FIRST_FD + 1) }, (_, i) =>
    i + FIRST_FD < end || named.has(i + FIRST_FD) ? i + FIRST_FD : 'ignore',
  );
}

function isHandedOver(fd) {
  try {
    const stat = fs.fstatSync(fd);
    return stat.isFile() || stat.isFIFO() || stat.isSocket();
  } catch {
    // Not open.
    return false;
  }
}

/** Those that the command line names: they may stand behind a gap. */
function namedDescriptors() {
  return process.argv.flatMap((word, i, words) => {
    const match = /^--(?:root-key|passphrase)-fd(?:=([3-9]))?$/.exec(word);
    const fd = Number(match?.[1] ?? (match && /^[3-9]$/.test(words[i + 1] ?? '') ? words[i + 1] : 0));
    return fd >= FIRST_FD && isHandedOver(fd) ? [fd] : [];
  });
}

const descriptors = inheritedDescriptors();
await ensureInstalled({ dev: false });
const child = spawn(runtimePath(), ['--disable-warning=ExperimentalWarning', CLI, ...process.argv.slice(2)], {
  stdio: ['inherit', 'inherit', 'inherit', ...descriptors],
  env: { ...process.env, NODE_COMPILE_CACHE: CODE_CACHE },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  console.error(`bulkhead: the pinned runtime cannot be started (${error.message}). Delete node_modules and run the command again.`);
  process.exit(1);
});
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 128 + (constants.signals[signal] ?? 0)));
