import { createHmac, timingSafeEqual } from 'node:crypto';
import { BulkheadError } from '../core/errors.ts';

/** What a table comes to. */
export interface Head {
  /** Rises with every write, and never falls below the clock. */
  readonly version: number;
  readonly count: number;
  /** Of the keyed digests of all rows, modulo 2^256: the order of rows does not matter, and one more or less is one addition. */
  readonly sum: bigint;
  /** What there was is being counted; count and sum are of what came and went since. */
  readonly open: boolean;
}

const MODULUS = 1n << 256n;
const FORM = /^\[(\d{1,16}),(-?\d{1,15}),"([0-9a-f]{64})",(true|false)\]\.([0-9a-f]{64})$/;

/**
 * Heads of tables as texts that nobody else can make: what they say is sealed with a key that the vault derives and no disk holds. A sum of
 * keyed digests is a multiset hash (Clarke et al., ASIACRYPT 2003): who cannot compute them finds no other rows that come to the same.
 */
export class RowSums {
  #key: Buffer | undefined;

  useKey(key: Buffer): void {
    this.#key = key;
  }

  /** `row`: its columns as JSON. */
  of(table: string, row: string): bigint {
    return BigInt(`0x${this.#seal(`row ${table} ${row}`).toString('hex')}`);
  }

  write(table: string, { version, count, sum, open }: Head): string {
    const text = JSON.stringify([version, count, sum.toString(16).padStart(64, '0'), open]);
    return `${text}.${this.#seal(`head ${table} ${text}`).toString('hex')}`;
  }

  /** Undefined: not one that this node wrote for this table. */
  read(table: string, state: string): Head | undefined {
    const [, version, count, sum, open, seal = ''] = FORM.exec(state) ?? [];
    const own = this.#seal(`head ${table} ${state.slice(0, -65)}`);
    if (version === undefined || !timingSafeEqual(own, Buffer.from(seal, 'hex'))) return undefined;
    return { version: Number(version), count: Number(count), sum: BigInt(`0x${sum}`), open: open === 'true' };
  }

  /** The head after one row was added (`before` null), taken away (`after` null) or changed. One that is not ours stays as it is. */
  next(table: string, state: string, before: string | null, after: string | null): string {
    const head = this.read(table, state);
    if (head === undefined) return state;
    const plus = after === null ? 0n : this.of(table, after);
    const minus = before === null ? 0n : this.of(table, before);
    const count = head.count + (after === null ? 0 : 1) - (before === null ? 0 : 1);
    return this.write(table, { version: head.version + 1, count, sum: sumOf(head.sum, plus - minus), open: head.open });
  }

  /** Throws vault_unavailable before the vault answered once: a write that nobody counts would look like somebody else's. */
  #seal(text: string): Buffer {
    if (this.#key === undefined) throw new BulkheadError('vault_unavailable');
    return createHmac('sha256', this.#key).update(text).digest();
  }
}

export const sumOf = (a: bigint, b: bigint): bigint => (((a + b) % MODULUS) + MODULUS) % MODULUS;
