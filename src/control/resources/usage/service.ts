import { isTimeZone, localTime, periodOf as calendarPeriod } from '../../../admission/calendar.ts';
import type { UsageQuery } from '../../../api/usage.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { Json, JsonObject } from '../../../core/json.ts';
import { formatDollars, picodollars } from '../../../core/money.ts';
import type { LedgerAdminCall } from '../../../ipc/messages/ledger.ts';
import type { UsageFilter } from '../../../core/reports.ts';
import type { UsageRow, UsageSummaryRow } from '../../../ipc/messages/reports.ts';
import { isConnectionLost } from '../../../ipc/peer.ts';
import type { Link } from '../../../ipc/link.ts';
import type { Database } from '../../database.ts';
import type { DimensionNames } from './names.ts';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** `7d` before `now`, or a moment; a day without a time begins when it does in the zone. Throws invalid_field. */
export function momentOf(text: string, field: string, now: number, timeZone = 'UTC'): number {
  const [, count, unit] = /^(\d+)([smhdw])$/.exec(text) ?? [];
  const time = unit === undefined ? Date.parse(text) : now - Number(count) * (UNIT_MS[unit] ?? 0);
  if (Number.isNaN(time)) throw new BulkheadError('invalid_field', { field, reason: 'there is no such time' });
  return /^\d{4}-\d\d-\d\d$/.test(text) ? localPeriod('day', time + NOON_MS, timeZone).start : time;
}

const NOON_MS = 43_200_000;

/** The day or month of a zone in which its clocks show `local`, written as if it were UTC. Throws invalid_field for an unknown zone. */
export function localPeriod(unit: 'day' | 'month', local: number, timeZone: string): { readonly start: number; readonly end: number } {
  if (!isTimeZone(timeZone))
    throw new BulkheadError('invalid_field', { field: 'time_zone', reason: 'there is no such zone; write it like Europe/Berlin' });
  return calendarPeriod(unit, timeZone, local - (localTime(local, timeZone) - local));
}

export interface Period {
  readonly from: number;
  readonly to: number;
}

interface Window {
  readonly since: string;
  readonly until?: string | undefined;
  readonly time_zone?: string | undefined;
}

export function periodOf({ since, until, time_zone: zone }: Window, now: number): Period {
  const period = { from: momentOf(since, 'since', now, zone), to: until === undefined ? now + 1 : momentOf(until, 'until', now, zone) };
  if (period.from >= period.to) throw new BulkheadError('invalid_field', { field: 'since', reason: 'it is not before until' });
  return period;
}

export type FilterQuery = Partial<Omit<UsageQuery, 'by' | 'since' | 'until' | 'time_zone' | 'limit'>>;

/** Filters by id; names of keys, teams and organizations are accepted too. */
export async function filterOf(db: Database, query: FilterQuery): Promise<UsageFilter> {
  const { key, team, organization, project, user, end_user: endUser, tag, model, alias, provider, credential, outcome } = query;
  return {
    ...(key !== undefined && { key: await idOf(db, 'keys', key) }),
    ...(team !== undefined && { team: await idOf(db, 'teams', team) }),
    ...(organization !== undefined && { organization: await idOf(db, 'organizations', organization) }),
    ...(project !== undefined && { project }),
    ...(user !== undefined && { user }),
    ...(endUser !== undefined && { end_user: endUser }),
    ...(tag !== undefined && { tag }),
    ...(model !== undefined && { model }),
    ...(alias !== undefined && { alias }),
    ...(provider !== undefined && { provider }),
    ...(credential !== undefined && { credential }),
    ...(outcome !== undefined && { outcome }),
  };
}

/** The id of the row with this name where just one has it, otherwise the text itself: usage outlives its key. */
async function idOf(db: Database, table: 'keys' | 'teams' | 'organizations', text: string): Promise<string> {
  const found = await db
    .selectFrom(table)
    .select('id')
    .where((where) => where.or([where('id', '=', text), where('name', '=', text)]))
    .limit(2)
    .execute();
  return found.length === 1 ? (found[0]?.id ?? text) : text;
}

/** Asks the ledger. Throws ledger_unavailable when it is away. */
export async function askLedger<Reply>(ledger: Link, call: LedgerAdminCall): Promise<Reply> {
  try {
    return (await ledger.unary(call as unknown as JsonObject)).head as Reply;
  } catch (error) {
    throw isConnectionLost(error) ? new BulkheadError('ledger_unavailable', {}, { cause: error }) : error;
  }
}

const dollars = (amount: string): string => formatDollars(picodollars(BigInt(amount)));
const mean = (total: number, count: number): number | null => (count === 0 ? null : Math.round(total / count));

/** `team_name` and the like, beside the dimensions whose ids have names; null: it has none any more. */
const namesIn = ({ dimensions }: UsageSummaryRow, names: DimensionNames): Record<string, string | null> =>
  Object.fromEntries(
    Object.entries(names).map(([name, known]) => [`${name}_name`, known.get(dimensions[name as keyof DimensionNames] ?? '') ?? null]),
  );

/** A row of sums as people and programs read it. `names` adds what ids are called. */
export const summaryRow = (row: UsageSummaryRow, names: DimensionNames): Record<string, string | number | null> => ({
  ...row.dimensions,
  ...namesIn(row, names),
  requests: row.requests,
  failed: row.failed,
  open: row.open,
  unconfirmed: row.unconfirmed,
  unmatched: row.unmatched,
  unpriced: row.unpriced,
  estimated: row.estimated,
  input_tokens: row.inputTokens,
  cached_input_tokens: row.cachedInputTokens,
  cache_write_tokens: row.cacheWriteTokens,
  output_tokens: row.outputTokens,
  reasoning_tokens: row.reasoningTokens,
  audio_tokens: row.audioTokens,
  cost_usd: dollars(row.picodollars),
  latency_ms: mean(row.latencyMsTotal, row.requests),
  first_byte_ms: mean(row.firstByteMsTotal, row.firstBytes),
});

/** A single row, flat, in snake case. */
export const ledgerRow = ({ usage, picodollars: amount, startedAt, ...row }: UsageRow): Record<string, Json> => ({
  request_id: row.requestId,
  attempt: row.attempt,
  state: row.state,
  started_at: new Date(startedAt).toISOString(),
  organization: row.organization,
  team: row.team,
  key: row.key,
  project: row.project,
  user: row.user,
  end_user: row.endUser,
  tags: row.tags.join(','),
  credential: row.credential,
  provider: row.provider,
  alias: row.alias,
  model: row.model,
  endpoint: row.endpoint,
  stream: row.stream,
  status: row.status,
  outcome: row.outcome,
  input_tokens: usage.input,
  cached_input_tokens: usage.cachedInput,
  cache_write_tokens: usage.cacheWrite + usage.cacheWrite1h,
  output_tokens: usage.output,
  reasoning_tokens: usage.reasoning,
  input_audio_tokens: usage.inputAudio,
  output_audio_tokens: usage.outputAudio,
  cost_usd: dollars(amount),
  price_version: row.priceVersion,
  price_known: row.priceKnown,
  estimated: row.estimated,
  disputed: row.disputed,
  proof: row.proof,
  latency_ms: row.latencyMs,
  first_byte_ms: row.firstByteMs,
  bytes_in: row.bytesIn,
  bytes_out: row.bytesOut,
  upstream_bytes_in: row.upstreamBytesIn,
  upstream_bytes_out: row.upstreamBytesOut,
  upstream_outcome: row.upstreamOutcome,
});
