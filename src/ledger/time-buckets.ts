import { localTime, periodOf } from '../admission/calendar.ts';
import { BulkheadError } from '../core/errors.ts';
import type { TimeDimension } from '../core/reports.ts';

/** Hours, days, weeks and months of a time zone as stretches of real time: a day has 23, 24 or 25 hours where clocks are changed. */

export interface Bucket {
  /** Unix milliseconds, [from, to). */
  readonly from: number;
  readonly to: number;
  readonly labels: Readonly<Partial<Record<TimeDimension, string>>>;
}

/** More would be no report that anybody reads, and a query that nobody waits for. */
const MAX_BUCKETS = 10_000;
const FINEST: readonly TimeDimension[] = ['hour', 'day', 'week', 'month'];

/** The stretches of `[from, to)` by which `units` group, in order. No units: one stretch. Throws invalid_field for too many. */
export function bucketsOf(units: readonly TimeDimension[], timeZone: string, from: number, to: number): readonly Bucket[] {
  const finest = FINEST.find((unit) => units.includes(unit));
  if (finest === undefined) return from < to ? [{ from, to, labels: {} }] : [];
  // A week may lie in two months, whose days are put together again; each finer unit lies within one of every coarser one.
  const step = finest === 'week' && units.includes('month') ? 'day' : finest;
  const buckets: Bucket[] = [];
  let begin = from;
  while (begin < to) {
    if (buckets.length === MAX_BUCKETS)
      throw new BulkheadError('invalid_field', { field: 'by', reason: `the time asked for has more than ${MAX_BUCKETS} ${step}s` });
    const end = Math.min(to, periodOf(step, timeZone, begin).end);
    const labels = Object.fromEntries(units.map((unit) => [unit, label(unit, timeZone, begin)]));
    const last = buckets.at(-1);
    if (last !== undefined && step !== finest && units.every((unit) => last.labels[unit] === labels[unit]))
      buckets[buckets.length - 1] = { ...last, to: end };
    else buckets.push({ from: begin, to: end, labels });
    begin = end;
  }
  return buckets;
}

function label(unit: TimeDimension, timeZone: string, at: number): string {
  const { start } = periodOf(unit, timeZone, at);
  const local = localTime(start, timeZone);
  const text = new Date(local).toISOString();
  if (unit === 'hour') return text.slice(0, 16) + suffix(local - start);
  return text.slice(0, unit === 'month' ? 7 : 10);
}

/** `+01:00`, or `Z`. */
function suffix(offsetMs: number): string {
  const minutes = Math.round(offsetMs / 60_000);
  if (minutes === 0) return 'Z';
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}
