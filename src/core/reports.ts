/** What reports of usage are asked by, and the ways in which two reports of a call may differ. */

/** Each is a column of the ledger's groups, in this order. */
export const USAGE_FILTERS = [
  'organization',
  'team',
  'project',
  'key',
  'user',
  'end_user',
  'tag',
  'model',
  'alias',
  'provider',
  'credential',
  'outcome',
] as const;
export type UsageFilter = Readonly<Partial<Record<(typeof USAGE_FILTERS)[number], string>>>;
export const TIME_DIMENSIONS = ['hour', 'day', 'week', 'month'] as const;
export type TimeDimension = (typeof TIME_DIMENSIONS)[number];
/** By `end_user` and by `tag` only calls that have one are summed, and a call with two tags is in both. */
export const USAGE_DIMENSIONS = [...USAGE_FILTERS, ...TIME_DIMENSIONS] as const;
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number];

/**
 * How the two reports of a call may differ: the vault alone or the gateway alone speaks of it; they name different owners or counts of bytes;
 * or its tokens do not fit its bytes by what other calls of the model show.
 */
export const DIFFERENCE_KINDS = [
  'missing_usage',
  'missing_journal',
  'owner',
  'bytes_sent',
  'bytes_received',
  'input_tokens',
  'output_tokens',
] as const;
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];
