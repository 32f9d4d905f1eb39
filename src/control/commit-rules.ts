import { BulkheadError } from '../core/errors.ts';
import type { KeyDigest } from '../core/ids.ts';
import type { Permit } from '../audit/record.ts';
import type { KeyRow } from '../access/principal.ts';
import { editedRules, keyRules, rulesAfter, rulesOfKey, type RuleChange } from './admission-policy.ts';
import type { Applied } from './admission-publisher.ts';
import type { Database } from './database.ts';
import type { ControlDeps } from './deps.ts';
import type { OwnerColumns } from './limit-tables.ts';
import type { StoredKey } from './resources/keys/rows.ts';
import { findKey, refuseEdited, signChanged, writeChanged } from './resources/keys/service.ts';
import { isComplete, tellWorkers } from './revocation.ts';
import { reseal, writeResealed, type Resealed } from './sealed-tables.ts';

/** The one place that writes rules: rows, policy and keys in one transaction, signed before; then everyone who enforces them. */

/** The request for more that a change grants. It can be decided once. */
export interface Granted {
  readonly id: string;
  readonly by: string;
  readonly answer: string | null;
  readonly budget: string;
}

/** As many as a key's row may carry; the ledger takes no more. */
const MAX_KEY_RULES = 32;
const CONFIRM_MS = 2000;
const RESTART_MS = 8000;

/**
 * Rejects, with nothing stored, where the vault cannot sign. `later`: all is stored, and the ledger or a gateway that could not be told
 * holds the one before for now.
 */
export const commitRules = (deps: ControlDeps, _permit: Permit, change: RuleChange, granted?: Granted): Promise<Applied> =>
  deps.admission.inTurn(async () => {
    await refuseEditedRules(deps, change);
    const keys = await signKeys(deps, change);
    const request = granted === undefined ? undefined : await signGranted(deps, granted);
    const policy = concernsAll(change) ? await deps.admission.next(change) : undefined;
    await deps.db.transaction().execute(async (to) => {
      await removeRows(to, change);
      await writeRows(to, change, deps.clock.now());
      // Someone else decided since it was read: the raise is undone with it.
      if (request !== undefined) await writeResealed(to, request);
      for (const { key, before } of keys) await writeChanged(to, before, key);
      if (policy !== undefined) await deps.admission.keep(to, policy);
    });
    const inLedger = policy === undefined ? 'yes' : await deps.admission.push();
    const inGateways = await Promise.all(keys.map(({ key }) => tellGateways(deps, key)));
    return inLedger === 'yes' && inGateways.every(Boolean) ? 'yes' : 'later';
  });

/** True where more than keys are concerned: a share is part of a shared limit, whoever it is for. */
const concernsAll = (change: RuleChange): boolean =>
  rulesIn(change).some(({ owner_kind }) => owner_kind !== 'key') || [...(change.shares ?? []), ...(change.removedShares ?? [])].length > 0;

/**
 * What is written is made from the row in the file: where somebody edited that, signing it would make it true. What is taken away may be
 * edited. Throws row_edited.
 */
async function refuseEditedRules({ db, admission, seals }: ControlDeps, { limits = [], budgets = [] }: RuleChange): Promise<void> {
  const [storedLimits, storedBudgets] = await Promise.all([
    db.selectFrom('limits').selectAll().where('id', 'in', ids(limits)).execute(),
    db.selectFrom('budgets').selectAll().where('id', 'in', ids(budgets)).execute(),
  ]);
  const signed = [await admission.current(), ...(await rulesOfKeys(db, [...limits, ...budgets, ...storedLimits, ...storedBudgets]))];
  const written = new Set([...ids(limits), ...ids(budgets)]);
  const isWritten = ({ id }: { readonly id: string }): boolean => written.has(id);
  const before = {
    limits: signed.flatMap((rules) => rules.limits.filter(isWritten)),
    budgets: signed.flatMap((rules) => rules.budgets.filter(isWritten)),
  };
  const [id] = editedRules(before, storedLimits, storedBudgets);
  if (id === undefined) return;
  const resource = id.startsWith('lim_') ? 'limit' : 'budget';
  seals.report(resource, id);
  throw new BulkheadError('row_edited', { resource, id });
}

async function rulesOfKeys(db: Database, rows: readonly OwnerColumns[]) {
  const owners = [...new Set(rows.flatMap(({ owner_kind, owner_id }) => (owner_kind === 'key' ? [owner_id] : [])))];
  const keys = await db.selectFrom('keys').select(['id', 'signed_text']).where('id', 'in', owners).execute();
  return keys.map(({ id, signed_text }) => rulesOfKey(id, (JSON.parse(signed_text) as KeyRow).rules ?? {}));
}

const rulesIn = ({ limits = [], budgets = [], removedLimits = [], removedBudgets = [] }: RuleChange): readonly OwnerColumns[] => [
  ...limits,
  ...budgets,
  ...removedLimits,
  ...removedBudgets,
];

interface SignedKey {
  readonly key: StoredKey;
  readonly before: StoredKey;
}

async function signKeys(deps: ControlDeps, change: RuleChange): Promise<readonly SignedKey[]> {
  const owners = new Set(rulesIn(change).flatMap(({ owner_kind, owner_id }) => (owner_kind === 'key' ? [owner_id] : [])));
  const signed: SignedKey[] = [];
  for (const id of owners) {
    const before = await findKey(deps.db, id);
    await refuseEdited(deps.seals, before);
    signed.push({ key: await signChanged(deps, before, { rules: rulesText(before, change, deps.clock.now()) }), before });
  }
  return signed;
}

/** JSON of the rules that the key will carry, from those in its signed row. Null: none. */
function rulesText(key: StoredKey, change: RuleChange, now: number): string | null {
  const { rules = {} } = JSON.parse(key.signed_text) as KeyRow;
  const isOfKey = ({ owner_kind, owner_id }: OwnerColumns): boolean => owner_kind === 'key' && owner_id === key.id;
  const after = rulesAfter(rulesOfKey(key.id, rules), change, now, isOfKey);
  if (after.limits.length > MAX_KEY_RULES || after.budgets.length > MAX_KEY_RULES)
    throw new BulkheadError('invalid_field', {
      field: 'owner',
      reason: `a key may have at most ${MAX_KEY_RULES} limits and as many budgets`,
    });
  const carried = keyRules(after);
  return carried === undefined ? null : JSON.stringify(carried);
}

const ids = (rows: readonly { readonly id: string }[] = []): string[] => rows.map(({ id }) => id);

async function removeRows(to: Database, change: RuleChange): Promise<void> {
  await to.deleteFrom('shares').where('id', 'in', ids(change.removedShares)).execute();
  await to.deleteFrom('limits').where('id', 'in', ids(change.removedLimits)).execute();
  await to.deleteFrom('budgets').where('id', 'in', ids(change.removedBudgets)).execute();
}

async function writeRows(
  to: Database,
  { limits = [], budgets = [], shares = [], raises = [], withoutRaises = [] }: RuleChange,
  now: number,
): Promise<void> {
  // Updated in place: to replace a row would take its shares and raises with it.
  for (const row of limits)
    await to
      .insertInto('limits')
      .values(row)
      .onConflict((on) => on.column('id').doUpdateSet(row))
      .execute();
  for (const row of budgets)
    await to
      .insertInto('budgets')
      .values(row)
      .onConflict((on) => on.column('id').doUpdateSet(row))
      .execute();
  for (const row of shares)
    await to
      .insertInto('shares')
      .values(row)
      .onConflict((on) => on.column('id').doUpdateSet(row))
      .execute();
  await to
    .updateTable('budget_raises')
    .set({ until: now })
    .where('budget', 'in', [...withoutRaises])
    .where('until', '>', now)
    .execute();
  for (const row of raises) await to.insertInto('budget_raises').values(row).execute();
}

/** Throws request_decided. */
async function signGranted({ db, seals, clock }: ControlDeps, { id, by, answer, budget }: Granted): Promise<Resealed> {
  const open = await db.selectFrom('budget_requests').selectAll().where('id', '=', id).where('state', '=', 'open').executeTakeFirst();
  if (open === undefined) throw new BulkheadError('request_decided', { id, state: 'decided' });
  return reseal(db, seals, 'budget_requests', id, { state: 'granted', decided_by: by, decided_at: clock.now(), answer, budget });
}

async function tellGateways({ vaults, gateways, log, ask }: ControlDeps, key: StoredKey): Promise<boolean> {
  const deps = { vaults, gateways, log, ask, confirmMs: CONFIRM_MS, restartMs: RESTART_MS };
  return isComplete(await tellWorkers(deps, key.digest as KeyDigest, 'key.changed'));
}
