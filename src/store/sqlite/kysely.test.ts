import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Kysely } from 'kysely';
import { kyselyOver } from './kysely.ts';
import { openWritable } from './open.ts';

interface Tables {
  readonly notes: { readonly id: string; readonly size: number | null };
}

let folder: string;
let db: Kysely<Tables>;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-kysely-'));
  const migrations = [{ version: 1, name: 'notes', sql: 'CREATE TABLE notes (id TEXT PRIMARY KEY, size INTEGER) STRICT' }];
  db = kyselyOver<Tables>(openWritable(path.join(folder, 'a.db'), { synchronous: 'full', migrations }));
});
afterEach(async () => {
  await db.destroy();
  fs.rmSync(folder, { recursive: true });
});

describe('Kysely over node:sqlite', () => {
  it('reads back what it wrote and counts what it changed', async () => {
    await db
      .insertInto('notes')
      .values([
        { id: 'a', size: 1 },
        { id: 'b', size: null },
      ])
      .execute();
    const { numUpdatedRows } = await db.updateTable('notes').set({ size: 2 }).where('size', 'is', null).executeTakeFirstOrThrow();
    assert.equal(numUpdatedRows, 1n);
    assert.deepEqual(
      (await db.selectFrom('notes').selectAll().orderBy('id').execute()).map((row) => ({ ...row })),
      [
        { id: 'a', size: 1 },
        { id: 'b', size: 2 },
      ],
    );
  });

  it('undoes a transaction that throws', async () => {
    const failing = db.transaction().execute(async (transaction) => {
      await transaction.insertInto('notes').values({ id: 'a', size: 1 }).execute();
      throw new Error('no');
    });
    await assert.rejects(failing, /no/);
    assert.equal((await db.selectFrom('notes').selectAll().execute()).length, 0);
  });

  it('transactions of the same file come one after another', async () => {
    const add = (id: string) =>
      db.transaction().execute(async (transaction) => {
        await transaction.insertInto('notes').values({ id, size: 1 }).execute();
        await new Promise((resolve) => setImmediate(resolve));
      });
    await Promise.all(['a', 'b', 'c'].map(add));
    assert.equal((await db.selectFrom('notes').selectAll().execute()).length, 3);
  });

  it('values are never part of the statement', async () => {
    const text = `'; DROP TABLE notes; --`;
    await db.insertInto('notes').values({ id: text, size: 1 }).execute();
    assert.equal((await db.selectFrom('notes').selectAll().where('id', '=', text).execute()).length, 1);
  });
});
