import type { SqliteDatabase, SqliteStatement } from '../store/sqlite/open.ts';
import { GROUP_COLUMNS } from './sums.ts';

/** Groups of one page: for each column, as many 32-bit numbers of texts. A page is made once all of its groups are there, and never changes. */
export const GROUPS_A_PAGE = 4096;

/** Makes pages of groups, so that a report need not read the texts of all groups there are. Belongs to the one writer. */
export class GroupPages {
  readonly #groups: SqliteStatement;
  readonly #last: SqliteStatement;
  readonly #store: SqliteStatement;
  readonly #find: SqliteStatement;
  readonly #add: SqliteStatement;
  #next: number;

  constructor(db: SqliteDatabase) {
    this.#groups = db.prepare(
      `SELECT id, ${GROUP_COLUMNS.map((name) => `"${name}"`).join(', ')} FROM usage_group WHERE id >= ? AND id < ? ORDER BY id`,
    );
    this.#groups.setReturnArrays(true);
    this.#last = db.prepare('SELECT max(id) AS id FROM usage_group');
    this.#store = db.prepare('INSERT INTO group_page (first, place, data) VALUES (?, ?, ?)');
    this.#find = db.prepare('SELECT id FROM group_text WHERE text = ?');
    this.#add = db.prepare('INSERT INTO group_text (text) VALUES (?)');
    const first = db.prepare('SELECT max(first) AS first FROM group_page').get()?.['first'] ?? null;
    this.#next = first === null ? 0 : Number(first) + GROUPS_A_PAGE;
  }

  /** A whole page waits to be made. */
  isDue(): boolean {
    return Number(this.#last.get()?.['id'] ?? 0) >= this.#next + GROUPS_A_PAGE - 1;
  }

  /** Makes the next page, within a transaction. */
  make(): void {
    const columns = GROUP_COLUMNS.map(() => new Int32Array(GROUPS_A_PAGE));
    const numbers = new Map<string, number>();
    const groups = this.#groups.iterate(this.#next, this.#next + GROUPS_A_PAGE) as Iterable<unknown>;
    for (const [id, ...texts] of groups as Iterable<readonly [number, ...string[]]>)
      for (const [i, text] of texts.entries()) (columns[i] as Int32Array)[id - this.#next] = this.#numberOf(text, numbers);
    for (const [place, column] of columns.entries()) this.#store.run(this.#next, place, new Uint8Array(column.buffer));
  }

  /** The page is in the file. */
  made(): void {
    this.#next += GROUPS_A_PAGE;
  }

  #numberOf(text: string, numbers: Map<string, number>): number {
    let number = numbers.get(text);
    if (number !== undefined) return number;
    number = (this.#find.get(text)?.['id'] as number | undefined) ?? Number(this.#add.run(text).lastInsertRowid);
    numbers.set(text, number);
    return number;
  }
}
