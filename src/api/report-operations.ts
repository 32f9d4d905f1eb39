import { admin, type Operation } from './operation.ts';
import { usageExplain } from './usage-explain.ts';
import * as usage from './usage.ts';

/** Of the organization or team that the query names; of the whole node only to those who may see all of it. */
const ofPlace = { permission: 'usage.read', scope: 'place-named' } as const;

/** What the ledger knows, for people and for other programs. */
export const REPORTS = {
  'usage.summary': admin('GET', '/usage', 'Sums of usage and cost.', {
    ...ofPlace,
    query: usage.usageQuery,
    reply: usage.usageSummary,
  }),
  'usage.rows': admin('GET', '/usage/rows', 'Single rows of the ledger, newest first.', {
    ...ofPlace,
    query: usage.usageRowsQuery,
    reply: usage.usageRows,
  }),
  'usage.export': admin('GET', '/usage/export', 'Calls or daily sums as lines of a file, oldest first, a page at a time.', {
    query: usage.usageExportQuery,
    reply: usage.usageExport,
  }),
  'usage.statement': admin('GET', '/usage/statement', 'What each team is charged for a month.', {
    query: usage.usageStatementQuery,
    reply: usage.usageStatement,
  }),
  'usage.explain': admin('GET', '/usage/{id}/explain', 'How the cost of a request came about, to the last digit.', { reply: usageExplain }),
  'usage.request': admin('GET', '/usage/{id}', 'All attempts of one request.', { reply: usage.usageRequest }),
  'reconciliation.list': admin('GET', '/reconciliation', 'Calls of which gateway and vault report differently, newest first.', {
    query: usage.reconciliationQuery,
    reply: usage.reconciliationList,
  }),
} as const satisfies Record<string, Operation>;
