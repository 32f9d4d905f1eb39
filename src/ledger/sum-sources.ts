import type { SqliteDatabase, SqliteStatement } from '../store/sqlite/open.ts';
import { BlockBuilder, LEVELS, monthOf, startOfMonth, TAIL_PLACES, unpackHead, unpackTail, type Level, type Margin } from './blocks.ts';
import type { Cover, Piece } from './cover.ts';
import { DAY_MS, GROUP_KINDS, SUM_NAMES, type GroupKind } from './sums.ts';
import type { Source } from './tally.ts';

/** Finds sums for stretches of time: packed where they are, else from the tables of hours and days. */
export class SumSources {
  readonly #heads: SqliteStatement;
  readonly #tails: SqliteStatement;
  readonly #tables: Readonly<Record<'hour' | 'day', SqliteStatement>>;

  constructor(db: SqliteDatabase) {
    const place = 'FROM usage_block WHERE level = ? AND period = ? AND kind = ?';
    this.#heads = db.prepare(`SELECT head ${place}`);
    this.#tails = db.prepare(`SELECT tail ${place}`);
    const table = (unit: 'hour' | 'day'): SqliteStatement => {
      const statement = db.prepare(
        `SELECT a.group_id, ${SUM_NAMES.map((name) => `a.${name}`).join(', ')} FROM usage_${unit} AS a
         CROSS JOIN usage_group AS g ON g.id = a.group_id WHERE a.${unit} >= ? AND a.${unit} < ? AND g.kind = ?`,
      );
      statement.setReturnArrays(true);
      return statement;
    };
    this.#tables = { hour: table('hour'), day: table('day') };
  }

  /** Of the days and hours of a cover. `margin`: the block by one column alone that holds as much. */
  of({ days, hours }: Cover, kind: GroupKind, margin: Margin | undefined): readonly Source[] {
    const { number } = GROUP_KINDS[kind];
    const kinds = { table: number, hour: number, day: margin?.number ?? number };
    return [
      ...joined(days).flatMap((piece) => this.#ofPiece('day', kinds, piece)),
      ...hours.flatMap((piece) => this.#ofPiece('hour', kinds, piece)),
    ];
  }

  #ofPiece(unit: 'hour' | 'day', kinds: Kinds, [, from, to, sign]: Piece): readonly Source[] {
    const sources: Source[] = [];
    let unpacked = from;
    let at = from;
    while (at < to) {
      const [source, next] = this.#packedAt(unit, kinds[unit], at, to, sign);
      if (source !== undefined) {
        if (unpacked < at) sources.push(this.#fromTable(unit, kinds.table, unpacked, at, sign));
        sources.push(source);
        unpacked = next;
      }
      at = next;
    }
    if (unpacked < to) sources.push(this.#fromTable(unit, kinds.table, unpacked, to, sign));
    return sources;
  }

  /** The largest block that begins here and ends in time; and where it ends. */
  #packedAt(unit: 'hour' | 'day', kind: number, at: number, to: number, sign: 1 | -1): readonly [Source | undefined, number] {
    if (unit === 'day') {
      const month = monthOf(at * DAY_MS);
      const end = startOfMonth(month + 1) / DAY_MS;
      const whole = startOfMonth(month) === at * DAY_MS && end <= to ? this.#packed('month', kind, month, sign) : undefined;
      if (whole !== undefined) return [whole, end];
    }
    return [this.#packed(unit, kind, at, sign), at + 1];
  }

  #packed(level: Level, kind: number, period: number, sign: 1 | -1): Source | undefined {
    const found = this.#heads.get(LEVELS[level], period, kind)?.['head'];
    const head = found === undefined ? undefined : unpackHead(found as Uint8Array);
    if (head === undefined) return undefined;
    const tail = (): ReturnType<Source['tail']> => unpackTail(this.#tails.get(LEVELS[level], period, kind)?.['tail'] as Uint8Array);
    return { head, isSlots: false, sign, tail };
  }

  #fromTable(unit: 'hour' | 'day', kind: number, from: number, to: number, sign: 1 | -1): Source {
    const builder = new BlockBuilder();
    for (const row of this.#tables[unit].iterate(from, to, kind) as Iterable<unknown> as Iterable<readonly number[]>) {
      const place = builder.place(row[0] as number);
      for (let sum = 0; sum < SUM_NAMES.length; sum++) builder.add(place, sum, row[sum + 1] as number);
    }
    return sourceOf(builder, sign, false);
  }
}

/** Numbers of kinds: of groups in the tables, and of blocks. */
interface Kinds {
  readonly table: number;
  readonly hour: number;
  readonly day: number;
}

/** Pieces that follow each other are one, so that the months in it are whole. */
function joined(pieces: readonly Piece[]): readonly Piece[] {
  const all: Piece[] = [];
  for (const piece of pieces) {
    const [bucket, from, to, sign] = piece;
    const last = all.at(-1);
    if (last !== undefined && last[3] === sign && last[2] === from) all[all.length - 1] = [bucket, last[1], to, sign];
    else all.push(piece);
  }
  return all;
}

export const sourceOf = (builder: BlockBuilder, sign: 1 | -1, isSlots: boolean): Source => ({
  head: builder.head(),
  isSlots,
  sign,
  tail: () => TAIL_PLACES.map((place) => builder.column(place)),
});
