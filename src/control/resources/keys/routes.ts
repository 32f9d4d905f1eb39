import { may } from '../../../access/permissions.ts';
import { BulkheadError } from '../../../core/errors.ts';
import { newKeyId } from '../../../core/ids.ts';
import type { Caller } from '../../caller.ts';
import type { ControlDeps } from '../../deps.ts';
import type { KeyView } from '../../../api/keys.ts';
import type { Handlers } from '../../http/router.ts';
import { teamById } from '../organizations/service.ts';
import { findUser } from '../users/service.ts';
import { draftEdit, draftKey } from './draft.ts';
import { listKeys } from './list.ts';
import { finishRevokes, revoke, tellChanged } from './revoke.ts';
import { stateOf, viewsOf, type StoredKey } from './rows.ts';
import { changeKey, createKey, findKey, rotateKey } from './service.ts';
import { finishWork } from './work.ts';

type Reading = 'keys.list' | 'keys.show';
type Names = Reading | 'keys.create' | 'keys.update' | 'keys.block' | 'keys.unblock' | 'keys.revoke' | 'keys.rotate';

export const keyRoutes = (deps: ControlDeps): Handlers<Names> => ({ ...reading(deps), ...changing(deps) });

const reading = ({ db, clock }: ControlDeps): Handlers<Reading> => ({
  'keys.list': async ({ query, by }) => {
    const now = clock.now();
    const { keys, next } = await listKeys(db, query, by.identity, now);
    return { keys: await viewsOf(db, keys, now), next };
  },
  'keys.show': async ({ id }) => viewOf({ db, clock }, await findKey(db, id)),
});

async function viewOf({ db, clock }: Pick<ControlDeps, 'db' | 'clock'>, key: StoredKey): Promise<KeyView> {
  const [view] = await viewsOf(db, [key], clock.now());
  return view as KeyView;
}

/** Each looks first, then asks for its permit, then acts. */
const changing = (deps: ControlDeps): Handlers<Exclude<Names, Reading>> => ({
  'keys.create': async ({ body, by }) => {
    const now = deps.clock.now();
    const { draft, atMost } = await draftKey(deps.db, body, now, by);
    const { name, organization, team, user, kind, expires_at } = draft;
    const permit = await deps.authority.permit(by, 'key.create', `key/${draft.id}`, { name, organization, team, user, kind, expires_at });
    const { text, stored } = await createKey(deps, permit, draft, now, atMost);
    return { key: text, ...(await viewOf(deps, stored)) };
  },
  'keys.update': async ({ id, body, by }) => {
    const now = deps.clock.now();
    const key = refuseRevoked(await findKey(deps.db, id), now);
    const edit = await draftEdit(deps.db, key, body, now);
    const permit = await deps.authority.permit(by, 'key.update', `key/${key.id}`, { name: key.name, fields: Object.keys(edit).join(',') });
    return confirmed(deps, await changeKey(deps, permit, key, edit));
  },
  'keys.block': async ({ id, by }) => {
    const key = refuseRevoked(await findKey(deps.db, id), deps.clock.now());
    const permit = await deps.authority.permit(by, 'key.block', `key/${key.id}`, { name: key.name });
    return confirmed(deps, key.blocked === 1 ? { ...key, block_confirmed: 0 } : await changeKey(deps, permit, key, { blocked: 1 }));
  },
  'keys.unblock': async ({ id, by }) => {
    const key = refuseRevoked(await findKey(deps.db, id), deps.clock.now());
    await refuseUnblock(deps, by, key);
    const permit = await deps.authority.permit(by, 'key.unblock', `key/${key.id}`, { name: key.name });
    return confirmed(deps, key.blocked === 0 ? { ...key, block_confirmed: 0 } : await changeKey(deps, permit, key, { blocked: 0 }));
  },
  'keys.revoke': async ({ id, by }) => {
    const key = await findKey(deps.db, id);
    const permit = await deps.authority.permit(by, 'key.revoke', `key/${key.id}`, { name: key.name });
    const { revoked, confirmations } = await revoke(deps, permit, key);
    return { ...(await viewOf(deps, revoked)), confirmations: [...confirmations] };
  },
  'keys.rotate': ({ id, body, by }) => rotate(deps, by, id, body.grace_seconds),
});

/** Who blocked a key may have been an administrator, so that its member does not undo it. Throws permission_denied or invalid_field. */
async function refuseUnblock({ db, authority }: ControlDeps, by: Caller, { id, organization, team, user }: StoredKey): Promise<void> {
  if (!may(by.identity, 'key.write', { organization, team })) await authority.deny(by, 'key.unblock', `key/${id}`);
  if (user !== null && (await findUser(db, user)).state === 'blocked')
    throw new BulkheadError('invalid_field', { field: 'id', reason: 'the person it belongs to is blocked' });
}

/** The change is acknowledged when no process is left that could serve by the row before. */
async function confirmed(deps: ControlDeps, key: StoredKey) {
  const confirmations = await tellChanged(deps, key);
  return { ...(await viewOf(deps, key)), confirmations: [...confirmations] };
}

function refuseRevoked(key: StoredKey, now: number): StoredKey {
  if (stateOf(key, now) !== 'revoked') return key;
  throw new BulkheadError('invalid_field', { field: 'id', reason: 'the key is revoked' });
}

async function rotate(deps: ControlDeps, by: Caller, id: string, graceSeconds: number) {
  const now = deps.clock.now();
  const old = await findKey(deps.db, id);
  if (stateOf(old, now) !== 'active') throw new BulkheadError('invalid_field', { field: 'id', reason: `the key is ${stateOf(old, now)}` });
  if (old.replaced_by !== null)
    throw new BulkheadError('invalid_field', { field: 'id', reason: `the key was replaced by ${old.replaced_by}` });
  const draft = { ...old, id: newKeyId(now), lineage: old.lineage ?? old.id };
  const facts = { name: old.name, replacement: draft.id, grace_seconds: graceSeconds };
  const permit = await deps.authority.permit(by, 'key.rotate', `key/${old.id}`, facts);
  const made = await rotateKey(deps, permit, old, draft, graceSeconds * 1000, now, await mostRotated(deps, by, old));
  const replaced = graceSeconds === 0 ? (await revoke(deps, permit, made.old)).revoked : made.old;
  if (graceSeconds > 0) await tellChanged(deps, made.old);
  return { key: made.text, ...(await viewOf(deps, made.stored)), replaced: await viewOf(deps, replaced) };
}

/** A member who rotates again and again keeps at most one key in its grace time for each that the team allows. */
async function mostRotated({ db }: ControlDeps, { identity }: Caller, { organization, team }: StoredKey): Promise<number | null> {
  return may(identity, 'key.write', { organization, team }) ? null : 2 * (await teamById(db, team)).keys_per_member;
}

/** Done every few seconds: what a dead process or an absent vault left to be finished. */
export async function tidyKeys(deps: ControlDeps): Promise<void> {
  await finishRevokes(deps);
  await finishWork(deps);
}
