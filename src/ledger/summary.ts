import { type LedgerAdminCall } from '../ipc/messages.ts';
import {
  TIME_DIMENSIONS,
  USAGE_FILTERS,
  type TimeDimension,
  type UsageDimension,
  type UsageFilter,
  type UsageSummaryReply,
  type UsageSummaryRow,
} from '../ipc/report-messages.ts';
import type { SqliteDatabase } from '../store/sqlite/open.ts';
import { addCover, emptyCover, type Cover, type Horizon } from './cover.ts';
import type { SqlRow } from './row-columns.ts';
import { DAY_MS, GROUP_KINDS, moneyOf, SUM_NAMES, SUMS, type GroupColumn } from './sums.ts';
import { bucketsOf, type Bucket } from './time-buckets.ts';

/** Sums by any dimensions, from aggregates where they hold what is asked, else from rows. Column names come from fixed tables; values are always bound. */

export type SummaryQuery = Extract<LedgerAdminCall, { readonly op: 'usage.summary' }>;

const isTime = (name: UsageDimension): name is TimeDimension => (TIME_DIMENSIONS as readonly string[]).includes(name);

/** The aggregates that keep all of these apart; undefined: only rows do. */
export function kindFor(columns: readonly GroupColumn[]): keyof typeof GROUP_KINDS | undefined {
  const kind = columns.includes('end_user') ? 'end_user' : columns.includes('tag') ? 'tag' : 'all';
  const held: readonly string[] = GROUP_KINDS[kind].columns;
  return columns.every((name) => held.includes(name)) ? kind : undefined;
}

export function horizonOf(db: SqliteDatabase): Horizon {
  const facts = new Map(
    db
      .prepare('SELECT name, value FROM report_fact')
      .all()
      .map((row) => [String(row['name']), Number(row['value'])]),
  );
  return { rowsSince: facts.get('rows_since') ?? 0, hoursSince: facts.get('hours_since') ?? 0 };
}

export function usageSummary(db: SqliteDatabase, query: SummaryQuery): UsageSummaryReply {
  const columns = query.by.filter((name) => !isTime(name)) as readonly GroupColumn[];
  const filters = filtersOf(query.filter);
  const kind = kindFor([...columns, ...filters]);
  const horizon = horizonOf(db);
  const { from, to } = knownTime(db, query);
  const buckets = bucketsOf(query.by.filter(isTime), query.timeZone, from, to);
  const cover = coverOf(buckets, kind === undefined ? undefined : horizon);
  const { sql, values } = statementOf({ columns, filters, filter: query.filter, kind, cover });
  const statement = db.prepare(`${sql} LIMIT ?`);
  statement.setReadBigInts(true);
  const found = statement.all(...values, query.limit + 1) as SqlRow[];
  const rows = found.slice(0, query.limit).map((row) => summaryRow(row, dimensionsOf(row, query.by, columns, buckets)));
  return { rows, truncated: found.length > query.limit, ...limitsOf(query, kind, cover, horizon) };
}

/** The part of the time asked for of which there is anything, so that `since 1970` has as many days as the ledger. */
function knownTime(db: SqliteDatabase, { from, to }: SummaryQuery): { readonly from: number; readonly to: number } {
  const first = db.prepare('SELECT min(day) AS day FROM usage_day').get()?.['day'];
  const last = db.prepare('SELECT max(day) AS day FROM usage_day').get()?.['day'];
  if (first === null || last === null) return { from, to: from };
  return { from: Math.max(from, Number(first) * DAY_MS), to: Math.min(to, (Number(last) + 1) * DAY_MS) };
}

function coverOf(buckets: readonly Bucket[], horizon: Horizon | undefined): Cover {
  const cover = emptyCover();
  for (const [i, { from, to }] of buckets.entries()) {
    if (horizon === undefined) cover.rows.push([i, from, to, 1]);
    else addCover(cover, i, from, to, horizon);
  }
  return cover;
}

/** Where the answer is less than what was asked, because retention has deleted it. */
function limitsOf(
  { from }: SummaryQuery,
  kind: string | undefined,
  cover: Cover,
  horizon: Horizon,
): Pick<UsageSummaryReply, 'wholeDaysBefore' | 'nothingBefore'> {
  if (kind === undefined) return { wholeDaysBefore: null, nothingBefore: from < horizon.rowsSince ? horizon.rowsSince : null };
  const coarse = Math.max(horizon.hoursSince, cover.rows.length > 0 ? horizon.rowsSince : 0);
  const nothingBefore = kind === 'end_user' && from < horizon.hoursSince ? horizon.hoursSince : null;
  return { wholeDaysBefore: from < coarse ? coarse : null, nothingBefore };
}

const filtersOf = (filter: UsageFilter): readonly GroupColumn[] => USAGE_FILTERS.filter((name) => filter[name] !== undefined);

interface Question {
  readonly columns: readonly GroupColumn[];
  readonly filters: readonly GroupColumn[];
  readonly filter: UsageFilter;
  readonly kind: keyof typeof GROUP_KINDS | undefined;
  readonly cover: Cover;
}

interface Sql {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/** One SELECT for each source that has a part of the time, added up. */
function statementOf(question: Question): Sql {
  const { columns, cover } = question;
  const arms: Sql[] = [];
  if (cover.days.length > 0) arms.push(aggregateArm(question, 'usage_day', 'day', JSON.stringify(cover.days)));
  if (cover.hours.length > 0) arms.push(aggregateArm(question, 'usage_hour', 'hour', JSON.stringify(cover.hours)));
  // An empty time, too, has an answer: no rows.
  if (cover.rows.length > 0 || arms.length === 0) arms.push(rowsArm(question, JSON.stringify(cover.rows)));
  const groups = ['bucket', ...columns.map((_, i) => `d${i}`)].join(', ');
  const sums = SUM_NAMES.map((name) => `sum(${name}) AS ${name}`).join(', ');
  return {
    sql: `SELECT ${groups}, ${sums} FROM (${arms.map(({ sql }) => sql).join(' UNION ALL ')}) GROUP BY ${groups}
      HAVING sum(requests) > 0 ORDER BY sum(micro) + sum(rest) / 1000000 DESC, sum(requests) DESC`,
    values: arms.flatMap(({ values }) => values),
  };
}

/** Read once: what a JSON text holds would be parsed again for every row that is joined. */
const PIECES =
  '(SELECT value ->> 0 AS bucket, value ->> 1 AS low, value ->> 2 AS high, value ->> 3 AS sign FROM json_each(?) LIMIT -1 OFFSET 0) AS piece';

function aggregateArm({ columns, filters, filter, kind = 'all' }: Question, table: string, time: string, pieces: string): Sql {
  const texts = columns.map((name, i) => `g.${name} AS d${i}, `).join('');
  const groups = ['bucket', ...columns.map((_, i) => `d${i}`)].join(', ');
  const where = ['g.kind = ?', ...filters.map((name) => `g.${name} = ?`)].join(' AND ');
  const sums = SUM_NAMES.map((name) => `sum(sign * a.${name}) AS ${name}`).join(', ');
  return {
    sql: `SELECT * FROM (SELECT bucket, ${texts}${sums} FROM ${PIECES} CROSS JOIN ${table} AS a ON a.${time} >= low AND a.${time} < high
      CROSS JOIN usage_group AS g ON g.id = a.group_id WHERE ${where} GROUP BY ${groups})`,
    values: [pieces, GROUP_KINDS[kind].number, ...filters.map((name) => filter[name] ?? '')],
  };
}

/** A tag said twice counts once. */
const TAGS = "json_each(CASE r.tags WHEN '' THEN '[]' ELSE r.tags END)";

function rowsArm({ columns, filters, filter }: Question, pieces: string): Sql {
  const isLabelled = [...columns, ...filters];
  const column = (name: GroupColumn): string => (name === 'tag' ? 'label.value' : `r.${name}`);
  const texts = columns.map((name, i) => `${column(name)} AS d${i}, `).join('');
  const groups = ['bucket', ...columns.map((_, i) => `d${i}`)].join(', ');
  const hasTags = isLabelled.includes('tag');
  const tags = hasTags ? `CROSS JOIN ${TAGS} AS label` : '';
  const where = [
    '1',
    ...(hasTags ? [`NOT EXISTS (SELECT 1 FROM ${TAGS} AS again WHERE again.value = label.value AND again.key < label.key)`] : []),
    ...(isLabelled.includes('end_user') ? ["r.end_user <> ''"] : []),
    ...filters.map((name) => `${column(name)} = ?`),
  ];
  const sums = SUM_NAMES.map((name) => `sum(sign * (${SUMS[name]})) AS ${name}`).join(', ');
  return {
    sql: `SELECT * FROM (SELECT bucket, ${texts}${sums} FROM ${PIECES} CROSS JOIN usage AS r ON r.started_at >= low AND r.started_at < high ${tags}
      WHERE ${where.join(' AND ')} GROUP BY ${groups})`,
    values: [pieces, ...filters.map((name) => filter[name] ?? '')],
  };
}

function dimensionsOf(
  row: SqlRow,
  by: readonly UsageDimension[],
  columns: readonly GroupColumn[],
  buckets: readonly Bucket[],
): UsageSummaryRow['dimensions'] {
  const labels = buckets[Number(row['bucket'])]?.labels ?? {};
  return Object.fromEntries(
    by.map((name) => [name, isTime(name) ? (labels[name] ?? '') : String(row[`d${columns.indexOf(name as GroupColumn)}`])]),
  );
}

/** A row of sums, by their columns' names. */
export function summaryRow(row: SqlRow, dimensions: UsageSummaryRow['dimensions']): UsageSummaryRow {
  const number = (column: string): number => Number(row[column] ?? 0);
  return {
    dimensions,
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
    picodollars: moneyOf(BigInt(row['micro'] as bigint), BigInt(row['rest'] as bigint)).toString(),
    latencyMsTotal: number('latency'),
    firstByteMsTotal: number('first_byte'),
    firstBytes: number('first_bytes'),
  };
}
