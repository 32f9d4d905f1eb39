import type { SqliteDatabase } from '../store/sqlite/open.ts';
import type { Horizon } from './cover.ts';
import { DAY_MS } from './sums.ts';

/** What the file holds of which time. */

export function horizonOf(db: SqliteDatabase): Horizon {
  const facts = new Map(
    db
      .prepare('SELECT name, value FROM report_fact')
      .all()
      .map((row) => [String(row['name']), Number(row['value'])]),
  );
  const daysUntil = facts.get('days_until') ?? Number.POSITIVE_INFINITY;
  return { rowsSince: facts.get('rows_since') ?? 0, hoursSince: facts.get('hours_since') ?? 0, daysUntil };
}

/** Whole days of UTC that hold all sums there are: Unix milliseconds, [from, to). Undefined: there are none. */
export function extentOf(db: SqliteDatabase): { readonly from: number; readonly to: number } | undefined {
  const bound = (sql: string): readonly number[] => {
    const value = db.prepare(sql).get()?.['day'] ?? null;
    return value === null ? [] : [Number(value)];
  };
  const first = [...bound('SELECT min(day) AS day FROM usage_day'), ...bound('SELECT min(hour) / 24 AS day FROM usage_hour')];
  if (first.length === 0) return undefined;
  const last = [...bound('SELECT max(day) AS day FROM usage_day'), ...bound('SELECT max(hour) / 24 AS day FROM usage_hour')];
  return { from: Math.min(...first) * DAY_MS, to: (Math.max(...last) + 1) * DAY_MS };
}
