import type { BudgetRequestGrant } from '../../../api/budgets.ts';
import type { Caller } from '../../caller.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import { findOwner } from '../../owners.ts';
import { isVisible, ownedRows } from '../../rule-queries.ts';
import { raise } from '../budgets/routes.ts';
import { dollarsOf } from '../budgets/service.ts';
import { budgetToRaise, deny, findOpenRequest, findRequest, newRequest, refuseFlood, requestViews, storeRequest } from './service.ts';

type Names = 'budget-requests.list' | 'budget-requests.create' | 'budget-requests.grant' | 'budget-requests.deny';

export const budgetRequestRoutes = (deps: ControlDeps): Handlers<Names> => ({
  'budget-requests.list': async ({ query: { state, ...owner }, by }) => {
    const rows = (await ownedRows(deps.db, 'budget_requests', owner)).filter(isVisible(by.identity, 'budget.read'));
    return {
      requests: await requestViews(
        deps.db,
        rows.filter((row) => state === 'all' || row.state === state),
      ),
    };
  },
  'budget-requests.create': async ({ body, by }) => {
    const owner = await findOwner(deps.db, body.owner);
    await refuseFlood(deps.db, owner);
    const row = newRequest(body, owner, by.id, deps.clock.now());
    const facts = { owner: `${owner.owner_kind}/${owner.owner_id}`, dollars: body.dollars, until: body.until };
    await storeRequest(deps, await deps.authority.permit(by, 'budget-request.create', `budget-request/${row.id}`, facts), row);
    return view(deps, row.id);
  },
  'budget-requests.grant': ({ id, body, by }) => grant(deps, by, id, body),
  'budget-requests.deny': async ({ id, body, by }) => {
    const row = await findOpenRequest(deps.db, id);
    const facts = { owner: `${row.owner_kind}/${row.owner_id}` };
    const permit = await deps.authority.permit(by, 'budget-request.deny', `budget-request/${id}`, facts);
    await deny(deps, permit, id, body.answer ?? null, deps.clock.now());
    return view(deps, id);
  },
});

/** The budget is raised and the request decided in one transaction: neither is ever seen without the other. */
async function grant(deps: ControlDeps, by: Caller, id: string, { budget: named, dollars, until, answer }: BudgetRequestGrant) {
  const row = await findOpenRequest(deps.db, id);
  const budget = await budgetToRaise(deps.db, row, named);
  const wanted = {
    dollars: dollars ?? dollarsOf(row.picodollars),
    until: until ?? new Date(row.until).toISOString(),
    reason: row.reason,
  };
  const facts = { budget: budget.id, dollars: wanted.dollars, until: wanted.until };
  const permit = () => deps.authority.permit(by, 'budget-request.grant', `budget-request/${id}`, facts);
  const applied = await raise(deps, permit, budget, wanted, { id, by: by.id, answer: answer ?? null, budget: budget.id });
  return { ...(await view(deps, id)), applied };
}

async function view({ db }: ControlDeps, id: string) {
  const [shown] = await requestViews(db, [await findRequest(db, id)]);
  if (shown === undefined) throw new Error(`the request ${id} has no view`);
  return shown;
}
