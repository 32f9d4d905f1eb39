/**
 * Calendar windows in an IANA time zone. A day, week or month begins at the first instant whose local clock reaches its midnight: with a
 * midnight that a zone skips, when the clock is put forward over it; with one that comes twice, the first. An hour also ends where the clock is
 * moved, so that none is longer than 60 minutes. Windows of one kind follow each other without a gap.
 */
export type CalendarUnit = 'hour' | 'day' | 'week' | 'month';

/** Unix milliseconds, [start, end). */
export interface Period {
  readonly start: number;
  readonly end: number;
}

const SECOND = 1000;
const HOUR = 3_600_000;
const DAY = 86_400_000;
/** No zone is or was further from UTC than this. */
const FURTHEST = 27 * HOUR;

const formats = new Map<string, Intl.DateTimeFormat>();
/** The period of each unit and zone that was asked for last: nearly always the one that is asked for next. */
const latest = new Map<string, Period>();

/** Throws a RangeError for a name that is no time zone. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(timeZone, format);
  }
  return format;
}

export function isTimeZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    // RangeError is how Intl says that there is no such zone.
    return false;
  }
}

/** What the local clock shows, written as the Unix time at which a clock in UTC shows the same. */
export function localTime(at: number, timeZone: string): number {
  let year = 0;
  let month = 0;
  let day = 0;
  let hour = 0;
  let minute = 0;
  let second = 0;
  for (const { type, value } of formatOf(timeZone).formatToParts(at)) {
    if (type === 'year') year = Number(value);
    else if (type === 'month') month = Number(value);
    else if (type === 'day') day = Number(value);
    else if (type === 'hour') hour = Number(value);
    else if (type === 'minute') minute = Number(value);
    else if (type === 'second') second = Number(value);
  }
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((at % SECOND) + SECOND) % SECOND);
}

const offset = (at: number, timeZone: string): number => localTime(at, timeZone) - at;

/** The window of `at`. */
export function periodOf(unit: CalendarUnit, timeZone: string, at: number): Period {
  const name = `${unit} ${timeZone}`;
  const known = latest.get(name);
  if (known !== undefined && at >= known.start && at < known.end) return known;
  const period = unit === 'hour' ? hourOf(timeZone, at) : daysOf(unit, timeZone, at);
  latest.set(name, period);
  return period;
}

function hourOf(timeZone: string, at: number): Period {
  const shift = offset(at, timeZone);
  const start = Math.floor((at + shift) / HOUR) * HOUR - shift;
  const end = start + HOUR;
  return {
    start: offset(start, timeZone) === shift ? start : transition(start, at, timeZone),
    end: offset(end - 1, timeZone) === shift ? end : transition(at, end - 1, timeZone),
  };
}

function daysOf(unit: 'day' | 'week' | 'month', timeZone: string, at: number): Period {
  let midnight = startOf(unit, localTime(at, timeZone));
  // Where the clock went back over midnight, the new day goes on although the old date shows again; where it skipped days, they are empty.
  for (;;) {
    const next = startOf(unit, midnight + (unit === 'month' ? 31 * DAY : unit === 'week' ? 7 * DAY : DAY));
    const end = firstAt(next, timeZone);
    if (end > at) return { start: firstAt(midnight, timeZone), end };
    midnight = next;
  }
}

/** Local midnight at which the day, the week (of Monday) or the month of a local time began. */
function startOf(unit: 'day' | 'week' | 'month', local: number): number {
  const date = new Date(local);
  if (unit === 'month') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  const day = Math.floor(local / DAY) * DAY;
  return unit === 'day' ? day : day - ((date.getUTCDay() + 6) % 7) * DAY;
}

/** The first instant at which the local clock shows `local` or later. */
function firstAt(local: number, timeZone: string): number {
  const before = local - FURTHEST;
  const shift = offset(before, timeZone);
  const first = local - shift;
  if (offset(first, timeZone) === shift) return first;
  const moved = transition(before, first, timeZone);
  return first < moved ? first : Math.max(moved, local - offset(moved, timeZone));
}

/** The first instant in (from, to] that has another offset than `from`. */
function transition(from: number, to: number, timeZone: string): number {
  const shift = offset(from, timeZone);
  let low = from;
  let high = to;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offset(middle, timeZone) === shift) low = middle;
    else high = middle;
  }
  return high;
}
