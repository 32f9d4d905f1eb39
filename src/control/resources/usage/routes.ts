import { BulkheadError } from '../../../core/errors.ts';
import type { UsageRow, UsageRowsReply, UsageSummaryReply } from '../../../ipc/messages.ts';
import type { Database } from '../../database.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import { askLedger, filterOf, ledgerRow, periodOf, summaryRow } from './service.ts';

type Names = 'usage.summary' | 'usage.rows' | 'usage.request';

/** What the ledger knows, with the names that only this process has. */
export const usageRoutes = ({ db, ledger, clock }: ControlDeps): Handlers<Names> => ({
  'usage.summary': async ({ query }) => {
    const period = periodOf(query, clock.now());
    const filter = await filterOf(db, query);
    const { rows, truncated } = await askLedger<UsageSummaryReply>(ledger, {
      op: 'usage.summary',
      by: query.by,
      ...period,
      filter,
      limit: query.limit,
    });
    const names = await keyNames(
      db,
      rows.flatMap(({ dimensions }) => dimensions.key ?? []),
    );
    return { from: iso(period.from), to: iso(period.to), rows: rows.map((row) => summaryRow(row, names)), truncated };
  },
  'usage.rows': async ({ query }) => {
    const filter = await filterOf(db, query);
    const call = { op: 'usage.rows', ...periodOf(query, clock.now()), filter, limit: query.limit, before: query.before ?? null } as const;
    const { rows, next } = await askLedger<UsageRowsReply>(ledger, call);
    return { rows: rows.map(mutable), next };
  },
  'usage.request': async ({ id }) => {
    const { rows } = await askLedger<{ readonly rows: readonly UsageRow[] }>(ledger, { op: 'usage.request', requestId: id.slice(0, 64) });
    if (rows.length === 0) throw new BulkheadError('resource_missing', { resource: 'request', id });
    return { request_id: id, rows: rows.map(mutable) };
  },
});

const iso = (time: number): string => new Date(time).toISOString();

/** All values of a ledger row are plain: text, numbers, booleans, null. */
const mutable = (row: UsageRow): Record<string, string | number | boolean | null> =>
  ledgerRow(row) as Record<string, string | number | boolean | null>;

async function keyNames(db: Database, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const keys = await db.selectFrom('keys').select(['id', 'name']).where('id', 'in', ids.slice(0, 1000)).execute();
  return new Map(keys.map(({ id, name }) => [id, name]));
}
