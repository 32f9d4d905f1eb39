import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isTimeZone, localTime, periodOf, type CalendarUnit } from './calendar.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const utc = (text: string): number => Date.parse(`${text}Z`);
const period = (unit: CalendarUnit, zone: string, at: string): readonly [string, string] => {
  const { start, end } = periodOf(unit, zone, utc(at));
  return [new Date(start).toISOString().slice(0, 16), new Date(end).toISOString().slice(0, 16)];
};

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'Pacific/Kiritimati',
  'America/St_Johns',
  'America/Sao_Paulo',
  'America/Havana',
  'Africa/Casablanca',
  'Asia/Beirut',
  'Antarctica/Troll',
] as const;
const UNITS = ['hour', 'day', 'week', 'month'] as const;

describe('calendar windows', () => {
  it('begin at local midnight, the first of the month and Monday', () => {
    assert.deepEqual(period('month', 'Europe/Berlin', '2026-11-24T12:00'), ['2026-10-31T23:00', '2026-11-30T23:00']);
    assert.deepEqual(period('month', 'America/New_York', '2026-11-01T03:59'), ['2026-10-01T04:00', '2026-11-01T04:00']);
    assert.deepEqual(period('week', 'Europe/Berlin', '2026-11-24T12:00'), ['2026-11-22T23:00', '2026-11-29T23:00']);
    assert.deepEqual(period('week', 'UTC', '2026-11-29T23:59'), ['2026-11-23T00:00', '2026-11-30T00:00']);
    assert.deepEqual(period('day', 'Asia/Kolkata', '2026-11-24T18:29'), ['2026-11-23T18:30', '2026-11-24T18:30']);
    assert.deepEqual(period('hour', 'Asia/Kolkata', '2026-11-24T12:15'), ['2026-11-24T11:30', '2026-11-24T12:30']);
    assert.deepEqual(period('month', 'UTC', '2028-02-29T23:59'), ['2028-02-01T00:00', '2028-03-01T00:00']);
  });

  it('have 23 and 25 hours where the clock is moved', () => {
    assert.deepEqual(period('day', 'Europe/Berlin', '2026-03-29T12:00'), ['2026-03-28T23:00', '2026-03-29T22:00']);
    assert.deepEqual(period('day', 'Europe/Berlin', '2026-10-25T12:00'), ['2026-10-24T22:00', '2026-10-25T23:00']);
    assert.deepEqual(period('day', 'America/New_York', '2026-11-01T12:00'), ['2026-11-01T04:00', '2026-11-02T05:00']);
  });

  it('count an hour that comes twice as two', () => {
    assert.deepEqual(period('hour', 'Europe/Berlin', '2026-10-25T00:30'), ['2026-10-25T00:00', '2026-10-25T01:00']);
    assert.deepEqual(period('hour', 'Europe/Berlin', '2026-10-25T01:30'), ['2026-10-25T01:00', '2026-10-25T02:00']);
  });

  it('end an hour where the clock is moved by half of one', () => {
    // Lord Howe goes back from 02:00 to 01:30 at 15:00 UTC.
    assert.deepEqual(period('hour', 'Australia/Lord_Howe', '2026-04-04T14:45'), ['2026-04-04T14:00', '2026-04-04T15:00']);
    assert.deepEqual(period('hour', 'Australia/Lord_Howe', '2026-04-04T15:15'), ['2026-04-04T15:00', '2026-04-04T15:30']);
    assert.deepEqual(period('hour', 'Australia/Lord_Howe', '2026-04-04T15:45'), ['2026-04-04T15:30', '2026-04-04T16:30']);
  });

  it('leave out the day that Samoa left out', () => {
    assert.deepEqual(period('day', 'Pacific/Apia', '2011-12-30T09:00'), ['2011-12-29T10:00', '2011-12-30T10:00']);
    assert.deepEqual(period('day', 'Pacific/Apia', '2011-12-30T11:00'), ['2011-12-30T10:00', '2011-12-31T10:00']);
    assert.deepEqual(period('month', 'Pacific/Apia', '2011-12-30T11:00'), ['2011-12-01T10:00', '2011-12-31T10:00']);
  });

  it('begin when the clock is put forward over midnight, and at the first of two midnights', () => {
    assert.deepEqual(period('day', 'America/Sao_Paulo', '2018-11-04T12:00'), ['2018-11-04T03:00', '2018-11-05T02:00']);
    assert.deepEqual(period('day', 'America/Havana', '2026-11-01T12:00'), ['2026-11-01T04:00', '2026-11-02T05:00']);
    // St. John’s once went back at 00:01 to 23:01: the new day goes on.
    assert.deepEqual(period('day', 'America/St_Johns', '2010-11-07T03:00'), ['2010-11-07T02:30', '2010-11-08T03:30']);
  });

  it('follow each other without a gap, hold the time they are asked for, and begin where they should', () => {
    const at = fc.integer({ min: utc('2005-01-01T00:00'), max: utc('2037-12-31T00:00') });
    fc.assert(
      fc.property(at, fc.constantFrom(...ZONES), fc.constantFrom(...UNITS), (time, zone, unit) => {
        const { start, end } = periodOf(unit, zone, time);
        assert.ok(start <= time && time < end, 'holds its time');
        assert.equal(periodOf(unit, zone, end).start, end, 'the next begins at its end');
        assert.equal(periodOf(unit, zone, start - 1).end, start, 'the one before ends at its start');
        checkStart(unit, zone, start);
        // Troll moves its clock by two hours.
        const longest = { hour: HOUR, day: DAY + 2 * HOUR, week: 7 * DAY + 2 * HOUR, month: 31 * DAY + 2 * HOUR }[unit];
        assert.ok(end - start <= longest, 'is not too long');
      }),
      { numRuns: 1500 },
    );
  });

  it('cover every change of the clock of twenty years, minute by minute around it', () => {
    for (const zone of ZONES) {
      for (let day = utc('2010-01-01T00:00'); day < utc('2030-01-01T00:00'); day += DAY) {
        if (localTime(day, zone) - day === localTime(day + DAY, zone) - (day + DAY)) continue;
        for (const unit of ['hour', 'day'] as const) {
          for (let at = day - HOUR; at < day + DAY + HOUR;) {
            const { start, end } = periodOf(unit, zone, at);
            assert.ok(start <= at && at < end);
            assert.equal(periodOf(unit, zone, end - 1).start, start);
            at = end;
          }
        }
      }
    }
  });

  it('know which names are time zones', () => {
    assert.deepEqual([isTimeZone('Europe/Berlin'), isTimeZone('Europe/Atlantis')], [true, false]);
    assert.throws(() => periodOf('day', 'Europe/Atlantis', 0), RangeError);
  });
});

/** The local clock shows the boundary, or jumps over it at that very millisecond. */
function checkStart(unit: CalendarUnit, zone: string, start: number): void {
  const shown = new Date(localTime(start, zone));
  const jumped = localTime(start - 1, zone) + 1 !== shown.getTime();
  if (jumped) return;
  assert.equal(shown.getTime() % (unit === 'hour' ? HOUR : DAY), 0);
  if (unit === 'week') assert.equal(shown.getUTCDay(), 1);
  if (unit === 'month') assert.equal(shown.getUTCDate(), 1);
}
