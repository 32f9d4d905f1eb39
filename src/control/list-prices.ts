import { hash } from 'node:crypto';
import type { PriceTable } from '../accounting/price-table.ts';
import type { ConfigProblem } from '../config/config.ts';
import { loadPriceFile } from '../config/price-file.ts';
import type { Clock } from '../core/clock.ts';
import { BulkheadError } from '../core/errors.ts';
import { isJsonObject, type Json } from '../core/json.ts';
import type { Result } from '../core/result.ts';
import type { Logger } from '../telemetry/log.ts';
import { CONFIG, type Authority } from './acts.ts';
import type { Caller } from './caller.ts';
import { readMeta, writeMeta, type Database } from './database.ts';

/** The table that holds, kept as the text it was read from, so that it is judged anew by every version of the program. */
const STORED = 'list-prices';
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;

export interface ListPricesDeps {
  readonly db: Database;
  readonly authority: Authority;
  readonly clock: Clock;
  readonly log: Logger;
  /** The prices file that bulkhead.yaml names; undefined: none. */
  readonly file: string | undefined;
  /** Another table holds from now on; undefined: none. */
  readonly use: (table: PriceTable | undefined) => void;
}

/** `file`: bulkhead.yaml names it. `given`: applied by hand. */
type TableOrigin = 'file' | 'given';

export interface TableInForce {
  readonly table: PriceTable;
  readonly origin: TableOrigin;
  /** What the file was called. */
  readonly name: string;
  readonly appliedAt: number;
}

interface Stored {
  readonly origin: TableOrigin;
  readonly name: string;
  readonly text: string;
  readonly appliedAt: number;
}

/**
 * The operator's table of list prices: the file that bulkhead.yaml names, which is read again when it changes, else one that was applied
 * by hand. Used whole or not at all; one with an error changes nothing. Rows that are priced keep their price whatever comes here.
 */
export class ListPrices {
  readonly #deps: ListPricesDeps;
  #current: TableInForce | undefined;
  #problems: readonly ConfigProblem[] = [];
  /** One change after the other, so that what is stored is what holds. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Of the bytes that came. */
  #newest = 0;

  constructor(deps: ListPricesDeps) {
    this.#deps = deps;
  }

  get current(): TableInForce | undefined {
    return this.#current;
  }

  /** Why the newest file was not applied; empty: it was. */
  get problems(): readonly ConfigProblem[] {
    return this.#problems;
  }

  /** What held last: at a start, before the file is there. A table of a file that is no longer named does not. */
  async load(): Promise<void> {
    const stored = readStored(await readMeta(this.#deps.db, STORED));
    if (stored === undefined || (stored.origin === 'file') !== (this.#deps.file !== undefined)) return;
    const read = loadPriceFile(stored.text, stored.name);
    if (read.ok) this.#put({ table: read.value, origin: stored.origin, name: stored.name, appliedAt: stored.appliedAt });
    else this.#deps.log.error('prices.file_refused', { file: stored.name, reason: 'what held before cannot be read any more' });
  }

  /** The bytes of the named file, at the start and whenever they change. Tried again until it is recorded and stored, or a newer one comes. */
  async useFile(text: string, file: string): Promise<void> {
    const read = loadPriceFile(text, file);
    this.#problems = read.ok ? [] : read.error;
    for (const { line, reason } of this.#problems) this.#deps.log.error('prices.file_refused', { file, line, reason });
    const turn = ++this.#newest;
    if (!read.ok) return;
    for (let waitMs = FIRST_RETRY_MS; turn === this.#newest; waitMs = Math.min(waitMs * 2, LAST_RETRY_MS)) {
      try {
        return await this.#next(() => this.#takeFile(text, file, read.value));
      } catch (error) {
        this.#deps.log.warn('prices.file_waiting', { file, reason: error instanceof Error ? error.message : String(error) });
        await new Promise((resolve) => setTimeout(resolve, waitMs).unref());
      }
    }
  }

  async #takeFile(text: string, file: string, table: PriceTable): Promise<void> {
    if (this.#current?.origin === 'file' && JSON.stringify(this.#current.table) === JSON.stringify(table)) return;
    await this.#deps.authority.permit(CONFIG, 'prices.apply', `prices/${file}`, factsOf(text, table));
    await this.#store({ origin: 'file', name: file, text, appliedAt: this.#deps.clock.now() }, table);
  }

  stop(): void {
    this.#newest++;
  }

  /** A table by hand. Gives its problems, where it has any; then nothing changed. Throws declared_in_file where bulkhead.yaml names one. */
  async give(by: Caller, name: string, text: string): Promise<Result<PriceTable, readonly ConfigProblem[]>> {
    this.#mayChange();
    const read = loadPriceFile(text, name);
    if (!read.ok) return read;
    await this.#next(async () => {
      await this.#deps.authority.permit(by, 'prices.apply', `prices/${name}`, factsOf(text, read.value));
      await this.#store({ origin: 'given', name, text, appliedAt: this.#deps.clock.now() }, read.value);
    });
    return read;
  }

  /** Back to what is built in. */
  async reset(by: Caller): Promise<void> {
    this.#mayChange();
    await this.#next(async () => {
      await this.#deps.authority.permit(by, 'prices.reset', 'prices');
      await writeMeta(this.#deps.db, STORED, '');
      this.#put(undefined);
    });
  }

  #mayChange(): void {
    const { file } = this.#deps;
    if (file !== undefined) throw new BulkheadError('declared_in_file', { resource: 'price table', id: 'prices_file', file });
  }

  #next(change: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(change);
    // The next change does not depend on whether this one came about; who asked for it is told.
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #store(stored: Stored, table: PriceTable): Promise<void> {
    const { origin, name, text, appliedAt } = stored;
    await writeMeta(this.#deps.db, STORED, JSON.stringify({ origin, name, text, appliedAt }));
    this.#put({ table, origin, name, appliedAt });
    this.#deps.log.info('prices.file_applied', { file: name, reason: `version ${table.version}` });
  }

  #put(current: TableInForce | undefined): void {
    this.#current = current;
    this.#deps.use(current?.table);
  }
}

const factsOf = (text: string, { version, lists }: PriceTable) => ({
  sha256: hash('sha256', text, 'hex'),
  version,
  models: Object.values(lists).reduce((sum, { models }) => sum + models.length, 0),
});

function readStored(text: string | undefined): Stored | undefined {
  if (text === undefined || text === '') return undefined;
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value as Json)) return undefined;
  const { origin, name, text: content, appliedAt } = value as Record<string, unknown>;
  if ((origin !== 'file' && origin !== 'given') || typeof name !== 'string' || typeof content !== 'string' || typeof appliedAt !== 'number')
    return undefined;
  return { origin, name, text: content, appliedAt };
}
