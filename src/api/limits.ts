import { z } from 'zod';
import { MEASURES } from '../core/rules.ts';
import { reference, whole } from './fields.ts';
import { applied, cut, mode, model, ownerInput, ownerQuery, ownerView } from './rules.ts';

const MAX_AMOUNT = 1_000_000_000_000;

const window = z
  .string()
  .regex(/^[1-9]\d{0,4}[smhd]$/, 'must be like 30s, 1m, 1h or 1d')
  .describe('Sliding. Not for `parallel`. Default: 1m.');

export const limitCreate = z
  .strictObject({
    owner: ownerInput,
    model: model.optional(),
    measure: z.enum(MEASURES),
    amount: whole(1, MAX_AMOUNT),
    window: window.optional(),
    mode: mode.default('enforce'),
    cut,
  })
  .refine(({ measure, window: given }) => measure !== 'parallel' || given === undefined, {
    message: 'requests in flight have no window',
    path: ['window'],
  })
  .refine(({ owner, model: named }) => owner.kind !== 'model' || named !== undefined, { message: 'name the model', path: ['model'] });
export type LimitCreate = z.output<typeof limitCreate>;

export const limitChange = z.strictObject({
  amount: whole(1, MAX_AMOUNT).optional(),
  window: window.optional(),
  mode: mode.optional(),
  cut,
});
export type LimitChange = z.output<typeof limitChange>;

export const limitView = z.strictObject({
  id: z.string(),
  owner: ownerView,
  model: z.string().nullable(),
  measure: z.enum(MEASURES),
  amount: z.number(),
  window: z.string().nullable().describe('Null for `parallel`.'),
  mode,
  created_at: z.string(),
});
export type LimitView = z.output<typeof limitView>;

export const limitListQuery = z.strictObject({ ...ownerQuery, model: model.optional() });
export const limitList = z.strictObject({ limits: z.array(limitView) });
export const limitWritten = z.strictObject({
  ...limitView.shape,
  cut: z.array(z.string()).describe('Ids of rules below that were cut.'),
  applied,
});

const percent = whole(1, 100).describe('Of the limit. All shares of a limit together: at most 100.');
export const shareCreate = z.strictObject({ owner: ownerInput, percent });
export const shareChange = z.strictObject({ percent });
const shareView = z.strictObject({
  id: z.string(),
  limit: z.string(),
  owner: ownerView,
  percent: z.number(),
  created_at: z.string(),
});
export type ShareView = z.output<typeof shareView>;
export const shareList = z.strictObject({ shares: z.array(shareView) });
export const shareListQuery = z.strictObject({ limit: reference.optional() });
export const shareWritten = z.strictObject({ ...shareView.shape, applied });
