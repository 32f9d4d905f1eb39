import type { Selectable } from 'kysely';
import type { ModelSet } from '../../../access/model-set.ts';
import type { Visible } from '../../../access/permissions.ts';
import type { ProjectView, ServiceAccountView } from '../../../api/tenancy.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { PermitFor } from '../../acts.ts';
import type { Database } from '../../database.ts';
import { modelsJson, noteGroups } from '../../model-scope.ts';
import { reseal, sealed, writeResealed } from '../../sealed-tables.ts';
import type { ProjectsTable, ServiceAccountsTable } from '../../tenancy-tables.ts';
import type { SealDeps } from '../organizations/service.ts';

/** What a team has: projects, and service accounts for programs that are nobody's own. */

export type ProjectRow = Selectable<ProjectsTable>;
export type ServiceAccountRow = Selectable<ServiceAccountsTable>;

/** Where something is looked for; `team` absent: in the whole organization. */
export interface Within {
  readonly organization: string;
  readonly team?: string;
}

interface Found {
  readonly id: string;
  readonly organization: string;
  readonly team: string;
}

const WORDS = { projects: 'project', service_accounts: 'service account' } as const;
type Table = keyof typeof WORDS;

async function findIn(db: Database, table: Table, reference: string, within: Within | undefined): Promise<Found> {
  let select = db
    .selectFrom(table)
    .selectAll()
    .where('removed_at', 'is', null)
    .where((where) => where.or([where('id', '=', reference), ...(within === undefined ? [] : [where('name', '=', reference)])]))
    .limit(2);
  if (within !== undefined) select = select.where('organization', '=', within.organization);
  if (within?.team !== undefined) select = select.where('team', '=', within.team);
  const [row, another] = await select.execute();
  if (row === undefined) throw new BulkheadError('resource_missing', { resource: WORDS[table], id: reference });
  if (another !== undefined)
    throw new BulkheadError('invalid_field', { field: WORDS[table], reason: 'several have this name; give an id or a team' });
  return row;
}

/** By id, or by name within `within`. One that lies elsewhere is missing like one that does not exist. Throws resource_missing. */
export const findProject = async (db: Database, within: Within | undefined, reference: string): Promise<ProjectRow> =>
  db
    .selectFrom('projects')
    .selectAll()
    .where('id', '=', (await findIn(db, 'projects', reference, within)).id)
    .executeTakeFirstOrThrow();

export const findServiceAccount = async (db: Database, within: Within | undefined, reference: string): Promise<ServiceAccountRow> =>
  db
    .selectFrom('service_accounts')
    .selectAll()
    .where('id', '=', (await findIn(db, 'service_accounts', reference, within)).id)
    .executeTakeFirstOrThrow();

/** Throws resource_exists. */
export async function refuseTakenIn(db: Database, table: Table, team: string, name: string): Promise<void> {
  const taken = await db.selectFrom(table).select('id').where('team', '=', team).where('name', '=', name).executeTakeFirst();
  if (taken !== undefined) throw new BulkheadError('resource_exists', { resource: WORDS[table], id: name });
}

/** Rows of a table that an identity may see. */
export async function listIn(db: Database, table: 'projects', within: Partial<Within>, seen: Visible): Promise<readonly ProjectRow[]>;
export async function listIn(
  db: Database,
  table: 'service_accounts',
  within: Partial<Within>,
  seen: Visible,
): Promise<readonly ServiceAccountRow[]>;
export async function listIn(db: Database, table: Table, within: Partial<Within>, seen: Visible): Promise<readonly Found[]> {
  let select = db.selectFrom(table).selectAll().where('removed_at', 'is', null).orderBy('organization').orderBy('team').orderBy('name');
  if (within.organization !== undefined) select = select.where('organization', '=', within.organization);
  if (within.team !== undefined) select = select.where('team', '=', within.team);
  return (await select.execute()).filter((row) => isSeen(seen, row));
}

const isSeen = (seen: Visible, { organization, team }: Pick<Found, 'organization' | 'team'>): boolean =>
  seen === 'all' || seen.some((place) => place.organization === organization && (place.team === undefined || place.team === team));

export interface NewProject extends Found {
  readonly name: string;
  readonly models: ModelSet;
}

export async function createProject(
  { db, seals }: SealDeps,
  _permit: PermitFor<'project.create'>,
  { id, organization, team, name, models }: NewProject,
  now: number,
): Promise<ProjectRow> {
  const facts = { id, organization, team, name, created_at: now, models: modelsJson(models), removed_at: null };
  const row = await sealed(seals, 'projects', facts);
  await db.transaction().execute(async (transaction) => {
    await transaction.insertInto('projects').values(row).execute();
    await noteGroups(transaction, 'project', id, models, undefined);
  });
  return findProject(db, undefined, id);
}

export async function createServiceAccount(
  { db, seals }: SealDeps,
  _permit: PermitFor<'service-account.create'>,
  account: Found & { readonly name: string },
  now: number,
): Promise<ServiceAccountRow> {
  const row = await sealed(seals, 'service_accounts', { ...account, created_at: now, removed_at: null });
  await db.insertInto('service_accounts').values(row).execute();
  return findServiceAccount(db, undefined, account.id);
}

export async function renameServiceAccount(
  { db, seals }: SealDeps,
  _permit: PermitFor<'service-account.update'>,
  id: string,
  name: string,
): Promise<ServiceAccountRow> {
  await writeResealed(db, await reseal(db, seals, 'service_accounts', id, { name }));
  return findServiceAccount(db, undefined, id);
}

export const projectView = ({ id, name, organization, team, created_at, models }: ProjectRow): ProjectView => ({
  id,
  name,
  organization,
  team,
  created_at: new Date(created_at).toISOString(),
  models: models === null ? null : (JSON.parse(models) as string[]),
});

export const serviceAccountView = ({ id, name, organization, team, created_at }: ServiceAccountRow): ServiceAccountView => ({
  id,
  name,
  organization,
  team,
  created_at: new Date(created_at).toISOString(),
});
