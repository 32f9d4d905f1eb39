import type { Selectable } from 'kysely';
import { isWhole, type RoleGrant } from '../../../access/permissions.ts';
import type { MemberView, UserView } from '../../../api/people.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { PermitFor } from '../../acts.ts';
import type { Database } from '../../database.ts';
import { reseal, sealed, type Resealed } from '../../sealed-tables.ts';
import type { MembershipsTable, UsersTable } from '../../tenancy-tables.ts';
import { noteWork } from '../keys/note-work.ts';
import type { SealDeps } from '../organizations/service.ts';

export type UserRow = Selectable<UsersTable>;
export type MembershipRow = Selectable<MembershipsTable>;

/** By id or e-mail address. Throws resource_missing. */
export async function findUser(db: Database, reference: string): Promise<UserRow> {
  const row = await db
    .selectFrom('users')
    .selectAll()
    .where((where) => where.or([where('id', '=', reference), where('email', '=', reference.toLowerCase())]))
    .where('removed_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) throw new BulkheadError('resource_missing', { resource: 'user', id: reference });
  return row;
}

/** For filters: of nobody there is nothing, whether or not there is such a person. */
export const userId = async (db: Database, reference: string): Promise<string> =>
  (
    await db
      .selectFrom('users')
      .select('id')
      .where((where) => where.or([where('id', '=', reference), where('email', '=', reference.toLowerCase())]))
      .executeTakeFirst()
  )?.id ?? '';

/** Throws resource_exists. */
export async function refuseTakenEmail(db: Database, email: string): Promise<void> {
  const taken = await db.selectFrom('users').select('id').where('email', '=', email).executeTakeFirst();
  if (taken !== undefined) throw new BulkheadError('resource_exists', { resource: 'user', id: email });
}

export async function createUser(
  { db, seals }: SealDeps,
  _permit: PermitFor<'user.create'>,
  user: Pick<UserRow, 'id' | 'name' | 'email' | 'organization'>,
  now: number,
): Promise<UserRow> {
  const row = await sealed(seals, 'users', { ...user, state: 'active', created_at: now, removed_at: null });
  await db.insertInto('users').values(row).execute();
  return findUser(db, user.id);
}

export const resealUser = (
  { db, seals }: SealDeps,
  _permit: PermitFor<'user.update'>,
  id: string,
  change: Partial<Pick<UserRow, 'name' | 'email' | 'state'>>,
): Promise<Resealed> => reseal(db, seals, 'users', id, change);

/** What a person may do where. A role that somebody wrote into the database is none. */
export const grantsOf = async (db: Database, user: string): Promise<readonly RoleGrant[]> =>
  (await db.selectFrom('memberships').selectAll().where('user', '=', user).execute()).filter(isWhole);

/** As it stands, so that one that somebody edited can be taken away. Throws resource_missing. */
export async function findMembership(db: Database, id: string): Promise<MembershipRow> {
  const row = await db.withoutPlugins().selectFrom('memberships').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new BulkheadError('resource_missing', { resource: 'member', id });
  return row;
}

/** The role that a person has at just this place. */
export const membershipAt = (
  db: Database,
  { user, organization, team }: Pick<MembershipRow, 'user' | 'organization' | 'team'>,
): Promise<MembershipRow | undefined> =>
  db
    .selectFrom('memberships')
    .selectAll()
    .where('user', '=', user)
    .where('organization', 'is', organization)
    .where('team', 'is', team)
    .executeTakeFirst();

/** Instead of the role that the person had there. Gives the work on the person's keys that follows. */
export async function putMembership(
  { db, seals }: SealDeps,
  _permit: PermitFor<'member.put'>,
  membership: Omit<MembershipRow, 'signature'>,
): Promise<{ readonly row: MembershipRow; readonly work: number }> {
  const row = await sealed(seals, 'memberships', membership);
  const { user, organization, team } = row;
  const work = await db.transaction().execute(async (transaction) => {
    await transaction
      .deleteFrom('memberships')
      .where('user', '=', user)
      .where('organization', 'is', organization)
      .where('team', 'is', team)
      .execute();
    await transaction.insertInto('memberships').values(row).execute();
    return noteWork(transaction, { act: 'recheck', kind: 'user', target: user });
  });
  return { row, work };
}

/** With the last role go the tokens too: there is nothing left that they were for. Gives the work on the person's keys that follows. */
export const removeMembership = (
  { db }: SealDeps,
  _permit: PermitFor<'member.remove'>,
  { id, user }: MembershipRow,
  now: number,
): Promise<number> =>
  db.transaction().execute(async (transaction) => {
    await transaction.deleteFrom('memberships').where('id', '=', id).execute();
    if ((await grantsOf(transaction, user)).length === 0) await revokeTokensOf(transaction, user, now);
    return noteWork(transaction, { act: 'recheck', kind: 'user', target: user });
  });

/** The signatures go with them, so that nobody revives one by clearing a column. */
export async function revokeTokensOf(db: Database, user: string, revoked_at: number): Promise<void> {
  await db.updateTable('tokens').set({ revoked_at, signature: '' }).where('user', '=', user).where('revoked_at', 'is', null).execute();
}

export const userView = ({ id, name, email, organization, state, created_at }: UserRow): UserView => ({
  id,
  name,
  email,
  organization,
  state,
  created_at: new Date(created_at).toISOString(),
});

export const memberView = ({ id, user, organization, team, role, created_at }: MembershipRow, email: string): MemberView => ({
  id,
  user,
  email,
  role,
  organization,
  team,
  created_at: new Date(created_at).toISOString(),
});
