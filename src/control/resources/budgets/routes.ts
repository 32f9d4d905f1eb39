import type { BudgetRaiseBody } from '../../../api/budgets.ts';
import type { PermitFor } from '../../acts.ts';
import type { Caller } from '../../caller.ts';
import { commitRules, type Granted } from '../../commit-rules.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import type { BudgetsTable } from '../../limit-tables.ts';
import { findOwner, ownerNames, refOf } from '../../owners.ts';
import { budgetsCutBy, raisesOf, refuseBudgetAboveParents, refuseCuts } from '../../rule-ceilings.ts';
import { isVisible, ownedRows } from '../../rule-queries.ts';
import { budgetViewOf, changedBudget, findBudget, newBudget, newRaise, refuseSameBudget } from './service.ts';

type Names = 'budgets.list' | 'budgets.create' | 'budgets.show' | 'budgets.update' | 'budgets.remove' | 'budgets.raise';

export const budgetRoutes = (deps: ControlDeps): Handlers<Names> => ({
  'budgets.list': async ({ query: { model, provider, ...owner }, by }) => {
    const all = (await ownedRows(deps.db, 'budgets', owner)).filter(isVisible(by.identity, 'budget.read'));
    return {
      budgets: await views(
        deps,
        all.filter((row) => matches(row.model, model) && matches(row.provider, provider)),
      ),
    };
  },
  'budgets.show': async ({ id }) => view(deps, await findBudget(deps.db, id)),
  'budgets.create': async ({ body, by }) => {
    const owner = await findOwner(deps.db, body.owner);
    return write(deps, by, 'budget.create', newBudget(body, owner, deps.clock.now()), body.cut ? 'cut' : 'refuse');
  },
  'budgets.update': async ({ id, body, by }) =>
    write(deps, by, 'budget.update', changedBudget(await findBudget(deps.db, id), body), body.cut ? 'cut' : 'refuse'),
  'budgets.remove': async ({ id, by }) => {
    const row = await findBudget(deps.db, id);
    const permit = await deps.authority.permit(by, 'budget.remove', `budget/${id}`, facts(row));
    return { id, removed: true, applied: await commitRules(deps, permit, { removedBudgets: [row] }) };
  },
  'budgets.raise': async ({ id, body, by }) => {
    const budget = await findBudget(deps.db, id);
    const permit = (): Promise<PermitFor<'budget.raise'>> =>
      deps.authority.permit(by, 'budget.raise', `budget/${id}`, { ...facts(budget), dollars: body.dollars, until: body.until });
    const applied = await raise(deps, permit, budget, body);
    return { ...(await view(deps, budget)), cut: [], applied };
  },
});

const matches = (value: string | null, wanted: string | undefined): boolean => wanted === undefined || value === wanted;

async function write(deps: ControlDeps, by: Caller, act: 'budget.create' | 'budget.update', row: BudgetsTable, below: 'cut' | 'refuse') {
  const now = deps.clock.now();
  await refuseSameBudget(deps.db, row);
  await refuseBudgetAboveParents(deps.db, row, now);
  const cuts = await budgetsCutBy(deps.db, row, now);
  const cut = cuts.map(({ budget }) => budget);
  if (below === 'refuse') refuseCuts(cut);
  const permit = await deps.authority.permit(by, act, `budget/${row.id}`, { ...facts(row), cut: cut.length });
  const withoutRaises = cuts.flatMap(({ budget, endRaises }) => (endRaises ? [budget.id] : []));
  const applied = await commitRules(deps, permit, { budgets: [row, ...cut], withoutRaises });
  return { ...(await view(deps, row)), cut: cut.map(({ id }) => id), applied };
}

/** Adds to a budget until a time, never above what its parents leave. The permit is asked for once it is known to be possible. */
export async function raise(
  deps: ControlDeps,
  permit: () => Promise<PermitFor<'budget.raise' | 'budget-request.grant'>>,
  budget: BudgetsTable,
  body: BudgetRaiseBody,
  granted?: Granted,
) {
  const now = deps.clock.now();
  const present = await raisesOf(deps.db, [budget], now);
  const added = newRaise(budget, body, { request: granted?.id ?? null, present, now });
  await refuseBudgetAboveParents(deps.db, budget, now, [added]);
  return commitRules(deps, await permit(), { budgets: [budget], raises: [added] }, granted);
}

async function views({ db, clock }: ControlDeps, rows: readonly BudgetsTable[]) {
  const [names, raises] = await Promise.all([ownerNames(db, rows.map(refOf)), raisesOf(db, rows, clock.now())]);
  return rows.map((row) => budgetViewOf(row, names, raises));
}

async function view({ db, clock }: ControlDeps, row: BudgetsTable) {
  const [names, raises] = await Promise.all([ownerNames(db, [refOf(row)]), raisesOf(db, [row], clock.now())]);
  return budgetViewOf(row, names, raises);
}

const facts = ({ owner_kind, owner_id, model, provider, picodollars, window, time_zone, enforcement, mode }: BudgetsTable) => ({
  owner: `${owner_kind}/${owner_id}`,
  model,
  provider,
  picodollars,
  window,
  time_zone,
  enforcement,
  mode,
});
