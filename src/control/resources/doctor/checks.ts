import { LEEWAY_MS } from '../../../access/jwt.ts';
import type { Check, IssuerView } from '../../../api/node.ts';
import type { Layout } from '../../../core/process.ts';
import type { ProcessInfo } from '../../../ipc/supervision.ts';
import type { RowState } from '../../row-watch.ts';
import type { ShardState } from '../vault/service.ts';

/** First releases with the fixes that Bulkhead counts on (Brotli decoder, TLS host names, DNS, http.Agent), by major version. */
const PATCH_FLOORS: Readonly<Record<number, string>> = { 24: '24.22.1', 26: '26.12.1' };
const NEWEST_FLOOR = '26.12.1';
/** A process that died this often has a lasting reason. */
const MANY_RESTARTS = 3;

const ok = (name: string, message: string): Check => ({ name, status: 'ok', message, remedy: null });
const warn = (name: string, message: string, remedy: string): Check => ({ name, status: 'warn', message, remedy });
const bad = (name: string, message: string, remedy: string): Check => ({ name, status: 'fail', message, remedy });

export const floorOf = (version: string): string => PATCH_FLOORS[Number(version.split('.')[0])] ?? NEWEST_FLOOR;

export function isBelow(version: string, floor: string): boolean {
  const [own, least] = [version, floor].map((text) => text.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (own?.[i] ?? 0) - (least?.[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

export function runtimeCheck(version: string): Check {
  const floor = floorOf(version);
  if (!isBelow(version, floor)) return ok('runtime', `Node.js ${version}`);
  return warn(
    'runtime',
    `Node.js ${version} is below the patch floor ${floor}; Bulkhead uses none of the parts concerned`,
    'Update Bulkhead as soon as a release pins a newer runtime.',
  );
}

const LAYOUT_CHECKS: Readonly<Record<Layout, Check>> = {
  uids: ok('isolation', 'uids: every process has its own uid and process table, and none but the vault a network'),
  rootless: ok('isolation', 'rootless: every process has its own namespaces, and none but the vault a network; all share one uid'),
  landlock: warn(
    'isolation',
    'landlock: files, TCP and signals are walled off; UDP is not',
    'Allow user namespaces, or start as root so that every process gets a uid of its own.',
  ),
  permission: warn(
    'isolation',
    'permission: Node.js’s own permission model only, which is no wall against malicious code',
    'For anything but development use Linux with Landlock, user namespaces, or root.',
  ),
  none: bad('isolation', 'none: every process can read and steer every other', 'Remove `isolation: none` from bulkhead.yaml.'),
};

export function layoutChecks(
  layout: Layout | undefined,
  passedOver: readonly { readonly layout: string; readonly reason: string }[],
): readonly Check[] {
  const own =
    layout === undefined
      ? bad('isolation', 'the supervisor does not say which layout is live', 'Restart Bulkhead.')
      : LAYOUT_CHECKS[layout];
  return [
    own,
    ...passedOver.map(({ layout: stronger, reason }) =>
      warn('isolation', `${stronger} is not possible here: ${reason}`, 'See docs/security.md.'),
    ),
  ];
}

export function processChecks(processes: readonly ProcessInfo[]): readonly Check[] {
  const checks = processes.flatMap((info): readonly Check[] => {
    const name = `${info.role}-${info.index}`;
    if (info.state === 'backing-off')
      return [bad(name, `it died and is being restarted (${info.lastExit ?? 'no reason known'})`, 'See: bulkhead logs.')];
    if (info.state === 'starting') return [warn(name, 'it is starting', 'Look again in a few seconds.')];
    if (info.restarts >= MANY_RESTARTS)
      return [warn(name, `it was restarted ${info.restarts} times, last: ${info.lastExit ?? 'no reason known'}`, 'See: bulkhead logs.')];
    return [];
  });
  return checks.length > 0 ? checks : [ok('processes', `all ${processes.length} are serving`)];
}

export function vaultChecks(shards: readonly ShardState[]): readonly Check[] {
  const checks = shards.flatMap(({ shard, state, reachable }): readonly Check[] => {
    if (reachable && state === 'unsealed') return [];
    const words = state === 'sealed' ? 'it is sealed' : 'it does not answer';
    return [bad(`vault-${shard}`, words, state === 'sealed' ? 'Start Bulkhead with its root key.' : 'See: bulkhead logs.')];
  });
  return checks.length > 0 ? checks : [ok('vault', `${shards.length} of ${shards.length} shards are open`)];
}

export const configChecks = (
  problems: readonly { readonly file: string; readonly line: number; readonly reason: string; readonly remedy: string }[],
  applied: string | null,
): readonly Check[] =>
  problems.length === 0
    ? [
        applied === null
          ? warn('config', 'no configuration is in effect yet', 'Look again in a few seconds; the vault and the auditor must be serving.')
          : ok('config', applied),
      ]
    : problems.map(({ file, line, reason, remedy }) =>
        bad('config', `${file}:${line}: ${reason} (the configuration before stays in effect)`, remedy),
      );

export const credentialChecks = (
  refused: readonly { readonly id: string; readonly reason: string }[],
  leftOut: Iterable<string>,
): readonly Check[] => [
  ...refused.map(({ id, reason }) =>
    bad('credential', `${id} cannot be opened: ${reason}`, `Add it again: bulkhead credential add ${id}, or restore a backup.`),
  ),
  ...[...leftOut].map((provider) =>
    bad(
      'credential',
      `the provider ${provider} is not served: its credential is bound to another address than bulkhead.yaml says`,
      'Give it a credential of its own, or add the credential again so that it is bound to the new address.',
    ),
  ),
];

export const answerCheck = (name: string, error: unknown): Check =>
  error === undefined
    ? ok(name, 'it answers')
    : bad(name, `it does not answer: ${error instanceof Error ? error.message : String(error)}`, 'See: bulkhead logs.');

export function rowChecks({ state, older, differences }: RowState): readonly Check[] {
  const remedy = 'Until you looked, only the node’s own token changes anything, and claims give nobody anything new. See: bulkhead rows.';
  if (state === 'open')
    return [warn('rows', 'nobody could look yet whether the database is as this node wrote it', 'Look again in a few seconds.')];
  if (state === 'ok') return [ok('rows', 'every table is as this node wrote it')];
  const whole = older ? [bad('rows', 'the whole database is older than the log says: somebody put it back', remedy)] : [];
  const tables = differences.map(({ table, expected, found }) =>
    bad('rows', `${table} is not as this node wrote it: ${expected ?? 'an unknown number of'} rows expected, ${found} found`, remedy),
  );
  return [...whole, ...tables];
}

/** Clocks may differ so far that a token is taken; from half of that on it is said. */
const WARN_AHEAD_SECONDS = LEEWAY_MS / 2000;

export const issuerChecks = (issuers: readonly IssuerView[], now: number): readonly Check[] =>
  issuers.flatMap(({ id, url, reachable, fetched_at: fetched, taken_until: until, keys, failure, ahead_seconds: ahead }) => {
    const name = `issuer ${id}`;
    const see = 'See: bulkhead logs, and `url`, `proxy` and `ca` of that issuer in bulkhead.yaml.';
    const isTaken = until !== null && Date.parse(until) > now;
    const names = keys.map(({ kid }) => kid ?? '(no kid)').join(', ');
    const had = `${keys.length === 1 ? 'one key' : `${keys.length} keys`} (${names}), fetched ${fetched ?? 'never'}`;
    const clock =
      ahead < WARN_AHEAD_SECONDS
        ? []
        : [warn(name, `its tokens were issued up to ${ahead} s in the future`, 'Set the clocks of this machine and of the issuer by NTP.')];
    if (reachable === null) return [warn(name, `${url} was not asked yet`, 'Look again in a few seconds.'), ...clock];
    const why = `${url} does not answer: ${failure ?? 'no reason known'}`;
    if (!isTaken) return [bad(name, `${why}; there are no keys of it that may be used, so its tokens are refused`, see), ...clock];
    if (!reachable) return [warn(name, `${why}; until ${until} its tokens are taken with ${had}`, see), ...clock];
    if (keys.length === 0) return [bad(name, `${url} has no key that may be used`, 'See docs/guide/people-and-tokens.md.'), ...clock];
    return [ok(name, `${url} answers, ${had}`), ...clock];
  });

export const revokeChecks = (open: number): readonly Check[] =>
  open === 0
    ? []
    : [
        bad(
          'revokes',
          `${open} revoked keys are not confirmed by every process yet`,
          'It is tried again by itself every few seconds; see: bulkhead logs.',
        ),
      ];

export function exposureChecks(controlUrl: string, isTls: 'tls' | 'plain', gatewayUrl: string): readonly Check[] {
  const isLoopback = (url: string): boolean => /^(localhost|127\.|\[::1\])/.test(new URL(url).hostname);
  return [
    ...(isLoopback(controlUrl)
      ? []
      : [
          warn(
            'admin API',
            `it listens on ${controlUrl}, in plain HTTP`,
            'Keep `control` on 127.0.0.1, or on a network that only operators reach.',
          ),
        ]),
    ...(isTls === 'tls' || isLoopback(gatewayUrl)
      ? []
      : [
          warn(
            'gateway',
            'it takes plain HTTP from other machines',
            'Set `tls` in bulkhead.yaml, or put a load balancer with TLS in front.',
          ),
        ]),
  ];
}

export function worst(checks: readonly Check[]): Check['status'] {
  const statuses = new Set(checks.map(({ status }) => status));
  return statuses.has('fail') ? 'fail' : statuses.has('warn') ? 'warn' : 'ok';
}
