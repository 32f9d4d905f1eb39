import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, it } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { openWritable } from '../store/sqlite/open.ts';
import { readArchive, writeArchive, type ArchiveEntry } from './archive.ts';
import { run } from './testing/cli.ts';
import { useAdmin } from './testing/use-admin.ts';

const { admin, cli, data } = useAdmin();

const at = (...parts: readonly string[]): string => path.join(data(), ...parts);
const write = (file: string, text: string, mode = 0o600): void => {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.rmSync(file, { force: true });
  fs.writeFileSync(file, text, { mode });
};

/** A SQLite file with the given schema version, made by SQLite. */
function database(file: string, version: number): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.rmSync(file, { force: true });
  const migrations = Array.from({ length: version }, (_, i) => ({ version: i + 1, name: `step ${i + 1}`, sql: `CREATE TABLE t${i} (a) ` }));
  const db = openWritable(file, { synchronous: 'full', migrations });
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
}

const FILES = [
  { process: 'control', file: 'backups/b1.db', temporary: true },
  { process: 'ledger', file: 'backups/b1.db', temporary: true },
  { process: 'auditor', file: 'backup-b1.log', temporary: true },
  { process: 'vault-0', file: 'credentials/', temporary: false },
  { process: 'vault-0', file: 'identity.json', temporary: false },
];

let file: string;
beforeEach(() => {
  file = at('..', 'backup.tar.gz');
  fs.rmSync(file, { force: true });
  database(at('control/backups/b1.db'), 1);
  database(at('ledger/backups/b1.db'), 1);
  write(at('auditor/backup-b1.log'), 'log\n');
  write(at('vault-0/credentials/openai.sealed'), 'sealed');
  write(at('vault-0/identity.json'), '{}');
  write(at('vault-0/root.key'), 'k'.repeat(32), 0o400);
  admin().answers = { 'backup.create': () => ({ name: 'b1', files: FILES }) };
});

const paths = (): readonly string[] => readArchive(gunzipSync(fs.readFileSync(file))).map((entry) => entry.path);
const repack = (change: (entries: readonly ArchiveEntry[]) => readonly ArchiveEntry[]): void =>
  fs.writeFileSync(file, gzipSync(writeArchive(change(readArchive(gunzipSync(fs.readFileSync(file)))))));

describe('backup', () => {
  it('collects copies under the names the processes know, without the root key, and removes the copies', async () => {
    const { code, out, err } = await cli(['backup', file]);
    assert.equal(code, 0, err);
    assert.deepEqual(paths(), [
      'manifest.json',
      'control/control.db',
      'ledger/ledger.db',
      'auditor/control.log',
      'vault-0/credentials/openai.sealed',
      'vault-0/identity.json',
    ]);
    assert.match(out, /The root key is not in it/);
    assert.equal(fs.statSync(file).mode & 0o777, 0o600);
    assert.deepEqual([fs.existsSync(at('control/backups/b1.db')), fs.existsSync(at('vault-0/identity.json'))], [false, true]);
  });

  it('holds the root key only when asked', async () => {
    const { out } = await cli(['backup', file, '--with-root-key']);
    assert.ok(paths().includes('vault-0/root.key'));
    assert.match(out, /It holds the vault’s root key/);
  });

  it('leaves a root key out that lies in a listed folder', async () => {
    admin().answers = { 'backup.create': () => ({ name: 'b1', files: [{ process: 'vault-0', file: './', temporary: false }] }) };
    await cli(['backup', file]);
    assert.deepEqual(paths(), ['manifest.json', 'vault-0/credentials/openai.sealed', 'vault-0/identity.json']);
  });

  it('never overwrites', async () => {
    fs.writeFileSync(file, 'mine');
    assert.equal((await cli(['backup', file])).code, 1);
    assert.equal(fs.readFileSync(file, 'utf8'), 'mine');
    assert.deepEqual(admin().seen, []);
  });

  it('refuses a node that names files elsewhere', async () => {
    for (const [process, name] of [
      ['../etc', 'x'],
      ['control', '../../x'],
      ['control', '/etc/passwd'],
    ] as const) {
      admin().answers = { 'backup.create': () => ({ name: 'b1', files: [{ process, file: name, temporary: false }] }) };
      assert.match((await cli(['backup', file])).err, /lies elsewhere/);
    }
  });
});

describe('restore', () => {
  const target = (): string => at('..', `restored-${process.hrtime.bigint()}`, 'data');
  const restore = (folder: string): ReturnType<typeof run> => run(['restore', file, '--data', folder]);

  it('unpacks into an empty folder', async () => {
    await cli(['backup', file, '--with-root-key']);
    const folder = target();
    const { code, err } = await restore(folder);
    assert.equal(code, 0, err);
    assert.equal(fs.readFileSync(path.join(folder, 'vault-0/credentials/openai.sealed'), 'utf8'), 'sealed');
    assert.equal(fs.statSync(path.join(folder, 'vault-0/root.key')).mode & 0o777, 0o400);
    assert.equal(fs.statSync(path.join(folder, 'vault-0')).mode & 0o777, 0o700);
    assert.ok(fs.existsSync(path.join(folder, 'ledger/ledger.db')));
  });

  it('says that the root key is missing', async () => {
    await cli(['backup', file]);
    assert.match((await restore(target())).out, /root key is not in this backup/);
  });

  it('refuses a folder that is not empty: a node may run on it', async () => {
    await cli(['backup', file]);
    const { code, err } = await restore(data());
    assert.equal(code, 1);
    assert.match(err, /is not empty.*\n.*Stop its node/);
  });

  it('refuses a database of a newer schema, and writes nothing', async () => {
    database(at('ledger/backups/b1.db'), 2);
    await cli(['backup', file]);
    const folder = target();
    assert.match((await restore(folder)).err, /newer Bulkhead: ledger\/ledger\.db has schema 2, this program knows 1[^]*schema_too_new/);
    assert.equal(fs.existsSync(folder), false);
  });

  it('refuses a newer format', async () => {
    await cli(['backup', file]);
    repack(([manifest, ...rest]) => [
      { ...(manifest as ArchiveEntry), bytes: Buffer.from(manifest?.bytes.toString().replace('"format": 1', '"format": 2') ?? '') },
      ...rest,
    ]);
    assert.match((await restore(target())).err, /format 2, this program knows 1/);
  });

  it('refuses changed, added and missing files, and writes nothing', async () => {
    for (const change of [
      (entries: readonly ArchiveEntry[]) =>
        entries.map((entry) => (entry.path === 'auditor/control.log' ? { ...entry, bytes: Buffer.from('LOG\n') } : entry)),
      (entries: readonly ArchiveEntry[]) => [...entries, { path: 'vault-0/extra', mode: 0o600, bytes: Buffer.from('x') }],
      (entries: readonly ArchiveEntry[]) => entries.slice(0, -1),
      (entries: readonly ArchiveEntry[]) => entries.slice(1),
    ]) {
      fs.rmSync(file, { force: true });
      for (const { process, file: name } of FILES.slice(0, 2)) database(at(process, name), 1);
      write(at('auditor/backup-b1.log'), 'log\n');
      assert.equal((await cli(['backup', file])).code, 0);
      repack(change);
      const folder = target();
      assert.match((await restore(folder)).err, /bad_archive/);
      assert.equal(fs.existsSync(folder), false);
    }
  });

  it('refuses what is no backup', async () => {
    fs.writeFileSync(file, 'hello');
    assert.match((await restore(target())).err, /is no backup/);
    assert.match((await run(['restore', at('none'), '--data', target()])).err, /ENOENT/);
  });
});
