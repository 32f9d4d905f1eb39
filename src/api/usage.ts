import { z } from 'zod';
import { DIFFERENCE_KINDS, USAGE_DIMENSIONS } from '../core/reports.ts';
import { OUTCOMES } from '../core/usage.ts';
import { limit, reference } from './fields.ts';

const timeZone = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9+_/-]+$/, 'must be like Europe/Berlin')
  .default('UTC')
  .describe('IANA name: whose days, weeks and months, and where dates without a time begin.');

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
  project: reference.optional(),
  user: reference.optional(),
  end_user: z.string().max(256).optional(),
  tag: z.string().max(64).optional(),
  model: reference.optional(),
  alias: reference.optional(),
  provider: reference.optional(),
  credential: reference.optional(),
  outcome: z.enum(OUTCOMES).optional(),
  time_zone: timeZone,
};

export const usageQuery = z.strictObject({
  by: z
    .string()
    .default('day')
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(USAGE_DIMENSIONS)).min(1).max(4))
    .describe(`Comma-separated: ${USAGE_DIMENSIONS.join(', ')}.`),
  ...window,
  limit: limit(10_000, 1000),
});
export type UsageQuery = z.output<typeof usageQuery>;

export const usageRowsQuery = z.strictObject({ ...window, limit: limit(1000, 100), before: z.string().max(256).optional() });

/** Names of the dimensions asked for, and the sums. */
export const usageSummary = z.strictObject({
  from: z.string(),
  to: z.string(),
  rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.null()]))),
  whole_days_before: z
    .string()
    .nullable()
    .optional()
    .describe(
      'Before this moment only daily sums (UTC) are kept: a day that is partly asked for counts where it begins. Null: all is exact.',
    ),
  nothing_before: z
    .string()
    .nullable()
    .optional()
    .describe('Before this moment nothing is kept of what was asked. Null: nothing is missing.'),
  truncated: z.boolean().optional().describe('True: there are more groups; those with the highest cost are here.'),
});

export const usageRows = z.strictObject({
  rows: z.array(z.record(z.string(), z.json())),
  next: z.string().nullable().describe('Pass as `before` for the next page.'),
});

/** All attempts of one request. */
export const usageRequest = z.strictObject({ request_id: z.string(), rows: z.array(z.record(z.string(), z.json())) });

const EXPORT_FORMATS = ['csv', 'json', 'focus'] as const;

export const usageExportQuery = z.strictObject({
  ...window,
  format: z
    .enum(EXPORT_FORMATS)
    .default('csv')
    .describe(
      '`csv`: one line a call; `json`: the same as one JSON object a line; `focus`: CSV by FOCUS 1.2, one line a day (UTC) and key, model and outcome.',
    ),
  limit: limit(1000, 1000),
  after: z.string().max(256).optional().describe('`next` of the page before.'),
});
export type UsageExportQuery = z.output<typeof usageExportQuery>;

export const usageExport = z.strictObject({
  text: z.string().describe('The next lines of the file; the first page begins with the heading, where the format has one.'),
  lines: z.number(),
  to: z.string().describe('Pass as `until` for the next page.'),
  total: z.number().nullable().describe('Calls in the whole export, on the first page of `csv` and `json`.'),
  next: z.string().nullable().describe('Pass as `after` for the next page. Null: this was the last.'),
});

export const usageStatementQuery = z.strictObject({
  month: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'must be like 2026-11'),
  time_zone: timeZone,
  organization: reference.optional(),
  team: reference.optional(),
});
export type UsageStatementQuery = z.output<typeof usageStatementQuery>;

const figures = {
  requests: z.number(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  cost_usd: z.string(),
  estimated: z.number().describe('Calls whose tokens were counted by us, because the provider told none.'),
  unconfirmed: z.number().describe('Calls that only the vault saw; charged by its count of bytes.'),
  unpriced: z.number().describe('Calls of models whose price is not known; charged like the dearest of their list.'),
};

/** What each team is charged for a month. */
export const usageStatement = z.strictObject({
  month: z.string(),
  time_zone: z.string(),
  from: z.string(),
  to: z.string(),
  complete: z.boolean().describe('False: the month is not over, or a call of it may still be reported.'),
  whole_days_before: z.string().nullable(),
  truncated: z.boolean(),
  teams: z.array(
    z.strictObject({
      organization: z.string(),
      organization_name: z.string().nullable(),
      team: z.string(),
      team_name: z.string().nullable(),
      ...figures,
      lines: z.array(z.strictObject({ project: z.string(), model: z.string(), ...figures })),
    }),
  ),
});

export const reconciliationQuery = z.strictObject({
  since: moment.default('7d').describe('Found since; how far back, or from when.'),
  until: moment.optional().describe('Default: now.'),
  kind: z.enum(DIFFERENCE_KINDS).optional(),
  limit: limit(1000, 100),
  before: z.string().max(256).optional(),
});

/** Calls of which gateway and vault report differently. */
export const reconciliationList = z.strictObject({
  differences: z.array(
    z.strictObject({
      request_id: z.string(),
      attempt: z.number(),
      kind: z.enum(DIFFERENCE_KINDS),
      reported: z.number().nullable().describe('What the gateway said: bytes, or tokens for kinds that end in `_tokens`.'),
      journal: z.number().nullable().describe('Bytes by the vault’s own count.'),
      started_at: z.string(),
      found_at: z.string(),
      resolved_at: z.string().nullable().describe('When the report that was missing came. Null: the difference stands.'),
    }),
  ),
  next: z.string().nullable().describe('Pass as `before` for the next page.'),
});
