import { sql } from 'kysely';
import type { Confirmation } from '../../../api/keys.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { KeyDigest } from '../../../core/ids.ts';
import { CONTROL, type PermitFor } from '../../acts.ts';
import type { Database } from '../../database.ts';
import type { ControlDeps } from '../../deps.ts';
import { isComplete, markInVaults, tellEverywhere, tellWorkers, type KeyMark } from '../../revocation.ts';
import type { StoredKey } from './rows.ts';
import { findKey, markBlockConfirmed, markConfirmed, markRevoked } from './service.ts';

const CONFIRM_MS = 2000;
const RESTART_MS = 8000;

/** Resolves when nobody is left who takes the key. Throws revoke_incomplete, naming who could not be reached. */
export async function revoke(
  deps: ControlDeps,
  permit: PermitFor<'key.revoke' | 'key.end' | 'key.retire' | 'key.rotate'>,
  key: StoredKey,
): Promise<{ readonly revoked: StoredKey; readonly confirmations: readonly Confirmation[] }> {
  const revoked = await markRevoked(deps.db, permit, key.id, deps.clock.now());
  const confirmations = await tellEverywhere(revocationDeps(deps), 'revoke', key.digest as KeyDigest);
  refuseIncomplete(confirmations);
  await markConfirmed(deps.db, key.id);
  return { revoked, confirmations };
}

/** Resolves when every worker asks for the row again: from then on the change is in effect. Throws revoke_incomplete. */
export async function tellChanged(deps: ControlDeps, key: StoredKey): Promise<readonly Confirmation[]> {
  if (key.block_confirmed === 0) return tellBlocked(deps, key);
  const confirmations = await tellWorkers(revocationDeps(deps), key.digest as KeyDigest, 'key.changed');
  refuseIncomplete(confirmations);
  return confirmations;
}

const blockMark = ({ blocked }: Pick<StoredKey, 'blocked'>): KeyMark => (blocked === 1 ? 'block' : 'unblock');

/** Resolves when vaults and workers know whether the key is blocked: a gateway that went on with an older row would get nowhere. */
async function tellBlocked(deps: ControlDeps, key: StoredKey): Promise<readonly Confirmation[]> {
  for (let current = key; ;) {
    const confirmations = await tellEverywhere(revocationDeps(deps), blockMark(current), key.digest as KeyDigest);
    refuseIncomplete(confirmations);
    // Somebody else may have blocked it, or let it go, meanwhile, and the vault have heard of both in another order.
    const { blocked, version, ...rest } = await findKey(deps.db, key.id);
    if (blocked === current.blocked || rest.state === 'revoked') {
      await markBlockConfirmed(deps.db, key.id, version);
      return confirmations;
    }
    current = { ...rest, blocked, version };
  }
}

function refuseIncomplete(confirmations: readonly Confirmation[]): void {
  if (isComplete(confirmations)) return;
  const left = confirmations.filter(({ confirmed }) => !confirmed).map(({ process }) => process);
  throw new BulkheadError('revoke_incomplete', { processes: left.join(', ') });
}

export const revocationDeps = ({ vaults, gateways, log, ask }: ControlDeps) => ({
  vaults,
  gateways,
  log,
  ask,
  confirmMs: CONFIRM_MS,
  restartMs: RESTART_MS,
});

const TIDY_AT_ONCE = 1000;

/**
 * Rotated keys whose grace time is over: their row still says when, but a captured process could hold an older one. States are written
 * out here and below, so that SQLite sees that it may use the index of just those rows.
 */
export const pastGrace = (db: Database, now: number) =>
  db
    .selectFrom('keys')
    .selectAll()
    .where('replaced_by', 'is not', null)
    .where('state', '=', sql.lit('active'))
    .where('expires_at', '<=', now)
    .limit(TIDY_AT_ONCE);

export const unconfirmed = (db: Database) =>
  db.selectFrom('keys').selectAll().where('state', '=', sql.lit('revoked')).where('revoke_confirmed', '=', sql.lit(0)).limit(TIDY_AT_ONCE);

export const unconfirmedRevokes = ({ db }: Pick<ControlDeps, 'db'>): Promise<readonly StoredKey[]> => unconfirmed(db).execute();

const unconfirmedBlocks = (db: Database): Promise<readonly StoredKey[]> =>
  db
    .selectFrom('keys')
    .selectAll()
    .where('state', '=', sql.lit('active'))
    .where('block_confirmed', '=', sql.lit(0))
    .limit(TIDY_AT_ONCE)
    .execute();

/** Done every few seconds: ends grace times, and finishes revokes and blocks that a vault shard could not confirm. */
export async function finishRevokes(deps: ControlDeps): Promise<void> {
  for (const key of await pastGrace(deps.db, deps.clock.now()).execute()) {
    const permit = await deps.authority.permit(CONTROL, 'key.retire', `key/${key.id}`, { name: key.name });
    await revoke(deps, permit, key);
    deps.log.info('key.retired', { key: key.id });
  }
  for (const key of await unconfirmedRevokes(deps)) {
    const digest = key.digest as KeyDigest;
    const inVaults = await markInVaults(revocationDeps(deps), 'revoke', digest);
    if (inVaults && isComplete(await tellWorkers(revocationDeps(deps), digest, 'key.revoked'))) await markConfirmed(deps.db, key.id);
  }
  for (const key of await unconfirmedBlocks(deps.db)) {
    const digest = key.digest as KeyDigest;
    const inVaults = await markInVaults(revocationDeps(deps), blockMark(key), digest);
    const inWorkers = isComplete(await tellWorkers(revocationDeps(deps), digest, 'key.changed'));
    if (inVaults && inWorkers) await markBlockConfirmed(deps.db, key.id, key.version);
  }
}
