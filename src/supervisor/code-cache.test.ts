import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ROLES } from '../core/process.ts';
import { codeCacheFor } from './code-cache.ts';
import { nodeFlags } from './flags.ts';
import { foldersOf } from './folders.ts';

const CODE_DIR = fileURLToPath(new URL('../../', import.meta.url));
const MISSED = /reading cache from \S+ for (?:StrippedTypeScript|ESM|CommonJS) (file:\S+\.(?:ts|js|mjs|cjs))\.\.\. ?no such file/g;

describe('the compile cache', () => {
  it('holds every file of every role under the flags that the role runs with', (t) => {
    const cache = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-cache-'));
    t.after(() => fs.rmSync(cache, { recursive: true }));
    const failures: string[] = [];
    assert.equal(
      codeCacheFor('landlock', cache, CODE_DIR, (reason) => failures.push(reason)),
      cache,
    );
    assert.deepEqual(failures, []);
    const folders = fs.readdirSync(cache).sort();
    for (const role of ROLES) {
      const entry = path.join(CODE_DIR, 'src', role, 'serve.ts');
      const all = nodeFlags({ layout: 'landlock', role, index: 0, codeDir: CODE_DIR, folders: foldersOf(cache), entry, codeCache: cache });
      const flags = all.filter((flag) => !/^--(permission|allow-)/.test(flag));
      const script = `await import(${JSON.stringify(pathToFileURL(entry).href)}); process.exit(0)`;
      const { status, stderr, stdout } = spawnSync(process.execPath, [...flags, '--input-type=module', '-e', script], {
        encoding: 'utf8',
        env: { NODE_COMPILE_CACHE: cache, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' },
        maxBuffer: 64e6,
      });
      assert.equal(status, 0, stderr);
      const missed = [...(stderr + stdout).matchAll(MISSED)].map(([, file]) => file);
      assert.match(stderr + stdout, /retrieving transpile cache for StrippedTypeScript file:\S+\/serve\.ts\.\.\.success/, role);
      assert.deepEqual(missed, [], role);
    }
    assert.deepEqual(fs.readdirSync(cache).sort(), folders, 'a role came with flags of its own');
  });
});
