import { sql } from 'kysely';
import { budgetCeiling, limitCeiling, type BudgetExtent, type LimitExtent } from '../access/within-parents.ts';
import { BulkheadError } from '../core/errors.ts';
import { formatDollars, picodollars } from '../core/money.ts';
import { EVERYONE, ownerKey, type OwnerRef } from '../core/owner.ts';
import { windowLength } from './admission-policy.ts';
import type { Database } from './database.ts';
import type { BudgetsTable, LimitsTable, OwnerColumns, RaisesTable } from './limit-tables.ts';
import { ancestorsOf, ownerNames, refOf } from './owners.ts';

/** A rule against those above and below it, whichever of them is being written. */

const limitExtent = ({ model, measure, amount, window_ms, mode }: LimitsTable): LimitExtent => ({
  model: model ?? undefined,
  measure,
  amount,
  windowMs: window_ms ?? undefined,
  mode,
});

/** Of the time until `horizon`: with the raises that last so long. */
function budgetExtent(row: BudgetsTable, raises: readonly RaisesTable[], horizon: number): BudgetExtent {
  const lasting = raises.filter(({ budget, until }) => budget === row.id && until >= horizon);
  return {
    model: row.model ?? undefined,
    provider: row.provider ?? undefined,
    picodollars: lasting.reduce((sum, raise) => sum + BigInt(raise.picodollars), BigInt(row.picodollars)),
    windowMs: windowLength(row),
    mode: row.mode,
    enforcement: row.enforcement,
  };
}

/** What `parent` leaves `child` where that has more: with its raises at each of their ends, and without. */
function budgetExcess(parent: BudgetsTable, child: BudgetsTable, raises: readonly RaisesTable[]): bigint | undefined {
  const horizons = [Infinity, ...raises.filter(({ budget }) => budget === child.id).map(({ until }) => until)];
  for (const horizon of horizons) {
    const wanted = budgetExtent(child, raises, horizon);
    const ceiling = budgetCeiling(budgetExtent(parent, raises, horizon), wanted);
    if (ceiling !== undefined && wanted.picodollars > ceiling) return ceiling;
  }
  return undefined;
}

function limitExcess(parent: LimitsTable, child: LimitsTable): number | undefined {
  const ceiling = limitCeiling(limitExtent(parent), limitExtent(child));
  return ceiling !== undefined && child.amount > ceiling ? ceiling : undefined;
}

/** Throws rule_above_parent. */
export async function refuseLimitAboveParents(db: Database, row: LimitsTable): Promise<void> {
  const parents = await db
    .selectFrom('limits')
    .selectAll()
    .where(ownedBy(ancestorsOf(row)))
    .execute();
  for (const parent of parents) {
    const allowed = limitExcess(parent, row);
    if (allowed !== undefined) throw await aboveParent(db, parent, `${allowed} ${row.measure}`);
  }
}

/** `added`: a raise that is not stored yet. Throws rule_above_parent. */
export async function refuseBudgetAboveParents(
  db: Database,
  row: BudgetsTable,
  now: number,
  added: readonly RaisesTable[] = [],
): Promise<void> {
  const parents = await db
    .selectFrom('budgets')
    .selectAll()
    .where(ownedBy(ancestorsOf(row)))
    .execute();
  const raises = [...(await raisesOf(db, [row, ...parents], now)), ...added];
  for (const parent of parents) {
    const allowed = budgetExcess(parent, row, raises);
    if (allowed !== undefined) throw await aboveParent(db, parent, `$${formatDollars(picodollars(allowed))}`);
  }
}

async function aboveParent(db: Database, parent: OwnerColumns, allowed: string): Promise<BulkheadError> {
  const ref = refOf(parent);
  const names = await ownerNames(db, [ref]);
  const what = ref.id === EVERYONE.id ? 'the whole node' : `the ${ref.kind} ${names[ownerKey(ref)] ?? ref.id}`;
  return new BulkheadError('rule_above_parent', { parent: what, allowed });
}

/** Limits below `row` that have more than it leaves them, each cut to that. */
export async function limitsCutBy(db: Database, row: LimitsTable): Promise<readonly LimitsTable[]> {
  // No ceiling is below the parent's own amount.
  const children = await db.selectFrom('limits').selectAll().where(below(row)).where('amount', '>', row.amount).execute();
  return children.flatMap((child) => {
    const allowed = limitExcess(row, child);
    return allowed === undefined ? [] : [{ ...child, amount: allowed }];
  });
}

export interface BudgetCut {
  readonly budget: BudgetsTable;
  /** Its raises do not fit even so, and end. */
  readonly endRaises: boolean;
}

/** Budgets below `row` that have more than it leaves them, each cut to that. */
export async function budgetsCutBy(db: Database, row: BudgetsTable, now: number): Promise<readonly BudgetCut[]> {
  const children = await db.selectFrom('budgets').selectAll().where(below(row)).execute();
  const raises = await raisesOf(db, [row, ...children], now);
  return children.flatMap((child) => {
    if (budgetExcess(row, child, raises) === undefined) return [];
    const ceiling = budgetCeiling(budgetExtent(row, raises, Infinity), budgetExtent(child, [], Infinity)) ?? BigInt(child.picodollars);
    const allowed = ceiling < BigInt(child.picodollars) ? ceiling : BigInt(child.picodollars);
    const budget = { ...child, picodollars: String(allowed) };
    return [{ budget, endRaises: budgetExcess(row, budget, raises) !== undefined }];
  });
}

/** Throws rule_below_children for rules that would have to be cut. */
export function refuseCuts(cut: readonly (LimitsTable | BudgetsTable)[]): void {
  if (cut.length === 0) return;
  const named = cut.slice(0, 5).map(({ id, owner_kind, owner_id }) => `${id} of the ${owner_kind} ${owner_id}`);
  throw new BulkheadError('rule_below_children', { children: named.join(', ') + (cut.length > 5 ? ` and ${cut.length - 5} more` : '') });
}

/** Raises that are in force or will be. */
export async function raisesOf(db: Database, budgets: readonly { readonly id: string }[], now: number): Promise<readonly RaisesTable[]> {
  const raises: RaisesTable[] = [];
  for (let from = 0; from < budgets.length; from += 500) {
    const ids = budgets.slice(from, from + 500).map(({ id }) => id);
    raises.push(...(await db.selectFrom('budget_raises').selectAll().where('budget', 'in', ids).where('until', '>', now).execute()));
  }
  return raises;
}

/** Rules of any of these. */
const ownedBy = (refs: readonly OwnerRef[]) =>
  refs.length === 0
    ? sql<boolean>`false`
    : sql<boolean>`(${sql.join(
        refs.map(({ kind, id }) => sql`(owner_kind = ${kind} and owner_id = ${id})`),
        sql` or `,
      )})`;

/** Rules of those whose chain leads through this rule's owner. */
function below({ owner_kind, owner_id }: OwnerColumns) {
  if (owner_id === EVERYONE.id && owner_kind === EVERYONE.kind) return sql<boolean>`organization <> ${EVERYONE.id}`;
  switch (owner_kind) {
    case 'organization':
      return sql<boolean>`organization = ${owner_id} and owner_kind <> 'organization'`;
    case 'team':
      return sql<boolean>`team = ${owner_id} and owner_kind <> 'team'`;
    case 'project':
      return sql<boolean>`project = ${owner_id} and owner_kind <> 'project'`;
    case 'user':
      return sql<boolean>`"user" = ${owner_id} and owner_kind <> 'user'`;
    case 'key':
    case 'end_user':
    case 'tag':
      return sql<boolean>`false`;
  }
}
