import type { ReplyOf } from '../../../api/operations.ts';
import type { UsageExportQuery } from '../../../api/usage.ts';
import type { Json } from '../../../core/json.ts';
import type { UsageFilter } from '../../../core/reports.ts';
import type { UsageDaysReply, UsageRowsReply, UsageSummaryReply } from '../../../ipc/messages/reports.ts';
import type { ControlDeps } from '../../deps.ts';
import { csvLine, type Cell } from '../../../core/csv.ts';
import { FOCUS_COLUMNS, focusCells } from './focus.ts';
import { namesOf } from './names.ts';
import { askLedger, filterOf, ledgerRow, periodOf, type Period } from './service.ts';

type Page = ReplyOf<'usage.export'>;
type Deps = Pick<ControlDeps, 'db' | 'ledger' | 'clock'>;

/** One page of an export. Nothing of it is kept here: a client that stops asking costs nothing more. */
export async function exportPage(deps: Deps, query: UsageExportQuery): Promise<Page> {
  const period = periodOf(query, deps.clock.now());
  const filter = await filterOf(deps.db, query);
  const to = new Date(period.to).toISOString();
  if (query.format === 'focus') return { ...(await focusPage(deps, query, period, filter)), to, total: null };
  const total = query.after === undefined ? await callsIn(deps, period, filter) : null;
  return { ...(await rowsPage(deps, query, period, filter)), to, total };
}

type Lines = Pick<Page, 'text' | 'lines' | 'next'>;

async function rowsPage({ ledger }: Deps, query: UsageExportQuery, period: Period, filter: UsageFilter): Promise<Lines> {
  const call = { op: 'usage.export', ...period, filter, limit: query.limit, after: query.after ?? null } as const;
  const { rows, next } = await askLedger<UsageRowsReply>(ledger, call);
  const flat = rows.map(ledgerRow);
  if (query.format === 'json') return { text: flat.map((row) => `${JSON.stringify(row)}\n`).join(''), lines: rows.length, next };
  const heading = query.after === undefined ? csvLine(ROW_COLUMNS) : '';
  return { text: heading + flat.map((row) => csvLine(ROW_COLUMNS.map((name) => cellOf(row[name])))).join(''), lines: rows.length, next };
}

/** All values of a row are plain. */
const cellOf = (value: Json | undefined): Cell =>
  value === undefined || value === null ? null : typeof value === 'object' ? JSON.stringify(value) : value;

async function focusPage({ db, ledger }: Deps, query: UsageExportQuery, period: Period, filter: UsageFilter): Promise<Lines> {
  const call = { op: 'usage.days', ...period, filter, limit: query.limit, after: query.after ?? null } as const;
  const { days, next } = await askLedger<UsageDaysReply>(ledger, call);
  const of = (name: 'organization' | 'team' | 'key'): string[] => days.flatMap(({ dimensions }) => dimensions[name] ?? []);
  const [organizations, teams, keys] = await Promise.all([
    namesOf(db, 'organizations', of('organization')),
    namesOf(db, 'teams', of('team')),
    namesOf(db, 'keys', of('key')),
  ]);
  const heading = query.after === undefined ? csvLine(FOCUS_COLUMNS) : '';
  const text = days.map((day) => csvLine(focusCells(day, { organizations, teams, keys }))).join('');
  return { text: heading + text, lines: days.length, next };
}

/** For progress; what is written meanwhile comes on top. */
async function callsIn({ ledger }: Deps, period: Period, filter: UsageFilter): Promise<number> {
  const call = { op: 'usage.summary', by: [], ...period, filter, limit: 1, timeZone: 'UTC' } as const;
  const { rows } = await askLedger<UsageSummaryReply>(ledger, call);
  return rows[0]?.requests ?? 0;
}

/** In the order of the fields that `usage rows` shows. */
const ROW_COLUMNS = [
  'request_id',
  'attempt',
  'state',
  'started_at',
  'organization',
  'team',
  'project',
  'key',
  'user',
  'end_user',
  'tags',
  'credential',
  'provider',
  'alias',
  'model',
  'endpoint',
  'stream',
  'status',
  'outcome',
  'input_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'input_audio_tokens',
  'output_audio_tokens',
  'cost_usd',
  'price_version',
  'price_known',
  'estimated',
  'disputed',
  'proof',
  'latency_ms',
  'first_byte_ms',
  'bytes_in',
  'bytes_out',
  'upstream_bytes_in',
  'upstream_bytes_out',
  'upstream_outcome',
] as const;
