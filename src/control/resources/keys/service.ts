import type { SignedText } from '../../../access/principal.ts';
import { digestKey, keyHint, newVirtualKey } from '../../../access/virtual-key.ts';
import type { KeyCreate, KeyListQuery } from '../../../api/keys.ts';
import { BulkheadError } from '../../../core/errors.ts';
import { newKeyId, type KeyDigest, type KeyId } from '../../../core/ids.ts';
import type { PermitFor } from '../../acts.ts';
import type { Database } from '../../database.ts';
import type { Vaults } from '../../vaults.ts';
import { findOrganization, findTeam } from '../organizations/service.ts';
import { signableText, stateOf, type KeyFacts, type StoredKey } from './rows.ts';

export interface KeyDeps {
  readonly db: Database;
  readonly vaults: Vaults;
}

/** A key that is decided but does not exist yet. */
export type KeyDraft = Pick<StoredKey, 'name' | 'organization' | 'team' | 'environment' | 'expires_at' | 'models' | 'max_parallel'> & {
  readonly id: KeyId;
};

/** Resolves names and times. Throws resource_missing or invalid_field. */
export async function draftKey(db: Database, input: KeyCreate, now: number): Promise<KeyDraft> {
  const organization = (await findOrganization(db, input.organization)).id;
  const team = (await findTeam(db, organization, input.team)).id;
  return {
    id: newKeyId(now),
    name: input.name,
    organization,
    team,
    environment: input.environment,
    expires_at: expiryOf(input, now),
    models: input.models === undefined ? null : JSON.stringify(input.models),
    max_parallel: input.max_parallel ?? null,
  };
}

function expiryOf(input: KeyCreate, now: number): number | null {
  if (input.expires_in_seconds !== undefined) return now + input.expires_in_seconds * 1000;
  if (input.expires_at === undefined) return null;
  const expiresAt = Date.parse(input.expires_at);
  if (expiresAt <= now) throw new BulkheadError('invalid_field', { field: 'expires_at', reason: 'it is in the past' });
  return expiresAt;
}

/** The text of a key exists here, in the reply that carries it, and nowhere else. */
export interface NewKey {
  readonly text: string;
  readonly stored: StoredKey;
}

export async function createKey(
  deps: KeyDeps,
  permit: PermitFor<'key.create' | 'key.rotate'>,
  draft: KeyDraft,
  now: number,
): Promise<NewKey> {
  const made = await signNewKey(deps, permit, draft, now);
  await deps.db.insertInto('keys').values(made.stored).execute();
  return made;
}

async function signNewKey(
  { vaults }: KeyDeps,
  _permit: PermitFor<'key.create' | 'key.rotate'>,
  draft: KeyDraft,
  now: number,
): Promise<NewKey> {
  const text = newVirtualKey(draft.environment);
  const facts: KeyFacts & KeyDraft = { ...draft, digest: digestKey(text), version: 1 };
  const { text: signed_text, signature } = await vaults.sign('key', signableText(facts));
  const stored: StoredKey = {
    ...facts,
    hint: keyHint(text),
    created_at: now,
    state: 'active',
    revoked_at: null,
    replaced_by: null,
    revoke_confirmed: 0,
    signed_text,
    signature,
  };
  return { text, stored };
}

/**
 * Makes the replacement and shortens the old key's life, in one transaction. The old row gets a new version, so that
 * no process takes the one without the end.
 */
export async function rotateKey(
  deps: KeyDeps,
  permit: PermitFor<'key.rotate'>,
  old: StoredKey,
  draft: KeyDraft,
  graceMs: number,
  now: number,
): Promise<NewKey & { readonly old: StoredKey }> {
  const made = await signNewKey(deps, permit, draft, now);
  const ending: StoredKey = {
    ...old,
    version: old.version + 1,
    expires_at: Math.min(old.expires_at ?? Infinity, now + graceMs),
    replaced_by: made.stored.id,
  };
  const { text: signed_text, signature } = await deps.vaults.sign('key', signableText(ending));
  await deps.db.transaction().execute(async (transaction) => {
    await transaction.insertInto('keys').values(made.stored).execute();
    const { numUpdatedRows } = await transaction
      .updateTable('keys')
      .set({ version: ending.version, expires_at: ending.expires_at, replaced_by: ending.replaced_by, signed_text, signature })
      .where('id', '=', old.id)
      .where('version', '=', old.version)
      .executeTakeFirst();
    // Someone else changed the key since it was read; the whole rotation is undone.
    if (numUpdatedRows !== 1n) throw new BulkheadError('resource_exists', { resource: 'change of key', id: old.id });
  });
  return { ...made, old: { ...ending, signed_text, signature } };
}

/** From here on nobody gets the row any more; who has it already is told next. */
export async function markRevoked(
  db: Database,
  _permit: PermitFor<'key.revoke' | 'key.retire' | 'key.rotate'>,
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

/** Throws resource_missing. */
export async function findKey(db: Database, id: string): Promise<StoredKey> {
  const key = await db.selectFrom('keys').selectAll().where('id', '=', id).executeTakeFirst();
  if (key === undefined) throw new BulkheadError('resource_missing', { resource: 'key', id });
  return key;
}

/** What a gateway may know of a key: nothing where it is unknown or revoked, alike. */
export async function resolveKey(db: Database, digest: KeyDigest): Promise<SignedText | undefined> {
  const key = await db
    .selectFrom('keys')
    .select(['signed_text', 'signature'])
    .where('digest', '=', digest)
    .where('state', '=', 'active')
    .executeTakeFirst();
  return key && { text: key.signed_text, signature: key.signature };
}

export async function listKeys(db: Database, query: KeyListQuery, now: number): Promise<readonly StoredKey[]> {
  let select = db.selectFrom('keys').selectAll().orderBy('created_at', 'desc').orderBy('id', 'desc');
  if (query.organization !== undefined) {
    const organization = (await findOrganization(db, query.organization)).id;
    select = select.where('organization', '=', organization);
    if (query.team !== undefined) select = select.where('team', '=', (await findTeam(db, organization, query.team)).id);
  } else if (query.team !== undefined) select = select.where('team', '=', query.team);
  const keys = await select.execute();
  return query.state === 'all' ? keys : keys.filter((key) => stateOf(key, now) === query.state);
}

/** Rotated keys whose grace time is over: their row still says when, but a captured process could hold an older one. */
export const keysPastGrace = (db: Database, now: number): Promise<readonly StoredKey[]> =>
  db
    .selectFrom('keys')
    .selectAll()
    .where('replaced_by', 'is not', null)
    .where('state', '=', 'active')
    .where('expires_at', '<=', now)
    .execute();

export const unconfirmedRevokes = (db: Database): Promise<readonly StoredKey[]> =>
  db.selectFrom('keys').selectAll().where('state', '=', 'revoked').where('revoke_confirmed', '=', 0).execute();

export async function countKeys(db: Database): Promise<number> {
  const { count } = await db
    .selectFrom('keys')
    .select((select) => select.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}
