/** The control plane: keys, credentials, policy and reports for people and their tools. It can read no secret and rewrite no log. */
import type { BulkheadConfig } from '../config/config.ts';
import { systemClock } from '../core/clock.ts';
import { BulkheadError, type ErrorCode } from '../core/errors.ts';
import type { Listener } from '../http/listener.ts';
import type { Child } from '../ipc/child.ts';
import { Link } from '../ipc/link.ts';
import type { SupervisorCall } from '../ipc/supervision.ts';
import { createLogger, type Logger } from '../telemetry/log.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { addProcessMetrics } from '../telemetry/process-metrics.ts';
import { authorityOver } from './acts.ts';
import { AdmissionPublisher } from './admission-publisher.ts';
import { AuditorLog } from './auditor-log.ts';
import { authorizer } from './authorize.ts';
import { syncBindings, trustShardZero } from './carry-out.ts';
import { ConfigState } from './config-state.ts';
import { openControlStore, type ControlStore } from './database.ts';
import type { ControlDeps } from './deps.ts';
import { greet } from './first-start.ts';
import { Gateways } from './gateways.ts';
import { AdminToken, borderRules } from './http/border.ts';
import { serveControlHttp } from './http/serve.ts';
import { identify } from './identities.ts';
import { PolicyPublisher } from './policy.ts';
import { PricePublisher } from './price-publisher.ts';
import { collectAlerts } from './resources/admission/alerts.ts';
import { tidyKeys } from './resources/keys/routes.ts';
import { resolveKey } from './resources/keys/service.ts';
import { RowSeals } from './row-seals.ts';
import type { Unserved } from './served.ts';
import { allHandlers } from './resources/all.ts';
import { Vaults } from './vaults.ts';

/** How long a call waits for a process that is being restarted. */
const WAIT_MS = 5000;
const TIDY_MS = 5000;

export async function serveControl(child: Child): Promise<void> {
  const log = createLogger({ role: 'control', index: 0 });
  const token = await orFail(child, () => new AdminToken(child.boot.node.adminDigest));
  const store = await orFail(child, () => openControlStore(child.boot.folder, systemClock.now()));
  const parts = connect(child, store, log);
  const { deps } = parts;
  const listener = serveControlHttp({
    fd: descriptor(child, 'http'),
    handlers: allHandlers(deps),
    authorizer: authorizer(deps.db, deps.authority),
    identify: (headers, address) => identify({ db: deps.db, seals: deps.seals, clock: deps.clock, token }, headers, address),
    border: borderRules(child.boot.node.controlUrl),
    log,
  });
  await listener.listening;
  takeConfig(child, deps, log);
  const stopTidying = keepTidy(deps);
  child.onDrain(async (graceMs) => {
    stopTidying();
    await drain(parts, listener, graceMs);
  });
  child.ready();
  await deps.config.firstApplied;
  await greet(deps).catch((error: unknown) => log.warn('welcome.failed', { reason: words(error) }));
}

interface Parts {
  readonly deps: ControlDeps;
  readonly stop: () => void;
}

/** Wires everything that the resources work with. */
function connect(child: Child, store: ControlStore, log: Logger): Parts {
  const { boot } = child;
  const { db } = store;
  const { vaults, ledger, auditor, stopLinks } = openLinks(child, () => {
    void admission.greet();
    prices.again();
  });
  const authority = authorityOver(auditor, systemClock);
  const { sandboxOrigin } = boot.node;
  const admission = new AdmissionPublisher({ db, vaults, ledger, clock: systemClock, log, unknownPrice: () => unknownPrice });
  const prices = new PricePublisher({ db, vaults, ledger, clock: systemClock, log });
  let unknownPrice: BulkheadConfig['unknownPrice'] = 'dearest';
  const policy = new PolicyPublisher({ db, vaults, clock: systemClock, sandboxOrigin });
  const gateways = new Gateways(descriptor(child, 'gateway'), child.hello(), {
    resolveKey: (digest) => resolveKey(db, digest),
    currentPolicy: () => policy.current,
    onError: (op, error) => log.error('gateway.unanswered', { op, reason: words(error) }),
  });
  const carryOut = async (wanted: BulkheadConfig): Promise<Unserved> => {
    await trustShardZero({ vaults, authority });
    const unserved = await syncBindings({ vaults, authority, clock: systemClock, log, sandboxOrigin }, wanted);
    await policy.publish(wanted, unserved, gateways);
    void prices.publish(wanted);
    if (unknownPrice !== wanted.unknownPrice) {
      unknownPrice = wanted.unknownPrice;
      admission.refresh().catch((error: unknown) => log.error('admission.waiting', { reason: words(error) }));
    }
    return unserved;
  };
  const config = new ConfigState({ db, authority, clock: systemClock, log, carryOut });
  const metrics = new Metrics();
  const stopMeasuring = addProcessMetrics(metrics);
  const seals = new RowSeals({ vaults, metrics, log });
  const own = { boot, clock: systemClock, log, db, store, metrics, ask: (call: SupervisorCall) => child.ask(call) };
  const stop = (): void => {
    config.stop();
    admission.stop();
    prices.stop();
    stopMeasuring();
    stopLinks();
  };
  return { deps: { ...own, authority, seals, auditor, vaults, ledger, gateways, policy, admission, config }, stop };
}

/** Connections that come back by themselves, to each process that this one asks. `onLedger`: whenever the ledger is there again. */
function openLinks(child: Child, onLedger: () => void) {
  const link = (name: string, unavailable: ErrorCode, onReady: () => void = () => undefined): Link =>
    new Link({ path: socketPath(child, name), hello: child.hello(), unavailable, waitMs: WAIT_MS, onReady });
  const vaults = new Vaults(Array.from({ length: child.boot.shards }, (_, shard) => link(`vault-${shard}`, 'vault_unavailable')));
  const ledger = link('ledger', 'ledger_unavailable', onLedger);
  const auditorLink = link('auditor', 'audit_unavailable');
  const stopLinks = (): void => {
    vaults.stop();
    ledger.stop();
    auditorLink.stop();
  };
  return { vaults, ledger, auditor: new AuditorLog(auditorLink), stopLinks };
}

/** Every few seconds, never twice at the same time. Gives the function that ends it. */
function keepTidy(deps: ControlDeps): () => void {
  let timer: NodeJS.Timeout | undefined;
  const later = (): void => void (timer = setTimeout(() => void tidy(), TIDY_MS));
  let stopped = false;
  const tidy = async (): Promise<void> => {
    await tidyKeys(deps).catch((error: unknown) => deps.log.warn('keys.not_tidied', { reason: words(error) }));
    await collectAlerts(deps).catch((error: unknown) => deps.log.warn('alerts.not_collected', { reason: words(error) }));
    if (!stopped) later();
  };
  later();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** The operator's file, now and after every change; a node without one has the defaults. */
function takeConfig(child: Child, { config }: ControlDeps, log: Logger): void {
  const failed = (error: unknown): void => log.error('config.failed', { reason: words(error) });
  if (child.boot.node.configFile === null) config.useDefaults().catch(failed);
  child.onFile('config', (bytes, file) => void config.useText(bytes.toString('utf8'), file).catch(failed));
}

/** Requests under way end first, then the questions of gateways, then the links they need. */
async function drain({ deps, stop }: Parts, listener: Listener, graceMs: number): Promise<void> {
  await Promise.all([listener.drain(graceMs), deps.gateways.drain()]);
  stop();
  await deps.db.destroy();
  await deps.log.flush();
}

/** What keeps the process from serving is said once, in words. */
async function orFail<T>(child: Child, make: () => T): Promise<T> {
  try {
    return make();
  } catch (error) {
    return child.failed(error instanceof BulkheadError ? `${error.message} ${error.remedy}` : words(error));
  }
}

function descriptor({ boot }: Child, name: string): number {
  const fd = boot.listen[name];
  if (fd === undefined) throw new Error(`no listening descriptor ${name}`);
  return fd;
}

function socketPath({ boot }: Child, name: string): string {
  const path = boot.connect[name];
  if (path === undefined) throw new Error(`no socket ${name}`);
  return path;
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));
