import type { KeyObject } from 'node:crypto';
import type { SignedText } from '../access/principal.ts';
import { BulkheadError } from '../core/errors.ts';
import { Recent } from '../core/recent.ts';
import { within } from '../core/within.ts';
import { publicKeyFromRaw, verifyText } from '../core/signing.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Vaults } from './vaults.ts';

/** The deciding columns of a row in a fixed order, its table first. */
export type SealedFacts = readonly [table: string, id: string, ...(string | number | null)[]];

export interface RowSealDeps {
  readonly vaults: Pick<Vaults, 'sign' | 'info'>;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Told of each row once: it goes into the auditor's log. */
  readonly onEdited: (table: string, id: string) => void;
}

/** Signatures that were found right, and edited rows that were told. */
const MAX_REMEMBERED = 20_000;
/** How long a request waits for the seals of an upgrade. */
const READY_MS = 5000;

/**
 * Tells rows that this process wrote from rows that somebody edited in its file. Only the vault can sign, so that who can write to the
 * database gains nothing by it. What it cannot tell is an older row put back whole: who can do that has a backup of the folder.
 */
export class RowSeals {
  readonly #deps: RowSealDeps;
  readonly #edited: ReturnType<Metrics['counter']>;
  /** By signature: the text that it is of. */
  readonly #right = new Recent<string>(MAX_REMEMBERED);
  readonly #told = new Recent<true>(MAX_REMEMBERED);
  #verifyKey: KeyObject | undefined;
  #ready: Promise<unknown> = Promise.resolve();
  #isReady = true;

  constructor(deps: RowSealDeps) {
    this.#deps = deps;
    this.#edited = deps.metrics.counter('bulkhead_edited_rows_total', 'Rows that the vault did not sign, each time one was refused.', [
      'table',
    ]);
  }

  /** Rows of before an upgrade get their seals first. */
  waitFor(sealing: Promise<unknown>): void {
    this.#isReady = false;
    this.#ready = sealing.then(() => (this.#isReady = true));
  }

  /** To be awaited before a row is read. Throws vault_unavailable where it takes too long: without the vault nothing can be sealed. */
  async ready(): Promise<void> {
    if (this.#isReady) return;
    await within(READY_MS, this.#ready).catch((cause: unknown) => {
      throw new BulkheadError('vault_unavailable', {}, { cause });
    });
  }

  async seal(facts: SealedFacts): Promise<string> {
    return (await this.#deps.vaults.sign('row', JSON.stringify(facts))).signature;
  }

  /** False: the row was edited; that is reported. Throws vault_unavailable before the vault answered once. */
  async holds(facts: SealedFacts, signature: string): Promise<boolean> {
    const text = JSON.stringify(facts);
    if (this.#right.get(signature) === text) return true;
    const intact = verifyText(await this.#key(), 'row', { text, signature });
    if (intact) this.#right.set(signature, text);
    else this.report(facts[0], facts[1]);
    return intact;
  }

  async holdsKey(signed: SignedText): Promise<boolean> {
    return verifyText(await this.#key(), 'key', signed);
  }

  report(table: string, id: string): void {
    this.#edited.inc([table]);
    if (this.#told.get(`${table}/${id}`) === undefined) {
      this.#told.set(`${table}/${id}`, true);
      this.#deps.onEdited(table, id);
    }
    this.#deps.log.error('row.edited', { target: `${table}/${id}`, reason: 'the vault did not sign this row; it is refused' });
  }

  /** Asked for once: a vault with another key is another vault, whose rows these are not. */
  async #key(): Promise<KeyObject> {
    if (this.#verifyKey === undefined) {
      const { verifyKey } = await this.#deps.vaults.info(0);
      if (typeof verifyKey !== 'string') throw new BulkheadError('vault_unavailable');
      this.#verifyKey = publicKeyFromRaw(verifyKey);
    }
    return this.#verifyKey;
  }
}
