import { hash } from 'node:crypto';
import type { OperatorPriceTable } from '../accounting/operator-prices.ts';
import type { PriceTable } from '../accounting/price-table.ts';
import type { BulkheadConfig, PriceConfig } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import { BulkheadError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { LedgerAdminCall } from '../ipc/messages/ledger.ts';
import type { Link } from '../ipc/link.ts';
import type { Logger } from '../telemetry/log.ts';
import { readMeta, writeMeta, type Database } from './database.ts';
import type { Vaults } from './vaults.ts';

const VERSION = 'prices.version';
const DIGEST = 'prices.sha256';
/** Stands for the digest of a table that the ledger refused as older than its own: it gets a new number, whatever it holds. */
const REFUSED = 'refused';
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 10_000;

type Whole = PriceConfig & Pick<OperatorPriceTable, 'table'>;

export interface PricePublisherDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly vaults: Pick<Vaults, 'sign'>;
  readonly ledger: Pick<Link, 'unary'>;
  readonly log: Logger;
}

/**
 * Hands the operator's prices to the ledger: numbered anew only where they changed, so that rows name one version for one table; signed by
 * the vault; sent until the ledger took them or newer ones came. Gateways do not wait for it.
 */
export class PricePublisher {
  readonly #deps: PricePublisherDeps;
  #newest = 0;
  #last: PriceConfig | undefined;
  #table: PriceTable | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(deps: PricePublisherDeps) {
    this.#deps = deps;
  }

  /** Never rejects: what did not arrive is tried again. Resolves after the first try. */
  publish({ prices }: Pick<BulkheadConfig, 'prices'>): Promise<void> {
    clearTimeout(this.#timer);
    this.#last = prices;
    return this.#try({ ...prices, ...(this.#table !== undefined && { table: this.#table }) }, ++this.#newest, FIRST_RETRY_MS);
  }

  /** The list prices that go with what is published from now on. */
  useTable(table: PriceTable | undefined): void {
    this.#table = table;
    this.again();
  }

  /** The ledger is there again: it may be another one, or have lost its file. */
  again(): void {
    if (this.#last !== undefined) void this.publish({ prices: this.#last });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #try(prices: Whole, turn: number, waitMs: number): Promise<void> {
    try {
      await this.#push(prices);
    } catch (error) {
      if (turn !== this.#newest || this.#stopped) return;
      if (error instanceof BulkheadError && error.code === 'permission_denied') await writeMeta(this.#deps.db, DIGEST, REFUSED);
      this.#deps.log.warn('prices.waiting', { reason: error instanceof Error ? error.message : String(error) });
      this.#timer = setTimeout(() => void this.#try(prices, turn, Math.min(waitMs * 2, LAST_RETRY_MS)), waitMs);
      this.#timer.unref();
    }
  }

  async #push(prices: Whole): Promise<void> {
    const { vaults, ledger, log } = this.#deps;
    const version = await this.#versionOf(prices);
    const table: OperatorPriceTable = { kind: 'prices', version, ...prices };
    const call: LedgerAdminCall = { op: 'prices.apply', prices: await vaults.sign('snapshot', JSON.stringify(table)) };
    await ledger.unary(call as unknown as JsonObject);
    log.info('prices.applied', { version });
  }

  /** 0 until there ever were any. Never below the clock: a database that was restored must not fall behind what the ledger holds. */
  async #versionOf(prices: Whole): Promise<number> {
    const { db, clock } = this.#deps;
    const digest = hash('sha256', JSON.stringify(prices), 'hex');
    const version = Number((await readMeta(db, VERSION)) ?? 0);
    const { entries, discounts, margins, table } = prices;
    const isEmpty = entries.length === 0 && discounts.length === 0 && margins.length === 0 && table === undefined;
    const known = await readMeta(db, DIGEST);
    if (known === digest || (version === 0 && isEmpty && known !== REFUSED)) return version;
    const next = Math.max(version + 1, Math.floor(clock.now() / 1000));
    await writeMeta(db, VERSION, String(next));
    await writeMeta(db, DIGEST, digest);
    return next;
  }
}
