import type { KeyObject } from 'node:crypto';
import type { SignedText } from '../access/principal.ts';
import { BulkheadError } from '../core/errors.ts';
import { publicKeyFromRaw, verifyText } from '../core/signing.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Vaults } from './vaults.ts';

/** The deciding columns of a row in a fixed order, its table first. */
export type SealedFacts = readonly [table: 'membership' | 'token', id: string, ...(string | number | null)[]];

export interface RowSealDeps {
  readonly vaults: Pick<Vaults, 'sign' | 'info'>;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/**
 * Tells rows that this process wrote from rows that somebody edited in its file. Only the vault can sign, so that who can write to the
 * database gains nothing by it. What it cannot tell is an older row put back whole: who can do that has a backup of the folder.
 */
export class RowSeals {
  readonly #deps: RowSealDeps;
  readonly #edited: ReturnType<Metrics['counter']>;
  #verifyKey: KeyObject | undefined;

  constructor(deps: RowSealDeps) {
    this.#deps = deps;
    this.#edited = deps.metrics.counter('bulkhead_edited_rows_total', 'Rows that the vault did not sign, each time one was refused.', [
      'table',
    ]);
  }

  async seal(facts: SealedFacts): Promise<string> {
    return (await this.#deps.vaults.sign('row', JSON.stringify(facts))).signature;
  }

  /** False: the row was edited; that is reported. Throws vault_unavailable before the vault answered once. */
  async holds(facts: SealedFacts, signature: string): Promise<boolean> {
    const intact = verifyText(await this.#key(), 'row', { text: JSON.stringify(facts), signature });
    if (!intact) this.report(facts[0], facts[1]);
    return intact;
  }

  async holdsKey(signed: SignedText): Promise<boolean> {
    return verifyText(await this.#key(), 'key', signed);
  }

  report(table: string, id: string): void {
    this.#edited.inc([table]);
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
