import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import type { UsageSummaryRow } from '../ipc/messages/reports.ts';
import { openWritable, type SqliteDatabase } from '../store/sqlite/open.ts';
import { WAITS } from './call-row.ts';
import { usageDays } from './reports.ts';
import { MIGRATIONS } from './schema.ts';
import { Summaries, type SummaryQuery } from './summary.ts';
import { SUM_NAMES } from './sums.ts';
import { someId, USUAL_COST, usageEvent } from './testing/events.ts';
import { scratch, sums } from './testing/scratch.ts';
import { Writer } from './writer.ts';

const DAY_MS = 86_400_000;
const AT = Date.parse('2026-10-25T00:20:00Z');
const byName = (rows: readonly UsageSummaryRow[]): readonly UsageSummaryRow[] =>
  rows.toSorted((a, b) => (JSON.stringify(a.dimensions) < JSON.stringify(b.dimensions) ? -1 : 1));

describe('packed sums', () => {
  it('give the same report however much of the time is packed', (t) => {
    const file = scratch(t);
    const at = (i: number): number => Date.parse('2025-07-11T00:00Z') + i * 5 * 3_600_000;
    const events = Array.from({ length: 400 }, (_, i) =>
      usageEvent(someId(), { startedAt: at(i), key: `key_${i % 7}` as never, tags: ['red'], endUser: `someone ${i % 3}` }),
    );
    const now = at(400);
    file.writer.apply([{ kind: 'usage', events }], now);
    const queries = (['key', 'tag', 'end_user'] as const).flatMap((name) =>
      [['UTC', 'day'] as const, ['Europe/Berlin', 'week'] as const, ['UTC', 'month'] as const].map(([timeZone, unit]) => ({
        by: [name, unit],
        timeZone,
      })),
    );
    const shown = (): unknown => queries.map((query) => byName(sums(file.db, query)));
    const before = shown();
    let packed = 0;
    for (; file.writer.seal(now); packed++) if (packed % 60 === 0) assert.deepEqual(shown(), before);
    const levels = file.db.prepare('SELECT level, count(DISTINCT period) AS count FROM usage_block GROUP BY level').all();
    assert.deepEqual([packed, levels.map(({ count }) => count)], [486, [400, 83, 3]]);
    assert.deepEqual(shown(), before);
    // A call of long ago: what held its time is gone, and comes again.
    file.writer.apply([{ kind: 'usage', events: [usageEvent(someId(), { startedAt: at(30) })] }], now);
    const blocks = (): unknown =>
      file.db.prepare('SELECT count(*) AS count FROM (SELECT DISTINCT level, period FROM usage_block)').get()?.['count'];
    assert.equal(blocks(), 483);
    const after = shown();
    assert.notDeepEqual(after, before);
    assert.equal(file.writer.seal(now), false);
    while (file.writer.seal(Date.now() + 400_000));
    // With them the last day and its month, which are over by now.
    assert.equal(blocks(), 488);
    assert.deepEqual(shown(), after);
  });

  it('of thousands of groups are named alike, packed or not, also to a reader that has seen them before', (t) => {
    const { db, writer } = scratch(t);
    const reader = new Summaries(db);
    const add = (from: number, to: number): void => {
      const events = Array.from({ length: to - from }, (_, i) =>
        usageEvent(someId(), { startedAt: AT, key: `key_${from + i}` as never, team: `team_${(from + i) % 3}` as never }),
      );
      writer.apply([{ kind: 'usage', events }], AT);
    };
    const shown = (filter: SummaryQuery['filter']): unknown => {
      const asked = { op: 'usage.summary', by: ['key', 'team'], timeZone: 'UTC', filter, from: 0, to: AT + 1, limit: 10_000 } as const;
      const answered = byName(reader.answer(asked).rows);
      assert.deepEqual(answered, byName(sums(db, asked)));
      return answered.map(({ dimensions, requests }) => [dimensions.key, dimensions.team, requests]);
    };
    const expected = (count: number, team?: number): unknown =>
      Array.from({ length: count }, (_, i) => [`key_${i}`, `team_${i % 3}`, 1])
        .filter((_, i) => team === undefined || i % 3 === team)
        .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    for (const count of [10, 4090, 4100, 8300]) {
      add([10, 4090, 4100, 8300].findLast((before) => before < count) ?? 0, count);
      assert.deepEqual(shown({}), expected(count));
      while (writer.seal(AT));
      assert.deepEqual(shown({}), expected(count));
      assert.deepEqual(shown({ team: 'team_1' }), expected(count, 1));
    }
    assert.equal(db.prepare('SELECT count(DISTINCT first) AS count FROM group_page').get()?.['count'], 2);
  });

  it('list the groups of a day alike, over or not, a page at a time', (t) => {
    const { db, writer } = scratch(t, AT - DAY_MS);
    const events = Array.from({ length: 60 }, (_, i) =>
      usageEvent(someId(), { startedAt: AT + (i - 30) * 3_600_000, key: `key_${i % 5}` as never, tags: ['red'] }),
    );
    writer.apply([{ kind: 'usage', events }], AT);
    const listed = (): readonly unknown[] => {
      const days: unknown[] = [];
      for (let after: string | null = ''; after !== null;) {
        const asked = { from: AT - DAY_MS, to: AT + DAY_MS, filter: {}, limit: 4, after: after === '' ? null : after } as const;
        const page: ReturnType<typeof usageDays> = usageDays(db, { op: 'usage.days', ...asked });
        days.push(...page.days);
        after = page.next;
      }
      return days;
    };
    const before = listed();
    assert.equal(before.length, 3 * 5);
    while (writer.seal(AT + DAY_MS));
    assert.deepEqual(listed(), before);
    while (writer.seal(AT + 9 * DAY_MS));
    assert.deepEqual(listed(), before);
  });

  it('too large for exact numbers are added up by SQL', (t) => {
    const { db, writer } = scratch(t);
    writer.apply([{ kind: 'usage', events: [usageEvent(someId()), usageEvent(someId(), { key: 'key_b' as never })] }], Date.now());
    db.exec('UPDATE usage_hour SET micro = 9007199254740993');
    const cost = (more: Partial<SummaryQuery>): unknown[] => sums(db, more).map(({ picodollars }) => picodollars);
    const expected = 9_007_199_254_740_993n * 1_000_000n + (USUAL_COST % 1_000_000n);
    assert.deepEqual(cost({ by: ['key'] }), [expected.toString(), expected.toString()]);
    assert.deepEqual(cost({}), [(2n * expected).toString()]);
  });

  it('of a file of the schema before are kept, and those of labels made again with all their columns', (t) => {
    const now = scratch(t);
    const events = Array.from({ length: 30 }, (_, i) =>
      usageEvent(someId(), { key: `key_${i % 3}` as never, tags: ['red'], ...(i % 2 === 0 && { endUser: 'someone' }) }),
    );
    now.writer.apply([{ kind: 'usage', events }], Date.now());
    const queries = [
      ['key', 'tag'],
      ['key', 'end_user'],
      ['tag', 'end_user'],
      ['day', 'key'],
      ['outcome', 'tag'],
    ] as const;
    const shown = (db: SqliteDatabase): unknown => queries.map((by) => byName(sums(db, { by })));
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-older-'));
    t.after(() => fs.rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'ledger.db');
    const old = openWritable(file, { synchronous: 'normal', migrations: MIGRATIONS.slice(0, 4) });
    const columns = (table: string): string =>
      old
        .prepare(`PRAGMA main.table_info(${table})`)
        .all()
        .map(({ name }) => String(name))
        .join(', ');
    old.prepare('ATTACH ? AS now').run(String(now.db.location()));
    for (const table of ['usage', 'usage_group', 'usage_hour'])
      old.exec(`INSERT INTO main.${table} SELECT ${columns(table)} FROM now.${table}`);
    // As that program kept them: a day from the first call on, and labels apart from keys.
    old.exec(`UPDATE main.usage_group SET key = '' WHERE kind IN (1, 2) AND key = 'key_0';
      INSERT INTO main.usage_day SELECT hour / 24, group_id, ${SUM_NAMES.map((name) => `sum(${name})`).join(', ')} FROM main.usage_hour GROUP BY 1, 2;
      INSERT INTO main.report_fact (name, value) VALUES ('built', 1)`);
    old.close();
    const db = openWritable(file, { synchronous: 'normal', migrations: MIGRATIONS });
    t.after(() => db.close());
    const writer = new Writer(db, WAITS);
    assert.deepEqual(shown(db), shown(now.db));
    const late = [usageEvent(someId(), { key: 'key_1' as never, tags: ['red'] })];
    for (const one of [writer, now.writer]) one.apply([{ kind: 'usage', events: late }], Date.now());
    assert.deepEqual(shown(db), shown(now.db));
    assert.throws(() => openWritable(file, { synchronous: 'normal', migrations: MIGRATIONS.slice(0, 4) }), { code: 'schema_too_new' });
  });
});
