import { USAGE_FILTERS } from '../core/reports.ts';

/** The sums that aggregates hold and reports give: for each its column, and its value in SQL over a single row of `usage`. */
export const SUMS = {
  requests: '1',
  open: "state = 'open'",
  unconfirmed: "state = 'unconfirmed'",
  unmatched: "state = 'unmatched'",
  unpriced: "price_known = 0 AND state <> 'open'",
  estimated: 'estimated',
  failed: "outcome NOT IN ('ok', 'unconfirmed', '')",
  input: 'input',
  output: 'output',
  cached_input: 'cached_input',
  cache_write: 'cache_write + cache_write_1h',
  reasoning: 'reasoning',
  audio: 'input_audio + output_audio',
  // SQLite's integers end at 2⁶³ picodollars, nine million dollars: the two halves are added apart and joined by `moneyOf`.
  micro: 'picodollars / 1000000',
  rest: 'picodollars % 1000000',
  latency: 'latency_ms',
  first_byte: 'coalesce(first_byte_ms, 0)',
  first_bytes: 'first_byte_ms IS NOT NULL',
} as const;

export type SumName = keyof typeof SUMS;
export const SUM_NAMES = Object.keys(SUMS) as readonly SumName[];

const MILLION = 1_000_000n;

/** Picodollars from their two halves. Either may be negative in a difference; together they are exact. */
export const moneyOf = (micro: bigint, rest: bigint): bigint => micro * MILLION + rest;
export const halvesOf = (picodollars: bigint): readonly [micro: bigint, rest: bigint] => [picodollars / MILLION, picodollars % MILLION];

const OWN_COLUMNS = ['organization', 'team', 'project', 'key', 'user', 'model', 'alias', 'provider', 'credential', 'outcome'] as const;

/**
 * What an aggregate is kept by. Every row is in one group of the first kind. Those with an end user, with tags, and with both are in
 * groups of further kinds besides: somebody's end users nearly always come with one key, so that they add groups and do not multiply them.
 */
export const GROUP_KINDS = {
  all: { number: 0, columns: OWN_COLUMNS },
  end_user: { number: 1, columns: [...OWN_COLUMNS, 'end_user'] },
  tag: { number: 2, columns: [...OWN_COLUMNS, 'tag'] },
  both: { number: 3, columns: [...OWN_COLUMNS, 'end_user', 'tag'] },
} as const;

export type GroupKind = keyof typeof GROUP_KINDS;

/** The groups that keep all of these apart. */
export function kindFor(columns: readonly GroupColumn[]): GroupKind {
  if (columns.includes('end_user')) return columns.includes('tag') ? 'both' : 'end_user';
  return columns.includes('tag') ? 'tag' : 'all';
}

export const GROUP_COLUMNS = USAGE_FILTERS;
export type GroupColumn = (typeof GROUP_COLUMNS)[number];

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
