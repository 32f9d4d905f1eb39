import type { Selectable } from 'kysely';
import type { AccessGroupView } from '../../../api/tenancy.ts';
import { BulkheadError } from '../../../core/errors.ts';
import { newRowId } from '../../../core/ids.ts';
import type { PermitFor } from '../../acts.ts';
import type { Database } from '../../database.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import { reseal, sealed, writeResealed } from '../../sealed-tables.ts';
import type { AccessGroupsTable } from '../../tenancy-tables.ts';
import type { SealDeps } from '../organizations/service.ts';
import { noteWork } from '../keys/note-work.ts';
import { carryOutWork } from '../keys/work.ts';

type Names = `access-groups.${'list' | 'create' | 'show' | 'update' | 'remove'}`;

/** Named lists of models. Keys carry what a group holds, so that a change of it is a change of their rows. */
export const accessGroupRoutes = (deps: ControlDeps): Handlers<Names> => ({
  'access-groups.list': async () => ({
    access_groups: (await deps.db.selectFrom('access_groups').selectAll().orderBy('name').execute()).map(viewOf),
  }),
  'access-groups.show': async ({ id }) => viewOf(await findGroup(deps.db, id)),
  'access-groups.create': async ({ body: { name, models }, by }) => {
    const { db, authority, clock } = deps;
    const taken = await db.selectFrom('access_groups').select('id').where('name', '=', name).executeTakeFirst();
    if (taken !== undefined) throw new BulkheadError('resource_exists', { resource: 'access group', id: name });
    const row = { id: newRowId('grp', clock.now()), name, models: JSON.stringify(models), created_at: clock.now() };
    const permit = await authority.permit(by, 'access-group.create', `access-group/${row.id}`, { name });
    await insertGroup(deps, permit, row);
    return viewOf(row);
  },
  'access-groups.update': async ({ id, body: { models }, by }) => {
    const row = await findGroup(deps.db, id);
    const permit = await deps.authority.permit(by, 'access-group.update', `access-group/${row.id}`, {
      name: row.name,
      count: models.length,
    });
    const changed = { ...row, models: JSON.stringify(models) };
    return { ...viewOf(changed), keys_changed: await updateGroup(deps, permit, changed) };
  },
  'access-groups.remove': async ({ id, by }) => {
    const row = await findGroup(deps.db, id);
    await refuseUsed(deps.db, row.name);
    const permit = await deps.authority.permit(by, 'access-group.remove', `access-group/${row.id}`, { name: row.name });
    await removeGroup(deps.db, permit, row.id);
    return { id: row.id, removed: true };
  },
});

/** By id or name. Throws resource_missing. */
async function findGroup(db: Database, reference: string): Promise<GroupRow> {
  const row = await db
    .selectFrom('access_groups')
    .selectAll()
    .where((where) => where.or([where('id', '=', reference), where('name', '=', reference)]))
    .executeTakeFirst();
  if (row === undefined) throw new BulkheadError('resource_missing', { resource: 'access group', id: reference });
  return row;
}

type GroupRow = Selectable<AccessGroupsTable>;

const insertGroup = async ({ db, seals }: SealDeps, _permit: PermitFor<'access-group.create'>, row: Omit<GroupRow, 'signature'>) =>
  db
    .insertInto('access_groups')
    .values(await sealed(seals, 'access_groups', row))
    .execute();

/** Resolves with the number of keys that changed, when every process serves by it. */
async function updateGroup(deps: ControlDeps, _permit: PermitFor<'access-group.update'>, row: GroupRow): Promise<number> {
  const next = await reseal(deps.db, deps.seals, 'access_groups', row.id, { models: row.models });
  const works = await deps.db.transaction().execute(async (to) => {
    await writeResealed(to, next);
    const parents = await to.selectFrom('group_uses').selectAll().where('access_group', '=', row.name).where('kind', '!=', 'key').execute();
    const noted = [await noteWork(to, { act: 'resign', kind: 'access_group', target: row.name })];
    for (const { kind, id } of parents) if (kind !== 'key') noted.push(await noteWork(to, { act: 'resign', kind, target: id }));
    return noted;
  });
  let changed = 0;
  for (const work of works) changed += await carryOutWork(deps, work);
  return changed;
}

const removeGroup = (db: Database, _permit: PermitFor<'access-group.remove'>, id: string): Promise<unknown> =>
  db.deleteFrom('access_groups').where('id', '=', id).execute();

/** A group that is gone allows nothing: nobody is to lose models by an oversight. Throws resource_in_use. */
async function refuseUsed(db: Database, name: string): Promise<void> {
  const uses = await db.selectFrom('group_uses').selectAll().where('access_group', '=', name).limit(5).execute();
  if (uses.length === 0) return;
  const users = uses.map(({ kind, id }) => `${kind} ${id}`).join(', ');
  throw new BulkheadError('resource_in_use', { resource: 'access group', id: name, users });
}

const viewOf = ({ id, name, models, created_at }: Omit<GroupRow, 'signature'>): AccessGroupView => ({
  id,
  name,
  models: JSON.parse(models) as string[],
  created_at: new Date(created_at).toISOString(),
});
