import type { Caller } from '../../caller.ts';
import { commitRules } from '../../commit-rules.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import type { LimitsTable } from '../../limit-tables.ts';
import { findOwner, ownerNames, refOf } from '../../owners.ts';
import { limitsCutBy, refuseCuts, refuseLimitAboveParents } from '../../rule-ceilings.ts';
import { isVisible, ownedRows } from '../../rule-queries.ts';
import { changedLimit, findLimit, limitViewOf, newLimit, refuseSameLimit } from './service.ts';

type Names = 'limits.list' | 'limits.create' | 'limits.show' | 'limits.update' | 'limits.remove';

export const limitRoutes = (deps: ControlDeps): Handlers<Names> => ({
  'limits.list': async ({ query, by }) => {
    const all = (await ownedRows(deps.db, 'limits', query)).filter(isVisible(by.identity, 'limit.read'));
    const rows = all.filter(({ model }) => query.model === undefined || model === query.model);
    const names = await ownerNames(deps.db, rows.map(refOf));
    return { limits: rows.map((row) => limitViewOf(row, names)) };
  },
  'limits.show': async ({ id }) => view(deps, await findLimit(deps.db, id)),
  'limits.create': async ({ body, by }) => {
    const owner = await findOwner(deps.db, body.owner);
    return write(deps, by, 'limit.create', newLimit(body, owner, deps.clock.now()), body.cut ? 'cut' : 'refuse');
  },
  'limits.update': async ({ id, body, by }) =>
    write(deps, by, 'limit.update', changedLimit(await findLimit(deps.db, id), body), body.cut ? 'cut' : 'refuse'),
  'limits.remove': async ({ id, by }) => {
    const row = await findLimit(deps.db, id);
    const permit = await deps.authority.permit(by, 'limit.remove', `limit/${id}`, facts(row));
    return { id, removed: true, applied: await commitRules(deps, permit, { removedLimits: [row] }) };
  },
});

async function write(deps: ControlDeps, by: Caller, act: 'limit.create' | 'limit.update', row: LimitsTable, below: 'cut' | 'refuse') {
  await refuseSameLimit(deps.db, row);
  await refuseLimitAboveParents(deps.db, row);
  const cut = await limitsCutBy(deps.db, row);
  if (below === 'refuse') refuseCuts(cut);
  const permit = await deps.authority.permit(by, act, `limit/${row.id}`, { ...facts(row), cut: cut.length });
  const applied = await commitRules(deps, permit, { limits: [row, ...cut] });
  return { ...(await view(deps, row)), cut: cut.map(({ id }) => id), applied };
}

const view = async ({ db }: ControlDeps, row: LimitsTable) => limitViewOf(row, await ownerNames(db, [refOf(row)]));

const facts = ({ owner_kind, owner_id, model, measure, amount, window_ms, mode }: LimitsTable) => ({
  owner: `${owner_kind}/${owner_id}`,
  model,
  measure,
  amount,
  window_ms,
  mode,
});
