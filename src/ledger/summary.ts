import type { LedgerAdminCall } from '../ipc/messages/ledger.ts';
import { TIME_DIMENSIONS, USAGE_FILTERS, type TimeDimension, type UsageDimension, type UsageFilter } from '../core/reports.ts';
import type { UsageSummaryReply, UsageSummaryRow } from '../ipc/messages/reports.ts';
import type { SqliteDatabase } from '../store/sqlite/open.ts';
import { marginFor } from './blocks.ts';
import { addCover, emptyCover, type Cover, type Horizon } from './cover.ts';
import { extentOf, horizonOf } from './extent.ts';
import { GroupColumns } from './group-columns.ts';
import type { SqlRow } from './row-columns.ts';
import { Slots } from './slots.ts';
import { SumSources } from './sum-sources.ts';
import { rowSources, sumsBySql, type Question } from './summary-sql.ts';
import { kindFor, moneyOf, SUM_NAMES, type GroupColumn } from './sums.ts';
import { isInexact, Tally, type Line } from './tally.ts';
import { bucketsOf, type Bucket } from './time-buckets.ts';

/** Sums by any dimensions: packed ones where a period is over, else those of hours and days, and single rows for parts of an hour. */

export type SummaryQuery = Extract<LedgerAdminCall, { readonly op: 'usage.summary' }>;

const isTime = (name: UsageDimension): name is TimeDimension => (TIME_DIMENSIONS as readonly string[]).includes(name);

/** Answers from one file, and remembers the texts of its groups. */
export class Summaries {
  readonly #db: SqliteDatabase;
  readonly #groups: GroupColumns;
  readonly #sources: SumSources;

  constructor(db: SqliteDatabase) {
    this.#db = db;
    this.#groups = new GroupColumns(db);
    this.#sources = new SumSources(db);
  }

  answer(query: SummaryQuery): UsageSummaryReply {
    // One snapshot for groups, packed sums and those that are not packed yet.
    this.#db.exec('BEGIN');
    try {
      return this.#answer(query);
    } finally {
      this.#db.exec('COMMIT');
    }
  }

  #answer(query: SummaryQuery): UsageSummaryReply {
    const columns = query.by.filter((name) => !isTime(name)) as readonly GroupColumn[];
    const filters = filtersOf(query.filter);
    const horizon = horizonOf(this.#db);
    const { from, to } = knownTime(this.#db, query, horizon);
    const buckets = bucketsOf(query.by.filter(isTime), query.timeZone, from, to);
    const covers = buckets.map((bucket, i) => {
      const cover = emptyCover();
      addCover(cover, i, bucket.from, bucket.to, horizon);
      return cover;
    });
    const question = { columns, filters, filter: query.filter, kind: kindFor([...columns, ...filters]), cover: joined(covers) };
    const found = this.#packed(question, covers, query.limit + 1) ?? sumsBySql(this.#db, question, query.limit + 1);
    const rows = found.slice(0, query.limit).map((row) => summaryRow(row, dimensionsOf(row, query.by, columns, buckets)));
    return { rows, truncated: found.length > query.limit, ...limitsOf(query, question, horizon) };
  }

  /** Undefined: the sums are too large for it. */
  #packed(question: Question, covers: readonly Cover[], limit: number): readonly SqlRow[] | undefined {
    const { columns, filters, filter, kind, cover } = question;
    const asked = [...new Set([...columns, ...filters])];
    try {
      this.#groups.refresh(asked);
      const slots = new Slots(this.#groups, columns, new Map(filters.map((name) => [name, filter[name] ?? ''])));
      const rows = cover.rows.length === 0 ? undefined : rowSources(this.#db, question, cover.rows, slots);
      const tally = new Tally(slots, limit);
      for (const [bucket, parts] of covers.entries()) {
        const single = rows?.get(bucket);
        const sums = this.#sources.of(parts, kind, marginFor(asked));
        tally.add(bucket, single === undefined ? sums : [...sums, single]);
      }
      return tally.lines().map((line) => asRow(line, slots.texts(line.slot)));
    } catch (error) {
      if (isInexact(error)) return undefined;
      throw error;
    }
  }
}

export const usageSummary = (db: SqliteDatabase, query: SummaryQuery): UsageSummaryReply => new Summaries(db).answer(query);

const asRow = ({ bucket, sums }: Line, texts: readonly string[]): SqlRow =>
  Object.fromEntries([
    ['bucket', bucket],
    ...texts.map((text, i) => [`d${i}`, text] as const),
    ...SUM_NAMES.map((name, i) => [name, sums[i] ?? 0] as const),
  ]);

const joined = (covers: readonly Cover[]): Cover => ({
  days: covers.flatMap(({ days }) => days),
  hours: covers.flatMap(({ hours }) => hours),
  rows: covers.flatMap(({ rows }) => rows),
});

/**
 * The part of the time asked for of which there is anything, so that `since 1970` has as many days as the ledger. An end after the
 * newest call ends its day as well, which spares reading that day's hours and rows.
 */
function knownTime(db: SqliteDatabase, { from, to }: SummaryQuery, { rowsSince }: Horizon): { readonly from: number; readonly to: number } {
  const held = extentOf(db);
  if (held === undefined) return { from, to: from };
  const newest = Number(db.prepare('SELECT max(started_at) AS at FROM usage').get()?.['at'] ?? Number.POSITIVE_INFINITY);
  const isAfterAll = to > newest && to >= rowsSince && to > from;
  return { from: Math.max(from, held.from), to: isAfterAll ? held.to : Math.min(to, held.to) };
}

/** Where the answer is less than what was asked, because retention has deleted it. */
function limitsOf(
  { from }: SummaryQuery,
  { kind, cover }: Question,
  horizon: Horizon,
): Pick<UsageSummaryReply, 'wholeDaysBefore' | 'nothingBefore'> {
  const coarse = Math.max(horizon.hoursSince, cover.rows.length > 0 ? horizon.rowsSince : 0);
  const hasEndUsers = kind === 'end_user' || kind === 'both';
  const nothingBefore = hasEndUsers && from < horizon.hoursSince ? horizon.hoursSince : null;
  return { wholeDaysBefore: from < coarse ? coarse : null, nothingBefore };
}

const filtersOf = (filter: UsageFilter): readonly GroupColumn[] => USAGE_FILTERS.filter((name) => filter[name] !== undefined);

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
    picodollars: moneyOf(BigInt(row['micro'] as bigint | number), BigInt(row['rest'] as bigint | number)).toString(),
    latencyMsTotal: number('latency'),
    firstByteMsTotal: number('first_byte'),
    firstBytes: number('first_bytes'),
  };
}
