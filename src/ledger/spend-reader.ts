import path from 'node:path';
import type { Charge } from '../admission/engine.ts';
import { isFor, ownedBy } from '../admission/counts.ts';
import { EVERYONE, ownerKey } from '../core/owner.ts';
import type { BudgetRule } from '../core/rules.ts';
import { openReadable, type SqliteDatabase } from '../store/sqlite/open.ts';
import type { ChargeChange } from './charge-changes.ts';
import { addCover, emptyCover, type Cover, type Piece } from './cover.ts';
import { PackedMoney, type TextCondition } from './packed-money.ts';
import type { SqlRow } from './row-columns.ts';
import { DATABASE_FILE } from './schema.ts';
import { extentOf, horizonOf } from './extent.ts';
import { GROUP_KINDS, kindFor, moneyOf, type GroupColumn } from './sums.ts';
import { isInexact } from './tally.ts';
import type { WriteItem } from './write-items.ts';

/** What the ledger's memory knows of the writer's progress. */
export interface Progress {
  /** Number of the last transaction that memory has heard of. */
  readonly seen: number;
  /** Handed to the writer, which has not answered: in the file, or not. */
  sent(): Iterable<WriteItem>;
  waiting(): Iterable<WriteItem>;
}

interface Condition extends TextCondition {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/**
 * What was spent under a budget's scope: rows of the file, by their sums where there are any, and what memory has counted that is not
 * there yet. Exact at the moment of asking: transactions that the file holds and memory has not heard of are told apart by their number.
 */
export class SpendReader {
  readonly #db: SqliteDatabase;
  readonly #packed: PackedMoney;

  constructor(folder: string) {
    this.#db = openReadable(path.join(folder, DATABASE_FILE));
    this.#packed = new PackedMoney(this.#db);
  }

  close(): void {
    this.#db.close();
  }

  /** Picodollars of calls that began in [from, to). Throws when the file cannot be read, or memory is too far behind it. */
  spent(rule: BudgetRule, from: number, to: number, progress: Progress): bigint {
    // One snapshot for the rows and for the numbers of the transactions that made them.
    this.#db.exec('BEGIN');
    try {
      const keys = rule.owner.kind === 'key' ? this.#lineage(rule.owner.id, progress) : NO_KEYS;
      const isIn = (charge: Charge): boolean => charge.startedAt >= from && charge.startedAt < to && counts(rule, charge, keys);
      let sum = this.#sum(scopeOf(rule, keys), from, to);
      const unseen = this.#unseen(progress.seen);
      for (const { charge, picodollars } of unseen.changes) if (isIn(charge)) sum -= BigInt(picodollars);
      if (!unseen.isSentWritten) for (const item of progress.sent()) sum += charged(item, isIn);
      for (const item of progress.waiting()) sum += charged(item, isIn);
      return sum;
    } finally {
      this.#db.exec('COMMIT');
    }
  }

  /** True: calls of the request reached a provider, and none is under way any more, so that their rows say what it cost. */
  isOver(requestId: string): boolean {
    const states = this.#db.prepare('SELECT state FROM usage WHERE request_id = ?').all(requestId);
    return states.length > 0 && states.every(({ state }) => state !== 'open');
  }

  /** `seen` tells where memory is; what the file has beyond it. */
  #unseen(seen: number): { readonly isSentWritten: boolean; readonly changes: readonly ChargeChange[] } {
    const rows = this.#db.prepare('SELECT seq, batch, changes FROM charge_change WHERE seq > ? ORDER BY seq').all(seen);
    if (rows.length > 0 && Number(rows[0]?.['seq']) !== seen + 1) throw new Error('the changes since memory heard of the file are gone');
    return {
      isSentWritten: rows.some(({ batch }) => Number(batch) === 1),
      changes: rows.flatMap(({ changes }) => JSON.parse(String(changes)) as readonly ChargeChange[]),
    };
  }

  /** A key and all that took its place: the rows of each are its lineage's. */
  #lineage(first: string, progress: Progress): ReadonlySet<string> {
    const keys = new Set([first]);
    for (const { key } of this.#db.prepare('SELECT key FROM key_lineage WHERE first = ?').all(first)) keys.add(String(key));
    for (const items of [progress.sent(), progress.waiting()]) {
      for (const item of items) if (item.kind === 'lineage' && item.first === first) keys.add(item.key);
    }
    return keys;
  }

  #sum(scope: readonly Condition[], from: number, to: number): bigint {
    const held = extentOf(this.#db);
    if (held === undefined) return 0n;
    const cover = emptyCover();
    // A total has no beginning and no end; the rows have.
    const begin = Math.max(from, held.from);
    const end = Math.min(to, held.to);
    if (begin < end) addCover(cover, 0, begin, end, horizonOf(this.#db));
    let sum = 0n;
    for (const [, first, last, sign] of cover.rows) sum += BigInt(sign) * this.#rows(scope, first, last);
    return sum + this.#sums(scope, cover);
  }

  /** Reservations wait meanwhile: what has many groups is read from packed sums, what has few by its groups. */
  #sums(scope: readonly Condition[], cover: Cover): bigint {
    if (!scope.some(({ column }) => FEW_GROUPS.includes(column))) {
      try {
        return this.#packed.sum(scope, cover);
      } catch (error) {
        if (!isInexact(error)) throw error;
      }
    }
    const kind = GROUP_KINDS[kindFor(scope.map(({ column }) => column))].number;
    let sum = 0n;
    for (const piece of cover.hours) sum += this.#groups('hour', kind, scope, piece);
    for (const piece of cover.days) sum += this.#groups('day', kind, scope, piece);
    return sum;
  }

  /** Groups first: those of a key are few, whatever the file holds of others. */
  #groups(unit: 'hour' | 'day', kind: number, scope: readonly Condition[], [, from, to, sign]: Piece): bigint {
    // What is not '' lies in an index of its own.
    const found = scope.filter(({ column }) => column === 'user' || column === 'end_user').map(({ column }) => `g.${column} <> ''`);
    const where = ['g.kind = ?', ...scope.map(({ sql }) => `g.${sql}`), ...found].join(' AND ');
    const sql = `WITH RECURSIVE t (at) AS (SELECT ? UNION ALL SELECT at + 1 FROM t WHERE at + 1 < ?)
      SELECT sum(u.micro) AS micro, sum(u.rest) AS rest FROM usage_group g CROSS JOIN t CROSS JOIN usage_${unit} u
      ON u.${unit} = t.at AND u.group_id = g.id WHERE ${where}`;
    return BigInt(sign) * this.#money(sql, [from, to, kind, ...scope.flatMap(({ values }) => values)]);
  }

  #rows(scope: readonly Condition[], from: number, to: number): bigint {
    const where = ['started_at >= ?', 'started_at < ?', ...scope.map(rowCondition)].join(' AND ');
    const sql = `SELECT sum(picodollars / 1000000) AS micro, sum(picodollars % 1000000) AS rest FROM usage WHERE ${where}`;
    return this.#money(sql, [from, to, ...scope.flatMap(({ values }) => values)]);
  }

  #money(sql: string, values: readonly (string | number)[]): bigint {
    const statement = this.#db.prepare(sql);
    statement.setReadBigInts(true);
    const row = statement.get(...values) as SqlRow | undefined;
    return moneyOf(BigInt((row?.['micro'] ?? 0n) as bigint), BigInt((row?.['rest'] ?? 0n) as bigint));
  }
}

function scopeOf({ owner, model, provider }: BudgetRule, keys: ReadonlySet<string>): readonly Condition[] {
  const scope: Condition[] = [];
  if (owner.kind === 'end_user' || owner.kind === 'tag') {
    const slash = owner.id.indexOf('/');
    scope.push(equal('organization', owner.id.slice(0, slash)), equal(owner.kind, owner.id.slice(slash + 1)));
  } else if (keys.size > 1) {
    const sql = `key IN (${[...keys].map(() => '?').join(', ')})`;
    scope.push({ column: 'key', sql, values: [...keys], holds: (text) => keys.has(text) });
  } else if (ownerKey(owner) !== ownerKey(EVERYONE)) scope.push(equal(owner.kind, owner.id));
  if (provider !== undefined) scope.push(equal('provider', provider));
  if (model?.endsWith('/*') === true) {
    const prefix = model.slice(0, -1);
    const values = [`${prefix.replace(/[*?[]/g, '[$&]')}*`];
    scope.push({ column: 'alias', sql: 'alias GLOB ?', values, holds: (text) => text.startsWith(prefix) });
  } else if (model !== undefined) scope.push(equal('alias', model));
  return scope;
}

const equal = (column: GroupColumn, value: string): Condition => ({
  column,
  sql: `${column} = ?`,
  values: [value],
  holds: (text) => text === value,
});

/** An index leads to the groups of one of these. */
const FEW_GROUPS: readonly GroupColumn[] = ['key', 'user', 'end_user'];

/** A row has all its tags in one column. */
const rowCondition = ({ column, sql }: Condition): string =>
  column === 'tag' ? "EXISTS (SELECT 1 FROM json_each(CASE tags WHEN '' THEN '[]' ELSE tags END) WHERE value = ?)" : sql;

/** Whether a budget counts a call, as the engine decides it. */
const counts = ({ owner, model, provider }: BudgetRule, charge: Charge, keys: ReadonlySet<string>): boolean =>
  (provider === undefined || provider === charge.provider) &&
  isFor(model, charge.alias) &&
  (keys.has(charge.key) || ownedBy(charge, owner));

const NO_KEYS: ReadonlySet<string> = new Set();

function charged(item: WriteItem, isIn: (charge: Charge) => boolean): bigint {
  if (item.kind !== 'usage') return 0n;
  let sum = 0n;
  for (const [place, event] of item.events.entries()) if (isIn(event)) sum += BigInt(item.charged?.[place] ?? 0);
  return sum;
}
