import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { DatabaseSync } from 'node:sqlite';
import { BulkheadError } from '../core/errors.ts';
import { DATABASE_FILE, openControlStore, readMeta, writeMeta, type ControlStore } from './database.ts';

/** What a table comes to, with the real file and another connection beside ours. */

const KEY = Buffer.alloc(32, 7);
let folder: string;
let store: ControlStore;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-heads-'));
  store = openControlStore(folder, 1);
});
afterEach(async () => {
  await store.db.destroy();
  fs.rmSync(folder, { recursive: true });
});

const file = (): string => path.join(folder, DATABASE_FILE);

/** Writes as somebody would who got at the file. */
function edit(sql: string): void {
  const db = new DatabaseSync(file(), { enableForeignKeyConstraints: false });
  db.exec(sql);
  db.close();
}

async function counted(): Promise<void> {
  store.heads.useKey(KEY);
  await store.heads.count(store.db, 1000);
}

const differing = async (which: 'small' | 'all' = 'all'): Promise<readonly string[]> =>
  (await store.heads.check(which)).map(({ table }) => table);

async function reopen(): Promise<void> {
  await store.db.destroy();
  store = openControlStore(folder, 2);
  store.heads.useKey(KEY);
}

describe('heads of tables', () => {
  it('hold over any history of our own writes, undone ones and restarts included', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(
            fc.constantFrom('put', 'remove', 'fail', 'cascade', 'reopen'),
            fc.integer({ min: 0, max: 4 }),
            fc.string({ unit: 'binary' }),
          ),
          { maxLength: 30 },
        ),
        async (history) => {
          await counted();
          for (const [act, place, text] of history) await acts[act](`m${place}`, text.replaceAll('\0', ''));
          assert.deepEqual(await differing(), []);
        },
      ),
      { numRuns: 25 },
    ));

  const acts = {
    put: (name: string, text: string) => writeMeta(store.db, name, text),
    remove: async (name: string) => void (await store.db.deleteFrom('meta').where('name', '=', name).execute()),
    fail: async (name: string, text: string) => {
      const undone = store.db.transaction().execute(async (to) => {
        await writeMeta(to, name, text);
        throw new Error('undone');
      });
      await assert.rejects(undone, { message: 'undone' });
    },
    /** Rows that go with the row they belong to are counted out too. */
    cascade: async (name: string, text: string) => {
      const owner = { owner_kind: 'team', owner_id: 't', organization: 'o', team: null, project: null, user: null } as const;
      const limit = {
        id: name,
        ...owner,
        model: text,
        measure: 'requests',
        amount: 2 ** 53 - 1,
        window_ms: null,
        mode: 'enforce',
        created_at: 1,
      } as const;
      await store.db
        .insertInto('limits')
        .values(limit)
        .onConflict((on) => on.column('id').doUpdateSet({ model: text }))
        .execute();
      await store.db
        .insertInto('shares')
        .values({ id: `s${name}`, limit_id: name, ...owner, percent: 1, created_at: 1 })
        .onConflict((on) => on.doNothing())
        .execute();
      await store.db.deleteFrom('limits').where('id', '=', name).execute();
    },
    reopen: () => reopen(),
  } as const;

  for (const [what, sql, table] of [
    ['taken away', `DELETE FROM meta WHERE name = 'a'`, 'meta'],
    ['added', `INSERT INTO meta VALUES ('c', '3')`, 'meta'],
    ['edited', `UPDATE meta SET value = '9' WHERE name = 'a'`, 'meta'],
    ['exchanged', `UPDATE meta SET value = CASE name WHEN 'a' THEN '2' ELSE '1' END`, 'meta'],
    ['moved to another table', `DELETE FROM meta WHERE name = 'a'; INSERT INTO group_uses VALUES ('a', 'key', '1')`, 'group_uses'],
    ['of work that is to be done', `INSERT INTO key_work (act, kind, target) VALUES ('revoke', 'team', 'x')`, 'key_work'],
    ['that is a trigger', `CREATE TRIGGER t AFTER INSERT ON keys BEGIN DELETE FROM meta; END`, 'sqlite_schema'],
  ] as const) {
    it(`show a row ${what} by another connection, also after later writes and a restart`, async () => {
      await counted();
      await writeMeta(store.db, 'a', '1');
      await writeMeta(store.db, 'b', '2');
      const before = store.heads.foreignWrites;
      edit(sql);
      assert.notEqual(store.heads.foreignWrites, before);
      assert.ok((await differing()).includes(table));
      await writeMeta(store.db, 'a', '4');
      await store.db.deleteFrom('meta').where('name', '=', 'c').execute();
      assert.ok((await differing()).includes(table));
      await reopen();
      assert.ok((await differing()).includes(table));
    });
  }

  it('show a table that was put back with the head it had then, while the process runs', async () => {
    await counted();
    await writeMeta(store.db, 'a', '1');
    const db = new DatabaseSync(file());
    const { state } = db.prepare(`SELECT state FROM heads WHERE name = 'meta'`).get() as { state: string };
    await writeMeta(store.db, 'a', '2');
    assert.deepEqual(await differing(), []);
    db.prepare(`UPDATE meta SET value = '1' WHERE name = 'a'`).run();
    db.prepare(`UPDATE heads SET state = ? WHERE name = 'meta'`).run(state);
    db.close();
    assert.deepEqual(await differing(), ['meta']);
  });

  it('are nobody else’s to make: not one of another key, of another table, or none', async () => {
    await counted();
    for (const sql of [
      `UPDATE heads SET state = (SELECT state FROM heads WHERE name = 'key_work') WHERE name = 'budgets'`,
      `UPDATE heads SET state = replace(state, ',0,', ',1,') WHERE name = 'budgets'`,
      `DELETE FROM heads WHERE name = 'budgets'`,
    ]) {
      edit(sql);
      assert.deepEqual(await store.heads.check('all'), [{ table: 'budgets', expected: null, found: 0 }], sql);
      await counted();
    }
    store.heads.useKey(Buffer.alloc(32, 8));
    assert.ok((await differing()).includes('meta'));
  });

  it('rise for ever, also when they are made anew', async () => {
    await counted();
    const first = store.heads.note();
    await writeMeta(store.db, 'a', '1');
    const second = store.heads.note();
    assert.ok(second.version > first.version && second.digest !== first.digest);
    await store.heads.count(store.db, 1);
    assert.ok(store.heads.note().version > second.version);
  });

  it('count what is written while they are made', async () => {
    store.heads.useKey(KEY);
    for (let i = 0; i < 50; i++) await writeMeta(store.db, `m${i}`, 'x'.repeat(1000));
    const counting = store.heads.count(store.db, 1000);
    for (let i = 0; i < 100; i++) await (i % 3 === 0 ? acts.remove(`m${i}`) : writeMeta(store.db, `m${i % 60}`, String(i)));
    await counting;
    assert.equal(store.heads.isUnfinished, false);
    assert.deepEqual(await differing(), []);
  });

  it('that nobody finished are told from whole ones', async () => {
    await counted();
    assert.equal(store.heads.isUnfinished, false);
    const counting = store.heads.count(store.db, 2000);
    // The first table is begun within its first transaction.
    while (!store.heads.isUnfinished) await readMeta(store.db, 'a');
    await counting;
    assert.equal(store.heads.isUnfinished, false);
  });

  it('refuse a write that nobody could count, and keep it out', async () => {
    await counted();
    await store.db.destroy();
    store = openControlStore(folder, 2);
    await assert.rejects(writeMeta(store.db, 'a', '1'), (error) => error instanceof BulkheadError && error.code === 'vault_unavailable');
    store.heads.useKey(KEY);
    assert.equal(await readMeta(store.db, 'a'), undefined);
    assert.deepEqual(await differing(), []);
  });
});
