import { visible, type Identity, type Permission } from '../access/permissions.ts';
import type { OwnerInput } from '../api/rules.ts';
import type { Database, Schema } from './database.ts';
import type { BudgetRequestsTable, BudgetsTable, LimitsTable, OwnerColumns } from './limit-tables.ts';
import { findOwner } from './owners.ts';

/** Which rules a list shows. */

interface OwnerFilter {
  readonly owner_kind?: OwnerInput['kind'] | undefined;
  readonly owner?: string | undefined;
  readonly organization?: string | undefined;
}

interface Rows {
  readonly limits: LimitsTable;
  readonly budgets: BudgetsTable;
  readonly budget_requests: BudgetRequestsTable;
}

type Place = Pick<OwnerColumns, 'organization' | 'team' | 'user'>;

/** What an identity may see of a list: all of the places its roles reach, and what is its own. */
export function isVisible(identity: Identity, permission: Permission): (row: Place) => boolean {
  const places = visible(identity, permission);
  if (places === 'all') return () => true;
  return (row) => {
    const isOwn = identity.user !== null && row.user === identity.user;
    return (
      isOwn ||
      places.some(
        ({ organization, team, own }) => row.organization === organization && (team === undefined || row.team === team) && own !== true,
      )
    );
  };
}

/** A list is read by people and tools that page by owner: keys have their own rules and are many. */
const MAX_ROWS = 10_000;

/** Of one owner, of all of a kind, or all. Throws resource_missing for an owner that is not there. */
export async function ownedRows<Name extends keyof Rows & keyof Schema>(
  db: Database,
  table: Name,
  { owner_kind, owner, organization }: OwnerFilter,
): Promise<readonly Rows[Name][]> {
  // The three tables have the columns asked for here in common; the one named decides what the rows are.
  let select = db
    .selectFrom(table as 'limits')
    .selectAll()
    .orderBy('id')
    .limit(MAX_ROWS);
  if (owner_kind !== undefined && (owner !== undefined || owner_kind === 'model')) {
    const found = await findOwner(db, { kind: owner_kind, id: owner, organization });
    select = select.where('owner_kind', '=', found.owner_kind).where('owner_id', '=', found.owner_id);
  } else if (owner_kind !== undefined) select = select.where('owner_kind', '=', owner_kind);
  else if (organization !== undefined) {
    const found = await findOwner(db, { kind: 'organization', id: organization });
    select = select.where('organization', '=', found.organization);
  }
  return (await select.execute()) as unknown as readonly Rows[Name][];
}

/** A key that takes another's place takes its rules, under the same ids. The old one keeps them in its signed row until it ends. */
export async function moveKeyRules(db: Database, from: string, to: string): Promise<void> {
  await db.updateTable('limits').set({ owner_id: to }).where('owner_kind', '=', 'key').where('owner_id', '=', from).execute();
  await db.updateTable('budgets').set({ owner_id: to }).where('owner_kind', '=', 'key').where('owner_id', '=', from).execute();
}
