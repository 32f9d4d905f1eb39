import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UsageSummaryRow } from '../ipc/messages/reports.ts';
import { addCover, emptyCover } from './cover.ts';
import { Compaction } from './retention.ts';
import { usageSummary } from './summary.ts';
import { DAY_MS, HOUR_MS } from './sums.ts';
import { endRecord, someId, startRecord, usageEvent } from './testing/events.ts';
import { journalItem, scratch, sums } from './testing/scratch.ts';

const NOW = Date.parse('2026-11-23T10:00:00Z');

/** A call every seven hours of the last hundred days, each with an end user. */
function filled(t: Parameters<typeof scratch>[0]): ReturnType<typeof scratch> {
  const file = scratch(t);
  const events = Array.from({ length: 342 }, (_, i) =>
    usageEvent(someId(), { startedAt: NOW - i * 7 * HOUR_MS, key: `key_${i % 3}` as never, endUser: 'someone' }),
  );
  file.writer.apply([{ kind: 'usage', events }], NOW);
  file.writer.sweep(NOW + 120_000);
  return file;
}

const all = (file: ReturnType<typeof scratch>): readonly UsageSummaryRow[] => sums(file.db, { by: ['key', 'month'] });
const counted = (file: ReturnType<typeof scratch>, table: string): number =>
  Number(file.db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count']);

describe('retention', () => {
  it('deletes rows and hours, batch by batch, and changes no total of whole days', (t) => {
    const file = filled(t);
    const before = all(file);
    const compaction = new Compaction(file.db, { rowsDays: 40, hoursDays: 60 });
    const deleted: number[] = [];
    do deleted.push(compaction.step(NOW));
    while (deleted.at(-1) !== 0);
    assert.ok(deleted.length > 3 && deleted.every((count) => count <= 500));
    assert.deepEqual(all(file), before);
    const oldest = (table: string, column: string): number =>
      Number(file.db.prepare(`SELECT min(${column}) AS at FROM ${table}`).get()?.['at']);
    assert.equal(Math.floor(oldest('usage', 'started_at') / DAY_MS), Math.floor(NOW / DAY_MS) - 40);
    assert.equal(Math.floor(oldest('usage_hour', 'hour') / 24), Math.floor(NOW / DAY_MS) - 60);
  });

  it('keeps a call that still waits for its other source, however old', (t) => {
    const file = scratch(t);
    const [open, over] = [someId(), someId()];
    const at = NOW - 90 * DAY_MS;
    file.writer.apply([journalItem([startRecord(open, 1, { at }), startRecord(over, 2, { at }), endRecord(over, 3, { at })])], at);
    file.writer.sweep(at + 120_000);
    new Compaction(file.db, { rowsDays: 31, hoursDays: 31 }).step(NOW);
    assert.deepEqual(
      file.db
        .prepare('SELECT request_id FROM usage')
        .all()
        .map((row) => row['request_id']),
      [open],
    );
  });

  it('forgets end users with the hours, and says from when on they are known', (t) => {
    const file = filled(t);
    while (file.writer.seal(NOW));
    const compaction = new Compaction(file.db, { rowsDays: 40, hoursDays: 40 });
    while (compaction.step(NOW) > 0);
    const first = 'SELECT min(a.day) AS day FROM usage_day AS a JOIN usage_group AS g ON g.id = a.group_id WHERE g.kind = 1';
    assert.equal(file.db.prepare(first).get()?.['day'], Math.floor(NOW / DAY_MS) - 40);
    // Packed ones as well: nothing that began before holds an end user, and of hours there is nothing.
    const packed = (kind: number, level: number): unknown =>
      file.db.prepare('SELECT min(period) AS period FROM usage_block WHERE kind = ? AND level = ?').get(kind, level)?.['period'];
    assert.deepEqual([packed(1, 1), packed(1, 2), packed(0, 1)], [Math.floor(NOW / DAY_MS) - 40, null, Math.floor(NOW / DAY_MS) - 100]);
    assert.ok(Number(packed(0, 0)) >= 24 * (Math.floor(NOW / DAY_MS) - 40));
    const since = (Math.floor(NOW / DAY_MS) - 40) * DAY_MS;
    const ask = (by: 'end_user' | 'key', timeZone: string, from = 0): readonly (number | null)[] => {
      const query = { op: 'usage.summary', by: [by], from, to: NOW, filter: {}, limit: 9, timeZone } as const;
      const { wholeDaysBefore, nothingBefore } = usageSummary(file.db, query);
      return [wholeDaysBefore, nothingBefore];
    };
    assert.deepEqual(ask('end_user', 'UTC'), [since, since]);
    assert.deepEqual(ask('key', 'UTC', since), [null, null]);
    assert.deepEqual(ask('key', 'UTC'), [since, null]);
  });

  it('a second step over a clean file does nothing', (t) => {
    const file = filled(t);
    const compaction = new Compaction(file.db, { rowsDays: 400, hoursDays: 400 });
    assert.equal(compaction.step(NOW), 0);
    assert.equal(counted(file, 'usage'), 342);
  });
});

describe('what a time is made of', () => {
  const cover = (from: string, to: string, horizon = { rowsSince: 0, hoursSince: 0, daysUntil: Infinity }) => {
    const made = emptyCover();
    addCover(made, 0, Date.parse(from), Date.parse(to), horizon);
    return made;
  };
  const DAY = Date.parse('2026-11-23') / DAY_MS;

  it('whole days are days alone', () =>
    assert.deepEqual(cover('2026-11-23', '2026-11-25'), { days: [[0, DAY, DAY + 2, 1]], hours: [], rows: [] }));

  it('a day of Berlin is a day, an hour more and an hour less', () =>
    assert.deepEqual(cover('2026-11-22T23:00Z', '2026-11-23T23:00Z'), {
      days: [[0, DAY, DAY + 1, 1]],
      hours: [
        [0, DAY * 24 - 1, DAY * 24, 1],
        [0, DAY * 24 + 23, DAY * 24 + 24, -1],
      ],
      rows: [],
    }));

  it('a day that is not over is its hours', () => {
    const horizon = { rowsSince: 0, hoursSince: 0, daysUntil: (DAY + 1) * DAY_MS };
    const hours = (from: number, to: number): unknown => [[0, DAY * 24 + from, DAY * 24 + to, 1]];
    assert.deepEqual(cover('2026-11-23', '2026-11-26', horizon), { days: [[0, DAY, DAY + 1, 1]], hours: hours(24, 72), rows: [] });
    assert.deepEqual(cover('2026-11-24T01:00Z', '2026-11-24T23:00Z', horizon).hours, [...(hours(25, 47) as unknown[])]);
    assert.deepEqual(cover('2026-11-24T01:00Z', '2026-11-25T02:00Z', horizon).hours, [
      [0, DAY * 24 + 25, DAY * 24 + 48, 1],
      [0, DAY * 24 + 48, DAY * 24 + 50, 1],
    ]);
  });

  it('where only days are left each counts where it begins, so that days of a zone neither share nor lose one', () => {
    const horizon = { rowsSince: Date.parse('2027-01-01'), hoursSince: Date.parse('2027-01-01'), daysUntil: Infinity };
    assert.deepEqual(cover('2026-11-21T23:00Z', '2026-11-22T23:00Z', horizon).days, [[0, DAY - 1, DAY, 1]]);
    assert.deepEqual(cover('2026-11-22T23:00Z', '2026-11-23T23:00Z', horizon).days, [[0, DAY, DAY + 1, 1]]);
  });
});
