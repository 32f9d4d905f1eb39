import { z } from 'zod';
import { ceilings, credentialList, credentialPut, credentialTried, credentialView } from './credentials.ts';
import { reference } from './fields.ts';
import { keyCreate, keyCreated, keyList, keyListQuery, keyRevoked, keyRotate, keyRotated, keyView } from './keys.ts';
import { auditList, auditQuery, backupFiles, configView, doctorView, modelList, providerList, vaultQuery, vaultView } from './node.ts';
import { organizationCreate, organizationList, organizationView, teamCreate, teamList, teamView } from './tenancy.ts';
import { usageQuery, usageRequest, usageRows, usageRowsQuery, usageSummary } from './usage.ts';

/** One thing that can be asked of the control process. The table is the only place that names a path. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With `{name}` for a path parameter. */
  readonly path: string;
  readonly summary: string;
  /** `public`: without token. Everything else needs the admin token. */
  readonly access: 'admin' | 'public';
  readonly query: z.ZodType;
  readonly body: z.ZodType;
  readonly reply: z.ZodType;
  readonly status: 200 | 201;
}

const nothing = z.strictObject({});

const admin = <Q extends z.ZodType = typeof nothing, B extends z.ZodType = typeof nothing, R extends z.ZodType = z.ZodType>(
  method: Operation['method'],
  path: string,
  summary: string,
  { query, body, reply, status = 200 }: { readonly query?: Q; readonly body?: B; readonly reply: R; readonly status?: 200 | 201 },
) => ({
  method,
  path: `/admin/v1${path}`,
  summary,
  access: 'admin' as const,
  query: (query ?? nothing) as Q,
  body: (body ?? nothing) as B,
  reply,
  status,
});

const open = <R extends z.ZodType>(path: string, summary: string, reply: R) => ({
  method: 'GET' as const,
  path,
  summary,
  access: 'public' as const,
  query: nothing,
  body: nothing,
  reply,
  status: 200 as const,
});

const health = z.strictObject({ status: z.string() });
/** What is declared in the file cannot be changed here: these always refuse, naming the file. */
const readOnly = { body: z.looseObject({}), reply: nothing };

export const OPERATIONS = {
  'health.live': open('/health/live', 'Whether the process runs.', health),
  'health.ready': open('/health/ready', 'Whether gateways can be served with keys and policy.', health),
  metrics: open('/metrics', 'All processes’ metrics in Prometheus’ text format.', z.string()),
  openapi: open('/openapi.json', 'This description.', z.record(z.string(), z.json())),

  'organizations.list': admin('GET', '/organizations', 'List organizations.', { reply: organizationList }),
  'organizations.create': admin('POST', '/organizations', 'Create an organization, with a team `default`.', {
    body: organizationCreate,
    reply: organizationView,
    status: 201,
  }),
  'teams.list': admin('GET', '/teams', 'List teams.', { query: z.strictObject({ organization: reference.optional() }), reply: teamList }),
  'teams.create': admin('POST', '/teams', 'Create a team.', { body: teamCreate, reply: teamView, status: 201 }),

  'keys.list': admin('GET', '/keys', 'List virtual keys.', { query: keyListQuery, reply: keyList }),
  'keys.create': admin('POST', '/keys', 'Create a virtual key. Its text is shown once.', {
    body: keyCreate,
    reply: keyCreated,
    status: 201,
  }),
  'keys.show': admin('GET', '/keys/{id}', 'Show a virtual key.', { reply: keyView }),
  'keys.revoke': admin('DELETE', '/keys/{id}', 'Revoke a virtual key. Answers when every process has confirmed.', { reply: keyRevoked }),
  'keys.rotate': admin('POST', '/keys/{id}/rotate', 'Replace a virtual key; the old one works on for the grace time.', {
    body: keyRotate,
    reply: keyRotated,
    status: 201,
  }),

  'credentials.list': admin('GET', '/credentials', 'List provider credentials, never their secrets.', { reply: credentialList }),
  'credentials.show': admin('GET', '/credentials/{id}', 'Show a provider credential.', { reply: credentialView }),
  'credentials.put': admin('PUT', '/credentials/{id}', 'Store a secret that was sealed to the vault, bound to its provider.', {
    body: credentialPut,
    reply: credentialView,
  }),
  'credentials.remove': admin('DELETE', '/credentials/{id}', 'Remove a provider credential.', {
    reply: z.strictObject({ id: z.string(), removed: z.boolean() }),
  }),
  'credentials.try': admin('POST', '/credentials/{id}/try', 'Ask the provider whether the credential works.', { reply: credentialTried }),
  'credentials.ceilings': admin('PUT', '/credentials/{id}/ceilings', 'Set what the vault allows per hour.', {
    body: ceilings,
    reply: credentialView,
  }),
  'vault.show': admin('GET', '/vault', 'Sealing keys and state of the vault.', { query: vaultQuery, reply: vaultView }),

  'providers.list': admin('GET', '/providers', 'List providers.', { reply: providerList }),
  'providers.change': admin('PUT', '/providers/{id}', 'Refused: providers are declared in bulkhead.yaml.', readOnly),
  'providers.remove': admin('DELETE', '/providers/{id}', 'Refused: providers are declared in bulkhead.yaml.', readOnly),
  'models.list': admin('GET', '/models', 'List model aliases and their targets.', { reply: modelList }),
  'models.change': admin('PUT', '/models/{id}', 'Refused: models are declared in bulkhead.yaml.', readOnly),
  'models.remove': admin('DELETE', '/models/{id}', 'Refused: models are declared in bulkhead.yaml.', readOnly),

  'usage.summary': admin('GET', '/usage', 'Sums of usage and cost.', { query: usageQuery, reply: usageSummary }),
  'usage.rows': admin('GET', '/usage/rows', 'Single rows of the ledger, newest first.', { query: usageRowsQuery, reply: usageRows }),
  'usage.request': admin('GET', '/usage/{id}', 'All attempts of one request.', { reply: usageRequest }),

  'audit.list': admin('GET', '/audit', 'The newest lines of the log.', { query: auditQuery, reply: auditList }),
  'config.show': admin('GET', '/config', 'The configuration in effect.', { reply: configView }),
  'doctor.show': admin('GET', '/doctor', 'State of every process and every layer of isolation.', { reply: doctorView }),
  'backup.create': admin('POST', '/backup', 'Write copies of all files into each process’s folder.', { reply: backupFiles, status: 201 }),
} satisfies Record<string, Operation>;

export type OperationName = keyof typeof OPERATIONS;
export type QueryOf<Name extends OperationName> = z.output<(typeof OPERATIONS)[Name]['query']>;
export type BodyOf<Name extends OperationName> = z.output<(typeof OPERATIONS)[Name]['body']>;
/** The body as a client writes it, defaults left out. */
export type BodyInputOf<Name extends OperationName> = z.input<(typeof OPERATIONS)[Name]['body']>;
export type ReplyOf<Name extends OperationName> = z.output<(typeof OPERATIONS)[Name]['reply']>;
