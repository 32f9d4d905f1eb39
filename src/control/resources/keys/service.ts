import type { SignedText } from '../../../access/principal.ts';
import { digestKey, keyHint, newVirtualKey } from '../../../access/virtual-key.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { KeyDigest, KeyId } from '../../../core/ids.ts';
import type { PermitFor } from '../../acts.ts';
import type { Database } from '../../database.ts';
import { modelsOf, ModelScopes, noteGroups } from '../../model-scope.ts';
import type { RowSeals } from '../../row-seals.ts';
import { moveKeyRules } from '../../rule-queries.ts';
import type { Vaults } from '../../vaults.ts';
import { grantsOf } from '../users/service.ts';
import { worksIn } from './holding.ts';
import { agreesWithSigned, signableText, signedOf, type KeyFacts, type KeyWish, type StoredKey } from './rows.ts';

export interface KeyDeps {
  readonly db: Database;
  readonly vaults: Vaults;
  readonly seals: RowSeals;
}

/** A key that is decided but does not exist yet. */
export type KeyDraft = KeyWish & Pick<StoredKey, 'environment'> & { readonly id: KeyId };

/** The text of a key exists here, in the reply that carries it, and nowhere else. */
export interface NewKey {
  readonly text: string;
  readonly stored: StoredKey;
}

/** `atMost`: keys that the member may have in the team; counted as it is written, so that two at once cannot both be the last. */
export async function createKey(
  deps: KeyDeps,
  permit: PermitFor<'key.create' | 'key.rotate'>,
  draft: KeyDraft,
  now: number,
  atMost: number | null = null,
): Promise<NewKey> {
  const made = await signNewKey(deps, permit, draft, now);
  await deps.db.transaction().execute(async (transaction) => {
    if (atMost !== null) await refuseMore(transaction, draft, atMost, now);
    await insertKey(transaction, made.stored);
  });
  return made;
}

async function insertKey(db: Database, stored: StoredKey): Promise<void> {
  await refuseStale(db, stored);
  // The person may have lost their role since it was asked for: then it is not among the keys that this ended.
  if (!(await mayWorkStill(db, stored))) throw new BulkheadError('changed_meanwhile', { resource: 'key', id: stored.id });
  await db.insertInto('keys').values(stored).execute();
  await noteGroups(db, 'key', stored.id, modelsOf(stored.models), undefined);
}

/**
 * A row is signed before it is written, and a parent may have shrunk or gone in between: then it is not among the keys that the parent’s
 * change found, and would keep what its parents no longer have. Throws changed_meanwhile.
 */
async function refuseStale(db: Database, key: StoredKey): Promise<void> {
  if (signableText(key, await new ModelScopes(db).ofKey(key)) !== key.signed_text)
    throw new BulkheadError('changed_meanwhile', { resource: 'key', id: key.id });
}

const mayWorkStill = async (db: Database, { user, ...place }: StoredKey): Promise<boolean> =>
  user === null || worksIn({ user, grants: await grantsOf(db, user) }, place);

/** Throws too_many_keys. */
async function refuseMore(db: Database, { user, team }: KeyDraft, limit: number, now: number): Promise<void> {
  const own = await db
    .selectFrom('keys')
    .select('id')
    .where('user', '=', user)
    .where('team', '=', team)
    .where('state', '=', 'active')
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now)]))
    .limit(limit + 1)
    .execute();
  if (own.length >= limit) throw new BulkheadError('too_many_keys', { limit, team });
}

async function signNewKey(
  { db, vaults }: KeyDeps,
  _permit: PermitFor<'key.create' | 'key.rotate'>,
  draft: KeyDraft,
  now: number,
): Promise<NewKey> {
  const text = newVirtualKey(draft.environment);
  const facts: KeyFacts & KeyDraft = { ...draft, digest: digestKey(text), version: 1, blocked: 0 };
  const { text: signed_text, signature } = await vaults.sign('key', signableText(facts, await new ModelScopes(db).ofKey(facts)));
  const stored: StoredKey = {
    ...facts,
    hint: keyHint(text),
    created_at: now,
    state: 'active',
    revoked_at: null,
    replaced_by: null,
    revoke_confirmed: 0,
    block_confirmed: 1,
    signed_text,
    signature,
  };
  return { text, stored };
}

/**
 * Makes the replacement and shortens the old key's life, in one transaction. The old row gets a new version, so that
 * no process takes the one without the end. `atMost`: as for a new key, those in their grace time counted too.
 */
export async function rotateKey(
  deps: KeyDeps,
  permit: PermitFor<'key.rotate'>,
  old: StoredKey,
  draft: KeyDraft,
  graceMs: number,
  now: number,
  atMost: number | null = null,
): Promise<NewKey & { readonly old: StoredKey }> {
  await refuseEdited(deps.seals, old);
  const made = await signNewKey(deps, permit, draft, now);
  const end = { expires_at: Math.min(old.expires_at ?? Infinity, now + graceMs), replaced_by: made.stored.id };
  const ending = await signChanged(deps, old, end);
  await deps.db.transaction().execute(async (transaction) => {
    if (atMost !== null) await refuseMore(transaction, draft, atMost, now);
    await insertKey(transaction, made.stored);
    await writeChanged(transaction, old, ending);
    await moveKeyRules(transaction, old.id, made.stored.id);
  });
  return { ...made, old: ending };
}

export type KeyAct = 'key.update' | 'key.block' | 'key.unblock' | 'key.resign';

/** What may change of a key once it is made. Whom it belongs to never does. */
export type KeyEdit = Partial<
  Pick<StoredKey, 'name' | 'expires_at' | 'models' | 'max_parallel' | 'endpoints' | 'addresses' | 'rules' | 'metadata' | 'blocked'>
>;

/**
 * The row anew, signed, under the next version. Gateways go on with the one before until they are told. Throws row_edited, or
 * changed_meanwhile where somebody else changed the key or a parent since it was read.
 */
export async function changeKey(deps: KeyDeps, _permit: PermitFor<KeyAct>, key: StoredKey, edit: KeyEdit): Promise<StoredKey> {
  await refuseEdited(deps.seals, key);
  const changed = await signChanged(deps, key, edit);
  await deps.db.transaction().execute((transaction) => writeChanged(transaction, key, changed));
  return changed;
}

/** The row as it will be, signed and not written yet. */
export async function signChanged(
  { db, vaults }: KeyDeps,
  key: StoredKey,
  edit: KeyEdit & Partial<Pick<StoredKey, 'replaced_by'>>,
): Promise<StoredKey> {
  const block_confirmed = edit.blocked === undefined || edit.blocked === key.blocked ? key.block_confirmed : 0;
  const next: StoredKey = { ...key, ...edit, version: key.version + 1, block_confirmed };
  const { text: signed_text, signature } = await vaults.sign('key', signableText(next, await new ModelScopes(db).ofKey(next)));
  return { ...next, signed_text, signature };
}

/** Everything that a change may touch, and nothing where the row is no longer the one that was read. */
export async function writeChanged(db: Database, before: StoredKey, next: StoredKey): Promise<void> {
  const { name, version, expires_at, replaced_by, models, max_parallel, endpoints, addresses, rules, metadata, blocked } = next;
  const { numUpdatedRows } = await db
    .updateTable('keys')
    .set({ name, version, expires_at, replaced_by, models, max_parallel, endpoints, addresses, rules, metadata, blocked })
    .set({ signed_text: next.signed_text, signature: next.signature, block_confirmed: next.block_confirmed })
    .where('id', '=', next.id)
    .where('version', '=', before.version)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n) throw new BulkheadError('changed_meanwhile', { resource: 'key', id: next.id });
  await refuseStale(db, next);
  if (models !== before.models) await noteGroups(db, 'key', next.id, modelsOf(models), modelsOf(before.models));
}

/** Signing what somebody wrote into the database would make it true. Throws row_edited. */
export async function refuseEdited(seals: RowSeals, key: StoredKey): Promise<void> {
  if ((await seals.holdsKey(signedOf(key))) && agreesWithSigned(key)) return;
  seals.report('key', key.id);
  throw new BulkheadError('row_edited', { resource: 'key', id: key.id });
}

/** From here on nobody gets the row any more; who has it already is told next. */
export async function markRevoked(
  db: Database,
  _permit: PermitFor<'key.revoke' | 'key.end' | 'key.retire' | 'key.rotate'>,
  id: string,
  now: number,
): Promise<StoredKey> {
  await db
    .updateTable('keys')
    .set((set) => ({ state: 'revoked', revoked_at: set.fn.coalesce('revoked_at', set.val(now)), revoke_confirmed: 0 }))
    .where('id', '=', id)
    .execute();
  return findKey(db, id);
}

export async function markConfirmed(db: Database, id: string): Promise<void> {
  await db.updateTable('keys').set({ revoke_confirmed: 1 }).where('id', '=', id).execute();
}

/** Of just this version: what came after it has yet to be told. */
export async function markBlockConfirmed(db: Database, id: string, version: number): Promise<void> {
  await db.updateTable('keys').set({ block_confirmed: 1 }).where('id', '=', id).where('version', '=', version).execute();
}

/** Throws resource_missing. */
export async function findKey(db: Database, id: string): Promise<StoredKey> {
  const key = await db.selectFrom('keys').selectAll().where('id', '=', id).executeTakeFirst();
  if (key === undefined) throw new BulkheadError('resource_missing', { resource: 'key', id });
  return key;
}

/** What a gateway may know of a key: nothing where it is unknown or revoked, alike. */
export async function resolveKey(db: Database, digest: KeyDigest): Promise<SignedText | undefined> {
  const key = await findByDigest(db, digest);
  return key && signedOf(key);
}

/** Undefined: unknown or revoked. */
export const findByDigest = (db: Database, digest: KeyDigest): Promise<StoredKey | undefined> =>
  db.selectFrom('keys').selectAll().where('digest', '=', digest).where('state', '=', 'active').executeTakeFirst();

export async function hasKeys(db: Database): Promise<boolean> {
  return (await db.selectFrom('keys').select('id').limit(1).executeTakeFirst()) !== undefined;
}
