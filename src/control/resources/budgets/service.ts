import type { BudgetChange, BudgetCreate, BudgetRaiseBody, BudgetView } from '../../../api/budgets.ts';
import { BulkheadError } from '../../../core/errors.ts';
import { newRuleId } from '../../../core/ids.ts';
import { formatDollars, parseDollars, picodollars } from '../../../core/money.ts';
import { windowLength } from '../../admission-policy.ts';
import type { Database } from '../../database.ts';
import type { BudgetsTable, OwnerColumns, RaisesTable } from '../../limit-tables.ts';
import { ownerView } from '../../owners.ts';

const MAX_ROLLING_MS = 366 * 86_400_000;
/** The ledger takes no more. */
const MAX_RAISES = 16;

/** Throws invalid_field. */
export function picodollarsOf(dollars: string): string {
  const amount = parseDollars(dollars);
  if (amount === undefined) throw new BulkheadError('invalid_field', { field: 'dollars', reason: 'it is no decimal number of dollars' });
  return String(amount);
}

export const dollarsOf = (amount: string): string => formatDollars(picodollars(BigInt(amount)));

const CALENDAR: readonly string[] = ['hour', 'day', 'week', 'month'];
const isCalendar = (window: string): boolean => CALENDAR.includes(window);

/** The zone of a calendar window; null for the others. Throws invalid_field for one that this runtime does not know. */
function zoneOf(window: string, wanted: string | null): string | null {
  if (!isCalendar(window)) {
    if (wanted === null) return null;
    throw new BulkheadError('invalid_field', { field: 'time_zone', reason: `the window ${window} has no calendar` });
  }
  const zone = wanted ?? 'UTC';
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return zone;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new BulkheadError('invalid_field', { field: 'time_zone', reason: `there is no time zone ${zone}` });
  }
}

function checkedWindow(window: string): string {
  if (window.startsWith('rolling:') && windowLength({ window, time_zone: null }) > MAX_ROLLING_MS)
    throw new BulkheadError('invalid_field', { field: 'window', reason: 'it must be at most 366 days' });
  return window;
}

export function newBudget(body: BudgetCreate, owner: OwnerColumns, now: number): BudgetsTable {
  const { model, provider, dollars, window, time_zone, enforcement, mode, thresholds } = body;
  return {
    id: newRuleId('bud', now),
    ...owner,
    model: model ?? null,
    provider: provider ?? null,
    picodollars: picodollarsOf(dollars),
    window: checkedWindow(window),
    time_zone: zoneOf(window, time_zone ?? null),
    enforcement,
    mode,
    thresholds: JSON.stringify(thresholds),
    created_at: now,
  };
}

export function changedBudget(
  row: BudgetsTable,
  { dollars, window = row.window, time_zone, enforcement, mode, thresholds }: BudgetChange,
): BudgetsTable {
  const kept = isCalendar(window) ? row.time_zone : null;
  return {
    ...row,
    picodollars: dollars === undefined ? row.picodollars : picodollarsOf(dollars),
    window: checkedWindow(window),
    time_zone: zoneOf(window, time_zone ?? kept),
    enforcement: enforcement ?? row.enforcement,
    mode: mode ?? row.mode,
    thresholds: thresholds === undefined ? row.thresholds : JSON.stringify(thresholds),
  };
}

/** Throws invalid_field where the end is not to come, or where there are too many already. */
export function newRaise(
  budget: BudgetsTable,
  { dollars, until, reason }: BudgetRaiseBody,
  { request, present, now }: { readonly request: string | null; readonly present: readonly RaisesTable[]; readonly now: number },
): RaisesTable {
  if (present.length >= MAX_RAISES)
    throw new BulkheadError('invalid_field', { field: 'budget', reason: `it has ${MAX_RAISES} raises already` });
  return {
    id: newRuleId('raise', now),
    budget: budget.id,
    picodollars: picodollarsOf(dollars),
    until: endOf(until, now),
    reason,
    request,
    created_at: now,
  };
}

export function endOf(until: string, now: number): number {
  const end = Date.parse(until);
  if (end <= now) throw new BulkheadError('invalid_field', { field: 'until', reason: 'it is in the past' });
  return end;
}

/** Throws resource_missing. */
export async function findBudget(db: Database, id: string): Promise<BudgetsTable> {
  const row = await db.selectFrom('budgets').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new BulkheadError('resource_missing', { resource: 'budget', id });
  return row;
}

/** Two budgets of one window, reach and enforcement on one owner are a mistake. Throws resource_exists. */
export async function refuseSameBudget(db: Database, row: BudgetsTable): Promise<void> {
  const same = await db
    .selectFrom('budgets')
    .selectAll()
    .where('owner_kind', '=', row.owner_kind)
    .where('owner_id', '=', row.owner_id)
    .where('window', '=', row.window)
    .where('enforcement', '=', row.enforcement)
    .where('mode', '=', row.mode)
    .where('id', '!=', row.id)
    .execute();
  const twin = same.find(({ model, provider }) => model === row.model && provider === row.provider);
  if (twin !== undefined) throw new BulkheadError('resource_exists', { resource: 'budget', id: twin.id });
}

export const budgetViewOf = (row: BudgetsTable, names: Readonly<Record<string, string>>, raises: readonly RaisesTable[]): BudgetView => ({
  id: row.id,
  owner: ownerView(row, names),
  model: row.model,
  provider: row.provider,
  dollars: dollarsOf(row.picodollars),
  window: row.window,
  time_zone: row.time_zone,
  enforcement: row.enforcement,
  mode: row.mode,
  thresholds: JSON.parse(row.thresholds) as number[],
  raises: raises
    .filter(({ budget }) => budget === row.id)
    .map(({ id, picodollars: amount, until, reason, request }) => ({
      id,
      dollars: dollarsOf(amount),
      until: new Date(until).toISOString(),
      reason,
      request,
    })),
  created_at: new Date(row.created_at).toISOString(),
});
