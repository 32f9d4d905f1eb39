import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { BulkheadError } from '../../core/errors.ts';
import { inTransaction, openReadable, openWritable, type Migration, type SqliteDatabase } from './open.ts';

const FIRST: Migration = { version: 1, name: 'first', sql: 'CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT' };
const SECOND: Migration = { version: 2, name: 'second', sql: "ALTER TABLE things ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'" };

let folder: string;
let file: string;
const opened: SqliteDatabase[] = [];

const open = (migrations: readonly Migration[], synchronous: 'full' | 'normal' = 'full'): SqliteDatabase => {
  const db = openWritable(file, { synchronous, migrations });
  opened.push(db);
  return db;
};
const pragma = (db: SqliteDatabase, name: string): unknown => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-sqlite-'));
  file = path.join(folder, 'a.db');
});
afterEach(() => {
  for (const db of opened.splice(0)) if (db.isOpen) db.close();
  fs.rmSync(folder, { recursive: true });
});

describe('SQLite opener', () => {
  it('opens a write-ahead file that only its owner may read', () => {
    const db = open([FIRST]);
    db.exec("INSERT INTO things (name) VALUES ('a')");
    assert.deepEqual(
      [pragma(db, 'journal_mode'), pragma(db, 'synchronous'), pragma(db, 'foreign_keys'), pragma(db, 'trusted_schema')],
      ['wal', 2, 1, 0],
    );
    for (const name of fs.readdirSync(folder)) assert.equal(fs.statSync(path.join(folder, name)).mode & 0o777, 0o600, name);
  });

  it('keeps a commit at every power loss only where asked', () => assert.equal(pragma(open([FIRST], 'normal'), 'synchronous'), 1));

  it('brings an older file up to date and leaves its rows', () => {
    const db = open([FIRST]);
    db.exec("INSERT INTO things (name) VALUES ('a')");
    db.close();
    const later = open([FIRST, SECOND]);
    assert.deepEqual({ ...later.prepare('SELECT name, colour FROM things').get() }, { name: 'a', colour: 'grey' });
    assert.equal(pragma(later, 'user_version'), 2);
  });

  it('refuses a file of a newer program in words', () => {
    open([FIRST, SECOND]).close();
    const refused = (error: BulkheadError): boolean =>
      error.code === 'schema_too_new' && /schema 2, this program knows 1/.test(error.message) && error.remedy !== '';
    assert.throws(() => open([FIRST]), refused);
  });

  it('refuses a file made by another migration of the same number', () => {
    open([FIRST]).close();
    assert.throws(() => open([{ ...FIRST, sql: 'CREATE TABLE others (id INTEGER)' }]), /migration 1 \(first\) is not the one/);
  });

  it('refuses migrations with a gap', () => assert.throws(() => open([FIRST, { ...SECOND, version: 3 }]), /version 3 at place 2/));

  it('applies a migration whole or not at all', () => {
    const broken: Migration = { version: 2, name: 'broken', sql: 'CREATE TABLE extra (id INTEGER); CREATE TABLE things (id INTEGER)' };
    assert.throws(() => open([FIRST, broken]), /already exists/);
    const db = open([FIRST]);
    assert.equal(db.prepare("SELECT count(*) AS count FROM sqlite_schema WHERE name = 'extra'").get()?.['count'], 0);
  });

  it('takes everything of a transaction back when its work throws', () => {
    const db = open([FIRST]);
    const work = (): never => {
      db.exec("INSERT INTO things (name) VALUES ('a')");
      throw new Error('no');
    };
    assert.throws(() => inTransaction(db, work), /^Error: no$/);
    assert.equal(db.prepare('SELECT count(*) AS count FROM things').get()?.['count'], 0);
    assert.equal(
      inTransaction(db, () => 7),
      7,
    );
  });

  it('opens for reading without a way to write', () => {
    const db = open([FIRST]);
    const reader = openReadable(file);
    opened.push(reader);
    assert.throws(() => reader.exec("INSERT INTO things (name) VALUES ('a')"), /readonly/);
    db.exec("INSERT INTO things (name) VALUES ('b')");
    assert.equal(reader.prepare('SELECT name FROM things').get()?.['name'], 'b');
  });

  it('refuses a file that is not a database', () => {
    fs.writeFileSync(file, 'not a database at all, but long enough to be looked at as one');
    assert.throws(() => open([FIRST]), /not a database/);
  });
});
