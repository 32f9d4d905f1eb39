import type { KeyObject } from 'node:crypto';
import type { SignedText } from '../access/principal.ts';
import type { Clock } from '../core/clock.ts';
import { BulkheadError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { AdmissionPolicy } from '../core/rules.ts';
import { publicKeyFromRaw, verifyText } from '../core/signing.ts';
import type { LedgerAdminCall } from '../ipc/messages/ledger.ts';
import type { Link } from '../ipc/link.ts';
import type { Logger } from '../telemetry/log.ts';
import { editedRules, NO_POLICY, policyAfter, type RuleChange } from './admission-policy.ts';
import { readMeta, writeMeta, type Database } from './database.ts';
import { ownerNames } from './owners.ts';
import type { Vaults } from './vaults.ts';
import { within } from '../core/within.ts';

const POLICY = 'admission.policy';
/** How long a write waits for the ledger before it is acknowledged as stored only. */
const PUSH_MS = 3000;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 10_000;

export interface AdmissionPublisherDeps {
  readonly db: Database;
  readonly vaults: Pick<Vaults, 'sign' | 'info'>;
  readonly ledger: Pick<Link, 'unary'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly unknownPrice: () => AdmissionPolicy['unknownPrice'];
  /** Whether what was kept here may have been taken away, or be older than it was. Rejects while nobody could look. */
  readonly hasLost: () => Promise<boolean>;
}

/** `yes`: every request is held to it. `later`: it is stored, and goes to the ledger once that answers. */
export type Applied = 'yes' | 'later';

/**
 * The rules that the ledger admits by: signed by the vault when they are written, kept in that form, pushed at once and again
 * whenever the ledger comes back. What was signed is what counts: each policy is made from the one before.
 */
export class AdmissionPublisher {
  readonly #deps: AdmissionPublisherDeps;
  #turn: Promise<unknown> = Promise.resolve();
  #verifyKey: KeyObject | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #stopped = false;

  constructor(deps: AdmissionPublisherDeps) {
    this.#deps = deps;
  }

  /** One writer of rules at a time: what it makes is built on what the one before stored. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** What the rules are now. Throws row_edited where the file does not hold them as they were signed. */
  async current(): Promise<AdmissionPolicy> {
    const signed = await this.#stored();
    await this.#refuseLost();
    return signed === undefined ? NO_POLICY : (JSON.parse(signed.text) as AdmissionPolicy);
  }

  /** The next policy, signed; it counts once `keep` stored it. Throws vault_unavailable. */
  async next(change: RuleChange): Promise<SignedText> {
    return this.#sign(await this.current(), change);
  }

  async #sign(before: AdmissionPolicy, change: RuleChange): Promise<SignedText> {
    const { db, vaults, clock, unknownPrice } = this.#deps;
    const after = policyAfter(before, change, clock.now());
    const names = await ownerNames(
      db,
      [...after.limits, ...after.budgets, ...after.shares].map(({ owner }) => owner),
    );
    // Never below the clock: a database that was restored from a backup must not fall behind what the ledger holds.
    const version = Math.max(before.version + 1, clock.now());
    return vaults.sign('snapshot', JSON.stringify({ ...after, names, version, unknownPrice: unknownPrice() }));
  }

  /** Takes part in the caller's transaction. */
  keep(db: Database, signed: SignedText): Promise<void> {
    return writeMeta(db, POLICY, JSON.stringify(signed));
  }

  /** Signs the rules anew, where names of owners or the policy of unknown prices changed. */
  refresh(): Promise<Applied> {
    return this.inTurn(async () => {
      await this.keep(this.#deps.db, await this.next({}));
      return this.push();
    });
  }

  /**
   * Where no policy of ours is kept any more: one of the rows that are, so that nothing becomes free by the loss. To be called once an
   * operator has taken the rows as they stand.
   */
  async restore(): Promise<void> {
    const isKept = await this.#stored().then(
      (signed) => signed !== undefined,
      () => false,
    );
    if (isKept) return;
    const { db, clock } = this.#deps;
    const [limits, budgets, shares, raises] = await Promise.all([
      db.selectFrom('limits').selectAll().where('owner_kind', '!=', 'key').execute(),
      db.selectFrom('budgets').selectAll().where('owner_kind', '!=', 'key').execute(),
      db.selectFrom('shares').selectAll().execute(),
      db.selectFrom('budget_raises').selectAll().where('until', '>', clock.now()).execute(),
    ]);
    await this.inTurn(async () => {
      await this.keep(db, await this.#sign(NO_POLICY, { limits, budgets, shares, raises }));
      return this.push();
    });
  }

  /** An owner has another name, for the sentences of refusals. Never rejects: without the vault they keep the old one until the next rule. */
  async renamed(): Promise<void> {
    await this.refresh().catch((error: unknown) => {
      this.#deps.log.warn('admission.waiting', { reason: error instanceof Error ? error.message : String(error) });
    });
  }

  /** When the ledger is there again: it gets what is stored, or, where nothing is yet, the policy of no rules. */
  async greet(): Promise<void> {
    try {
      const isFirst = (await readMeta(this.#deps.db, POLICY)) === undefined;
      if (isFirst) await this.#refuseLost();
      await (isFirst ? this.refresh() : this.push());
      await this.check();
    } catch (error) {
      this.#deps.log.warn('admission.waiting', { reason: error instanceof Error ? error.message : String(error) });
      this.#again();
    }
  }

  /** Sends what is stored. Never rejects: what does not arrive is sent again. */
  async push(): Promise<Applied> {
    try {
      await within(PUSH_MS, this.#send());
      return 'yes';
    } catch (error) {
      this.#deps.log.warn('admission.waiting', { reason: error instanceof Error ? error.message : String(error) });
      this.#again();
      return 'later';
    }
  }

  /** Reports rows that somebody edited in the file; enforced are those that were signed. Gives their ids. */
  async check(): Promise<readonly string[]> {
    const { db, log } = this.#deps;
    const [policy, limits, budgets] = await Promise.all([
      this.current(),
      db.selectFrom('limits').selectAll().where('owner_kind', '!=', 'key').execute(),
      db.selectFrom('budgets').selectAll().where('owner_kind', '!=', 'key').execute(),
    ]);
    const edited = editedRules(policy, limits, budgets);
    for (const id of edited) log.error('row.edited', { rule: id, reason: 'this row is not as the vault signed it; it does not count' });
    return edited;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
  }

  async #send(): Promise<void> {
    const policy = await this.#stored();
    if (policy === undefined) return;
    const call: LedgerAdminCall = { op: 'admission.apply', policy };
    await this.#deps.ledger.unary(call as unknown as JsonObject);
    this.#retryMs = FIRST_RETRY_MS;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#deps.log.info('admission.applied', { version: (JSON.parse(policy.text) as AdmissionPolicy).version });
  }

  async #stored(): Promise<SignedText | undefined> {
    const text = await readMeta(this.#deps.db, POLICY);
    if (text === undefined) return undefined;
    const signed = JSON.parse(text) as SignedText;
    this.#verifyKey ??= publicKeyFromRaw((await this.#deps.vaults.info(0)).verifyKey);
    if (verifyText(this.#verifyKey, 'snapshot', signed)) return signed;
    throw new BulkheadError('row_edited', { resource: 'policy', id: 'admission' });
  }

  /** No policy, or an older one, would free what the one before held: the ledger keeps what it has. Throws row_edited. */
  async #refuseLost(): Promise<void> {
    if (await this.#deps.hasLost()) throw new BulkheadError('row_edited', { resource: 'policy', id: 'admission' });
  }

  #again(): void {
    if (this.#stopped || this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.greet();
    }, this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }
}
