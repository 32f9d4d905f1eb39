import type { OwnerInput, OwnerView } from '../api/rules.ts';
import { BulkheadError } from '../core/errors.ts';
import { EVERYONE, ownerKey, type OwnerKind, type OwnerRef } from '../core/owner.ts';
import type { Database } from './database.ts';
import type { OwnerColumns } from './limit-tables.ts';
import { findOrganization, findTeam } from './resources/organizations/service.ts';

/** Who a rule is about: named by people, kept as ids with the chain above. */

export const refOf = ({ owner_kind, owner_id }: Pick<OwnerColumns, 'owner_kind' | 'owner_id'>): OwnerRef => ({
  kind: owner_kind,
  id: owner_id,
});

const columns = (
  ref: OwnerRef,
  organization: string,
  chain: Partial<Pick<OwnerColumns, 'team' | 'project' | 'user'>> = {},
): OwnerColumns => ({
  owner_kind: ref.kind,
  owner_id: ref.id,
  organization,
  team: chain.team ?? null,
  project: chain.project ?? null,
  user: chain.user ?? null,
});

/** Throws resource_missing, or invalid_field where a name is that of several. */
export async function findOwner(db: Database, { kind, id = '', organization }: OwnerInput): Promise<OwnerColumns> {
  if (kind === 'model' || (kind === 'organization' && id === EVERYONE.id)) return columns(EVERYONE, EVERYONE.id);
  if (kind === 'key') return findKeyOwner(db, id);
  if (kind === 'user') return findUserOwner(db, id);
  if (kind === 'organization') {
    const found = await findOrganization(db, id);
    return columns({ kind, id: found.id }, found.id);
  }
  const home = (await findOrganization(db, organization)).id;
  switch (kind) {
    case 'team': {
      const team = (await findTeam(db, home, id)).id;
      return columns({ kind, id: team }, home, { team });
    }
    case 'end_user':
    case 'tag':
      return columns({ kind, id: `${home}/${id.startsWith(`${home}/`) ? id.slice(home.length + 1) : id}` }, home);
    case 'project':
      return findProjectOwner(db, home, id);
  }
}

/** A project's name is its team's; one that two teams use needs the id. */
async function findProjectOwner(db: Database, organization: string, reference: string): Promise<OwnerColumns> {
  const found = await db
    .selectFrom('projects')
    .selectAll()
    .where('removed_at', 'is', null)
    .where((where) =>
      where.or([where('id', '=', reference), where.and([where('organization', '=', organization), where('name', '=', reference)])]),
    )
    .limit(2)
    .execute();
  const project = single(found, 'project', reference);
  return columns({ kind: 'project', id: project.id }, project.organization, { team: project.team, project: project.id });
}

/** A person whom the node's own administrators manage belongs to no organization: only they write rules for such a one. */
async function findUserOwner(db: Database, reference: string): Promise<OwnerColumns> {
  const found = await db
    .selectFrom('users')
    .selectAll()
    .where('removed_at', 'is', null)
    .where((where) => where.or([where('id', '=', reference), where('email', '=', reference.toLowerCase())]))
    .limit(2)
    .execute();
  const user = single(found, 'user', reference);
  return columns({ kind: 'user', id: user.id }, user.organization ?? EVERYONE.id, { user: user.id });
}

/** Throws resource_missing, or invalid_field where there are two. */
function single<Row>([row, another]: readonly Row[], kind: OwnerKind, reference: string): Row {
  if (row === undefined) throw new BulkheadError('resource_missing', { resource: kind, id: reference });
  if (another !== undefined)
    throw new BulkheadError('invalid_field', { field: 'owner.id', reason: `several have this name; give the ${kind}’s id` });
  return row;
}

async function findKeyOwner(db: Database, reference: string): Promise<OwnerColumns> {
  const found = await db
    .selectFrom('keys')
    .select(['id', 'organization', 'team', 'project', 'user'])
    .where('state', '=', 'active')
    .where((where) => where.or([where('id', '=', reference), where('name', '=', reference)]))
    .limit(2)
    .execute();
  const key = single(found, 'key', reference);
  return columns({ kind: 'key', id: key.id }, key.organization, key);
}

/** Everyone above, from the outermost in. */
export function ancestorsOf({ owner_kind, owner_id, organization, team, project, user }: OwnerColumns): readonly OwnerRef[] {
  const chain: OwnerRef[] = [EVERYONE, { kind: 'organization', id: organization }];
  if (team !== null) chain.push({ kind: 'team', id: team });
  if (project !== null) chain.push({ kind: 'project', id: project });
  if (user !== null) chain.push({ kind: 'user', id: user });
  return chain.filter(({ kind, id }) => kind !== owner_kind || id !== owner_id);
}

const TABLES = { organization: 'organizations', team: 'teams', project: 'projects', key: 'keys', user: 'users' } as const;

/** What people call them, by `ownerKey`; an owner that is gone keeps its id. */
export async function ownerNames(db: Database, refs: readonly OwnerRef[]): Promise<Readonly<Record<string, string>>> {
  const names: Record<string, string> = {};
  for (const ref of refs) names[ownerKey(ref)] = textName(ref);
  for (const [kind, table] of Object.entries(TABLES) as [keyof typeof TABLES, (typeof TABLES)[keyof typeof TABLES]][]) {
    const ids = [...new Set(refs.filter((ref) => ref.kind === kind).map(({ id }) => id))];
    for (let from = 0; from < ids.length; from += 500) {
      const rows = await db
        .selectFrom(table)
        .select(['id', 'name'])
        .where('id', 'in', ids.slice(from, from + 500))
        .execute();
      for (const { id, name } of rows) names[ownerKey({ kind, id })] = name;
    }
  }
  return names;
}

const inText: ReadonlySet<OwnerKind> = new Set<OwnerKind>(['end_user', 'tag']);

/** Where the id says it: `<organization>/<text>`. */
function textName({ kind, id }: OwnerRef): string {
  if (kind === EVERYONE.kind && id === EVERYONE.id) return 'all';
  return inText.has(kind) ? id.slice(id.indexOf('/') + 1) : id;
}

export const ownerView = (row: Pick<OwnerColumns, 'owner_kind' | 'owner_id'>, names: Readonly<Record<string, string>>): OwnerView => {
  const ref = refOf(row);
  return { ...ref, name: names[ownerKey(ref)] ?? ref.id };
};
