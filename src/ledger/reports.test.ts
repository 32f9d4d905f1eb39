import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { UsageEvent } from '../core/usage.ts';
import type { JsonObject } from '../core/json.ts';
import { openReadable, openWritable, type SqliteDatabase } from '../store/sqlite/open.ts';
import { readReport } from './admin.ts';
import { WAITS } from './call-row.ts';
import { ReportDesk } from './report-desk.ts';
import { isCursor, usageExport, usageRows, type RowsQuery } from './reports.ts';
import { MIGRATIONS } from './schema.ts';
import { usageSummary, type SummaryQuery } from './summary.ts';
import { endRecord, someId, startRecord, usageEvent } from './testing/events.ts';
import { Writer } from './writer.ts';

const DAY_ONE = Date.parse('2026-11-20T00:00:00Z');
const HOUR = 3_600_000;
let folder: string;
let db: SqliteDatabase;
const events: UsageEvent[] = [];

const summary = (more: Partial<SummaryQuery>): ReturnType<typeof usageSummary> =>
  usageSummary(db, { op: 'usage.summary', by: [], from: 0, to: DAY_ONE + 100 * HOUR, filter: {}, limit: 100, timeZone: 'UTC', ...more });
const rows = (more: Partial<RowsQuery>): ReturnType<typeof usageRows> =>
  usageRows(db, { op: 'usage.rows', from: 0, to: DAY_ONE + 100 * HOUR, filter: {}, limit: 100, before: null, ...more });

before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-reports-'));
  db = openWritable(path.join(folder, 'ledger.db'), { synchronous: 'full', migrations: MIGRATIONS });
  const writer = new Writer(db, WAITS);
  for (let i = 0; i < 60; i++) {
    events.push(
      usageEvent(someId(), {
        startedAt: DAY_ONE + Math.floor(i / 2) * HOUR,
        key: `key_${i % 3}` as never,
        model: i % 2 === 0 ? 'gpt-4o' : 'gpt-4o-mini',
        outcome: i === 7 ? 'upstream_error' : 'ok',
      }),
    );
  }
  writer.apply([{ kind: 'usage', events }], DAY_ONE);
  const lost = someId();
  const records = [
    startRecord(lost, 1, { at: DAY_ONE, key: 'key_0' }),
    endRecord(lost, 2),
    startRecord(someId(), 3, { at: DAY_ONE, key: 'key_0' }),
  ];
  writer.apply([{ kind: 'journal', shard: 0, generation: 'v1', records, reservations: new Map(), orphans: new Set() }], DAY_ONE);
  writer.sweep(DAY_ONE + WAITS.graceMs);
});
after(() => {
  db.close();
  fs.rmSync(folder, { recursive: true });
});

describe('usage summary', () => {
  it('sums everything without a dimension', () => {
    const [all] = summary({}).rows;
    assert.deepEqual(
      [all?.dimensions, all?.requests, all?.open, all?.unconfirmed, all?.unmatched, all?.failed, all?.firstBytes, all?.inputTokens],
      [{}, 62, 1, 1, 60, 1, 60, 60 * 1000 + 1000],
    );
  });

  it('has sums equal to the sums of its rows, by any dimensions', () => {
    const picodollars = rows({}).rows.reduce((sum, row) => sum + BigInt(row.picodollars), 0n);
    for (const by of [['key'], ['model', 'day'], ['hour', 'key', 'outcome'], ['team', 'organization', 'alias', 'provider']] as const) {
      const groups = summary({ by, limit: 1000 }).rows;
      assert.equal(
        groups.reduce((sum, group) => sum + BigInt(group.picodollars), 0n),
        picodollars,
        by.join(),
      );
      assert.equal(
        groups.reduce((sum, group) => sum + group.requests, 0),
        62,
      );
    }
  });

  it('groups by days and hours of UTC', () => {
    const days = summary({ by: ['day'] }).rows.map(({ dimensions }) => String(dimensions.day));
    assert.deepEqual(days.toSorted(), ['2026-11-20', '2026-11-21']);
    const hours = summary({ by: ['hour'], to: DAY_ONE + 2 * HOUR }).rows.map(
      ({ dimensions, requests }) => `${dimensions.hour} ${requests}`,
    );
    assert.deepEqual(hours.toSorted(), ['2026-11-20T00:00Z 4', '2026-11-20T01:00Z 2']);
  });

  it('counts from the first millisecond of a period up to, without, its last', () => {
    assert.equal(summary({ from: DAY_ONE + HOUR, to: DAY_ONE + 2 * HOUR }).rows[0]?.requests, 2);
    assert.deepEqual(summary({ from: DAY_ONE + 200 * HOUR, to: DAY_ONE + 201 * HOUR }).rows, []);
  });

  it('filters, and gives the dearest groups first', () => {
    const found = summary({ by: ['model'], filter: { key: 'key_1' } }).rows;
    assert.deepEqual(
      found.map(({ dimensions, requests }) => [dimensions.model, requests]),
      [
        ['gpt-4o', 10],
        ['gpt-4o-mini', 10],
      ],
    );
    const cut = summary({ by: ['hour'], limit: 3 });
    assert.deepEqual([cut.rows.length, cut.truncated], [3, true]);
  });

  it('is not misled by a filter that is SQL', () => assert.deepEqual(summary({ filter: { model: "x' OR '1'='1" } }).rows, []));

  it('adds up more than 2⁶³ picodollars', () => {
    const big = openWritable(path.join(folder, 'big.db'), { synchronous: 'normal', migrations: MIGRATIONS });
    try {
      const most = { ...usageEvent(someId()).usage, input: 1_000_000_000, output: 1_000_000_000 };
      const dear = Array.from({ length: 20 }, () => usageEvent(someId(), { model: 'o1-pro', usage: most, startedAt: DAY_ONE }));
      new Writer(big, WAITS).apply([{ kind: 'usage', events: dear }], DAY_ONE);
      const [all] = usageSummary(big, {
        op: 'usage.summary',
        by: [],
        from: 0,
        to: DAY_ONE + 1,
        filter: {},
        limit: 1,
        timeZone: 'UTC',
      }).rows;
      assert.equal(all?.picodollars, (20n * 1_000_000_000n * 750_000_000n).toString());
      assert.ok(BigInt(all?.picodollars ?? 0) > 2n ** 63n);
    } finally {
      big.close();
    }
  });
});

describe('usage rows', () => {
  it('gives every row once over its pages, newest first', () => {
    const seen: string[] = [];
    let before: string | null = null;
    do {
      const page: ReturnType<typeof usageRows> = rows({ limit: 7, before });
      seen.push(...page.rows.map(({ requestId }) => requestId));
      assert.deepEqual(
        page.rows,
        page.rows.toSorted((a, b) => b.startedAt - a.startedAt || (a.requestId < b.requestId ? 1 : -1)),
      );
      before = page.next;
    } while (before !== null);
    assert.deepEqual([seen.length, new Set(seen).size], [62, 62]);
  });

  it('exports every row once over its pages, oldest first, also where a filter leaves few of very many', () => {
    const many = openWritable(path.join(folder, 'many.db'), { synchronous: 'normal', migrations: MIGRATIONS });
    try {
      // Hundreds in each millisecond, and a page ends among them.
      const calls = Array.from({ length: 45_000 }, (_, i) =>
        usageEvent(someId(), { startedAt: DAY_ONE + Math.floor(i / 700), key: (i % 9_000 === 8_999 ? 'key_rare' : 'key_usual') as never }),
      );
      new Writer(many, WAITS).apply([{ kind: 'usage', events: calls }], DAY_ONE);
      for (const [filter, count] of [
        [{ key: 'key_rare' }, 5],
        [{ model: 'gpt-4o' }, 45_000],
        [{}, 45_000],
        [{ key: 'nobody' }, 0],
      ] as const) {
        const seen: string[] = [];
        let [after, pages]: [string | null, number] = [null, 0];
        do {
          const asked = { from: DAY_ONE, to: DAY_ONE + HOUR, filter, limit: 1000, after } as const;
          const page: ReturnType<typeof usageExport> = usageExport(many, { op: 'usage.export', ...asked });
          assert.ok(page.next === null || isCursor(page.next));
          seen.push(...page.rows.map(({ requestId }) => requestId));
          after = page.next;
          pages++;
        } while (after !== null);
        assert.deepEqual([seen.length, new Set(seen).size], [count, count]);
        assert.ok(pages >= (count < 10 ? 3 : 45));
      }
    } finally {
      many.close();
    }
  });

  it('says a row as it was reported', () => {
    const reported = events[0] as UsageEvent;
    const row = rows({ filter: { key: 'key_0' } }).rows.find(({ requestId }) => requestId === reported.requestId);
    assert.deepEqual(
      [row?.usage, row?.state, row?.startedAt, row?.upstreamBytesIn],
      [reported.usage, 'unmatched', reported.startedAt, null],
    );
  });
});

describe('report desk', () => {
  it('answers in its own thread, copies the file while it is written, and refuses to overwrite a copy', async () => {
    const desk = new ReportDesk(folder);
    try {
      const [whole, copy] = await Promise.all([desk.ask(readReport(asked({}))), desk.ask({ op: 'backup', fileName: 'a.db' })]);
      assert.deepEqual(JSON.parse(whole), summary({}));
      const file = path.join(folder, 'backups/a.db');
      assert.deepEqual(JSON.parse(copy), { file: 'backups/a.db', bytes: fs.statSync(file).size });
      assert.equal(fs.statSync(file).mode & 0o777, 0o600);
      const restored = openReadable(file);
      assert.equal(restored.prepare('SELECT count(*) AS count FROM usage').get()?.['count'], 62);
      restored.close();
      await assert.rejects(desk.ask({ op: 'backup', fileName: 'a.db' }), /EEXIST/);
    } finally {
      await desk.close();
    }
  });
});

const asked = (more: JsonObject): JsonObject => ({
  op: 'usage.summary',
  by: [],
  from: 0,
  to: DAY_ONE + 100 * HOUR,
  filter: {},
  limit: 100,
  timeZone: 'UTC',
  ...more,
});

describe('report request', () => {
  for (const wrong of [
    { op: 'sql' },
    { by: ['key', 'key'] },
    { by: ['picodollars'] },
    { by: ['key', 'team', 'model', 'alias', 'day'] },
    { from: '0' },
    { to: 1.5 },
    { limit: 0 },
    { limit: 1e6 },
    { filter: { state: 'open' } },
    { filter: { key: 1 } },
    { filter: null },
    { timeZone: 'Mars; DROP' },
    { timeZone: null },
    { op: 'usage.export', after: 'x' },
    { op: 'usage.days', after: '1;' },
    { op: 'reconciliation.list', kind: 'any' },
    { op: 'usage.rows', before: '1; DROP TABLE usage' },
    { op: 'usage.request', requestId: 7 },
    { op: 'backup', fileName: '../ledger.db' },
    { op: 'backup', fileName: '.hidden' },
  ]) {
    it(`is refused: ${JSON.stringify(wrong)}`, () =>
      assert.throws(() => readReport(asked(wrong as unknown as JsonObject)), { code: 'invalid_field' }));
  }
});
