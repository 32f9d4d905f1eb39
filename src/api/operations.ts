import { z } from 'zod';
import { ceilings, credentialList, credentialPut, credentialTried, credentialView } from './credentials.ts';
import { auditList, auditQuery, backupFiles, configView, doctorView, modelList, providerList, vaultQuery, vaultView } from './node.ts';
import { PRICES } from './price-operations.ts';
import { ROWS } from './rows.ts';
import { RULES } from './rule-operations.ts';
import { admin, nothing, open, type Operation } from './operation.ts';
import { TENANCY } from './tenancy-operations.ts';
import { REPORTS } from './report-operations.ts';

const health = z.strictObject({ status: z.string() });
/** What is declared in the file cannot be changed here: these always refuse, naming the file. */
const readOnly = { body: z.looseObject({}), reply: nothing };

/** Everything that can be asked of the control process. The table is the only place that names a path. */
export const OPERATIONS = {
  'health.live': open('/health/live', 'Whether the process runs.', health),
  'health.ready': open('/health/ready', 'Whether gateways can be served with keys and policy.', health),
  metrics: open('/metrics', 'All processes’ metrics in Prometheus’ text format.', z.string()),
  openapi: open('/openapi.json', 'This description.', z.record(z.string(), z.json())),

  ...TENANCY,

  ...RULES,

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
  'models.list': admin('GET', '/models', 'List model aliases and their targets.', {
    permission: 'catalogue.read',
    scope: 'visible',
    reply: modelList,
  }),
  'models.change': admin('PUT', '/models/{id}', 'Refused: models are declared in bulkhead.yaml.', readOnly),
  'models.remove': admin('DELETE', '/models/{id}', 'Refused: models are declared in bulkhead.yaml.', readOnly),

  ...REPORTS,

  ...PRICES,

  ...ROWS,

  'audit.list': admin('GET', '/audit', 'The newest lines of the log.', { query: auditQuery, reply: auditList }),
  'config.show': admin('GET', '/config', 'The configuration in effect.', { reply: configView }),
  'doctor.show': admin('GET', '/doctor', 'State of every process and every layer of isolation.', { reply: doctorView }),
  'backup.create': admin('POST', '/backup', 'Write copies of all files into each process’s folder.', { reply: backupFiles, status: 201 }),
} satisfies Record<string, Operation>;

export type { Operation };
export type OperationName = keyof typeof OPERATIONS;
export type QueryOf<Name extends OperationName> = z.output<(typeof OPERATIONS)[Name]['query']>;
export type BodyOf<Name extends OperationName> = z.output<(typeof OPERATIONS)[Name]['body']>;
/** The body as a client writes it, defaults left out. */
export type BodyInputOf<Name extends OperationName> = z.input<(typeof OPERATIONS)[Name]['body']>;
export type ReplyOf<Name extends OperationName> = z.output<(typeof OPERATIONS)[Name]['reply']>;
