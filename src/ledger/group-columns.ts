import type { SqliteDatabase, SqliteStatement } from '../store/sqlite/open.ts';
import { GROUPS_A_PAGE } from './group-pages.ts';
import { GROUP_COLUMNS, type GroupColumn } from './sums.ts';

/** Texts that no packed page holds yet have numbers of their own from here on, for as long as nothing is packed. */
const FIRST_LOCAL = 2 ** 30;
const MAX_TEXTS = 20_000;

/**
 * What the texts of groups are, as numbers of texts by the group's number: the same text, the same number. A column is read when a report
 * first asks for it, from packed pages and, for the last groups, from their rows. Groups never change and are never deleted.
 */
export class GroupColumns {
  readonly #db: SqliteDatabase;
  readonly #page: SqliteStatement;
  readonly #numberOf: SqliteStatement;
  readonly #textOf: SqliteStatement;
  readonly #columns = new Map<GroupColumn, Int32Array>();
  readonly #texts = new Map<number, string>();
  readonly #local = new Map<string, number>();
  #localTexts: string[] = [];
  /** Number of the first group that is in no page. */
  #packed = 0;
  #last = 0;

  constructor(db: SqliteDatabase) {
    this.#db = db;
    this.#page = db.prepare('SELECT data FROM group_page WHERE first = ? AND place = ?');
    this.#numberOf = db.prepare('SELECT id FROM group_text WHERE text = ?');
    this.#textOf = db.prepare('SELECT text FROM group_text WHERE id = ?');
  }

  /** Highest number of a group, and one. */
  get size(): number {
    return this.#last + 1;
  }

  /** Reads these columns, and in all what is new. Call it within the transaction that reads the sums. */
  refresh(names: readonly GroupColumn[]): void {
    const value = (sql: string): unknown => this.#db.prepare(sql).get()?.['value'];
    const last = Number(value('SELECT max(id) AS value FROM usage_group') ?? 0);
    const first = value('SELECT max(first) AS value FROM group_page') ?? null;
    const packed = first === null ? 0 : Number(first) + GROUPS_A_PAGE;
    const fresh = names.filter((name) => !this.#columns.has(name));
    if (packed !== this.#packed) {
      // Texts have other numbers now.
      this.#local.clear();
      this.#localTexts = [];
      this.#read([...this.#columns.keys()], this.#packed, packed, last);
    } else if (last > this.#last) this.#read([...this.#columns.keys()], this.#last + 1, packed, last);
    this.#read(fresh, 0, packed, last);
    [this.#packed, this.#last] = [packed, last];
  }

  values(name: GroupColumn): Int32Array {
    const values = this.#columns.get(name);
    if (values === undefined) throw new Error(`column ${name} was not read`);
    return values;
  }

  text(number: number): string {
    if (number >= FIRST_LOCAL) return this.#localTexts[number - FIRST_LOCAL] ?? '';
    let text = this.#texts.get(number);
    if (text !== undefined) return text;
    text = String(this.#textOf.get(number)?.['text'] ?? '');
    if (this.#texts.size >= MAX_TEXTS) this.#texts.clear();
    this.#texts.set(number, text);
    return text;
  }

  /** The number of a text; a new one where no group has it. */
  number(text: string): number {
    const local = this.#local.get(text);
    if (local !== undefined) return local;
    const known = this.#numberOf.get(text)?.['id'] as number | undefined;
    if (known !== undefined) return known;
    const number = FIRST_LOCAL + this.#localTexts.push(text) - 1;
    this.#local.set(text, number);
    return number;
  }

  /** Of the groups from `from` to `last`. */
  #read(names: readonly GroupColumn[], from: number, packed: number, last: number): void {
    if (names.length === 0) return;
    const columns = names.map((name) => {
      const column = new Int32Array(Math.max(last + 1, packed));
      column.set((this.#columns.get(name) ?? column).subarray(0, from));
      this.#columns.set(name, column);
      for (let first = from; first < packed; first += GROUPS_A_PAGE) this.#readPage(column, first, GROUP_COLUMNS.indexOf(name));
      return column;
    });
    const statement = this.#db.prepare(
      `SELECT id, ${names.map((name) => `"${name}"`).join(', ')} FROM usage_group WHERE id >= ? AND id <= ?`,
    );
    statement.setReturnArrays(true);
    for (const row of statement.iterate(Math.max(from, packed), last) as Iterable<unknown> as Iterable<readonly [number, ...string[]]>)
      for (const [i, column] of columns.entries()) column[row[0]] = this.number(row[i + 1] as string);
  }

  #readPage(column: Int32Array, first: number, place: number): void {
    const bytes = this.#page.get(first, place)?.['data'] as Uint8Array | undefined;
    if (bytes === undefined) throw new Error(`the page of groups from ${first} on is not whole`);
    column.set(new Int32Array(bytes.buffer, bytes.byteOffset, GROUPS_A_PAGE), first);
  }
}
