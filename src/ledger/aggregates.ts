import type { SqliteDatabase, SqliteStatement } from '../store/sqlite/open.ts';
import type { CallRow } from './call-row.ts';
import { fromColumns, type SqlRow } from './row-columns.ts';
import type { Sealer } from './sealer.ts';
import { DAY_MS, GROUP_COLUMNS, GROUP_KINDS, halvesOf, HOUR_MS, SUM_NAMES, type GroupColumn, type GroupKind } from './sums.ts';

/** Groups whose number is remembered; more are looked up. */
const MAX_KNOWN = 50_000;
const HOURS_A_DAY = DAY_MS / HOUR_MS;
/** Between the texts of a group in its name. */
const SEPARATOR = '\u001f';

/** One group: of all rows, or of those with an end user or a tag. */
interface Group {
  /** Tells it from every other. */
  readonly name: string;
  readonly kind: GroupKind;
  /** '' for what its kind does not keep apart. */
  readonly endUser: string;
  readonly tag: string;
  /** A row of it. */
  readonly row: CallRow;
}

/** What changed for one group in one hour. */
class Delta {
  readonly hour: number;
  readonly group: Group;
  requests = 0;
  open = 0;
  unconfirmed = 0;
  unmatched = 0;
  unpriced = 0;
  estimated = 0;
  failed = 0;
  input = 0;
  output = 0;
  cachedInput = 0;
  cacheWrite = 0;
  reasoning = 0;
  audio = 0;
  picodollars = 0n;
  latency = 0;
  firstByte = 0;
  firstBytes = 0;

  constructor(hour: number, group: Group) {
    this.hour = hour;
    this.group = group;
  }

  add(row: CallRow, sign: 1 | -1): void {
    const { usage, state, outcome } = row;
    this.requests += sign;
    if (state === 'open') this.open += sign;
    else if (!row.priceKnown) this.unpriced += sign;
    if (state === 'unconfirmed') this.unconfirmed += sign;
    if (state === 'unmatched') this.unmatched += sign;
    if (row.estimated) this.estimated += sign;
    if (outcome !== 'ok' && outcome !== 'unconfirmed' && outcome !== '') this.failed += sign;
    this.input += sign * usage.input;
    this.output += sign * usage.output;
    this.cachedInput += sign * usage.cachedInput;
    this.cacheWrite += sign * (usage.cacheWrite + usage.cacheWrite1h);
    this.reasoning += sign * usage.reasoning;
    this.audio += sign * (usage.inputAudio + usage.outputAudio);
    this.picodollars += sign === 1 ? row.picodollars : -row.picodollars;
    this.latency += sign * row.latencyMs;
    if (row.firstByteMs === null) return;
    this.firstByte += sign * row.firstByteMs;
    this.firstBytes += sign;
  }

  /** In the order of `SUM_NAMES`. */
  sums(): (number | bigint)[] {
    const [micro, rest] = halvesOf(this.picodollars);
    return [
      this.requests,
      this.open,
      this.unconfirmed,
      this.unmatched,
      this.unpriced,
      this.estimated,
      this.failed,
      this.input,
      this.output,
      this.cachedInput,
      this.cacheWrite,
      this.reasoning,
      this.audio,
      micro,
      rest,
      this.latency,
      this.firstByte,
      this.firstBytes,
    ];
  }
}

const upsert = (table: string, time: string): string =>
  `INSERT INTO ${table} (${time}, group_id, ${SUM_NAMES.join(', ')}) VALUES (?, ?, ${SUM_NAMES.map(() => '?').join(', ')})
   ON CONFLICT (${time}, group_id) DO UPDATE SET ${SUM_NAMES.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`;

/**
 * Keeps the sums by hour and day exact through any history of rows: what a row adds is taken back before its successor is added. Changes
 * of one transaction are gathered, so that each group costs one write for its hour, however many rows touched it, and one for its day
 * where that is over already.
 */
export class Aggregates {
  readonly #hour: SqliteStatement;
  readonly #day: SqliteStatement;
  readonly #find: SqliteStatement;
  readonly #create: SqliteStatement;
  readonly #known = new Map<string, number | bigint>();
  readonly #sealer: Sealer;
  #touched = new Map<string, Delta>();

  constructor(db: SqliteDatabase, sealer: Sealer) {
    this.#sealer = sealer;
    this.#hour = db.prepare(upsert('usage_hour', 'hour'));
    this.#day = db.prepare(upsert('usage_day', 'day'));
    const names = ['kind', ...GROUP_COLUMNS];
    this.#find = db.prepare(`SELECT id FROM usage_group WHERE ${names.map((name) => `${name} = ?`).join(' AND ')}`);
    this.#create = db.prepare(`INSERT INTO usage_group (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`);
  }

  /** A row is stored that was not there before, or (−1) is not as it was any more. */
  add(row: CallRow, sign: 1 | -1): void {
    const name = nameOf(row);
    this.#touch('all', '', '', name, row, sign);
    this.addLabels(row, sign, name);
  }

  /** Its end user and tags alone. A tag said twice counts once, as in reports over rows. */
  addLabels(row: CallRow, sign: 1 | -1, name = nameOf(row)): void {
    const { endUser, tags } = row;
    if (endUser !== '') this.#touch('end_user', endUser, '', name, row, sign);
    if (tags.length === 0) return;
    for (const tag of new Set(tags)) {
      this.#touch('tag', '', tag, name, row, sign);
      if (endUser !== '') this.#touch('both', endUser, tag, name, row, sign);
    }
  }

  #touch(kind: GroupKind, endUser: string, tag: string, own: string, row: CallRow, sign: 1 | -1): void {
    const hour = Math.floor(row.startedAt / HOUR_MS);
    const name = kind === 'all' ? own : own + SEPARATOR + kind + SEPARATOR + endUser + SEPARATOR + tag;
    const place = hour + SEPARATOR + name;
    let delta = this.#touched.get(place);
    if (delta === undefined) this.#touched.set(place, (delta = new Delta(hour, { name, kind, endUser, tag, row })));
    delta.add(row, sign);
  }

  /** Writes what was gathered; call it as the last thing of the transaction. */
  flush(): void {
    const touched = this.#touched;
    this.#touched = new Map();
    const now = Date.now();
    let hour = Number.POSITIVE_INFINITY;
    for (const delta of touched.values()) {
      if (delta.hour !== hour) this.#sealer.touch((hour = delta.hour), now);
      const group = this.#numberOf(delta.group);
      const sums = delta.sums();
      this.#hour.run(delta.hour, group, ...sums);
      const day = Math.floor(delta.hour / HOURS_A_DAY);
      // A day that is not over is its hours.
      if (this.#sealer.hasDay(day)) this.#day.run(day, group, ...sums);
    }
  }

  /** The transaction did not happen: neither did what was gathered, nor the groups that it made. */
  forget(): void {
    this.#touched = new Map();
    this.#known.clear();
  }

  #numberOf(group: Group): number | bigint {
    const known = this.#known.get(group.name);
    if (known !== undefined) return known;
    const values = [GROUP_KINDS[group.kind].number, ...textsOf(group)];
    const found = this.#find.get(...values)?.['id'] as number | undefined;
    const id = found ?? this.#create.run(...values).lastInsertRowid;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(group.name, id);
    return id;
  }
}

const nameOf = (row: CallRow): string =>
  `${row.organization}${SEPARATOR}${row.team}${SEPARATOR}${row.project}${SEPARATOR}${row.key}${SEPARATOR}${row.user}${SEPARATOR}${row.model}${SEPARATOR}${row.alias}${SEPARATOR}${row.provider}${SEPARATOR}${row.credential}${SEPARATOR}${row.outcome}`;

/** In the order of `GROUP_COLUMNS`. */
function textsOf({ endUser, tag, row }: Group): readonly string[] {
  const texts: Record<GroupColumn, string> = {
    organization: row.organization,
    team: row.team,
    project: row.project,
    key: row.key,
    user: row.user,
    end_user: endUser,
    tag,
    model: row.model,
    alias: row.alias,
    provider: row.provider,
    credential: row.credential,
    outcome: row.outcome,
  };
  return GROUP_COLUMNS.map((name) => texts[name]);
}

/**
 * Makes the aggregates of a file whose rows are older than they are, once. Inside a transaction: a crash in the middle leaves the file
 * without them, and the next start begins again.
 */
export function buildAggregates(db: SqliteDatabase, aggregates: Aggregates): void {
  const facts = new Map(
    db
      .prepare('SELECT name, value FROM report_fact')
      .all()
      .map((row) => [row['name'], Number(row['value'])]),
  );
  if (facts.has('labels_built')) return;
  const isBuilt = facts.has('built');
  const rows = db.prepare(
    `SELECT * FROM usage ${isBuilt ? "WHERE started_at >= ? AND (end_user <> '' OR tags <> '')" : 'WHERE ? IS NOT NULL'}`,
  );
  rows.setReadBigInts(true);
  let gathered = 0;
  for (const row of rows.iterate(facts.get('rows_since') ?? 0)) {
    const call = fromColumns(row as SqlRow);
    if (isBuilt) aggregates.addLabels(call, 1);
    else aggregates.add(call, 1);
    if (++gathered % BUILD_ROWS === 0) aggregates.flush();
  }
  aggregates.flush();
  db.exec("INSERT OR IGNORE INTO report_fact (name, value) VALUES ('built', 1), ('labels_built', 1)");
}

const BUILD_ROWS = 10_000;
