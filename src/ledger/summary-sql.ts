import type { UsageFilter } from '../core/reports.ts';
import type { SqliteDatabase } from '../store/sqlite/open.ts';
import { BlockBuilder } from './blocks.ts';
import type { Cover, Piece } from './cover.ts';

import type { SqlRow } from './row-columns.ts';
import { sourceOf } from './sum-sources.ts';
import { GROUP_KINDS, SUM_NAMES, SUMS, type GroupColumn, type GroupKind } from './sums.ts';
import type { Slots } from './slots.ts';
import type { Source } from './tally.ts';

/** Sums by SQL alone: of single rows, and of everything where sums are larger than numbers are exact. Column names come from fixed tables; values are always bound. */

export interface Question {
  readonly columns: readonly GroupColumn[];
  readonly filters: readonly GroupColumn[];
  readonly filter: UsageFilter;
  readonly kind: GroupKind;
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

function aggregateArm({ columns, filters, filter, kind }: Question, table: string, time: string, pieces: string): Sql {
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

/** The dearest groups, by SQL alone: `bucket`, `d0` … and the sums, as bigint. */
export function sumsBySql(db: SqliteDatabase, question: Question, limit: number): readonly SqlRow[] {
  const { sql, values } = statementOf(question);
  const statement = db.prepare(`${sql} LIMIT ?`);
  statement.setReadBigInts(true);
  return statement.all(...values, limit) as SqlRow[];
}

/** Sums of the single rows in these pieces, by bucket. */
export function rowSources(db: SqliteDatabase, question: Question, pieces: readonly Piece[], slots: Slots): ReadonlyMap<number, Source> {
  const builders = new Map<number, BlockBuilder>();
  const { sql, values } = rowsArm(question, JSON.stringify(pieces));
  const statement = db.prepare(sql);
  for (const row of statement.iterate(...values) as Iterable<SqlRow>) {
    const bucket = Number(row['bucket']);
    let builder = builders.get(bucket);
    if (builder === undefined) builders.set(bucket, (builder = new BlockBuilder()));
    const place = builder.place(slots.ofTexts(question.columns.map((_, i) => String(row[`d${i}`]))));
    for (const [sum, name] of SUM_NAMES.entries()) builder.add(place, sum, Number(row[name]));
  }
  return new Map([...builders].map(([bucket, builder]) => [bucket, sourceOf(builder, 1, true)]));
}
