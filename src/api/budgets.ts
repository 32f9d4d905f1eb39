import { z } from 'zod';
import { instant, label, limit, reference, whole } from './fields.ts';
import { limitView } from './limits.ts';
import { applied, cut, dollars, mode, model, ownerInput, ownerQuery, ownerView } from './rules.ts';

const window = z
  .string()
  .regex(/^(hour|day|week|month|total|rolling:[1-9]\d{0,3}[hd])$/, 'must be hour, day, week, month, total or like rolling:7d')
  .describe('Calendar windows are those of the time zone; weeks begin on Monday. `rolling:7d`: the last seven days, always.');
const timeZone = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9_+/-]+$/)
  .describe('IANA name such as Europe/Berlin. Default: UTC.');
const thresholds = z
  .array(whole(1, 1000))
  .max(16)
  .transform((percents) => [...new Set(percents)].sort((a, b) => a - b))
  .describe('Percent of the amount at which an alert is raised, once a window.');
const enforcement = z.enum(['hard', 'soft']).describe('`hard` refuses what does not fit; `soft` only alerts.');
const provider = reference.describe('Counts only calls of this provider.');

export const budgetCreate = z
  .strictObject({
    owner: ownerInput,
    model: model.optional(),
    provider: provider.optional(),
    dollars,
    window: window.default('month'),
    time_zone: timeZone.optional(),
    enforcement: enforcement.default('hard'),
    mode: mode.default('enforce'),
    thresholds: thresholds.default([80, 100]),
    cut,
  })
  .refine(({ owner, model: named }) => owner.kind !== 'model' || named !== undefined, { message: 'name the model', path: ['model'] });
export type BudgetCreate = z.output<typeof budgetCreate>;

export const budgetChange = z.strictObject({
  dollars: dollars.optional(),
  window: window.optional(),
  time_zone: timeZone.optional(),
  enforcement: enforcement.optional(),
  mode: mode.optional(),
  thresholds: thresholds.optional(),
  cut,
});
export type BudgetChange = z.output<typeof budgetChange>;

const raiseView = z.strictObject({
  id: z.string(),
  dollars: z.string(),
  until: z.string(),
  reason: z.string(),
  request: z.string().nullable().describe('The request that it grants.'),
});

export const budgetView = z.strictObject({
  id: z.string(),
  owner: ownerView,
  model: z.string().nullable(),
  provider: z.string().nullable(),
  dollars: z.string(),
  window: z.string(),
  time_zone: z.string().nullable().describe('Null where the window is not of a calendar.'),
  enforcement,
  mode,
  thresholds: z.array(z.number()),
  raises: z.array(raiseView).describe('Those whose end is to come.'),
  created_at: z.string(),
});
export type BudgetView = z.output<typeof budgetView>;

export const budgetListQuery = z.strictObject({ ...ownerQuery, model: model.optional(), provider: provider.optional() });
export const budgetList = z.strictObject({ budgets: z.array(budgetView) });
export const budgetWritten = z.strictObject({
  ...budgetView.shape,
  cut: z.array(z.string()).describe('Ids of rules below that were cut.'),
  applied,
});

const more = { dollars, until: instant.describe('When it ends: RFC 3339.'), reason: label };
export const budgetRaise = z.strictObject(more);
export type BudgetRaiseBody = z.output<typeof budgetRaise>;

export const budgetRequestCreate = z.strictObject({
  owner: ownerInput.refine(({ kind }) => kind !== 'model', 'name who needs more'),
  ...more,
});
export type BudgetRequestCreate = z.output<typeof budgetRequestCreate>;
export const budgetRequestView = z.strictObject({
  id: z.string(),
  owner: ownerView,
  dollars: z.string(),
  until: z.string(),
  reason: z.string(),
  state: z.enum(['open', 'granted', 'denied']),
  asked_by: z.string(),
  asked_at: z.string(),
  decided_by: z.string().nullable(),
  decided_at: z.string().nullable(),
  answer: z.string().nullable().describe('What the one who decided said.'),
  budget: z.string().nullable().describe('The budget that was raised.'),
});
export type BudgetRequestView = z.output<typeof budgetRequestView>;
export const budgetRequestListQuery = z.strictObject({
  state: z.enum(['open', 'granted', 'denied', 'all']).default('open'),
  ...ownerQuery,
});
export const budgetRequestList = z.strictObject({ requests: z.array(budgetRequestView) });
export const budgetRequestGrant = z.strictObject({
  budget: reference.optional().describe('Which one to raise, where the owner has several.'),
  dollars: dollars.optional().describe('Another amount than was asked for.'),
  until: instant.optional().describe('Another end than was asked for.'),
  answer: label.optional(),
});
export type BudgetRequestGrant = z.output<typeof budgetRequestGrant>;
export const budgetRequestDeny = z.strictObject({ answer: label.optional() });
export const budgetRequestDecided = z.strictObject({ ...budgetRequestView.shape, applied });

export const admissionQuery = z.strictObject(ownerQuery);
export const admissionStatus = z.strictObject({
  version: z.number().describe('Of the policy that the ledger holds.'),
  limits: z.array(
    z.strictObject({
      ...limitView.omit({ created_at: true }).shape,
      used: z.number(),
      remaining: z.number(),
      reset_seconds: z.number().describe('Until all of it is there again.'),
    }),
  ),
  budgets: z.array(
    z.strictObject({
      ...budgetView.omit({ created_at: true, raises: true }).shape,
      amount: z.string().describe('With the raises that are in force.'),
      spent: z.string(),
      reserved: z.string().describe('Held for requests under way.'),
      left: z.string(),
      window_start: z.string().nullable(),
      resets_at: z.string().nullable(),
    }),
  ),
});
export type AdmissionStatus = z.output<typeof admissionStatus>;

export const alertListQuery = z.strictObject({ limit: limit(1000, 50) });
const alertView = z.strictObject({
  at: z.string(),
  kind: z
    .enum(['budget.threshold', 'rule.observed', 'reservations.released', 'policy.refused'])
    .describe('`rule.observed`: a rule that only observes would have refused. `reservations.released`: a gateway did not come back.'),
  rule: z.string().nullable(),
  owner: ownerView.nullable(),
  percent: z.number().nullable().describe('The threshold that was reached.'),
  spent: z.string().nullable().describe('Dollars, when it was noticed.'),
  amount: z.string().nullable(),
  enforcement: enforcement.nullable(),
  code: z.string().nullable(),
  count: z.number().nullable(),
});
export type AlertView = z.output<typeof alertView>;
export const alertList = z.strictObject({ alerts: z.array(alertView) });
