import type { ModelSet } from '../../../access/model-set.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { PermitFor } from '../../acts.ts';
import { DEFAULT_NAME, type Database } from '../../database.ts';
import type { ControlDeps } from '../../deps.ts';
import { modelsJson, noteGroups, type Level } from '../../model-scope.ts';
import { reseal, writeResealed } from '../../sealed-tables.ts';
import type { KeyOwnerKind } from '../../tenancy-tables.ts';
import { noteWork } from '../keys/note-work.ts';
import { carryOutWork } from '../keys/work.ts';
import { revokeTokensOf } from '../users/service.ts';
import { resealCut, shrink, writeCut, type Shrinkage } from './shrink.ts';

/** Changes and removals of organizations, teams and projects, with what they mean for the keys below. */

const KIND = { organizations: 'organization', teams: 'team', projects: 'project' } as const satisfies Record<Level, KeyOwnerKind>;

export interface ChangedRow {
  readonly level: Level;
  readonly id: string;
  readonly name: string;
  readonly models: { readonly before: ModelSet; readonly after: ModelSet } | undefined;
  readonly columns: { readonly name?: string; readonly keys_per_member?: number };
}

type Permit = PermitFor<'organization.update' | 'team.update' | 'project.update'>;

export interface Changed {
  readonly cut: string[];
  readonly keys_changed: number;
}

const NOTHING: Shrinkage = { names: [], children: [] };

/** What would no longer fit is found before a permit is asked for. Throws children_exceed. */
export const planChange = ({ db }: ControlDeps, { level, id, name, models }: ChangedRow, cut: boolean): Promise<Shrinkage> =>
  models === undefined ? Promise.resolve(NOTHING) : shrink(db, { level, id, name, models: models.after }, cut);

/** Resolves when every process serves by the change. */
export async function changeRow(deps: ControlDeps, _permit: Permit, row: ChangedRow, plan: Shrinkage): Promise<Changed> {
  const { level, id, models, columns } = row;
  const { db, seals } = deps;
  // Signed before anything is written, so that no transaction waits for the vault.
  const next = await reseal(db, seals, level, id, { ...columns, ...(models !== undefined && { models: modelsJson(models.after) }) });
  const cut = await Promise.all(plan.children.map((child) => resealCut(deps, child)));
  const work = await db.transaction().execute(async (transaction) => {
    await writeResealed(transaction, next);
    if (models === undefined) return undefined;
    await noteGroups(transaction, KIND[level], id, models.after, models.before);
    for (const child of cut) await writeCut(transaction, child);
    return noteWork(transaction, { act: plan.names.length > 0 ? 'cut' : 'resign', kind: KIND[level], target: id });
  });
  if (columns.name !== undefined) await deps.admission.renamed();
  return { cut: [...plan.names], keys_changed: work === undefined ? 0 : await carryOutWork(deps, work) };
}

type RemovalPermit = PermitFor<'organization.remove' | 'team.remove' | 'project.remove' | 'service-account.remove' | 'user.remove'>;
type Removable = Level | 'service_accounts' | 'users';

const OWNER = { ...KIND, service_accounts: 'service_account', users: 'user' } as const satisfies Record<Removable, KeyOwnerKind>;

/**
 * Closes it first, so that nobody makes a key in it any more, then revokes its keys, and answers when each is confirmed by every process.
 * The row stays under another name: usage of the past belongs to it.
 */
export async function removeRow(deps: ControlDeps, _permit: RemovalPermit, level: Removable, id: string): Promise<number> {
  const now = deps.clock.now();
  const work = await deps.db.transaction().execute(async (transaction) => {
    await close(transaction, level, id, now);
    return noteWork(transaction, { act: 'revoke', kind: OWNER[level], target: id });
  });
  return carryOutWork(deps, work);
}

async function close(db: Database, level: Removable, id: string, removed_at: number): Promise<void> {
  if (level === 'users') {
    await db
      .updateTable('users')
      .set({ removed_at, email: `removed:${id}`, state: 'blocked', signature: '' })
      .where('id', '=', id)
      .execute();
    await db.deleteFrom('memberships').where('user', '=', id).execute();
    return revokeTokensOf(db, id, removed_at);
  }
  await closeWhere(db, level, 'id', id, removed_at);
  if (level === 'organizations' || level === 'teams') {
    const column = level === 'organizations' ? 'organization' : 'team';
    if (level === 'organizations') await closeWhere(db, 'teams', 'organization', id, removed_at);
    await closeWhere(db, 'projects', column, id, removed_at);
    await closeWhere(db, 'service_accounts', column, id, removed_at);
    await db.deleteFrom('memberships').where(column, '=', id).execute();
  }
}

type Named = Exclude<Removable, 'users'>;

async function closeWhere(
  db: Database,
  table: Named,
  column: 'id' | 'organization' | 'team',
  value: string,
  removed_at: number,
): Promise<void> {
  // The four tables have these columns in common, as far as each is asked for one; `~` stands in no name that somebody may choose.
  await db
    .updateTable(table as 'projects')
    .set((set) => ({ removed_at, signature: '', name: set.fn<string>('concat', ['name', set.val('~'), 'id']) }))
    .where(column, '=', value)
    .where('removed_at', 'is', null)
    .execute();
}

/** Throws invalid_field: what every node begins with stays. */
export function refuseDefault(resource: string, id: string): void {
  if (id === DEFAULT_NAME) throw new BulkheadError('invalid_field', { field: 'id', reason: `the ${resource} default cannot be removed` });
}
