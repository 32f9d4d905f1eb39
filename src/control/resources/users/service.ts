import type { Selectable } from 'kysely';
import { isWhole, type RoleGrant } from '../../../access/permissions.ts';
import type { MemberView, UserView } from '../../../api/people.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { PermitFor } from '../../acts.ts';
import type { Database } from '../../database.ts';
import type { RowSeals, SealedFacts } from '../../row-seals.ts';
import type { MembershipsTable, UsersTable } from '../../tenancy-tables.ts';

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
  db: Database,
  _permit: PermitFor<'user.create'>,
  user: Pick<UserRow, 'id' | 'name' | 'email' | 'organization'>,
  now: number,
): Promise<UserRow> {
  await db
    .insertInto('users')
    .values({ ...user, state: 'active', created_at: now })
    .execute();
  return findUser(db, user.id);
}

export async function updateUser(
  db: Database,
  _permit: PermitFor<'user.update'>,
  id: string,
  change: Partial<Pick<UserRow, 'name' | 'email' | 'state'>>,
): Promise<UserRow> {
  if (Object.keys(change).length > 0) await db.updateTable('users').set(change).where('id', '=', id).execute();
  return findUser(db, id);
}

const factsOf = ({ id, user, organization, team, role, created_at }: Omit<MembershipRow, 'signature'>): SealedFacts => [
  'membership',
  id,
  user,
  organization,
  team,
  role,
  created_at,
];

/** What a person may do where. A role that somebody wrote into the database is none. */
export async function grantsOf(db: Database, seals: RowSeals, user: string): Promise<readonly RoleGrant[]> {
  const rows = await db.selectFrom('memberships').selectAll().where('user', '=', user).execute();
  const intact = await Promise.all(rows.map(async (row) => ((await seals.holds(factsOf(row), row.signature)) ? [row] : [])));
  return intact.flat().filter(isWhole);
}

/** Throws resource_missing. */
export async function findMembership(db: Database, id: string): Promise<MembershipRow> {
  const row = await db.selectFrom('memberships').selectAll().where('id', '=', id).executeTakeFirst();
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

/** Instead of the role that the person had there. */
export async function putMembership(
  db: Database,
  seals: RowSeals,
  _permit: PermitFor<'member.put'>,
  membership: Omit<MembershipRow, 'signature'>,
  replaced: string | undefined,
): Promise<MembershipRow> {
  const row = { ...membership, signature: await seals.seal(factsOf(membership)) };
  await db.transaction().execute(async (transaction) => {
    if (replaced !== undefined) await transaction.deleteFrom('memberships').where('id', '=', replaced).execute();
    await transaction.insertInto('memberships').values(row).execute();
  });
  return row;
}

export async function removeMembership(db: Database, _permit: PermitFor<'member.remove'>, id: string): Promise<void> {
  await db.deleteFrom('memberships').where('id', '=', id).execute();
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
