import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { ROLES, type Layout, type Role } from '../core/process.ts';
import { commandFor } from './command.ts';
import { foldersOf } from './folders.ts';
import { chooseLayout } from './layouts.ts';
import { CODE } from './testing/node.ts';

const folders = foldersOf('/srv/bulkhead/data');
const lineOf = (layout: Layout, role: Role, codeCache?: string): readonly string[] => {
  const { file, args } = commandFor({
    layout,
    role,
    index: 0,
    codeDir: CODE,
    folders,
    entry: path.join(CODE, `src/main/${role}.ts`),
    shards: 2,
    codeCache,
    fds: [3],
  });
  return [file, ...args];
};
const grants = (line: readonly string[], kind: 'read' | 'write'): string[] =>
  line.filter((arg) => arg.startsWith(`--allow-fs-${kind}=`)).map((arg) => arg.slice(`--allow-fs-${kind}=`.length));

describe('command line of a role', () => {
  it('has an empty environment but for the compile cache', () => {
    const to = {
      layout: 'uids',
      role: 'gateway',
      index: 0,
      codeDir: CODE,
      folders,
      entry: path.join(CODE, 'x.ts'),
      shards: 1,
      fds: [],
    } as const;
    assert.deepEqual(commandFor({ ...to, codeCache: undefined }).env, {});
    assert.deepEqual(commandFor({ ...to, codeCache: folders.cache }).env, { NODE_COMPILE_CACHE: folders.cache });
  });

  for (const role of ROLES) {
    it(`${role}: network namespace for all but the vault`, () => {
      for (const layout of ['uids', 'rootless'] as const) assert.equal(lineOf(layout, role).includes('--net'), role !== 'vault', layout);
    });

    it(`${role}: hardened in every layout but none`, () => {
      for (const layout of ['uids', 'rootless', 'permission'] as const) {
        for (const flag of [
          '--no-experimental-ffi',
          '--disable-sigusr1',
          '--disable-proto=delete',
          '--no-addons',
          '--disallow-code-generation-from-strings',
        ]) {
          assert.ok(lineOf(layout, role).includes(flag), `${layout} ${flag}`);
        }
        assert.ok(lineOf(layout, role).includes('--no-new-privs'), layout);
      }
    });
  }

  for (const role of ['gateway', 'control', 'sandbox'] as const) {
    it(`${role}: the permission model opens the program and its own folder, nothing of another role`, () => {
      const line = lineOf('permission', role);
      assert.ok(line.includes('--permission'));
      assert.deepEqual(
        line.filter((arg) => /^--allow-(child-process|worker|addons|ffi|wasi|inspector)/.test(arg)),
        [],
      );
      const own = folders.own(role, 0);
      for (const at of [...grants(line, 'read'), ...grants(line, 'write')]) assert.ok(at === own || !at.startsWith(folders.data), at);
      assert.deepEqual(grants(line, 'write'), own === null ? [] : [own]);
      assert.ok(!grants(line, 'read').includes(CODE), 'the folder of the program may hold the data folder');
    });
  }
});

describe('choice of a layout', () => {
  it('never takes none by itself, and takes it when it is named', () => {
    assert.notEqual(chooseLayout('auto', CODE, '/tmp').layout, 'none');
    assert.equal(chooseLayout('none', CODE, '/tmp').layout, 'none');
  });
});
