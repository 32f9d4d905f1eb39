import { BulkheadError } from '../../../core/errors.ts';
import type { Difference, DifferencesReply, UsageRow, UsageRowsReply, UsageSummaryReply } from '../../../ipc/messages/reports.ts';
import type { Link } from '../../../ipc/link.ts';
import type { Caller } from '../../caller.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import { explain } from './explain.ts';
import { exportPage } from './export.ts';
import { dimensionNames } from './names.ts';
import { monthlyStatement } from './statement.ts';
import { askLedger, filterOf, ledgerRow, periodOf, summaryRow } from './service.ts';

type Names =
  | 'usage.explain'
  | 'usage.summary'
  | 'usage.rows'
  | 'usage.request'
  | 'usage.export'
  | 'usage.statement'
  | 'reconciliation.list';

/** What the ledger knows, with the names that only this process has. */
export const usageRoutes = ({ db, ledger, clock }: ControlDeps): Handlers<Names> => ({
  'usage.export': ({ query }) => exportPage({ db, ledger, clock }, query),
  'usage.statement': ({ query }) => monthlyStatement({ db, ledger, clock }, query),
  'reconciliation.list': async ({ query }) => {
    const { kind = null, limit, before = null } = query;
    const call = { op: 'reconciliation.list', ...periodOf(query, clock.now()), kind, limit, before } as const;
    const { rows, next } = await askLedger<DifferencesReply>(ledger, call);
    return { differences: rows.map(differenceRow), next };
  },
  'usage.summary': async ({ query, by }) => {
    const period = periodOf(query, clock.now());
    const filter = { ...(await filterOf(db, query)), ...permitted(by) };
    const { rows, truncated, wholeDaysBefore, nothingBefore } = await askLedger<UsageSummaryReply>(ledger, {
      op: 'usage.summary',
      by: query.by,
      ...period,
      filter,
      limit: query.limit,
      timeZone: query.time_zone,
    });
    const names = await dimensionNames(db, query.by, rows);
    return {
      from: iso(period.from),
      to: iso(period.to),
      rows: rows.map((row) => summaryRow(row, names)),
      truncated,
      whole_days_before: isoOrNull(wholeDaysBefore),
      nothing_before: isoOrNull(nothingBefore),
    };
  },
  'usage.rows': async ({ query, by }) => {
    const filter = { ...(await filterOf(db, query)), ...permitted(by) };
    const call = { op: 'usage.rows', ...periodOf(query, clock.now()), filter, limit: query.limit, before: query.before ?? null } as const;
    const { rows, next } = await askLedger<UsageRowsReply>(ledger, call);
    return { rows: rows.map(mutable), next };
  },
  'usage.explain': async ({ id }) => explain(id, await rowsOf(ledger, id)),
  'usage.request': async ({ id }) => {
    const rows = await rowsOf(ledger, id);
    return { request_id: id, rows: rows.map(mutable) };
  },
});

/** The place that the caller’s permission was judged for, whatever its name in the query could mean elsewhere. */
const permitted = ({ scope: { organization, team } }: Caller) => ({
  ...(organization !== undefined && { organization }),
  ...(team !== undefined && { team }),
});

/** Throws resource_missing where the ledger knows nothing of it. */
async function rowsOf(ledger: Link, id: string): Promise<readonly UsageRow[]> {
  const { rows } = await askLedger<{ readonly rows: readonly UsageRow[] }>(ledger, { op: 'usage.request', requestId: id.slice(0, 64) });
  if (rows.length === 0) throw new BulkheadError('resource_missing', { resource: 'request', id });
  return rows;
}

const iso = (time: number): string => new Date(time).toISOString();
const isoOrNull = (time: number | null): string | null => (time === null ? null : iso(time));

const differenceRow = (row: Difference) => ({
  request_id: row.requestId,
  attempt: row.attempt,
  kind: row.kind,
  reported: row.reported,
  journal: row.journal,
  started_at: iso(row.startedAt),
  found_at: iso(row.foundAt),
  resolved_at: isoOrNull(row.resolvedAt),
});

/** All values of a ledger row are plain: text, numbers, booleans, null. */
const mutable = (row: UsageRow): Record<string, string | number | boolean | null> =>
  ledgerRow(row) as Record<string, string | number | boolean | null>;
