import { z } from 'zod';
import { instant, label, reference, whole } from './fields.ts';

const TEN_YEARS_SECONDS = 10 * 366 * 86_400;
const MAX_GRACE_SECONDS = 90 * 86_400;

const models = z
  .array(
    z
      .string()
      .min(1)
      .max(256)
      .regex(/^[^\p{Cc}]*$/u),
  )
  .min(1)
  .max(256)
  .describe('Aliases or `provider/model` names this key may use, a prefix with `/*`. Absent: all.');

export const keyCreate = z
  .strictObject({
    name: label.describe('What people call it. Need not be unique.'),
    organization: reference.optional().describe('Id or name. Default: `default`.'),
    team: reference.optional().describe('Id or name within the organization. Default: `default`.'),
    environment: z
      .string()
      .regex(/^[a-z0-9]{1,12}$/, 'must be 1 to 12 lower-case letters or digits')
      .default('live')
      .describe('Second part of the key’s text.'),
    expires_at: instant.optional(),
    expires_in_seconds: whole(1, TEN_YEARS_SECONDS).optional().describe('Instead of expires_at.'),
    models: models.optional(),
    max_parallel: whole(1, 1_000_000).optional().describe('Requests in flight over all workers. Absent: no limit.'),
  })
  .refine(({ expires_at, expires_in_seconds }) => expires_at === undefined || expires_in_seconds === undefined, {
    message: 'give expires_at or expires_in_seconds, not both',
    path: ['expires_in_seconds'],
  });
export type KeyCreate = z.output<typeof keyCreate>;

export const keyView = z.strictObject({
  id: z.string(),
  name: z.string(),
  hint: z.string().describe('Enough of the key to recognise it.'),
  organization: z.string(),
  team: z.string(),
  state: z.enum(['active', 'expired', 'revoked']),
  version: z.number(),
  created_at: z.string(),
  expires_at: z.string().nullable(),
  revoked_at: z.string().nullable(),
  replaced_by: z.string().nullable().describe('The key that a rotation made.'),
  models: z.array(z.string()).nullable().describe('Null: all.'),
  max_parallel: z.number().nullable(),
});
export type KeyView = z.output<typeof keyView>;

export const keyList = z.strictObject({ keys: z.array(keyView) });
export const keyListQuery = z.strictObject({
  organization: reference.optional(),
  team: reference.optional(),
  state: z.enum(['active', 'expired', 'revoked', 'all']).default('all'),
});
export type KeyListQuery = z.output<typeof keyListQuery>;

export const keyCreated = z.strictObject({ key: z.string().describe('The virtual key. Shown this once.'), ...keyView.shape });

/** A process that had to be told of a change to a key. */
const confirmation = z.strictObject({
  process: z.string().describe('`vault-0`, `gateway-1` …'),
  confirmed: z.boolean(),
  /** What was done with one that did not confirm. */
  action: z.enum(['none', 'restarted', 'unknown']),
});
export type Confirmation = z.output<typeof confirmation>;

export const keyRevoked = z.strictObject({ ...keyView.shape, confirmations: z.array(confirmation) });

export const keyRotate = z.strictObject({
  grace_seconds: whole(0, MAX_GRACE_SECONDS).default(86_400).describe('How long the old key goes on working.'),
});
export const keyRotated = z.strictObject({ ...keyCreated.shape, replaced: keyView });
