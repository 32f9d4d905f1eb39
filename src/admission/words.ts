/** Sentences of refusals, in parts. */
import { formatDollars, picodollars as money } from '../core/money.ts';
import { EVERYONE, ownerKey, type OwnerRef } from '../core/owner.ts';
import type { BudgetRule, BudgetWindow, LimitRule } from '../core/rules.ts';
import { localTime } from './calendar.ts';

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const MEASURE_WORDS = {
  requests: 'requests',
  tokens: 'tokens',
  input_tokens: 'input tokens',
  output_tokens: 'output tokens',
  parallel: 'requests in flight',
} as const;
const LENGTHS = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1000, 'second'],
] as const;
const HOUR = 3_600_000;
const DOLLAR = 1_000_000_000_000n;
const CENT = 10_000_000_000n;
/** A millionth of a dollar. */
const SHOWN = 1_000_000n;

/** `Team search`, or `The team team_…` for one that has no name. */
export function ownerWords(owner: OwnerRef, names: Readonly<Record<string, string>>): string {
  if (owner.kind === EVERYONE.kind && owner.id === EVERYONE.id) return 'Everyone together';
  const kind = owner.kind === 'end_user' ? 'end user' : owner.kind;
  const name = ownerKey(owner);
  if (Object.hasOwn(names, name)) return `${kind.charAt(0).toUpperCase()}${kind.slice(1)} ${names[name]}`;
  // What clients say themselves stands behind the organization.
  const id = owner.kind === 'end_user' || owner.kind === 'tag' ? owner.id.slice(owner.id.indexOf('/') + 1) : owner.id;
  return `The ${kind} ${id}`;
}

/** `requests`, `input tokens for openai/*`; with what this request alone may take where no wait helps. */
export function measureWords({ measure, model, amount }: LimitRule, cost: number): string {
  const words = model === undefined ? MEASURE_WORDS[measure] : `${MEASURE_WORDS[measure]} for ${model}`;
  return cost > amount && cost > 1 ? `${words} (this request alone may take ${cost})` : words;
}

/** `a minute`, `an hour`, `in any 10 seconds`. */
export function windowWords(ms: number): string {
  const [count, unit] = lengthOf(ms);
  if (count !== 1) return `in any ${count} ${unit}s`;
  return unit === 'hour' ? 'an hour' : `a ${unit}`;
}

function lengthOf(ms: number): readonly [number, string] {
  for (const [length, unit] of LENGTHS) if (ms % length === 0) return [ms / length, unit];
  return [ms, 'millisecond'];
}

/** `for November`, `for 24 November`, `in the last 7 days`, `in all`; behind what the budget is narrowed to. */
export function budgetWords({ window, model, provider }: BudgetRule, start: number | null): string {
  const narrowed = `${model === undefined ? '' : `on ${model} `}${provider === undefined ? '' : `at ${provider} `}`;
  return `${narrowed}${periodWords(window, start ?? 0)}`;
}

function periodWords(window: BudgetWindow, start: number): string {
  if (window.kind === 'total') return 'in all';
  if (window.kind === 'rolling') {
    const [count, unit] = lengthOf(window.ms);
    return count === 1 ? `in the last ${unit}` : `in the last ${count} ${unit}s`;
  }
  const local = new Date(localTime(start, window.timeZone));
  const month = MONTHS[local.getUTCMonth()] ?? '';
  const day = `${local.getUTCDate()} ${month}`;
  switch (window.unit) {
    case 'month':
      return `for ${month}`;
    case 'week':
      return `for the week of ${day}`;
    case 'day':
      return `for ${day}`;
    case 'hour':
      return `for the hour from ${clock(local)} on ${day}`;
  }
}

/** Why a request finds no room in a budget that is not spent. `left` may be below nothing: what runs already is held again whether it fits or not. */
export function roomWords(cost: bigint, left: bigint, held: bigint): string {
  const shown = dollarWords(left > 0n ? left : 0n);
  const other = held > 0n ? ` (${dollarWords(held)} is held for requests under way)` : '';
  return `, and this request may cost up to ${dollarWords(roundedUp(cost))}, more than the ${shown} left${other}`;
}

/** What is shown of a cost must not look as if it fitted. */
const roundedUp = (picodollars: bigint): bigint => {
  const unit = picodollars >= DOLLAR ? CENT : SHOWN;
  return ((picodollars + unit - 1n) / unit) * unit;
};

/** `resets 1 Dec 00:00 Europe/Berlin`; of a rolling window, when so much is free that the request fits. */
export function resetWords({ window }: BudgetRule, resetsAt: number | null, fitsAt: number | null): string {
  if (window.kind === 'calendar' && resetsAt !== null) return `resets ${moment(resetsAt, window.timeZone)}`;
  if (window.kind === 'rolling' && fitsAt !== null) return `has room again ${moment(fitsAt, 'UTC')}`;
  return 'has no reset';
}

function moment(at: number, timeZone: string): string {
  const local = new Date(localTime(at, timeZone));
  return `${local.getUTCDate()} ${(MONTHS[local.getUTCMonth()] ?? '').slice(0, 3)} ${clock(local)} ${timeZone}`;
}

function clock(local: Date): string {
  const minutes = Math.floor((local.getTime() % (24 * HOUR)) / 60_000);
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

/** `$500`, `$0.25`: above a dollar in whole cents, rounded down; below in full. */
export function dollarWords(picodollars: bigint): string {
  const shown = picodollars >= DOLLAR ? picodollars - (picodollars % CENT) : picodollars;
  return `$${formatDollars(money(shown)).replace(/\.00$/, '')}`;
}
