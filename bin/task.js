#!/usr/bin/env node
// The project's tasks for developers and CI: test, check, bench, campaign, generate.
// Plain JavaScript that Node.js 20 parses: it installs the pinned runtime, then runs the task under it.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled, runtimePath } from './install.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Test files below the given folders, in a stable order. */
function testFiles(...folders) {
  const found = [];
  for (const folder of folders) {
    for (const entry of fs.readdirSync(path.join(ROOT, folder), { recursive: true })) {
      if (entry.endsWith('.test.ts') && !entry.includes('node_modules')) found.push(path.join(folder, entry));
    }
  }
  return found.sort((a, b) => (a < b ? -1 : 1));
}

const testRun = (files) => ['--test', '--test-concurrency=2', '--test-timeout=240000', '--test-reporter=spec', ...files];

const TASKS = {
  test: (args) => [
    testRun(args.length > 0 ? args : testFiles('src', 'bin', 'test/checks', 'test/conformance', 'test/e2e', 'test/hostile')),
  ],
  check: () => [testRun(testFiles('test/checks'))],
  campaign: (args) => [['test/campaign/main.ts', ...args]],
  bench: (args) => [['bench/main.ts', ...args]],
  generate: () => [
    ['tools/generate-prices.ts'],
    ['tools/generate-docs.ts'],
    ['tools/generate-config-docs.ts'],
    ['tools/generate-conformance.ts'],
  ],
};

function run(runtime, args) {
  return new Promise((resolve) => {
    const child = spawn(runtime, args, {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, PATH: `${path.dirname(runtime)}${path.delimiter}${process.env.PATH}` },
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('exit', (code, signal) => resolve(signal ? 143 : (code ?? 1)));
  });
}

const [name, ...args] = process.argv.slice(2);
const task = TASKS[name];
if (task === undefined) {
  console.error(`Unknown task ${name ?? ''}. One of: ${Object.keys(TASKS).join(', ')}.`);
  process.exit(2);
}
await ensureInstalled({ dev: true });
const runtime = runtimePath();
for (const commandLine of task(args)) {
  const code = await run(runtime, commandLine);
  if (code !== 0) process.exit(code);
}
