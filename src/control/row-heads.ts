import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openReadable, type SqliteDatabase } from '../store/sqlite/open.ts';
import type { Kysely } from 'kysely';
import type { HeadSchema } from './head-tables.ts';
import { sumOf, type Head, RowSums } from './row-sums.ts';

/** Not counted: the heads themselves, what SQLite and the migrations keep, what the ledger tells again, and rows of minutes that are signed whole. */
const UNCOUNTED: ReadonlySet<string> = new Set(['heads', 'migrations', 'alerts', 'sessions']);
/** May have very many rows: read last, and never waited for. */
const LARGE: ReadonlySet<string> = new Set(['keys', 'group_uses']);

/** How long rows are read at a time, and how long others then have the thread. */
const WORK_MS = 5;
const REST_MS = 10;

interface CountedTable {
  readonly name: string;
  /** SQL: the columns of a row as JSON, with `{}` for what names the row. */
  readonly row: string;
}

/** A table that does not come to what this node wrote. */
export interface Difference {
  readonly table: string;
  /** Rows by its head; null: it has none that is ours. */
  readonly expected: number | null;
  readonly found: number;
}

/** All heads together, for the log. */
export interface HeadNote {
  /** Sum of the heads' versions: rises with every write. */
  readonly version: number;
  /** SHA-256 of the heads, hexadecimal. */
  readonly digest: string;
}

/**
 * Counts the rows of every table, so that one that somebody takes away, adds or puts back as it once was is seen. Seals on rows cannot show
 * that: a row that is not there has none, and an old one has its old seal. Our own writes are counted by triggers of this connection,
 * within their transactions; a write through any other connection is not, so that the table no longer comes to its head.
 */
export class RowHeads {
  readonly #file: SqliteDatabase;
  readonly #path: string;
  readonly #sums = new RowSums();
  readonly #tables: readonly CountedTable[];
  /** By table: versions that were seen on disk. A head that falls behind was put back. */
  readonly #seen = new Map<string, number>();

  constructor(file: SqliteDatabase, path: string) {
    this.#file = file;
    this.#path = path;
    this.#tables = tablesOf(file);
    file.function('next_head', (table, state, before, after) =>
      this.#sums.next(String(table), String(state), before as string | null, after as string | null),
    );
    for (const table of this.#tables) watch(file, table);
  }

  /** Of 32 bytes that only the vault can derive. */
  useKey(key: Buffer): void {
    this.#sums.useKey(key);
  }

  /** Changes whenever another connection wrote to the file. Ours is the only one that has to. */
  get foreignWrites(): number {
    return Number(this.#file.prepare('PRAGMA data_version').get()?.['data_version']);
  }

  get areThere(): boolean {
    return this.#file.prepare('SELECT 1 FROM heads LIMIT 1').get() !== undefined;
  }

  /** True while a count that was begun has not ended: the process died in it. */
  get isUnfinished(): boolean {
    return this.#tables.some(({ name }) => headIn(this.#file, this.#sums, name)?.open === true);
  }

  /** Takes every table as it stands. `now`: Unix milliseconds. */
  async count(db: Kysely<HeadSchema>, now: number): Promise<void> {
    for (const table of this.#tables) await this.#countTable(db, table, now);
  }

  /** What differs. `large` tables are read too, which takes a while. */
  async check(which: 'small' | 'all'): Promise<readonly Difference[]> {
    const reader = openReadable(this.#path);
    try {
      // One moment of the whole file, however long it is read.
      reader.exec('BEGIN');
      const found: Difference[] = foreignTriggers(reader);
      for (const table of this.#tables) {
        if (which === 'small' && LARGE.has(table.name)) continue;
        const difference = await this.#compare(reader, table);
        if (difference !== undefined) found.push(difference);
      }
      return found;
    } finally {
      reader.close();
    }
  }

  /** As it is on disk. */
  note(): HeadNote {
    const reader = openReadable(this.#path);
    try {
      const rows = reader.prepare('SELECT name, state FROM heads ORDER BY name').all();
      const versions = rows.map(({ name, state }) => this.#sums.read(String(name), String(state))?.version ?? 0);
      return {
        version: versions.reduce((sum, version) => sum + version, 0),
        digest: hash('sha256', JSON.stringify(rows.map(({ name, state }) => [name, state])), 'hex'),
      };
    } finally {
      reader.close();
    }
  }

  /** Whether a table is read by `check('all')` alone. */
  isLarge(table: string): boolean {
    return LARGE.has(table);
  }

  /**
   * The moment that is read is taken inside the transaction that begins to count, where nobody else of this process writes: what was there
   * then, and what came and went since, make the head.
   */
  async #countTable(db: Kysely<HeadSchema>, table: CountedTable, now: number): Promise<void> {
    const { name } = table;
    const reader = openReadable(this.#path);
    try {
      await db.transaction().execute(async (to) => {
        reader.exec('BEGIN');
        const before = headIn(reader, this.#sums, name);
        const version = Math.max((before?.version ?? 0) + 1, now);
        await putHead(to, name, this.#sums.write(name, { version, count: 0, sum: 0n, open: true }));
      });
      const there = await this.#read(reader, table);
      await db.transaction().execute(async (to) => {
        const { state } = await to.selectFrom('heads').select('state').where('name', '=', name).executeTakeFirstOrThrow();
        const since = this.#sums.read(name, state);
        if (since === undefined) throw new Error(`the head of ${name} was edited while it was made`);
        const { version, count, sum } = since;
        const whole = { version: version + 1, count: count + there.count, sum: sumOf(sum, there.sum), open: false };
        await putHead(to, name, this.#sums.write(name, whole));
      });
    } finally {
      reader.close();
    }
  }

  async #compare(reader: SqliteDatabase, table: CountedTable): Promise<Difference | undefined> {
    const { name } = table;
    const head = headIn(reader, this.#sums, name);
    if (head?.open === true) return undefined;
    const { count, sum } = await this.#read(reader, table);
    const isBehind = head !== undefined && head.version < (this.#seen.get(name) ?? 0);
    if (head !== undefined && !isBehind) this.#seen.set(name, head.version);
    if (head?.count === count && head.sum === sum && !isBehind) return undefined;
    return { table: name, expected: head?.count ?? null, found: count };
  }

  async #read(reader: SqliteDatabase, { name, row }: CountedTable): Promise<Pick<Head, 'count' | 'sum'>> {
    let [count, sum] = [0, 0n];
    let until = performance.now() + WORK_MS;
    for (const found of reader.prepare(`SELECT ${row.replaceAll('{}', 'r')} AS row FROM "${name}" AS r`).iterate()) {
      count++;
      sum = sumOf(sum, this.#sums.of(name, String(found['row'])));
      if (performance.now() < until) continue;
      await sleep(REST_MS);
      until = performance.now() + WORK_MS;
    }
    return { count, sum };
  }
}

function tablesOf(file: SqliteDatabase): readonly CountedTable[] {
  const names = file.prepare(`SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`).all();
  const counted = names.map(({ name }) => String(name)).filter((name) => !UNCOUNTED.has(name));
  const tables = counted.map((name): CountedTable => {
    const columns = file.prepare('SELECT name FROM pragma_table_info(?) ORDER BY cid').all(name);
    return { name, row: `json_array(${columns.map((column) => `{}."${String(column['name'])}"`).join(', ')})` };
  });
  return [...tables.filter(({ name }) => !LARGE.has(name)), ...tables.filter(({ name }) => LARGE.has(name))];
}

/** Triggers of this connection alone: another one has none, and what is in the file cannot add or take away any. */
function watch(file: SqliteDatabase, { name, row }: CountedTable): void {
  const [before, after] = [row.replaceAll('{}', 'OLD'), row.replaceAll('{}', 'NEW')];
  for (const [event, from, to] of [
    ['INSERT', 'NULL', after],
    ['UPDATE', before, after],
    ['DELETE', before, 'NULL'],
  ] as const) {
    file.exec(`CREATE TEMP TRIGGER "count_${event}_${name}" AFTER ${event} ON main."${name}" BEGIN
      UPDATE heads SET state = next_head('${name}', state, ${from}, ${to}) WHERE name = '${name}';
    END`);
  }
}

/** This schema has none: one that somebody made would run as a part of our own writes, and be counted with them. */
function foreignTriggers(file: SqliteDatabase): Difference[] {
  const found = file.prepare(`SELECT 1 FROM main.sqlite_schema WHERE type IN ('trigger', 'view')`).all().length;
  return found === 0 ? [] : [{ table: 'sqlite_schema', expected: 0, found }];
}

function headIn(file: SqliteDatabase, sums: RowSums, table: string): Head | undefined {
  const state = file.prepare('SELECT state FROM heads WHERE name = ?').get(table)?.['state'];
  return typeof state === 'string' ? sums.read(table, state) : undefined;
}

async function putHead(to: Kysely<HeadSchema>, name: string, state: string): Promise<void> {
  await to
    .insertInto('heads')
    .values({ name, state })
    .onConflict((on) => on.column('name').doUpdateSet({ state }))
    .execute();
}
