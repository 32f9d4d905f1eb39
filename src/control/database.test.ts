import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { isBulkheadError } from '../auditor/testing/errors.ts';
import { DATABASE_FILE, MIGRATIONS, openControlStore, readMeta, writeMeta } from './database.ts';

let folder: string;
beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-db-'))));
afterEach(() => fs.rmSync(folder, { recursive: true }));

describe('control store', () => {
  it('has an organization and a team from the start, once', async () => {
    await openControlStore(folder, 1).db.destroy();
    const { db } = openControlStore(folder, 2);
    assert.deepEqual(
      (await db.selectFrom('organizations').selectAll().execute()).map((row) => ({ ...row })),
      [{ id: 'default', name: 'default', created_at: 1, models: null, removed_at: null, signature: '' }],
    );
    assert.equal((await db.selectFrom('teams').selectAll().execute()).length, 1);
    await db.destroy();
  });

  it('refuses a file of a newer program', () => {
    const file = new DatabaseSync(path.join(folder, DATABASE_FILE));
    file.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    file.close();
    assert.throws(
      () => openControlStore(folder, 1),
      (error) => isBulkheadError(error, 'schema_too_new'),
    );
  });

  it('is readable by its owner only', async () => {
    await openControlStore(folder, 1).db.destroy();
    assert.equal(fs.statSync(path.join(folder, DATABASE_FILE)).mode & 0o777, 0o600);
  });

  it('a copy made while in use is whole', async () => {
    const store = openControlStore(folder, 1);
    await writeMeta(store.db, 'a', '1');
    await writeMeta(store.db, 'a', '2');
    store.copyTo(path.join(folder, 'copy.db'));
    const copy = new DatabaseSync(path.join(folder, 'copy.db'), { readOnly: true });
    assert.equal(copy.prepare('SELECT value FROM meta').get()?.['value'], '2');
    copy.close();
    assert.equal(await readMeta(store.db, 'a'), '2');
    await store.db.destroy();
  });
});
