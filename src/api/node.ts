import { z } from 'zod';
import { limit } from './fields.ts';

const providerView = z.strictObject({
  id: z.string(),
  kind: z.string(),
  source: z.string().describe('The file that declares it, or `built-in`.'),
  base_url: z.string(),
  credential: z.string(),
  credential_present: z.boolean().nullable().describe('Null: the vault does not answer.'),
  private: z.boolean(),
  price_list: z.string(),
});
export const providerList = z.strictObject({ providers: z.array(providerView) });

const modelView = z.strictObject({
  alias: z.string().describe('With a trailing `/`: any model of the provider may follow.'),
  prefix: z.boolean(),
  source: z.string(),
  targets: z.array(z.strictObject({ provider: z.string(), model: z.string() })),
});
export type ModelView = z.output<typeof modelView>;
export const modelList = z.strictObject({ models: z.array(modelView) });

export const vaultView = z.strictObject({
  shards: z.array(
    z.strictObject({
      shard: z.number(),
      reachable: z.boolean(),
      state: z.enum(['unsealed', 'sealed', 'unknown']),
      sealing_key: z.string().describe('X25519, raw, base64; secrets are sealed to it.'),
      verify_key: z.string(),
      credentials: z.number(),
      revoked: z.number(),
    }),
  ),
});
export const vaultQuery = z.strictObject({
  credential: z.string().max(64).optional().describe('Only the shard that holds this credential.'),
});

export const configProblem = z.strictObject({
  file: z.string(),
  line: z.number(),
  column: z.number(),
  reason: z.string(),
  remedy: z.string(),
});

export const configView = z.strictObject({
  source: z.string().nullable().describe('Null: no file, the defaults.'),
  version: z.number().describe('Of the policy that gateways serve by.'),
  applied_at: z.string().nullable(),
  problems: z.array(configProblem).describe('Why the newest file was not applied; empty when it was.'),
  effective: z.record(z.string(), z.json()),
});

export const auditQuery = z.strictObject({ limit: limit(1000, 50) });
export const auditList = z.strictObject({ entries: z.array(z.record(z.string(), z.json())) });

export const backupFiles = z.strictObject({
  name: z.string(),
  files: z.array(
    z.strictObject({
      process: z.string().describe('`control`, `ledger`, `auditor`, `vault-0` …: also the folder below the data folder.'),
      file: z.string().describe('Relative to that folder. A name that ends in `/` is a whole folder.'),
      temporary: z.boolean().describe('True: made for this backup; remove it once copied.'),
    }),
  ),
});
export type BackupFiles = z.output<typeof backupFiles>;

const check = z.strictObject({
  name: z.string(),
  status: z.enum(['ok', 'warn', 'fail']),
  message: z.string(),
  remedy: z.string().nullable(),
});
export type Check = z.output<typeof check>;

const issuerView = z.strictObject({
  id: z.string(),
  url: z.string(),
  reachable: z.boolean().nullable().describe('Whether it answered when it was asked last; null: it was not asked yet.'),
  fetched_at: z.string().nullable().describe('When its keys were fetched; null: never.'),
  taken_until: z.string().nullable().describe('When they are taken no more, unless they are fetched again.'),
  keys: z.array(z.strictObject({ kid: z.string().nullable(), kty: z.string(), alg: z.string().nullable() })),
  failure: z.string().nullable().describe('Why it did not answer.'),
  ahead_seconds: z.number().describe('How far its tokens were issued in the future, at most, by the clock here.'),
});

export const doctorView = z.strictObject({
  layout: z.string(),
  status: z.enum(['ok', 'warn', 'fail']),
  checks: z.array(check),
  processes: z.array(z.record(z.string(), z.json())),
  runtime: z.strictObject({ version: z.string(), floor: z.string(), below_floor: z.boolean() }),
  config: z.strictObject({ source: z.string().nullable(), version: z.number(), problems: z.array(configProblem) }),
  issuers: z.array(issuerView),
  gateway_url: z.string(),
  control_url: z.string(),
});
export type IssuerView = z.output<typeof issuerView>;
export type DoctorView = z.output<typeof doctorView>;
