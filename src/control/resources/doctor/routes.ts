import type { IssuerView } from '../../../api/node.ts';
import { LAYOUTS } from '../../../core/process.ts';
import type { ProcessInfo } from '../../../ipc/supervision.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import type { IssuerState } from '../../issuers.ts';
import { within } from '../../../core/within.ts';
import { unconfirmedRevokes } from '../keys/revoke.ts';
import { askLedger } from '../usage/service.ts';
import { shardState } from '../vault/service.ts';
import * as checks from './checks.ts';

const ANSWER_MS = 3000;

interface Supervised {
  readonly processes?: readonly ProcessInfo[];
  readonly layout?: string;
  readonly passedOver?: readonly { readonly layout: string; readonly reason: string }[];
}

/** Asks everyone how they are. Says what was seen and claims no more. */
export const doctorRoutes = (deps: ControlDeps): Handlers<'doctor.show'> => ({
  'doctor.show': async () => {
    const { boot, config, policy } = deps;
    const { processes = [], layout, passedOver = [] } = (await deps.ask({ op: 'processes' })) as Supervised;
    const version = process.versions.node;
    const issuers = deps.issuers.states.map(issuerView);
    const all = [
      ...checks.layoutChecks(
        LAYOUTS.find((known) => known === layout),
        passedOver,
      ),
      ...checks.processChecks(processes),
      ...(await answers(deps)),
      ...checks.configChecks(config.problems, config.appliedAt === undefined ? null : `version ${policy.version} is in effect`),
      ...checks.rowChecks(deps.rows.now),
      ...checks.issuerChecks(issuers, deps.clock.now()),
      ...checks.revokeChecks((await unconfirmedRevokes(deps)).length),
      ...checks.exposureChecks(boot.node.controlUrl, boot.node.tls ? 'tls' : 'plain', boot.node.gatewayUrl),
      checks.runtimeCheck(version),
    ];
    const floor = checks.floorOf(version);
    return {
      layout: layout ?? 'unknown',
      status: checks.worst(all),
      checks: all,
      processes: processes as unknown as Record<string, string>[],
      runtime: { version, floor, below_floor: checks.isBelow(version, floor) },
      config: {
        source: config.current?.file ?? boot.node.configFile,
        version: policy.version,
        problems: config.problems.map((problem) => ({ ...problem })),
      },
      issuers,
      gateway_url: boot.node.gatewayUrl,
      control_url: boot.node.controlUrl,
    };
  },
});

const instant = (time: number | undefined): string | null => (time === undefined ? null : new Date(time).toISOString());

const issuerView = ({ config, issuer, failure, aheadMs }: IssuerState): IssuerView => ({
  id: config.id,
  url: config.url,
  reachable: failure === undefined ? null : failure === null,
  fetched_at: instant(issuer?.text.fetchedAt),
  taken_until: instant(issuer?.text.expiresAt),
  keys: issuer?.keys.map(({ kid = null, kty, alg = null }) => ({ kid, kty, alg })) ?? [],
  failure: failure ?? null,
  ahead_seconds: Math.ceil(aheadMs / 1000),
});

async function answers({ vaults, auditor, ledger, config }: ControlDeps) {
  const shards = await Promise.all(Array.from({ length: vaults.shards }, (_, shard) => shardState(vaults, shard)));
  const open = shards.every(({ reachable }) => reachable);
  const refused = open ? (await vaults.listAll()).flatMap((shard) => shard.refused) : [];
  const failure = (asked: Promise<unknown>): Promise<unknown> =>
    within(ANSWER_MS, asked).then(
      () => undefined,
      (error: unknown) => error,
    );
  const [log, books] = await Promise.all([failure(auditor.tail(1)), failure(askLedger(ledger, { op: 'metrics' }))]);
  return [
    ...checks.vaultChecks(shards),
    ...checks.credentialChecks(refused, config.unserved.leftOut),
    checks.answerCheck('auditor', log),
    checks.answerCheck('ledger', books),
  ];
}
