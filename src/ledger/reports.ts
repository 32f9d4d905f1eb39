import type {
  LedgerAdminCall,
  UsageDimension,
  UsageFilter,
  UsageRow,
  UsageRowsReply,
  UsageSummaryReply,
  UsageSummaryRow,
} from '../ipc/messages.ts';
import type { SqliteDatabase } from '../store/sqlite/open.ts';
import { fromColumns, toUsageRow, type SqlRow } from './row-columns.ts';

/** Questions about usage, as SQL over the ledger's file. Column names come from fixed tables; values are always bound. */

export type SummaryQuery = Extract<LedgerAdminCall, { readonly op: 'usage.summary' }>;
export type RowsQuery = Extract<LedgerAdminCall, { readonly op: 'usage.rows' }>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What a dimension groups by. Days and hours are whole numbers since 1970, UTC. */
const DIMENSION_SQL: Readonly<Record<UsageDimension, string>> = {
  key: 'key',
  team: 'team',
  organization: 'organization',
  model: 'model',
  alias: 'alias',
  provider: 'provider',
  credential: 'credential',
  outcome: 'outcome',
  day: `started_at / ${DAY_MS}`,
  hour: `started_at / ${HOUR_MS}`,
};

const FILTERS = [
  'key',
  'team',
  'organization',
  'model',
  'alias',
  'provider',
  'credential',
  'outcome',
] as const satisfies readonly (keyof UsageFilter)[];

/** SQLite's SUM overflows at 2⁶³ picodollars, nine million dollars: the two halves are added apart and joined here. */
const MILLION = 1_000_000n;
const SUMS = `
  count(*) AS requests, sum(state = 'open') AS open, sum(state = 'unconfirmed') AS unconfirmed, sum(state = 'unmatched') AS unmatched,
  sum(price_known = 0 AND state <> 'open') AS unpriced, sum(estimated) AS estimated,
  sum(outcome NOT IN ('ok', 'unconfirmed', '')) AS failed,
  sum(input) AS input, sum(output) AS output, sum(cached_input) AS cached_input, sum(cache_write + cache_write_1h) AS cache_write,
  sum(reasoning) AS reasoning, sum(input_audio + output_audio) AS audio,
  sum(picodollars / ${MILLION}) AS micro, sum(picodollars % ${MILLION}) AS rest,
  sum(latency_ms) AS latency, sum(coalesce(first_byte_ms, 0)) AS first_byte, count(first_byte_ms) AS first_bytes`;

interface Where {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

function where({ from, to, filter }: { readonly from: number; readonly to: number; readonly filter: UsageFilter }): Where {
  const given = FILTERS.filter((name) => filter[name] !== undefined);
  const sql = ['started_at >= ?', 'started_at < ?', ...given.map((name) => `${name} = ?`)].join(' AND ');
  return { sql, values: [from, to, ...given.map((name) => filter[name] ?? '')] };
}

export function usageSummary(db: SqliteDatabase, query: SummaryQuery): UsageSummaryReply {
  const { sql, values } = where(query);
  const columns = query.by.map((name, place) => `${DIMENSION_SQL[name]} AS d${place}, `).join('');
  const group = query.by.length === 0 ? '' : `GROUP BY ${query.by.map((_, place) => `d${place}`).join(', ')}`;
  const statement = db.prepare(`SELECT ${columns}${SUMS} FROM usage WHERE ${sql} ${group} ORDER BY micro DESC, requests DESC LIMIT ?`);
  statement.setReadBigInts(true);
  const found = (statement.all(...values, query.limit + 1) as SqlRow[]).filter((row) => Number(row['requests']) > 0);
  return { rows: found.slice(0, query.limit).map((row) => summaryRow(row, query.by)), truncated: found.length > query.limit };
}

function summaryRow(row: SqlRow, by: readonly UsageDimension[]): UsageSummaryRow {
  const number = (name: string): number => Number(row[name]);
  return {
    dimensions: Object.fromEntries(by.map((name, place) => [name, dimensionText(name, row[`d${place}`])])),
    requests: number('requests'),
    open: number('open'),
    unconfirmed: number('unconfirmed'),
    unmatched: number('unmatched'),
    unpriced: number('unpriced'),
    estimated: number('estimated'),
    failed: number('failed'),
    inputTokens: number('input'),
    outputTokens: number('output'),
    cachedInputTokens: number('cached_input'),
    cacheWriteTokens: number('cache_write'),
    reasoningTokens: number('reasoning'),
    audioTokens: number('audio'),
    picodollars: (BigInt(row['micro'] as bigint) * MILLION + BigInt(row['rest'] as bigint)).toString(),
    latencyMsTotal: number('latency'),
    firstByteMsTotal: number('first_byte'),
    firstBytes: number('first_bytes'),
  };
}

function dimensionText(name: UsageDimension, value: unknown): string {
  if (name === 'day') return new Date(Number(value) * DAY_MS).toISOString().slice(0, 10);
  if (name === 'hour') return `${new Date(Number(value) * HOUR_MS).toISOString().slice(0, 16)}Z`;
  return String(value);
}

/** Newest first. The cursor names the last row that was given, so that new rows shift no page. */
export function usageRows(db: SqliteDatabase, query: RowsQuery): UsageRowsReply {
  const { sql, values } = where(query);
  const cursor = query.before === null ? undefined : readCursor(query.before);
  const after = cursor === undefined ? '' : 'AND (started_at, request_id, attempt) < (?, ?, ?)';
  const statement = db.prepare(`SELECT * FROM usage WHERE ${sql} ${after} ORDER BY started_at DESC, request_id DESC, attempt DESC LIMIT ?`);
  statement.setReadBigInts(true);
  const found = (statement.all(...values, ...(cursor ?? []), query.limit + 1) as SqlRow[]).map((row) => toUsageRow(fromColumns(row)));
  const rows = found.slice(0, query.limit);
  const last = rows.at(-1);
  return { rows, next: found.length > query.limit && last !== undefined ? `${last.startedAt}.${last.requestId}.${last.attempt}` : null };
}

const CURSOR = /^(\d{1,15})\.(req_[0-9A-Z]{26})\.(\d{1,6})$/;

export const isCursor = (text: string): boolean => CURSOR.test(text);

function readCursor(text: string): readonly [number, string, number] {
  const match = CURSOR.exec(text);
  if (match === null) throw new Error('not a cursor of this report');
  return [Number(match[1]), match[2] ?? '', Number(match[3])];
}

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
