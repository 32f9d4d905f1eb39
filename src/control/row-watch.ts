import { hash } from 'node:crypto';
import { isJsonObject, type Json } from '../core/json.ts';
import { BulkheadError } from '../core/errors.ts';
import type { Clock } from '../core/clock.ts';
import { within } from '../core/within.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { CONTROL, type Authority, type PermitFor } from './acts.ts';
import type { AuditorLog } from './auditor-log.ts';
import type { Database } from './database.ts';
import type { Difference, RowHeads } from './row-heads.ts';
import type { Vaults } from './vaults.ts';

export interface RowWatchDeps {
  /** Without plugins. */
  readonly db: Database;
  readonly heads: RowHeads;
  readonly vaults: Pick<Vaults, 'sign'>;
  readonly auditor: Pick<AuditorLog, 'tail' | 'sequence'>;
  readonly authority: Authority;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The newest schema that this program knows. */
  readonly schema: number;
}

/** What is known of the tables. `older`: the whole database is one of before; `open`: nobody has looked yet. */
export interface RowState {
  readonly state: 'ok' | 'differs' | 'open';
  readonly older: boolean;
  readonly differences: readonly Difference[];
}

/** A line of the log that says what the heads came to. */
interface Noted {
  readonly schema: number;
  readonly version: number;
  readonly digest: string;
}

const NOTE = 'rows.note';
const KEY_TEXT = JSON.stringify(['heads', 'key']);
/** How far back the note is looked for; it is repeated long before so much else was recorded. */
const TAIL_LINES = 1000;
const REPEAT_LINES = 200;
const HOUR_MS = 3_600_000;
const READY_MS = 5000;

/**
 * Looks whether the tables come to their heads: at the start, whenever another connection wrote to the file, and every hour. What the heads
 * came to is noted in the auditor's log, which another process holds: so that a whole older database that was put back is seen as well.
 */
export class RowWatch {
  readonly #deps: RowWatchDeps;
  readonly #started = Promise.withResolvers<void>();
  readonly #told = new Set<string>();
  #isStarted = false;
  #isOlder = false;
  #differences: readonly Difference[] = [];
  /** `foreignWrites` of the last look. */
  #lookedAt = -1;
  #looking: Promise<unknown> = Promise.resolve();
  /** The last look at everything. */
  #whole = { at: -Infinity, writes: -1, isReading: false };
  #noted = { version: -1, at: -Infinity, sequence: 0 };
  readonly #gauge: ReturnType<Metrics['gauge']>;

  constructor(deps: RowWatchDeps) {
    this.#deps = deps;
    this.#gauge = deps.metrics.gauge('bulkhead_tables_differing', 'Tables of control that are not as this node wrote them.');
  }

  get now(): RowState {
    const differs = this.#isOlder || this.#differences.length > 0;
    return {
      state: this.#isStarted ? (differs ? 'differs' : 'ok') : 'open',
      older: this.#isOlder,
      differences: this.#differences,
    };
  }

  /** Whether rows of before are to be taken as they are: the schema has just got heads, or is newer than the last note. Rejects without vault or auditor. */
  async isUpgrade(): Promise<boolean> {
    const { heads, vaults, schema } = this.#deps;
    const { signature } = await vaults.sign('row', KEY_TEXT);
    heads.useKey(hash('sha256', `bulkhead heads ${signature}`, 'buffer'));
    const noted = await this.#lastNote();
    return noted === undefined ? !heads.areThere : noted.schema < schema;
  }

  /** The first look. `isUpgrade`: what is there is counted instead. */
  async start(isUpgrade: boolean): Promise<void> {
    const { db, heads, authority, clock, log } = this.#deps;
    if (isUpgrade || heads.isUnfinished) {
      await authority.permit(CONTROL, 'rows.count', 'rows');
      await heads.count(db, clock.now());
      log.info('rows.counted', { reason: 'every table was counted as it stands; this happens once for each schema' });
    }
    const [own, noted] = [heads.note(), await this.#lastNote()];
    const isBehind = noted !== undefined && (own.version < noted.version || (own.version === noted.version && own.digest !== noted.digest));
    this.#isOlder = isBehind && !isUpgrade;
    this.#take([]);
    if (this.#isOlder) await this.#report('database', { reason: 'it is older than the auditor’s log says: it was put back' });
    await this.#look();
    this.#isStarted = true;
    this.#started.resolve();
    await this.tick();
  }

  /** Names of tables that are not as this node wrote them. Throws vault_unavailable while nobody could look. */
  async doubted(): Promise<readonly string[]> {
    await within(READY_MS, this.#current()).catch((cause: unknown) => {
      throw new BulkheadError('vault_unavailable', {}, { cause });
    });
    return this.#names();
  }

  /** Done every few seconds. */
  async tick(): Promise<void> {
    if (!this.#isStarted) return;
    await this.#current();
    const isDue = performance.now() - this.#whole.at >= HOUR_MS || this.#whole.writes !== this.#deps.heads.foreignWrites;
    if (isDue && !this.#whole.isReading) this.#lookWhole();
    await this.note();
  }

  /** Says in the log what the heads come to, if that is new, or so old that it would soon be hard to find. */
  async note(): Promise<void> {
    // Else the older database would be the newest that the log knows of.
    if (!this.#isStarted || this.#isOlder) return;
    const { heads, authority, auditor, schema } = this.#deps;
    const { version, digest } = heads.note();
    const isDue = performance.now() - this.#noted.at >= HOUR_MS || auditor.sequence - this.#noted.sequence >= REPEAT_LINES;
    if (version === this.#noted.version && !isDue) return;
    const { receipt } = await authority.permit(CONTROL, NOTE, 'rows', { schema, version, digest });
    this.#noted = { version, at: performance.now(), sequence: receipt.sequence };
  }

  /** Takes the tables as they stand. Resolves when they are counted. */
  async accept(_permit: PermitFor<'rows.accept'>): Promise<void> {
    const { db, heads, clock } = this.#deps;
    await heads.count(db, clock.now());
    this.#isOlder = false;
    this.#told.clear();
    this.#take([]);
    this.#lookedAt = -1;
    this.#whole = { at: -Infinity, writes: -1, isReading: false };
    await this.#look();
    await this.note();
  }

  #names(): readonly string[] {
    return [...(this.#isOlder ? ['database'] : []), ...this.#differences.map(({ table }) => table)];
  }

  async #current(): Promise<void> {
    await this.#started.promise;
    if (this.#lookedAt !== this.#deps.heads.foreignWrites) await this.#look();
  }

  /** One after another: who comes while one looks waits for a look of their own, which finds what was written until then. */
  #look(): Promise<void> {
    const looked = this.#looking.then(async () => {
      const { heads } = this.#deps;
      const writes = heads.foreignWrites;
      if (writes === this.#lookedAt) return;
      const found = await heads.check('small');
      // What only the look at everything finds stays until the next one.
      this.#take([...found, ...this.#differences.filter(({ table }) => heads.isLarge(table))]);
      this.#lookedAt = writes;
      await this.#reportAll(found);
    });
    this.#looking = looked.catch(() => undefined);
    return looked;
  }

  /** In the background: there may be very many rows. */
  #lookWhole(): void {
    const { heads, log } = this.#deps;
    const whole = { at: performance.now(), writes: heads.foreignWrites, isReading: true };
    this.#whole = whole;
    heads
      .check('all')
      .then((found) => {
        // Somebody took the tables as they stand meanwhile: what was read is of before.
        if (this.#whole !== whole) return;
        this.#take(found);
        return this.#reportAll(found);
      })
      .catch((error: unknown) => log.warn('rows.not_read', { reason: words(error) }))
      .finally(() => (whole.isReading = false));
  }

  #take(differences: readonly Difference[]): void {
    this.#differences = differences;
    this.#gauge.set(this.#names().length);
  }

  async #reportAll(found: readonly Difference[]): Promise<void> {
    for (const { table, expected, found: rows } of found) {
      const words = `it has ${rows} rows and should have ${expected}, or it has others than it should`;
      await this.#report(table, { reason: expected === null ? 'it has no head of this node' : words, expected, found: rows });
    }
  }

  async #report(
    table: string,
    { reason, ...facts }: { readonly reason: string; readonly expected?: number | null; readonly found?: number },
  ) {
    this.#deps.log.error('rows.differ', { target: `rows/${table}`, reason });
    if (this.#told.has(table)) return;
    this.#told.add(table);
    await this.#deps.authority.permit(CONTROL, 'rows.differ', `rows/${table}`, { reason, ...facts }).catch((error: unknown) => {
      this.#told.delete(table);
      this.#deps.log.warn('row.not_recorded', { target: `rows/${table}`, reason: words(error) });
    });
  }

  async #lastNote(): Promise<Noted | undefined> {
    const lines = await this.#deps.auditor.tail(TAIL_LINES);
    const entries = lines.map((line) => JSON.parse(line) as Json).filter(isJsonObject);
    const facts = entries.findLast(({ kind, act }) => kind === 'act' && act === NOTE)?.['facts'];
    if (facts === undefined || !isJsonObject(facts)) return undefined;
    const { schema, version, digest } = facts;
    return { schema: Number(schema), version: Number(version), digest: String(digest) };
  }
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));
