import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { ROOT } from './source-tree.ts';

const run = (tool: string, args: readonly string[]): void => {
  const { status, stdout, stderr } = spawnSync(path.join(ROOT, 'node_modules/.bin', tool), args, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}` },
  });
  assert.equal(status, 0, `${tool} ${args.join(' ')}\n${stdout}\n${stderr}`);
};

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly license?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
}

const lock = JSON.parse(fs.readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')) as { packages: Record<string, LockedPackage> };
const locked = Object.entries(lock.packages).filter(([name]) => name !== '');

const PRODUCT_LICENCES = ['MIT', 'ISC', 'Apache-2.0', 'BSD-3-Clause'];
const ALL_LICENCES = [
  ...PRODUCT_LICENCES,
  'BSD-2-Clause',
  'MPL-2.0',
  '0BSD',
  'BlueOak-1.0.0',
  'Unlicense',
  'MIT OR Apache-2.0',
  '(AFL-2.1 OR BSD-3-Clause)',
];
/** Packages whose manifest names no licence: the first line of the file that they ship. */
const LICENCE_FILES: ReadonlyMap<string, string> = new Map([['node_modules/cohere-ai', 'MIT License']]);
const licenceOf = (name: string, told: string | undefined): string => {
  const line = LICENCE_FILES.get(name);
  if (told !== undefined || line === undefined) return told ?? 'none';
  return fs.readFileSync(path.join(ROOT, name, 'LICENSE'), 'utf8').startsWith(`${line}\n`) ? (line.split(' ')[0] ?? '') : 'none';
};

describe('toolchain', () => {
  it('types hold', () => run('tsc', ['--noEmit']));
  it('lint is clean', () => run('oxlint', ['--type-aware', '--deny-warnings']));
  it('format is clean', () => run('oxfmt', ['--check']));
  it('nothing is dead', () => run('knip', []));
});

describe('lockfile', () => {
  it('pins every package by SHA-512', () => {
    assert.deepEqual(
      locked.filter(([, { integrity }]) => integrity?.startsWith('sha512-') !== true).map(([name]) => name),
      [],
    );
  });

  it('names no host', () => {
    assert.deepEqual(
      locked.filter(([, { resolved }]) => resolved !== undefined).map(([name]) => name),
      [],
    );
  });

  it('holds no package with an install script', () => {
    assert.deepEqual(
      locked.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([name]) => name),
      [],
    );
  });

  it('holds only licences that the project accepts', () => {
    const wrong = locked
      .filter(([name, { license, dev }]) => !(dev === true ? ALL_LICENCES : PRODUCT_LICENCES).includes(licenceOf(name, license)))
      .map(([name, { license }]) => `${name}: ${licenceOf(name, license)}`);
    assert.deepEqual(wrong, []);
  });

  it('declares exact versions only', () => {
    const manifest = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as Record<string, Record<string, string>>;
    const ranges = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) =>
      Object.entries(manifest[kind] ?? {}).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)),
    );
    assert.deepEqual(ranges, []);
  });
});
