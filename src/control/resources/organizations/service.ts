import type { ModelSet } from '../../../access/model-set.ts';
import type { OrganizationView, TeamView } from '../../../api/tenancy.ts';
import { BulkheadError } from '../../../core/errors.ts';
import { newTeamId, type OrganizationId, type TeamId } from '../../../core/ids.ts';
import type { PermitFor } from '../../acts.ts';
import { DEFAULT_NAME, type Database } from '../../database.ts';
import { modelsJson, modelsOf, noteGroups } from '../../model-scope.ts';
import type { RowSeals } from '../../row-seals.ts';
import { sealed } from '../../sealed-tables.ts';
import type { OrganizationsTable, TeamsTable } from '../../tenancy-tables.ts';
import type { Selectable } from 'kysely';

export type OrganizationRow = Selectable<OrganizationsTable>;
export type TeamRow = Selectable<TeamsTable>;

/** An organization by id or name. Throws resource_missing. */
export async function findOrganization(db: Database, reference: string = DEFAULT_NAME): Promise<OrganizationRow> {
  const row = await db
    .selectFrom('organizations')
    .selectAll()
    .where((where) => where.or([where('id', '=', reference), where('name', '=', reference)]))
    .where('removed_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) throw new BulkheadError('resource_missing', { resource: 'organization', id: reference });
  return row;
}

/** A team of an organization by id or name. A team of another organization is missing like one that does not exist. */
export async function findTeam(db: Database, organization: string, reference: string = DEFAULT_NAME): Promise<TeamRow> {
  const row = await db
    .selectFrom('teams')
    .selectAll()
    .where('organization', '=', organization)
    .where((where) => where.or([where('id', '=', reference), where('name', '=', reference)]))
    .where('removed_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) throw new BulkheadError('resource_missing', { resource: 'team', id: reference });
  return row;
}

/** By id alone. Throws resource_missing. */
export async function teamById(db: Database, id: string): Promise<TeamRow> {
  const row = await db.selectFrom('teams').selectAll().where('id', '=', id).where('removed_at', 'is', null).executeTakeFirst();
  if (row === undefined) throw new BulkheadError('resource_missing', { resource: 'team', id });
  return row;
}

export const listOrganizations = (db: Database): Promise<readonly OrganizationRow[]> =>
  db.selectFrom('organizations').selectAll().where('removed_at', 'is', null).orderBy('name').execute();

export function listTeams(db: Database, organization: string | undefined): Promise<readonly TeamRow[]> {
  const all = db.selectFrom('teams').selectAll().where('removed_at', 'is', null).orderBy('organization').orderBy('name');
  return (organization === undefined ? all : all.where('organization', '=', organization)).execute();
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
  { db, seals }: SealDeps,
  _permit: PermitFor<'organization.create'>,
  { id, name, models }: { readonly id: OrganizationId; readonly name: string; readonly models: ModelSet },
  now: number,
): Promise<OrganizationRow> {
  const base = { created_at: now, removed_at: null };
  const row = await sealed(seals, 'organizations', { id, name, models: modelsJson(models), ...base });
  const team = { id: newTeamId(now), organization: id, name: DEFAULT_NAME, models: null, keys_per_member: KEYS_PER_MEMBER, ...base };
  const firstTeam = await sealed(seals, 'teams', team);
  await db.transaction().execute(async (transaction) => {
    await transaction.insertInto('organizations').values(row).execute();
    await noteGroups(transaction, 'organization', id, models, undefined);
    await transaction.insertInto('teams').values(firstTeam).execute();
  });
  return findOrganization(db, id);
}

/** Of a team that was not given a number of its own. */
const KEYS_PER_MEMBER = 10;

/** What writes a row that counts. */
export interface SealDeps {
  readonly db: Database;
  readonly seals: RowSeals;
}

export interface NewTeam {
  readonly id: TeamId;
  readonly organization: string;
  readonly name: string;
  readonly models: ModelSet;
  readonly keysPerMember: number | undefined;
}

export async function createTeam(
  { db, seals }: SealDeps,
  _permit: PermitFor<'team.create'>,
  { id, organization, name, models, keysPerMember }: NewTeam,
  now: number,
): Promise<TeamRow> {
  const row = await sealed(seals, 'teams', {
    id,
    organization,
    name,
    created_at: now,
    models: modelsJson(models),
    keys_per_member: keysPerMember ?? KEYS_PER_MEMBER,
    removed_at: null,
  });
  await db.transaction().execute(async (transaction) => {
    await transaction.insertInto('teams').values(row).execute();
    await noteGroups(transaction, 'team', id, models, undefined);
  });
  return teamById(db, id);
}

const list = (json: string | null): string[] | null => {
  const models = modelsOf(json);
  return models === undefined ? null : [...models];
};

export const organizationView = ({ id, name, created_at, models }: OrganizationRow): OrganizationView => ({
  id,
  name,
  created_at: new Date(created_at).toISOString(),
  models: list(models),
});

export const teamView = ({ id, name, organization, created_at, models, keys_per_member }: TeamRow): TeamView => ({
  id,
  name,
  organization,
  created_at: new Date(created_at).toISOString(),
  models: list(models),
  keys_per_member,
});
