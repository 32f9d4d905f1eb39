import type { RootKeySource } from '../core/process.ts';
import type { BulkheadConfig, Endpoint, ModelConfig, NodeConfig, ProviderConfig } from './config.ts';
import type { Complain, Path } from './document.ts';
import { resolveIssuers } from './issuers.ts';
import { resolveModels, type Reachable } from './models.ts';
import { resolvePrices } from './prices.ts';
import { resolveProviders } from './providers.ts';
import { isAddress, isNetwork, parseEndpoint } from './network.ts';
import type { ConfigFile } from './schema.ts';

const DAY_MS = 86_400_000;
const ms = (seconds: number): number => Math.round(seconds * 1000);

/** The file's words turned into the program's, with the checks that go across fields. Whatever it complains of, it still gives a value. */
export function resolveConfig(source: ConfigFile, file: string, complain: Complain): BulkheadConfig {
  const providers = resolveProviders(source.providers, complain);
  const reachable: Reachable = {
    providers: providers.map(({ id }) => id),
    shown: providers.filter(({ dormant }) => !dormant).map(({ id }) => id),
    sandbox: source.sandbox,
  };
  const models = resolveModels(source.models, reachable, complain);
  checkHttp(source, complain);
  return {
    file,
    node: resolveNode(source, complain),
    providers: awakened(providers, models),
    models,
    limits: {
      bodyBytes: source.limits.body_bytes,
      formBytes: Math.max(source.limits.form_bytes, source.limits.body_bytes),
      headBytes: source.limits.head_bytes,
      headers: source.limits.headers,
      jsonDepth: source.limits.json_depth,
      jsonKeys: source.limits.json_keys,
      connectionsPerAddress: source.limits.connections_per_address,
    },
    timeouts: {
      requestHeadMs: ms(source.timeouts.request_head),
      requestMs: ms(source.timeouts.request),
      keepAliveMs: ms(source.timeouts.keep_alive),
      connectMs: ms(source.timeouts.connect),
      upstreamHeadMs: ms(source.timeouts.upstream_head),
      upstreamIdleMs: ms(source.timeouts.upstream_idle),
      streamMs: ms(source.timeouts.stream),
    },
    http: { corsOrigins: source.http.cors_origins, trustedProxies: source.http.trusted_proxies },
    logRequests: source.log.requests,
    responsesKeepMs: Math.round(source.responses.keep_days * DAY_MS),
    prices: resolvePrices(source, reachable.providers, complain),
    unknownPrice: source.unknown_price,
    issuers: resolveIssuers(source.issuers, complain),
  };
}

/** A built-in provider that an alias of the file leads to is in use, so that its missing credential is told. */
function awakened(providers: readonly ProviderConfig[], models: readonly ModelConfig[]): readonly ProviderConfig[] {
  const used = new Set<string>(models.filter(({ declared }) => declared).flatMap(({ targets }) => targets.map(({ provider }) => provider)));
  return providers.map((provider) => (provider.dormant && used.has(provider.id) ? { ...provider, dormant: false } : provider));
}

function resolveNode(source: ConfigFile, complain: Complain): NodeConfig {
  const listen = resolveEndpoint(source.listen, ['listen'], complain);
  const control = resolveEndpoint(source.control, ['control'], complain);
  if (listen.port === control.port && (listen.host === control.host || [listen.host, control.host].some(isAnyAddress))) {
    complain(['control'], 'control and listen have the same port', 'Give the admin API a port of its own, such as 127.0.0.1:4101.');
  }
  return {
    listen,
    control,
    workers: source.workers,
    tls: source.tls ?? null,
    pricesFile: source.prices_file ?? null,
    isolation: source.isolation,
    sandbox: source.sandbox,
    shards: source.vault.shards,
    rootKey: rootKeySource(source.vault.root_key),
    drainMs: ms(source.drain_seconds),
    ledger: { rowsDays: source.ledger.keep_rows_days, hoursDays: source.ledger.keep_hours_days },
  };
}

const isAnyAddress = (host: string): boolean => host === '0.0.0.0' || host === '::';

function rootKeySource(source: ConfigFile['vault']['root_key']): RootKeySource {
  if (source === 'file') return { kind: 'file' };
  return 'fd' in source ? { kind: 'fd', fd: source.fd } : { kind: 'passphrase', fd: source.passphrase_fd };
}

function resolveEndpoint(text: string, path: Path, complain: Complain): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint !== undefined && !isAddress(endpoint.host)) {
    complain(
      path,
      `${path.join('.')} names neither an IP address nor localhost`,
      'Name the address of the interface, such as 127.0.0.1, or 0.0.0.0 for all.',
    );
  }
  if (endpoint !== undefined) return endpoint;
  complain(path, `${path.join('.')} has no port from 1 to 65535`, 'Write it like 127.0.0.1:4100.');
  return { host: '127.0.0.1', port: 0 };
}

const ORIGIN = /^https?:\/\/(?:\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/;

function checkHttp({ http }: ConfigFile, complain: Complain): void {
  http.cors_origins.forEach((origin, i) => {
    const alone = origin === '*' && http.cors_origins.length === 1;
    if (alone || (ORIGIN.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin)) return;
    complain(
      ['http', 'cors_origins', i],
      'not an exact origin',
      'Write scheme and host in lower case without a path, such as https://app.example.com; or `*` as the only entry.',
    );
  });
  http.trusted_proxies.forEach((network, i) => {
    if (isNetwork(network)) return;
    complain(['http', 'trusted_proxies', i], 'not an address or CIDR block', 'Write it like 10.0.0.0/8 or fd00::/8.');
  });
}
