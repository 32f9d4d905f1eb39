import { inTransaction, type SqliteDatabase, type SqliteStatement } from '../store/sqlite/open.ts';
import {
  BlockBuilder,
  HEAD_SUMS,
  LEVELS,
  MARGINS,
  monthOf,
  startOfMonth,
  TAIL_PLACES,
  unpackHead,
  unpackTail,
  type Level,
} from './blocks.ts';
import { GroupPages } from './group-pages.ts';
import { DAY_MS, GROUP_KINDS, HOUR_MS, SUM_NAMES, type GroupColumn } from './sums.ts';

/** How long after its end a period is packed: most late words about its calls have come by then. */
const REST_MS: Readonly<Record<Level, number>> = { hour: 900_000, day: 1_800_000, month: 6 * HOUR_MS };
/** How long after its end a day gets sums of its own. */
const CLOSE_MS = 60_000;
/** How long after a change it is packed again. */
const AGAIN_MS = 300_000;

const HOUR_BLOCKS = Object.values(GROUP_KINDS).map(({ number }) => number);
const DAY_BLOCKS = [...HOUR_BLOCKS, ...MARGINS.map(({ number }) => number)];
const MARGIN_COLUMNS: readonly GroupColumn[] = MARGINS.map(({ column }) => column);
const MARGINS_OF: ReadonlyMap<number, readonly { readonly number: number; readonly place: number }[]> = new Map(
  Object.entries(GROUP_KINDS).map(([name, { number }]) => [
    Number(number),
    MARGINS.filter(({ of }) => of === name).map((margin) => ({ number: margin.number, place: MARGIN_COLUMNS.indexOf(margin.column) })),
  ]),
);
/** Columns of a row of sums: kind and group; then the sums, and the group's texts. */
const FIRST_SUM = 2;
const FIRST_TEXT = FIRST_SUM + SUM_NAMES.length;
const HEAD_PLACES = HEAD_SUMS.map((name) => SUM_NAMES.indexOf(name));
const OPEN_DAY = 'days_until';
const HOURS_A_DAY = DAY_MS / HOUR_MS;
const FACTS: Readonly<Record<Level, string>> = { hour: 'sealed_hours', day: 'sealed_days', month: 'sealed_months' };

const endOf = (level: Level, period: number): number =>
  level === 'month' ? startOfMonth(period + 1) : (period + 1) * (level === 'day' ? DAY_MS : HOUR_MS);

const untilOf = ({ hour, day, month }: Readonly<Record<Level, number>>): number =>
  Math.max(hour * HOUR_MS, day * DAY_MS, startOfMonth(month));

/**
 * Gives days that are over their sums, and makes blocks of periods that are over, one at a time; takes blocks away when something in their
 * time changes. Belongs to the one writer.
 */
export class Sealer {
  readonly #db: SqliteDatabase;
  readonly #pages: GroupPages;
  readonly #sums: Readonly<Record<'hour' | 'day', SqliteStatement>>;
  readonly #next: Readonly<Record<'hour' | 'day', SqliteStatement>>;
  readonly #blocks: SqliteStatement;
  readonly #store: SqliteStatement;
  readonly #remove: SqliteStatement;
  readonly #owe: SqliteStatement;
  readonly #owed: SqliteStatement;
  readonly #paid: SqliteStatement;
  readonly #setFact: SqliteStatement;
  /** First period of each level that was never packed. */
  readonly #frontier: Record<Level, number>;
  /** Unix milliseconds: from here on nothing is packed. */
  #until: number;
  readonly #closeDay: SqliteStatement;
  /** First day that has sums of hours alone. */
  #openDay: number;

  constructor(db: SqliteDatabase, now: number) {
    this.#db = db;
    this.#pages = new GroupPages(db);
    const texts = MARGIN_COLUMNS.map((name) => `g."${name}"`).join(', ');
    const sums = (unit: 'hour' | 'day'): SqliteStatement => {
      const statement = db.prepare(
        `SELECT g.kind, a.group_id, ${SUM_NAMES.map((name) => `a.${name}`).join(', ')}${unit === 'hour' ? '' : `, ${texts}`} FROM usage_${unit} AS a
         CROSS JOIN usage_group AS g ON g.id = a.group_id WHERE a.${unit} = ?`,
      );
      statement.setReturnArrays(true);
      return statement;
    };
    const next = (unit: 'hour' | 'day'): SqliteStatement =>
      db.prepare(`SELECT min(${unit}) AS period FROM usage_${unit} WHERE ${unit} >= ?`);
    this.#sums = { hour: sums('hour'), day: sums('day') };
    this.#next = { hour: next('hour'), day: next('day') };
    this.#blocks = db.prepare('SELECT head, tail FROM usage_block WHERE level = ? AND period = ? AND kind = ?');
    this.#store = db.prepare('INSERT OR REPLACE INTO usage_block (level, period, kind, head, tail) VALUES (?, ?, ?, ?, ?)');
    this.#remove = db.prepare('DELETE FROM usage_block WHERE level = ? AND period = ?');
    this.#owe = db.prepare('INSERT OR REPLACE INTO block_due (level, period, at) VALUES (?, ?, ?)');
    this.#owed = db.prepare('SELECT level, period FROM block_due WHERE at <= ? ORDER BY level, period LIMIT 1');
    this.#paid = db.prepare('DELETE FROM block_due WHERE level = ? AND period = ?');
    this.#setFact = db.prepare(
      'INSERT INTO report_fact (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    );
    const fact = db.prepare('SELECT value FROM report_fact WHERE name = ?');
    const frontier = (level: Level): number => Number(fact.get(FACTS[level])?.['value'] ?? 0);
    this.#frontier = { hour: frontier('hour'), day: frontier('day'), month: frontier('month') };
    this.#until = untilOf(this.#frontier);
    this.#closeDay = db.prepare(
      `INSERT INTO usage_day (day, group_id, ${SUM_NAMES.join(', ')}) SELECT ?, group_id, ${SUM_NAMES.map((name) => `sum(${name})`).join(', ')}
       FROM usage_hour WHERE hour >= ? AND hour < ? GROUP BY group_id`,
    );
    const open = fact.get(OPEN_DAY)?.['value'] ?? null;
    // A file that is older than this has sums of all its days.
    const last = Number(db.prepare('SELECT max(day) AS day FROM usage_day').get()?.['day'] ?? -1);
    this.#openDay = open === null ? Math.max(last + 1, Math.floor(now / DAY_MS)) : Number(open) / DAY_MS;
    if (open === null) this.#setFact.run(OPEN_DAY, this.#openDay * DAY_MS);
  }

  /** The day has sums of its own beside those of its hours. */
  hasDay(day: number): boolean {
    return day < this.#openDay;
  }

  /** A sum of this hour changes in the transaction that is open now: nothing packed may go on holding what it was. */
  touch(hour: number, now: number): void {
    const at = hour * HOUR_MS;
    if (at >= this.#until) return;
    for (const [level, period] of [
      ['hour', hour],
      ['day', Math.floor(at / DAY_MS)],
      ['month', monthOf(at)],
    ] as const) {
      if (period >= this.#frontier[level]) continue;
      this.#remove.run(LEVELS[level], period);
      this.#owe.run(LEVELS[level], period, now);
    }
  }

  /** Packs one period, in a transaction of its own. False: there is nothing to do now. */
  step(now: number): boolean {
    const owed = this.#owed.get(now - AGAIN_MS);
    if (owed !== undefined) {
      const level = (Object.keys(LEVELS) as Level[]).find((name) => LEVELS[name] === owed['level']) as Level;
      inTransaction(this.#db, () => this.#seal(level, Number(owed['period']), now));
      return true;
    }
    if (this.#pages.isDue()) {
      inTransaction(this.#db, () => this.#pages.make());
      this.#pages.made();
      return true;
    }
    return this.#close(now) || this.#advance('hour', now) || this.#advance('day', now) || this.#advance('month', now);
  }

  /** A day that is over gets its sums. */
  #close(now: number): boolean {
    const day = this.#openDay;
    if ((day + 1) * DAY_MS + CLOSE_MS > now) return false;
    inTransaction(this.#db, () => {
      this.#closeDay.run(day, day * HOURS_A_DAY, (day + 1) * HOURS_A_DAY);
      this.#setFact.run(OPEN_DAY, (day + 1) * DAY_MS);
    });
    this.#openDay = day + 1;
    return true;
  }

  #advance(level: Level, now: number): boolean {
    const period = this.#nextOf(level);
    if (period === undefined || endOf(level, period) + REST_MS[level] > now) return false;
    inTransaction(this.#db, () => {
      this.#seal(level, period, now);
      this.#setFact.run(FACTS[level], period + 1);
    });
    this.#frontier[level] = period + 1;
    this.#until = untilOf(this.#frontier);
    return true;
  }

  /** The next period in which there is anything. */
  #nextOf(level: Level): number | undefined {
    const first = level === 'month' ? Math.floor(startOfMonth(this.#frontier.month) / DAY_MS) : this.#frontier[level];
    const period = this.#next[level === 'month' ? 'day' : level].get(first)?.['period'] ?? null;
    if (period === null) return undefined;
    return level === 'month' ? monthOf(Number(period) * DAY_MS) : Number(period);
  }

  #seal(level: Level, period: number, now: number): void {
    this.#paid.run(LEVELS[level], period);
    const builders = new Map((level === 'hour' ? HOUR_BLOCKS : DAY_BLOCKS).map((kind) => [kind, new BlockBuilder()]));
    const isWhole = level === 'month' ? this.#addDays(period, builders) : this.#addSums(level, period, builders);
    // A day of it is to be packed again: the month waits for that.
    if (!isWhole) return void this.#owe.run(LEVELS[level], period, now);
    for (const [kind, builder] of builders) {
      const packed = builder.pack();
      // Sums beyond all measure stay in the tables alone.
      if (packed === undefined) return void this.#remove.run(LEVELS[level], period);
      this.#store.run(LEVELS[level], period, kind, packed.head, packed.tail);
    }
  }

  #addSums(unit: 'hour' | 'day', period: number, builders: ReadonlyMap<number, BlockBuilder>): boolean {
    const stands = unit === 'hour' ? undefined : MARGIN_COLUMNS.map(() => new Map<string, number>());
    for (const row of this.#sums[unit].iterate(period) as Iterable<unknown> as Iterable<readonly (number | string)[]>) {
      const [kind, group] = row as readonly [number, number];
      addRow(builders.get(kind) as BlockBuilder, group, row);
      if (stands === undefined) continue;
      for (const { number, place } of MARGINS_OF.get(kind) ?? []) {
        const text = row[FIRST_TEXT + place] as string;
        // The first group with a text stands for all of them that day.
        const first = stands[place]?.get(text);
        if (first === undefined) stands[place]?.set(text, group);
        addRow(builders.get(number) as BlockBuilder, first ?? group, row);
      }
    }
    return true;
  }

  /** False: not all of its days are packed. */
  #addDays(month: number, builders: ReadonlyMap<number, BlockBuilder>): boolean {
    const last = startOfMonth(month + 1) / DAY_MS;
    for (let day = Math.floor(startOfMonth(month) / DAY_MS); day < last; day++) {
      for (const [kind, builder] of builders) {
        const packed = this.#blocks.get(LEVELS.day, day, kind);
        if (packed === undefined) {
          if (this.#next.day.get(day)?.['period'] === day) return false;
          continue;
        }
        if (!addBlock(builder, packed['head'] as Uint8Array, packed['tail'] as Uint8Array)) return false;
      }
    }
    return true;
  }
}

function addRow(builder: BlockBuilder, group: number, row: readonly (number | string)[]): void {
  const place = builder.place(group);
  for (let sum = 0; sum < SUM_NAMES.length; sum++) builder.add(place, sum, row[FIRST_SUM + sum] as number);
}

function addBlock(builder: BlockBuilder, headBytes: Uint8Array, tailBytes: Uint8Array): boolean {
  const head = unpackHead(headBytes);
  if (head === undefined) return false;
  const places = head.groups.map((group) => builder.place(group));
  const columns = [head.requests, head.micro, head.rest, ...unpackTail(tailBytes)];
  for (const [i, sum] of [...HEAD_PLACES, ...TAIL_PLACES].entries()) {
    const column = columns[i];
    if (column === undefined) continue;
    for (let at = 0; at < places.length; at++) builder.add(places[at] as number, sum, column[at] as number);
  }
  return true;
}
