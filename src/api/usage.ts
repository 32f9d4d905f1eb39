import { z } from 'zod';
import { OUTCOMES } from '../core/usage.ts';
import { limit, reference } from './fields.ts';

const DIMENSIONS = ['key', 'team', 'organization', 'model', 'alias', 'provider', 'credential', 'day', 'hour', 'outcome'] as const;

const moment = z
  .string()
  .max(40)
  .regex(
    /^(\d{1,5}[smhdw]|\d{4}-\d\d-\d\d(T[0-9:.]{4,12}(Z|[+-]\d\d:\d\d))?)$/,
    'must be like 7d, 24h, 2027-01-31 or 2027-01-31T12:00:00Z',
  );

const window = {
  since: moment.default('7d').describe('How far back, or from when.'),
  until: moment.optional().describe('Default: now.'),
  key: reference.optional(),
  team: reference.optional(),
  organization: reference.optional(),
  model: reference.optional(),
  alias: reference.optional(),
  provider: reference.optional(),
  credential: reference.optional(),
  outcome: z.enum(OUTCOMES).optional(),
};

export const usageQuery = z.strictObject({
  by: z
    .string()
    .default('day')
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(DIMENSIONS)).min(1).max(4))
    .describe(`Comma-separated: ${DIMENSIONS.join(', ')}.`),
  ...window,
  limit: limit(10_000, 1000),
});
export type UsageQuery = z.output<typeof usageQuery>;

export const usageRowsQuery = z.strictObject({ ...window, limit: limit(1000, 100), before: z.string().max(256).optional() });
export type UsageRowsQuery = z.output<typeof usageRowsQuery>;

/** Names of the dimensions asked for, and the sums. */
export const usageSummary = z.strictObject({
  from: z.string(),
  to: z.string(),
  rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.null()]))),
  truncated: z.boolean().optional().describe('True: there are more groups; those with the highest cost are here.'),
});

export const usageRows = z.strictObject({
  rows: z.array(z.record(z.string(), z.json())),
  next: z.string().nullable().describe('Pass as `before` for the next page.'),
});

/** All attempts of one request. */
export const usageRequest = z.strictObject({ request_id: z.string(), rows: z.array(z.record(z.string(), z.json())) });
