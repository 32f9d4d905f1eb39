import type { Confirmation } from '../../../api/keys.ts';
import { BulkheadError } from '../../../core/errors.ts';
import { newKeyId, type KeyDigest } from '../../../core/ids.ts';
import { ADMIN, CONTROL, type PermitFor } from '../../acts.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import { isComplete, revokeEverywhere, revokeInVaults, tellWorkers } from '../../revocation.ts';
import { stateOf, viewOf, type StoredKey } from './rows.ts';
import {
  createKey,
  draftKey,
  findKey,
  keysPastGrace,
  listKeys,
  markConfirmed,
  markRevoked,
  rotateKey,
  unconfirmedRevokes,
} from './service.ts';

const CONFIRM_MS = 2000;
const RESTART_MS = 8000;

type Names = 'keys.list' | 'keys.create' | 'keys.show' | 'keys.revoke' | 'keys.rotate';

export const keyRoutes = (deps: ControlDeps): Handlers<Names> => ({
  'keys.list': async ({ query }) => ({
    keys: (await listKeys(deps.db, query, deps.clock.now())).map((key) => viewOf(key, deps.clock.now())),
  }),
  'keys.show': async ({ id }) => viewOf(await findKey(deps.db, id), deps.clock.now()),
  'keys.create': async ({ body }) => {
    const now = deps.clock.now();
    const draft = await draftKey(deps.db, body, now);
    const facts = { name: draft.name, organization: draft.organization, team: draft.team, expires_at: draft.expires_at };
    const permit = await deps.authority.permit(ADMIN, 'key.create', `key/${draft.id}`, facts);
    const { text, stored } = await createKey(deps, permit, draft, now);
    return { key: text, ...viewOf(stored, now) };
  },
  'keys.revoke': async ({ id }) => {
    const key = await findKey(deps.db, id);
    const permit = await deps.authority.permit(ADMIN, 'key.revoke', `key/${key.id}`, { name: key.name });
    const { revoked, confirmations } = await revoke(deps, permit, key);
    return { ...viewOf(revoked, deps.clock.now()), confirmations: [...confirmations] };
  },
  'keys.rotate': ({ id, body }) => rotate(deps, id, body.grace_seconds),
});

async function rotate(deps: ControlDeps, id: string, graceSeconds: number) {
  const now = deps.clock.now();
  const old = await findKey(deps.db, id);
  if (stateOf(old, now) !== 'active') throw new BulkheadError('invalid_field', { field: 'id', reason: `the key is ${stateOf(old, now)}` });
  if (old.replaced_by !== null)
    throw new BulkheadError('invalid_field', { field: 'id', reason: `the key was replaced by ${old.replaced_by}` });
  const { name, organization, team, environment, expires_at, models, max_parallel } = old;
  const draft = { id: newKeyId(now), name, organization, team, environment, expires_at, models, max_parallel };
  const permit = await deps.authority.permit(ADMIN, 'key.rotate', `key/${old.id}`, {
    name,
    replacement: draft.id,
    grace_seconds: graceSeconds,
  });
  const made = await rotateKey(deps, permit, old, draft, graceSeconds * 1000, now);
  const replaced = graceSeconds === 0 ? (await revoke(deps, permit, made.old)).revoked : made.old;
  if (graceSeconds > 0) await tellWorkers(revocationDeps(deps), old.digest as KeyDigest, 'key.changed');
  return { key: made.text, ...viewOf(made.stored, now), replaced: viewOf(replaced, deps.clock.now()) };
}

/** Resolves when nobody is left who takes the key. Throws revoke_incomplete, naming who could not be reached. */
async function revoke(
  deps: ControlDeps,
  permit: PermitFor<'key.revoke' | 'key.retire' | 'key.rotate'>,
  key: StoredKey,
): Promise<{ readonly revoked: StoredKey; readonly confirmations: readonly Confirmation[] }> {
  const revoked = await markRevoked(deps.db, permit, key.id, deps.clock.now());
  const confirmations = await revokeEverywhere(revocationDeps(deps), key.digest as KeyDigest);
  if (!isComplete(confirmations)) {
    const left = confirmations.filter(({ confirmed }) => !confirmed).map(({ process }) => process);
    throw new BulkheadError('revoke_incomplete', { processes: left.join(', ') });
  }
  await markConfirmed(deps.db, key.id);
  return { revoked, confirmations };
}

const revocationDeps = ({ vaults, gateways, log, ask }: ControlDeps) => ({
  vaults,
  gateways,
  log,
  ask,
  confirmMs: CONFIRM_MS,
  restartMs: RESTART_MS,
});

/** Done every few seconds: ends grace times, and finishes revokes that a vault shard could not confirm. */
export async function tidyKeys(deps: ControlDeps): Promise<void> {
  for (const key of await keysPastGrace(deps.db, deps.clock.now())) {
    const permit = await deps.authority.permit(CONTROL, 'key.retire', `key/${key.id}`, { name: key.name });
    await revoke(deps, permit, key);
    deps.log.info('key.retired', { key: key.id });
  }
  for (const key of await unconfirmedRevokes(deps.db)) {
    const digest = key.digest as KeyDigest;
    const inVaults = await revokeInVaults(revocationDeps(deps), digest);
    if (inVaults && isComplete(await tellWorkers(revocationDeps(deps), digest, 'key.revoked'))) await markConfirmed(deps.db, key.id);
  }
}
