import type { BulkheadConfig, ProviderConfig } from '../config/config.ts';
import type { PolicySnapshot, ProviderPolicy } from '../config/policy.ts';
import type { CredentialId, ProviderId } from '../core/ids.ts';

/** Name of the built-in provider, its credential and its price list. */
export const SANDBOX = 'sandbox';

export interface SnapshotInput {
  readonly config: BulkheadConfig;
  /** Null: the sandbox is off. */
  readonly sandboxOrigin: string | null;
  readonly version: number;
  readonly madeAt: number;
  /** Providers that are not served: their credential is bound elsewhere, or they sleep. */
  readonly unserved: ReadonlySet<string>;
  readonly shardOf: (credential: CredentialId) => number;
}

/** What gateways serve by, from what the operator wrote. Pure: the same input gives the same text. */
export function buildSnapshot({ config, sandboxOrigin, version, madeAt, unserved, shardOf }: SnapshotInput): PolicySnapshot {
  const declared = config.providers.filter(({ id }) => !unserved.has(id)).map((provider) => providerPolicy(provider, shardOf));
  const sandbox = sandboxOrigin === null ? [] : [sandboxPolicy(shardOf)];
  const providers = [...declared, ...sandbox];
  const known = new Set<ProviderId>(providers.map(({ id }) => id));
  return {
    version,
    madeAt,
    providers,
    models: config.models
      .map(({ alias, targets, prefix }) => ({ alias, targets: targets.filter(({ provider }) => known.has(provider)), prefix }))
      .filter(({ targets }) => targets.length > 0),
    limits: config.limits,
    timeouts: config.timeouts,
    http: config.http,
    logRequests: config.logRequests,
    responsesKeepMs: config.responsesKeepMs,
  };
}

const providerPolicy = (provider: ProviderConfig, shardOf: SnapshotInput['shardOf']): ProviderPolicy => ({
  id: provider.id,
  kind: provider.kind,
  basePath: provider.basePath,
  credential: provider.credential,
  shard: shardOf(provider.credential),
  priceList: provider.priceList,
  headers: provider.headers,
  settings: provider.settings,
  passThrough: provider.passThrough,
});

function sandboxPolicy(shardOf: SnapshotInput['shardOf']): ProviderPolicy {
  const credential = SANDBOX as CredentialId;
  return {
    id: SANDBOX as ProviderId,
    kind: SANDBOX,
    basePath: '/v1',
    credential,
    shard: shardOf(credential),
    priceList: SANDBOX,
    headers: [],
    settings: {},
    passThrough: [],
  };
}
