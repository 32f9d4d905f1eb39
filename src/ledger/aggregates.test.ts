import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { UsageEvent } from '../core/usage.ts';
import { TIME_DIMENSIONS, type TimeDimension, type UsageDimension } from '../core/reports.ts';
import type { UsageSummaryRow } from '../ipc/messages/reports.ts';
import type { SqliteDatabase } from '../store/sqlite/open.ts';
import { GROUP_COLUMNS, SUM_NAMES, SUMS, type GroupColumn } from './sums.ts';
import { emptyCover } from './cover.ts';
import { horizonOf } from './extent.ts';
import { summaryRow, usageSummary, type SummaryQuery } from './summary.ts';
import { sumsBySql } from './summary-sql.ts';
import { bucketsOf } from './time-buckets.ts';
import { endRecord, someId, startRecord, usageEvent } from './testing/events.ts';
import { journalItem, scratch, sums } from './testing/scratch.ts';
import type { WriteItem } from './write-items.ts';

const DAY_MS = 86_400_000;
/** The night in which clocks go back in Berlin, and an hour into the next month in Kathmandu. */
const AT = Date.parse('2026-10-25T00:20:00Z');
const CALLS = Array.from({ length: 12 }, someId);

/** Everything that can happen to a ledger. */
type Act =
  | { readonly act: 'start'; readonly call: number }
  | { readonly act: 'end'; readonly call: number }
  | { readonly act: 'orphan'; readonly call: number }
  | { readonly act: 'usage'; readonly call: number; readonly event: Partial<UsageEvent> }
  | { readonly act: 'wait' }
  | { readonly act: 'pack' }
  | { readonly act: 'restart' };

const call = fc.nat(CALLS.length - 1);
const event = fc.record({
  startedAt: fc.integer({ min: AT - 2 * DAY_MS, max: AT + 2 * DAY_MS }),
  key: fc.constantFrom('key_a', 'key_b'),
  team: fc.constantFrom('', 'team_a', 'team_b'),
  user: fc.constantFrom(undefined, 'user_a'),
  endUser: fc.constantFrom(undefined, 'someone', 'someone else'),
  tags: fc.constantFrom(undefined, ['red'], ['red', 'blue', 'red']),
  model: fc.constantFrom('gpt-4o', 'gpt-4o-mini', 'unheard-of'),
  outcome: fc.constantFrom('ok', 'upstream_error', 'cancelled'),
  estimated: fc.boolean(),
  firstByteMs: fc.constantFrom(undefined, 7),
  usage: fc
    .record({ input: fc.nat(1_000_000_000), output: fc.nat(1_000_000_000), cachedInput: fc.nat(10), reasoning: fc.nat(10) })
    .map((some) => ({ ...some, cacheWrite: 0, cacheWrite1h: 1, inputAudio: 0, outputAudio: 2 })),
});
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: call.map((at) => ({ act: 'start', call: at }) as const) },
  { weight: 2, arbitrary: call.map((at) => ({ act: 'end', call: at }) as const) },
  { weight: 4, arbitrary: fc.record({ act: fc.constant('usage' as const), call, event: event as fc.Arbitrary<Partial<UsageEvent>> }) },
  { weight: 1, arbitrary: call.map((at) => ({ act: 'orphan', call: at }) as const) },
  { weight: 1, arbitrary: fc.constantFrom({ act: 'wait' } as const, { act: 'restart' } as const, { act: 'pack' } as const) },
);

/** A history in a file of its own; every act is one commit, or several are. */
function live(t: Parameters<typeof scratch>[0], acts: readonly (readonly Act[])[], opened = AT): SqliteDatabase {
  let file = scratch(t, opened);
  let [now, offset] = [AT, 0];
  for (const commit of acts) {
    const items: WriteItem[] = [];
    for (const one of commit) {
      if (one.act === 'restart') file = file.reopen();
      else if (one.act === 'pack') packAll(file);
      else if (one.act === 'wait') file.writer.sweep((now += 61_000));
      else items.push(itemOf(one, ++offset));
    }
    file.writer.apply(items, now);
  }
  return file.db;
}

/** All that there is, as if it were over. */
function packAll({ writer }: ReturnType<typeof scratch>): void {
  while (writer.seal(AT + 100 * DAY_MS));
}

function itemOf(one: Exclude<Act, { readonly act: 'wait' | 'restart' | 'pack' }>, offset: number): WriteItem {
  const id = CALLS[one.call] as string;
  if (one.act === 'start') return journalItem([startRecord(id, offset, { at: AT + one.call * 1_000_000 })]);
  if (one.act === 'end') return journalItem([endRecord(id, offset, { at: AT + one.call * 1_000_000 + 500 })]);
  if (one.act === 'orphan') return { kind: 'orphaned', requestIds: [id] };
  return { kind: 'usage', events: [usageEvent(id, one.event)] };
}

/** What the rows say, added up by nothing but SQL over them. */
function fromRows(db: SqliteDatabase): Readonly<Record<string, bigint>> {
  const statement = db.prepare(`SELECT ${SUM_NAMES.map((name) => `coalesce(sum(${SUMS[name]}), 0) AS ${name}`).join(', ')} FROM usage`);
  statement.setReadBigInts(true);
  return { ...(statement.get() as Record<string, bigint>) };
}

function fromTable(db: SqliteDatabase, table: string): Readonly<Record<string, bigint>> {
  const columns = SUM_NAMES.map((name) => `coalesce(sum(a.${name}), 0) AS ${name}`).join(', ');
  const statement = db.prepare(`SELECT ${columns} FROM ${table} AS a JOIN usage_group AS g ON g.id = a.group_id WHERE g.kind = 0`);
  statement.setReadBigInts(true);
  return { ...(statement.get() as Record<string, bigint>) };
}

/** Money may lie in its halves otherwise. */
const joined = (row: Readonly<Record<string, bigint>>): Readonly<Record<string, bigint>> => {
  const { micro = 0n, rest = 0n, ...others } = row;
  return { ...others, picodollars: micro * 1_000_000n + rest };
};

type Asked = Pick<SummaryQuery, 'by' | 'timeZone' | 'filter' | 'from' | 'to'>;

/** The same by nothing but SQL over single rows. */
function bySingleRows(db: SqliteDatabase, { by, timeZone, filter, from, to }: Asked): readonly UsageSummaryRow[] {
  const isTime = (name: UsageDimension): name is TimeDimension => TIME_DIMENSIONS.some((one) => one === name);
  const columns = by.filter((name) => !isTime(name)) as GroupColumn[];
  const buckets = bucketsOf(by.filter(isTime), timeZone, from, to);
  const cover = { ...emptyCover(), rows: buckets.map((bucket, i) => [i, bucket.from, bucket.to, 1] as const) };
  const question = { columns, filters: Object.keys(filter) as GroupColumn[], filter, kind: 'all', cover } as const;
  return sumsBySql(db, question, 10_000).map((row) => {
    const labels = buckets[Number(row['bucket'])]?.labels ?? {};
    const values = by.map((name) => [name, isTime(name) ? labels[name] : String(row[`d${columns.indexOf(name)}`])] as const);
    return summaryRow(row, Object.fromEntries(values));
  });
}

const money = (rows: readonly UsageSummaryRow[]): bigint => rows.reduce((sum, row) => sum + BigInt(row.picodollars), 0n);
const byName = (rows: readonly UsageSummaryRow[]): readonly UsageSummaryRow[] =>
  rows.toSorted((a, b) => (JSON.stringify(a.dimensions) < JSON.stringify(b.dimensions) ? -1 : 1));

describe('aggregates', () => {
  it('are the sums of the rows, to the last picodollar, after any history', (t) => {
    fc.assert(
      fc.property(fc.array(fc.array(act, { minLength: 1, maxLength: 4 }), { maxLength: 14 }), (acts) => {
        const db = live(t, acts);
        const rows = joined(fromRows(db));
        assert.deepEqual(joined(fromTable(db, 'usage_hour')), rows);
        // A day that is not over has no sums of its own.
        const open = horizonOf(db).daysUntil / DAY_MS;
        const days = `(SELECT * FROM usage_day UNION ALL SELECT * FROM usage_hour WHERE hour >= ${open} * 24)`;
        assert.deepEqual(joined(fromTable(db, days)), rows);
        assert.equal(db.prepare('SELECT 1 FROM usage_day WHERE day >= ?').get(open), undefined);
        db.close();
      }),
      { numRuns: 40 },
    );
  });

  it('give the same report as the rows, packed or not, by any dimensions, in any zone, for any time', (t) => {
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns', 'Australia/Lord_Howe');
    const texts = ['team', 'key', 'model', 'outcome', 'end_user', 'tag'] as const;
    const by = fc.tuple(fc.subarray([...texts]), fc.constantFrom<UsageDimension[]>([], ['day'], ['week', 'month'], ['hour', 'day']));
    const filter = fc.constantFrom({}, { model: 'gpt-4o' }, { end_user: 'someone' }, { tag: 'red', team: 'team_a' }, { key: 'nobody' });
    const times = fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 0, max: 80 }), fc.nat(3_599_999));
    const history = fc.array(fc.array(act, { minLength: 1, maxLength: 6 }), { minLength: 4, maxLength: 14 });
    fc.assert(
      fc.property(history, by, filter, zones, times, (acts, [columns, time], wanted, timeZone, [from, hours, rest]) => {
        const db = live(t, acts);
        const period = { from: AT + from * 3_600_000 + rest, to: AT + (from + hours) * 3_600_000 };
        const query = { by: [...columns, ...time], timeZone, filter: wanted, ...period };
        assert.deepEqual(byName(sums(db, query)), byName(bySingleRows(db, query)));
        db.close();
      }),
      { numRuns: 60 },
    );
  });

  it('by end user and by tag hold each call that has one, a tag said twice once', (t) => {
    const { db, writer } = scratch(t);
    const events = [
      usageEvent(someId(), { endUser: 'someone', tags: ['red', 'blue', 'red'] }),
      usageEvent(someId(), { endUser: 'someone', tags: ['red'] }),
      usageEvent(someId()),
    ];
    writer.apply([{ kind: 'usage', events }], Date.now());
    const shown = (by: 'end_user' | 'tag', credential?: string): unknown =>
      sums(db, { by: [by], filter: credential === undefined ? {} : { credential } }).map((row) => [row.dimensions[by], row.requests]);
    for (const credential of [undefined, 'openai']) {
      assert.deepEqual(shown('end_user', credential), [['someone', 2]]);
      assert.deepEqual(shown('tag', credential), [
        ['red', 2],
        ['blue', 1],
      ]);
    }
  });

  it('are made for the rows of a file that is older than they are', (t) => {
    const file = scratch(t);
    file.writer.apply([{ kind: 'usage', events: Array.from({ length: 5 }, () => usageEvent(someId(), { tags: ['red'] })) }], Date.now());
    const before = sums(file.db, { by: ['key', 'model'] });
    file.db.exec('DELETE FROM usage_hour; DELETE FROM usage_day; DELETE FROM usage_group; DELETE FROM report_fact');
    const { db } = file.reopen();
    assert.deepEqual(sums(db, { by: ['key', 'model'] }), before);
    assert.equal(sums(db, { by: ['tag'] })[0]?.requests, 5);
    assert.equal(money(before), money(sums(db, {})));
  });

  it('have the columns that reports ask for', (t) => {
    const { db } = scratch(t);
    const columns = (table: string): unknown[] =>
      db
        .prepare(`PRAGMA table_info(${table})`)
        .all()
        .map((row) => row['name']);
    assert.deepEqual(columns('usage_hour'), ['hour', 'group_id', ...SUM_NAMES]);
    assert.deepEqual(columns('usage_day'), ['day', 'group_id', ...SUM_NAMES]);
    assert.deepEqual(columns('usage_group'), ['id', 'kind', ...GROUP_COLUMNS]);
  });

  it('keep nothing of a commit that the disk refused, and all of it when it is given again', (t) => {
    const { db, writer } = scratch(t);
    const pages = Number(db.prepare('PRAGMA page_count').get()?.['page_count']);
    db.exec(`PRAGMA max_page_count = ${pages}`);
    const items: WriteItem[] = [{ kind: 'usage', events: Array.from({ length: 200 }, () => usageEvent(someId())) }];
    assert.throws(() => writer.apply(items, Date.now()), /full/);
    assert.deepEqual(sums(db, {}), []);
    db.exec('PRAGMA max_page_count = 1000000');
    writer.apply(items, Date.now());
    writer.apply(items, Date.now());
    assert.equal(sums(db, {})[0]?.requests, 200);
  });
});

describe('a zone’s days', () => {
  it('have 25 hours when clocks go back and 23 when they go forward', (t) => {
    const { db, writer } = scratch(t);
    const hours = (day: string): UsageEvent[] =>
      Array.from({ length: 72 }, (_, i) => usageEvent(someId(), { startedAt: Date.parse(day) - 24 * 3_600_000 + i * 3_600_000 + 60_000 }));
    writer.apply([{ kind: 'usage', events: [...hours('2026-10-25T00:00Z'), ...hours('2026-03-29T00:00Z')] }], Date.now());
    const days = new Map(sums(db, { by: ['day'], timeZone: 'Europe/Berlin' }).map((row) => [row.dimensions.day, row.requests]));
    assert.deepEqual([days.get('2026-10-25'), days.get('2026-03-29'), days.get('2026-10-26')], [25, 23, 24]);
    const labels = sums(db, { by: ['hour'], timeZone: 'Europe/Berlin' }).map((row) => String(row.dimensions.hour));
    assert.deepEqual(labels.filter((label) => label.startsWith('2026-10-25T02')).toSorted(), [
      '2026-10-25T02:00+01:00',
      '2026-10-25T02:00+02:00',
    ]);
  });

  it('of a week in two months count in both, each once', (t) => {
    const { db, writer } = scratch(t);
    const events = Array.from({ length: 14 }, (_, i) => usageEvent(someId(), { startedAt: Date.parse('2026-09-28T12:00Z') + i * DAY_MS }));
    writer.apply([{ kind: 'usage', events }], Date.now());
    const weeks = sums(db, { by: ['week', 'month'] }).map(
      ({ dimensions, requests }) => `${dimensions.week} ${dimensions.month} ${requests}`,
    );
    assert.deepEqual(new Set(weeks), new Set(['2026-09-28 2026-09 3', '2026-09-28 2026-10 4', '2026-10-05 2026-10 7']));
    assert.equal(weeks.length, 3);
  });

  it('too many are refused, not computed', (t) => {
    const { db, writer } = scratch(t);
    const at = (text: string): UsageEvent => usageEvent(someId(), { startedAt: Date.parse(text) });
    writer.apply([{ kind: 'usage', events: [at('2024-01-01'), at('2026-01-01')] }], Date.now());
    const query = {
      op: 'usage.summary',
      by: ['hour'],
      from: 0,
      to: Date.parse('2030-01-01'),
      filter: {},
      limit: 1,
      timeZone: 'UTC',
    } as const;
    assert.throws(() => usageSummary(db, query), { code: 'invalid_field' });
  });
});
