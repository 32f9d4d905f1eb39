import type { OrganizationView, TeamView } from '../../../api/tenancy.ts';
import { BulkheadError } from '../../../core/errors.ts';
import { newTeamId, type OrganizationId, type TeamId } from '../../../core/ids.ts';
import type { PermitFor } from '../../acts.ts';
import { DEFAULT_NAME, type Database, type Schema } from '../../database.ts';

/** An organization by id or name. Throws resource_missing. */
export async function findOrganization(db: Database, reference: string = DEFAULT_NAME): Promise<OrganizationView> {
  const row = await db
    .selectFrom('organizations')
    .selectAll()
    .where((where) => where.or([where('id', '=', reference), where('name', '=', reference)]))
    .executeTakeFirst();
  if (row === undefined) throw new BulkheadError('resource_missing', { resource: 'organization', id: reference });
  return organizationView(row);
}

/** A team of an organization by id or name. A team of another organization is missing like one that does not exist. */
export async function findTeam(db: Database, organization: string, reference: string = DEFAULT_NAME): Promise<TeamView> {
  const row = await db
    .selectFrom('teams')
    .selectAll()
    .where('organization', '=', organization)
    .where((where) => where.or([where('id', '=', reference), where('name', '=', reference)]))
    .executeTakeFirst();
  if (row === undefined) throw new BulkheadError('resource_missing', { resource: 'team', id: reference });
  return teamView(row);
}

export async function listOrganizations(db: Database): Promise<OrganizationView[]> {
  return (await db.selectFrom('organizations').selectAll().orderBy('name').execute()).map(organizationView);
}

export async function listTeams(db: Database, organization: string | undefined): Promise<TeamView[]> {
  const all = db.selectFrom('teams').selectAll().orderBy('organization').orderBy('name');
  return (await (organization === undefined ? all : all.where('organization', '=', organization)).execute()).map(teamView);
}

/** Throws resource_exists. */
export async function refuseTakenOrganization(db: Database, name: string): Promise<void> {
  const taken = await db.selectFrom('organizations').select('id').where('name', '=', name).executeTakeFirst();
  if (taken !== undefined) throw new BulkheadError('resource_exists', { resource: 'organization', id: name });
}

/** Throws resource_exists. */
export async function refuseTakenTeam(db: Database, organization: string, name: string): Promise<void> {
  const taken = await db
    .selectFrom('teams')
    .select('id')
    .where('organization', '=', organization)
    .where('name', '=', name)
    .executeTakeFirst();
  if (taken !== undefined) throw new BulkheadError('resource_exists', { resource: 'team', id: name });
}

export async function createOrganization(
  db: Database,
  _permit: PermitFor<'organization.create'>,
  id: OrganizationId,
  name: string,
  now: number,
): Promise<OrganizationView> {
  const row = { id, name, created_at: now };
  await db.transaction().execute(async (transaction) => {
    await transaction.insertInto('organizations').values(row).execute();
    await transaction
      .insertInto('teams')
      .values({ id: newTeamId(now), organization: id, name: DEFAULT_NAME, created_at: now })
      .execute();
  });
  return organizationView(row);
}

export async function createTeam(
  db: Database,
  _permit: PermitFor<'team.create'>,
  team: { readonly id: TeamId; readonly organization: string; readonly name: string },
  now: number,
): Promise<TeamView> {
  const row = { ...team, created_at: now };
  await db.insertInto('teams').values(row).execute();
  return teamView(row);
}

const organizationView = ({ id, name, created_at }: Schema['organizations']): OrganizationView => ({
  id,
  name,
  created_at: new Date(created_at).toISOString(),
});

const teamView = ({ id, name, organization, created_at }: Schema['teams']): TeamView => ({
  id,
  name,
  organization,
  created_at: new Date(created_at).toISOString(),
});
