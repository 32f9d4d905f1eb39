import type { LimitChange, LimitCreate, LimitView } from '../../../api/limits.ts';
import { BulkheadError } from '../../../core/errors.ts';
import { newRuleId } from '../../../core/ids.ts';
import type { Database } from '../../database.ts';
import type { LimitsTable, OwnerColumns } from '../../limit-tables.ts';
import { ownerView } from '../../owners.ts';

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;
const USUAL_WINDOW_MS = 60_000;
const MAX_WINDOW_MS = 366 * 86_400_000;

/** `1m` → milliseconds. Throws invalid_field above a year. */
function windowMs(text: string): number {
  const length = UNITS.find(([unit]) => text.endsWith(unit))?.[1] ?? 0;
  const ms = Number.parseInt(text, 10) * length;
  if (ms < 1000 || ms > MAX_WINDOW_MS) throw new BulkheadError('invalid_field', { field: 'window', reason: 'it must be 1s to 366d' });
  return ms;
}

/** The largest unit that it is a whole number of. */
export function windowText(ms: number): string {
  const [unit, length] = UNITS.find(([, of]) => ms % of === 0) ?? ['s', 1000];
  return `${ms / length}${unit}`;
}

export function newLimit(body: LimitCreate, owner: OwnerColumns, now: number): LimitsTable {
  const { model, measure, amount, window, mode } = body;
  return {
    id: newRuleId('lim', now),
    ...owner,
    model: model ?? null,
    measure,
    amount,
    window_ms: measure === 'parallel' ? null : window === undefined ? USUAL_WINDOW_MS : windowMs(window),
    mode,
    created_at: now,
  };
}

/** Throws invalid_field. */
export function changedLimit(row: LimitsTable, { amount, window, mode }: LimitChange): LimitsTable {
  if (window !== undefined && row.window_ms === null)
    throw new BulkheadError('invalid_field', { field: 'window', reason: 'requests in flight have no window' });
  return {
    ...row,
    amount: amount ?? row.amount,
    window_ms: window === undefined ? row.window_ms : windowMs(window),
    mode: mode ?? row.mode,
  };
}

/** Throws resource_missing. */
export async function findLimit(db: Database, id: string): Promise<LimitsTable> {
  const row = await db.selectFrom('limits').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new BulkheadError('resource_missing', { resource: 'limit', id });
  return row;
}

/** Two limits of one measure, model and window on one owner are a mistake: only the lower would ever be felt. Throws resource_exists. */
export async function refuseSameLimit(db: Database, row: LimitsTable): Promise<void> {
  const same = await db
    .selectFrom('limits')
    .selectAll()
    .where('owner_kind', '=', row.owner_kind)
    .where('owner_id', '=', row.owner_id)
    .where('measure', '=', row.measure)
    .where('mode', '=', row.mode)
    .where('id', '!=', row.id)
    .execute();
  const twin = same.find(({ model, window_ms }) => model === row.model && window_ms === row.window_ms);
  if (twin !== undefined) throw new BulkheadError('resource_exists', { resource: 'limit', id: twin.id });
}

export const limitViewOf = (row: LimitsTable, names: Readonly<Record<string, string>>): LimitView => ({
  id: row.id,
  owner: ownerView(row, names),
  model: row.model,
  measure: row.measure,
  amount: row.amount,
  window: row.window_ms === null ? null : windowText(row.window_ms),
  mode: row.mode,
  created_at: new Date(row.created_at).toISOString(),
});
