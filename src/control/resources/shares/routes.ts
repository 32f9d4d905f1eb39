import type { ShareView } from '../../../api/limits.ts';
import { BulkheadError } from '../../../core/errors.ts';
import { newRuleId } from '../../../core/ids.ts';
import type { Caller } from '../../caller.ts';
import { commitRules } from '../../commit-rules.ts';
import type { Database } from '../../database.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import type { SharesTable } from '../../limit-tables.ts';
import { findOwner, ownerNames, ownerView, refOf } from '../../owners.ts';
import { isVisible } from '../../rule-queries.ts';
import { findLimit } from '../limits/service.ts';

type Names = 'shares.list' | 'shares.create' | 'shares.update' | 'shares.remove';

export const shareRoutes = (deps: ControlDeps): Handlers<Names> => ({
  'shares.list': async ({ query: { limit }, by }) => {
    const all = deps.db.selectFrom('shares').selectAll().orderBy('id');
    const found = await (limit === undefined ? all : all.where('limit_id', '=', limit)).execute();
    const rows = found.filter(isVisible(by.identity, 'limit.read'));
    const names = await ownerNames(deps.db, rows.map(refOf));
    return { shares: rows.map((row) => shareView(row, names)) };
  },
  'shares.create': async ({ id, body, by }) => {
    const limit = await findLimit(deps.db, id);
    // A key's own limits are not shared with anyone.
    if (limit.owner_kind === 'key') throw new BulkheadError('invalid_field', { field: 'id', reason: 'the limit is that of a key' });
    const now = deps.clock.now();
    const owner = await findOwner(deps.db, body.owner);
    return write(deps, by, 'share.create', {
      id: newRuleId('share', now),
      limit_id: limit.id,
      ...owner,
      percent: body.percent,
      created_at: now,
    });
  },
  'shares.update': async ({ id, body, by }) =>
    write(deps, by, 'share.update', { ...(await findShare(deps.db, id)), percent: body.percent }),
  'shares.remove': async ({ id, by }) => {
    const row = await findShare(deps.db, id);
    const permit = await deps.authority.permit(by, 'share.remove', `share/${id}`, facts(row));
    return { id, removed: true, applied: await commitRules(deps, permit, { removedShares: [row] }) };
  },
});

async function write(deps: ControlDeps, by: Caller, act: 'share.create' | 'share.update', row: SharesTable) {
  await refuseOverfull(deps.db, row);
  const permit = await deps.authority.permit(by, act, `share/${row.id}`, facts(row));
  const applied = await commitRules(deps, permit, { shares: [row] });
  return { ...shareView(row, await ownerNames(deps.db, [refOf(row)])), applied };
}

/** Throws resource_exists where the owner has a share of this limit, invalid_field where all together would be more than the limit. */
async function refuseOverfull(db: Database, row: SharesTable): Promise<void> {
  const others = await db.selectFrom('shares').selectAll().where('limit_id', '=', row.limit_id).where('id', '!=', row.id).execute();
  const twin = others.find(({ owner_kind, owner_id }) => owner_kind === row.owner_kind && owner_id === row.owner_id);
  if (twin !== undefined) throw new BulkheadError('resource_exists', { resource: 'share', id: twin.id });
  const left = 100 - others.reduce((sum, { percent }) => sum + percent, 0);
  if (row.percent > left) throw new BulkheadError('invalid_field', { field: 'percent', reason: `only ${left} % of this limit are left` });
}

async function findShare(db: Database, id: string): Promise<SharesTable> {
  const row = await db.selectFrom('shares').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new BulkheadError('resource_missing', { resource: 'share', id });
  return row;
}

const shareView = (row: SharesTable, names: Readonly<Record<string, string>>): ShareView => ({
  id: row.id,
  limit: row.limit_id,
  owner: ownerView(row, names),
  percent: row.percent,
  created_at: new Date(row.created_at).toISOString(),
});

const facts = ({ limit_id, owner_kind, owner_id, percent }: SharesTable) => ({
  limit: limit_id,
  owner: `${owner_kind}/${owner_id}`,
  percent,
});
