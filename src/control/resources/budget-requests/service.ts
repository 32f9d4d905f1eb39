import type { BudgetRequestCreate, BudgetRequestView } from '../../../api/budgets.ts';
import { BulkheadError } from '../../../core/errors.ts';
import { newRuleId } from '../../../core/ids.ts';
import { ownerKey } from '../../../core/owner.ts';
import type { PermitFor } from '../../acts.ts';
import type { Database } from '../../database.ts';
import type { BudgetRequestsTable, BudgetsTable, OwnerColumns } from '../../limit-tables.ts';
import { ownerNames, ownerView, refOf } from '../../owners.ts';
import { reseal, sealed, writeResealed } from '../../sealed-tables.ts';
import { dollarsOf, endOf, findBudget, picodollarsOf } from '../budgets/service.ts';
import type { SealDeps } from '../organizations/service.ts';

type NewRequest = Omit<BudgetRequestsTable, 'signature'>;

export const newRequest = (body: BudgetRequestCreate, owner: OwnerColumns, by: string, now: number): NewRequest => ({
  id: newRuleId('ask', now),
  ...owner,
  picodollars: picodollarsOf(body.dollars),
  until: endOf(body.until, now),
  reason: body.reason,
  state: 'open',
  asked_by: by,
  asked_at: now,
  decided_by: null,
  decided_at: null,
  answer: null,
  budget: null,
});

/** Requests of one owner that may wait at a time: whoever decides reads all of them. */
const MAX_OPEN = 20;

export async function storeRequest({ db, seals }: SealDeps, _permit: PermitFor<'budget-request.create'>, row: NewRequest): Promise<void> {
  await db
    .insertInto('budget_requests')
    .values(await sealed(seals, 'budget_requests', row))
    .execute();
}

/** Throws resource_exists. */
export async function refuseFlood(db: Database, { owner_kind, owner_id }: OwnerColumns): Promise<void> {
  const open = await db
    .selectFrom('budget_requests')
    .select('id')
    .where('owner_kind', '=', owner_kind)
    .where('owner_id', '=', owner_id)
    .where('state', '=', 'open')
    .limit(MAX_OPEN)
    .execute();
  if (open.length >= MAX_OPEN) throw new BulkheadError('resource_exists', { resource: 'request', id: open[0]?.id ?? '' });
}

/** Throws request_decided, or changed_meanwhile where somebody decided in the same moment. */
export async function deny(
  { db, seals }: SealDeps,
  permit: PermitFor<'budget-request.deny'>,
  id: string,
  answer: string | null,
  now: number,
): Promise<void> {
  await findOpenRequest(db, id);
  const decided = { state: 'denied', decided_by: permit.actor.id, decided_at: now, answer } as const;
  await writeResealed(db, await reseal(db, seals, 'budget_requests', id, decided));
}

/** Throws resource_missing. */
export async function findRequest(db: Database, id: string): Promise<BudgetRequestsTable> {
  const row = await db.selectFrom('budget_requests').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new BulkheadError('resource_missing', { resource: 'request', id });
  return row;
}

/** Throws request_decided. */
export async function findOpenRequest(db: Database, id: string): Promise<BudgetRequestsTable> {
  const row = await findRequest(db, id);
  if (row.state !== 'open') throw new BulkheadError('request_decided', { id, state: row.state });
  return row;
}

/** The budget that a request is about: the one named, or the owner's only hard one. Throws resource_missing or budget_choice. */
export async function budgetToRaise(db: Database, request: BudgetRequestsTable, named: string | undefined): Promise<BudgetsTable> {
  if (named !== undefined) {
    const budget = await findBudget(db, named);
    if (ownerKey(refOf(budget)) === ownerKey(refOf(request))) return budget;
    throw new BulkheadError('invalid_field', { field: 'budget', reason: 'it belongs to another owner than the request' });
  }
  const budgets = await db
    .selectFrom('budgets')
    .selectAll()
    .where('owner_kind', '=', request.owner_kind)
    .where('owner_id', '=', request.owner_id)
    .where('enforcement', '=', 'hard')
    .execute();
  const [only, ...more] = budgets;
  if (only === undefined)
    throw new BulkheadError('resource_missing', { resource: 'hard budget of', id: `${request.owner_kind} ${request.owner_id}` });
  if (more.length === 0) return only;
  const list = budgets.map(({ id, window }) => `${id} (${window})`).join(', ');
  throw new BulkheadError('budget_choice', { owner: `The ${request.owner_kind}`, count: budgets.length, budgets: list });
}

export async function requestViews(db: Database, rows: readonly BudgetRequestsTable[]): Promise<BudgetRequestView[]> {
  const names = await ownerNames(db, rows.map(refOf));
  return rows.map((row) => ({
    id: row.id,
    owner: ownerView(row, names),
    dollars: dollarsOf(row.picodollars),
    until: new Date(row.until).toISOString(),
    reason: row.reason,
    state: row.state,
    asked_by: row.asked_by,
    asked_at: new Date(row.asked_at).toISOString(),
    decided_by: row.decided_by,
    decided_at: row.decided_at === null ? null : new Date(row.decided_at).toISOString(),
    answer: row.answer,
    budget: row.budget,
  }));
}
