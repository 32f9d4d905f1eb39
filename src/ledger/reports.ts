import type { LedgerAdminCall } from '../ipc/messages/ledger.ts';
import { USAGE_FILTERS, type DifferenceKind, type UsageFilter } from '../core/reports.ts';
import type { Difference, DifferencesReply, UsageDay, UsageDaysReply, UsageRow, UsageRowsReply } from '../ipc/messages/reports.ts';
import type { SqliteDatabase } from '../store/sqlite/open.ts';
import { horizonOf } from './extent.ts';
import { fromColumns, toUsageRow, type SqlRow } from './row-columns.ts';
import { summaryRow } from './summary.ts';
import { DAY_MS, GROUP_KINDS, HOUR_MS, SUM_NAMES } from './sums.ts';

/** Lists from the ledger's file, a page at a time. Column names come from fixed tables; values are always bound. */

type Query<Op extends LedgerAdminCall['op']> = Extract<LedgerAdminCall, { readonly op: Op }>;
export type RowsQuery = Query<'usage.rows'>;
export type ExportQuery = Query<'usage.export'>;
export type DaysQuery = Query<'usage.days'>;
export type DifferencesQuery = Query<'reconciliation.list'>;

interface Where {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

const HAS_TAG = "EXISTS (SELECT 1 FROM json_each(CASE tags WHEN '' THEN '[]' ELSE tags END) WHERE value = ?)";

function where({ from, to, filter }: { readonly from: number; readonly to: number; readonly filter: UsageFilter }): Where {
  const given = USAGE_FILTERS.filter((name) => filter[name] !== undefined);
  const conditions = given.map((name) => (name === 'tag' ? HAS_TAG : `${name} = ?`));
  return {
    sql: ['started_at >= ?', 'started_at < ?', ...conditions].join(' AND '),
    values: [from, to, ...given.map((name) => filter[name] ?? '')],
  };
}

/** Newest first. The cursor names the last row that was given, so that new rows shift no page. */
export const usageRows = (db: SqliteDatabase, query: RowsQuery): UsageRowsReply => rowsPage(db, query, query.before, '<', 'DESC');

/**
 * Oldest first. Of an export that filters, a page looks at so many calls at most, and may hold few of them or none: another report
 * never waits for the whole file to be read.
 */
export function usageExport(db: SqliteDatabase, query: ExportQuery): UsageRowsReply {
  if (Object.keys(query.filter).length === 0) return rowsPage(db, query, query.after, '>', 'ASC');
  const [at = query.from, ...rest] = query.after === null ? [] : readCursor(query.after);
  const beyond = rest.length === 0 ? '' : 'AND (started_at, request_id, attempt) > (?, ?, ?)';
  const end = db
    .prepare(
      `SELECT started_at, request_id, attempt FROM usage WHERE started_at >= ? AND started_at < ? ${beyond}
       ORDER BY started_at, request_id, attempt LIMIT 1 OFFSET ${MOST_LOOKED_AT}`,
    )
    .get(Math.max(at, query.from), query.to, ...(rest.length === 0 ? [] : [at, ...rest]));
  if (end === undefined) return rowsPage(db, query, query.after, '>', 'ASC');
  // Calls of one millisecond stay together.
  const to = Number(end['started_at']) + 1;
  const page = rowsPage(db, { ...query, to: Math.min(query.to, to) }, query.after, '>', 'ASC');
  return page.next === null && to < query.to ? { ...page, next: `${to - 1}.${LAST_ID}.${LAST_ATTEMPT}` } : page;
}

const MOST_LOOKED_AT = 20_000;
/** After every call of its millisecond. */
const LAST_ID = `req_${'Z'.repeat(26)}`;
const LAST_ATTEMPT = 999_999;

function rowsPage(
  db: SqliteDatabase,
  query: RowsQuery | ExportQuery,
  cursor: string | null,
  beyond: '<' | '>',
  order: 'ASC' | 'DESC',
): UsageRowsReply {
  const place = cursor === null ? [] : readCursor(cursor);
  // The page's own bound on the time, so that no page looks at those before it again.
  const [at] = place;
  const period =
    at === undefined
      ? query
      : order === 'ASC'
        ? { from: Math.max(query.from, at), to: query.to }
        : { from: query.from, to: Math.min(query.to, at + 1) };
  const { sql, values } = where({ ...period, filter: query.filter });
  const after = place.length === 0 ? '' : `AND (started_at, request_id, attempt) ${beyond} (?, ?, ?)`;
  const statement = db.prepare(
    `SELECT * FROM usage WHERE ${sql} ${after} ORDER BY started_at ${order}, request_id ${order}, attempt ${order} LIMIT ?`,
  );
  statement.setReadBigInts(true);
  const found = (statement.all(...values, ...place, query.limit + 1) as SqlRow[]).map((row) => toUsageRow(fromColumns(row)));
  return page(found, query.limit, ({ startedAt, requestId, attempt }) => `${startedAt}.${requestId}.${attempt}`);
}

function page<Row>(
  found: readonly Row[],
  limit: number,
  cursor: (row: Row) => string,
): { readonly rows: readonly Row[]; readonly next: string | null } {
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return { rows, next: found.length > limit && last !== undefined ? cursor(last) : null };
}

const CURSOR = /^(\d{1,15})\.(req_[0-9A-Z]{26})\.(\d{1,6})$/;
const DAY_CURSOR = /^(\d{1,9})\.(\d{1,15})$/;

export const isCursor = (text: string): boolean => CURSOR.test(text);
export const isDayCursor = (text: string): boolean => DAY_CURSOR.test(text);

function readCursor(text: string): readonly [number, string, number] {
  const match = CURSOR.exec(text);
  if (match === null) throw new Error('not a cursor of this report');
  return [Number(match[1]), match[2] ?? '', Number(match[3])];
}

/** Days of the groups that keep everything but end users and tags apart, oldest first. */
export function usageDays(db: SqliteDatabase, query: DaysQuery): UsageDaysReply {
  const [, day, group] = DAY_CURSOR.exec(query.after ?? '-1.0') ?? [undefined, '-1', '0'];
  const place = [Number(day), Number(group)] as const;
  const [from, to] = [Math.max(Math.floor(query.from / DAY_MS), place[0]), Math.ceil(query.to / DAY_MS)];
  const open = Math.min(Math.max(from, horizonOf(db).daysUntil / DAY_MS), to);
  const found = daysFrom(db, query, 'usage_day', 'day', [from, open], place, query.limit + 1);
  // Days that are not over are put together from their hours.
  if (found.length <= query.limit && open < to)
    found.push(...daysFrom(db, query, OPEN_DAYS, 'hour', [open * HOURS_A_DAY, to * HOURS_A_DAY], place, query.limit + 1 - found.length));
  const { rows, next } = page(found, query.limit, (row) => `${String(row['day'])}.${String(row['group_id'])}`);
  return { days: rows.map(dayOf), next };
}

const HOURS_A_DAY = DAY_MS / HOUR_MS;
const OPEN_DAYS = `(SELECT hour / ${HOURS_A_DAY} AS day, group_id, ${SUM_NAMES.map((name) => `sum(${name}) AS ${name}`).join(', ')}
  FROM usage_hour WHERE hour >= ? AND hour < ? GROUP BY 1, 2)`;

function daysFrom(
  db: SqliteDatabase,
  { filter }: DaysQuery,
  source: string,
  unit: 'day' | 'hour',
  period: readonly [number, number],
  place: readonly [number, number],
  limit: number,
): SqlRow[] {
  const held = GROUP_KINDS.all.columns;
  const given = USAGE_FILTERS.filter((name) => filter[name] !== undefined);
  const conditions = given.map((name) => (held.some((column) => column === name) ? `AND g.${name} = ?` : 'AND ? IS NULL')).join(' ');
  const statement = db.prepare(
    `SELECT a.day, a.group_id, ${held.map((name) => `g.${name}`).join(', ')}, ${SUM_NAMES.map((name) => `a.${name}`).join(', ')}
     FROM ${source} AS a CROSS JOIN usage_group AS g ON g.id = a.group_id
     WHERE ${unit === 'day' ? 'a.day >= ? AND a.day < ? AND' : ''} (a.day, a.group_id) > (?, ?) AND a.requests > 0
       AND g.kind = ${GROUP_KINDS.all.number} ${conditions}
     ORDER BY a.day, a.group_id LIMIT ?`,
  );
  statement.setReadBigInts(true);
  return statement.all(...period, ...place, ...given.map((name) => filter[name] ?? ''), limit) as SqlRow[];
}

const dayOf = (row: SqlRow): UsageDay => ({
  ...summaryRow(row, Object.fromEntries(GROUP_KINDS.all.columns.map((name) => [name, String(row[name])]))),
  day: Number(row['day']) * DAY_MS,
});

/** Newest first. */
export function differences(db: SqliteDatabase, query: DifferencesQuery): DifferencesReply {
  const place = query.before === null ? [] : readCursor(query.before);
  const statement = db.prepare(
    `SELECT * FROM difference WHERE found_at >= ? AND found_at < ? ${query.kind === null ? '' : 'AND kind = ?'}
     ${place.length === 0 ? '' : 'AND (found_at, request_id, attempt) < (?, ?, ?)'}
     ORDER BY found_at DESC, request_id DESC, attempt DESC, kind LIMIT ?`,
  );
  const kind = query.kind === null ? [] : [query.kind];
  // A call has few kinds: all of the last one's are given, so that the cursor can name a call.
  const found = (statement.all(query.from, query.to, ...kind, ...place, query.limit + MOST_KINDS) as SqlRow[]).map(differenceOf);
  let end = Math.min(query.limit, found.length);
  while (end < found.length && end > 0 && sameCall(found[end - 1] as Difference, found[end] as Difference)) end++;
  const last = found[end - 1];
  const more = found.length > end && last !== undefined;
  return { rows: found.slice(0, end), next: more ? `${last.foundAt}.${last.requestId}.${last.attempt}` : null };
}

const MOST_KINDS = 8;
const sameCall = (a: Difference, b: Difference): boolean =>
  a.requestId === b.requestId && a.attempt === b.attempt && a.foundAt === b.foundAt;

const numberOrNull = (value: unknown): number | null => (value === null ? null : Number(value));

const differenceOf = (row: SqlRow): Difference => ({
  requestId: String(row['request_id']),
  attempt: Number(row['attempt']),
  kind: String(row['kind']) as DifferenceKind,
  reported: numberOrNull(row['reported']),
  journal: numberOrNull(row['journal']),
  foundAt: Number(row['found_at']),
  startedAt: Number(row['started_at']),
  resolvedAt: numberOrNull(row['resolved_at']),
});

/** Every attempt of one request, in order. */
export function usageRequest(db: SqliteDatabase, requestId: string): readonly UsageRow[] {
  const statement = db.prepare('SELECT * FROM usage WHERE request_id = ? ORDER BY attempt');
  statement.setReadBigInts(true);
  return (statement.all(requestId) as SqlRow[]).map((row) => toUsageRow(fromColumns(row)));
}

/** Rows by state, for metrics. Uses the small partial index for open ones, and the newest rows for the rest. */
export function rowsByState(db: SqliteDatabase, since: number): Readonly<Record<string, number>> {
  const rows = db.prepare('SELECT state, count(*) AS count FROM usage WHERE started_at >= ? GROUP BY state').all(since);
  return Object.fromEntries(rows.map((row) => [String(row['state']), Number(row['count'])]));
}
