import { z } from 'zod';
import { instant, label, reference, whole } from './fields.ts';
import { models } from './models.ts';
import { next, pageQuery } from './tenancy.ts';

const TEN_YEARS_SECONDS = 10 * 366 * 86_400;
const MAX_GRACE_SECONDS = 90 * 86_400;

const KEY_KINDS = ['llm', 'read', 'admin'] as const;
const kind = z
  .enum(KEY_KINDS)
  .describe('`llm` calls models; `read` only reads lists and reports; `admin` only the admin API, for its team.');
const endpoints = z
  .array(z.string().regex(/^[a-z0-9-]{1,64}$/))
  .min(1)
  .max(64)
  .describe('Ids of endpoints it may call, such as `chat-completions`. Absent: all.');
const addresses = z
  .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'must be an address or a CIDR block such as 10.0.0.0/8'))
  .min(1)
  .max(64)
  .describe('Addresses and CIDR blocks it may be used from. Absent: anywhere.');
const metadata = z
  .record(
    z.string().regex(/^[a-zA-Z0-9._-]{1,64}$/),
    z
      .string()
      .max(256)
      .regex(/^[^\p{Cc}]*$/u),
  )
  .refine((entries) => Object.keys(entries).length <= 16, 'at most 16 entries')
  .describe('Words of your own, at most 16 of at most 256 characters.');
const maxParallel = whole(1, 1_000_000).describe('Requests in flight over all workers. Absent: no limit.');

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
    max_parallel: maxParallel.optional(),
    project: reference.optional().describe('Id or name within the team.'),
    user: reference.optional().describe('Id or e-mail address of the member it belongs to. Default for members: themselves.'),
    service_account: reference.optional().describe('Id or name within the team; instead of a user.'),
    kind: kind.default('llm'),
    endpoints: endpoints.optional(),
    addresses: addresses.optional(),
    metadata: metadata.optional(),
  })
  .refine(({ user, service_account }) => user === undefined || service_account === undefined, {
    message: 'a key belongs to a user or to a service account, not to both',
    path: ['service_account'],
  })
  .refine(({ expires_at, expires_in_seconds }) => expires_at === undefined || expires_in_seconds === undefined, {
    message: 'give expires_at or expires_in_seconds, not both',
    path: ['expires_in_seconds'],
  });
export type KeyCreate = z.output<typeof keyCreate>;

/** Absent: as it is. Null: no restriction of its own. Whom a key belongs to never changes. */
export const keyChange = z.strictObject({
  name: label.optional(),
  expires_at: instant.nullable().optional(),
  models: models.nullable().optional(),
  max_parallel: maxParallel.nullable().optional(),
  endpoints: endpoints.nullable().optional(),
  addresses: addresses.nullable().optional(),
  metadata: metadata.nullable().optional(),
});
export type KeyChange = z.output<typeof keyChange>;

const KEY_STATES = ['active', 'blocked', 'expired', 'revoked'] as const;

export const keyView = z.strictObject({
  id: z.string(),
  name: z.string(),
  hint: z.string().describe('Enough of the key to recognise it.'),
  organization: z.string(),
  team: z.string(),
  state: z.enum(KEY_STATES),
  version: z.number(),
  created_at: z.string(),
  expires_at: z.string().nullable(),
  revoked_at: z.string().nullable(),
  replaced_by: z.string().nullable().describe('The key that a rotation made.'),
  models: z.array(z.string()).nullable().describe('Null: all.'),
  max_parallel: z.number().nullable(),
  project: z.string().nullable().default(null),
  user: z.string().nullable().default(null),
  service_account: z.string().nullable().default(null),
  kind: z.enum(KEY_KINDS).default('llm'),
  endpoints: z.array(z.string()).nullable().default(null),
  addresses: z.array(z.string()).nullable().default(null),
  metadata: z.record(z.string(), z.string()).default({}),
  organization_name: z.string().nullable().default(null),
  team_name: z.string().nullable().default(null),
  project_name: z.string().nullable().default(null),
  user_name: z.string().nullable().default(null),
});
export type KeyView = z.output<typeof keyView>;

export const keyList = z.strictObject({ keys: z.array(keyView), next });
export const keyListQuery = z.strictObject({
  organization: reference.optional(),
  team: reference.optional(),
  project: reference.optional(),
  user: reference.optional(),
  service_account: reference.optional(),
  state: z.enum([...KEY_STATES, 'all']).default('all'),
  q: z.string().min(1).max(128).optional().describe('Beginning of the name; the list is then in the order of names.'),
  ...pageQuery,
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

/** A change that every process that could know the key has confirmed. */
export const keyChanged = z.strictObject({ ...keyView.shape, confirmations: z.array(confirmation) });

export const keyRotate = z.strictObject({
  grace_seconds: whole(0, MAX_GRACE_SECONDS).default(86_400).describe('How long the old key goes on working.'),
});
export const keyRotated = z.strictObject({ ...keyCreated.shape, replaced: keyView });
