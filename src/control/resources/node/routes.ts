import { openApiDocument } from '../../../api/openapi.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { JsonObject } from '../../../core/json.ts';
import { renderPrometheus, type MetricsPart } from '../../../telemetry/metrics.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import { within } from '../../../core/within.ts';
import { askLedger } from '../usage/service.ts';

type Names = 'health.live' | 'health.ready' | 'metrics' | 'openapi';

const ANSWER_MS = 1000;
/** Version of the admin API, not of the program. */
const API_VERSION = '1.0.0';

/** What may be asked without a token: nothing here names a key, a person or a host. */
export function nodeRoutes(deps: ControlDeps): Handlers<Names> {
  const document = openApiDocument(API_VERSION) as Record<string, string>;
  return {
    'health.live': () => Promise.resolve({ status: 'live' }),
    'health.ready': () =>
      deps.policy.current === undefined ? Promise.reject(new BulkheadError('vault_unavailable')) : Promise.resolve({ status: 'ready' }),
    metrics: async () => renderPrometheus(await allMetrics(deps)),
    openapi: () => Promise.resolve(document),
  };
}

/** Snapshots of all processes that answer in time; one that is away is missing, and `bulkhead_up` says so. */
async function allMetrics({ metrics, gateways, vaults, ledger }: ControlDeps): Promise<readonly MetricsPart[]> {
  const up = metrics.gauge('bulkhead_up', 'Whether a process answered when its metrics were asked for.', ['process']);
  const part = async (role: string, index: number, snapshot: Promise<JsonObject>): Promise<readonly MetricsPart[]> => {
    const found = await within(ANSWER_MS, snapshot).catch(() => undefined);
    up.set(found === undefined ? 0 : 1, [`${role}-${index}`]);
    return found?.['families'] === undefined ? [] : [{ labels: { role, index: String(index) }, snapshot: found }];
  };
  const workers = (await gateways.metrics()).map(({ index, snapshot }) => part('gateway', index, Promise.resolve(snapshot)));
  const shards = Array.from({ length: vaults.shards }, (_, shard) => part('vault', shard, vaults.metrics(shard)));
  const books = part(
    'ledger',
    0,
    askLedger<{ readonly metrics?: JsonObject }>(ledger, { op: 'metrics' }).then((reply) => reply.metrics ?? {}),
  );
  const others = (await Promise.all([...workers, ...shards, books])).flat();
  return [...others, { labels: { role: 'control', index: '0' }, snapshot: metrics.snapshot() }];
}
