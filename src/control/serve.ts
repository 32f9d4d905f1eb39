/** The control plane: keys, credentials, policy and reports for people and their tools. It can read no secret and rewrite no log. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BulkheadConfig } from '../config/config.ts';
import { systemClock } from '../core/clock.ts';
import { within } from '../core/within.ts';
import { BulkheadError, type ErrorCode } from '../core/errors.ts';
import type { Listener } from '../http/listener.ts';
import type { Child } from '../ipc/child.ts';
import { Link } from '../ipc/link.ts';
import type { SupervisorCall } from '../ipc/supervision.ts';
import { createLogger, type Logger } from '../telemetry/log.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { addProcessMetrics } from '../telemetry/process-metrics.ts';
import { authorityOver, CONTROL, type Authority } from './acts.ts';
import { AdmissionPublisher } from './admission-publisher.ts';
import { AuditorLog } from './auditor-log.ts';
import { authorizer } from './authorize.ts';
import { syncBindings, trustShardZero } from './carry-out.ts';
import { ConfigState } from './config-state.ts';
import { MIGRATIONS, openControlStore, type ControlStore } from './database.ts';
import type { ControlDeps } from './deps.ts';
import { greet } from './first-start.ts';
import { Gateways } from './gateways.ts';
import { AdminToken, borderRules } from './http/border.ts';
import { serveControlHttp } from './http/serve.ts';
import { identify } from './identities.ts';
import { Issuers } from './issuers.ts';
import type { LoginToken } from './login-token.ts';
import { PolicyPublisher } from './policy.ts';
import { ListPrices } from './list-prices.ts';
import { PricePublisher } from './price-publisher.ts';
import { collectAlerts } from './resources/admission/alerts.ts';
import { tidyKeys } from './resources/keys/routes.ts';
import { resolveKey } from './resources/keys/service.ts';
import { tidySessions } from './resources/sessions/end.ts';
import { personBehind, resolveLogin, resolveToken } from './resources/sessions/service.ts';
import { RowSeals } from './row-seals.ts';
import { RowWatch } from './row-watch.ts';
import { hasUnsealed, onlySealed, sealRowsOfBefore } from './sealed-tables.ts';
import type { Unserved } from './served.ts';
import { allHandlers } from './resources/all.ts';
import { Vaults } from './vaults.ts';

/** How long a call waits for a process that is being restarted. */
const WAIT_MS = 5000;
const TIDY_MS = 5000;
const SEAL_RETRY_MS = 1000;
/** Of a drain: the auditor may be gone already. */
const NOTE_MS = 1000;

export async function serveControl(child: Child): Promise<void> {
  const log = createLogger({ role: 'control', index: 0 });
  const token = await orFail(child, () => new AdminToken(child.boot.node.adminDigest));
  const store = await orFail(child, () => openControlStore(child.boot.folder, systemClock.now()));
  const parts = connect(child, store, log);
  const { deps } = parts;
  const sealing = readyRows(deps);
  deps.seals.waitFor(sealing);
  const listener = serveControlHttp({
    fd: descriptor(child, 'http'),
    handlers: allHandlers(deps),
    authorizer: authorizer(deps),
    identify: async (headers, address) => {
      await deps.seals.ready();
      const behind = (text: string): Promise<LoginToken | undefined> => personBehind(deps, text);
      return identify({ db: deps.db, seals: deps.seals, clock: deps.clock, token, behind }, headers, address);
    },
    border: borderRules(child.boot.node.controlUrl),
    log,
  });
  await listener.listening;
  await deps.listPrices.load();
  takeFiles(child, deps, log);
  const stopTidying = keepTidy(deps);
  child.onDrain(async (graceMs) => {
    stopTidying();
    await drain(parts, listener, graceMs);
  });
  child.ready();
  await deps.config.firstApplied;
  await sealing;
  await greet(deps).catch((error: unknown) => log.warn('welcome.failed', { reason: words(error) }));
}

/** Before the first row is judged. Tries until it is done: without the vault no row can be told from an edited one anyway. */
async function readyRows(deps: ControlDeps): Promise<void> {
  for (;;) {
    try {
      const isUpgrade = await deps.rows.isUpgrade();
      await sealUpgraded(deps, isUpgrade);
      return await deps.rows.start(isUpgrade);
    } catch (error) {
      deps.log.warn('rows.not_ready', { reason: words(error) });
      await sleep(SEAL_RETRY_MS, undefined, { ref: false });
    }
  }
}

async function sealUpgraded({ db, store, seals, authority, log }: ControlDeps, isUpgrade: boolean): Promise<void> {
  if (!(await hasUnsealed(db))) return;
  // A mark that no upgrade put there: rows that somebody added without a seal stay refused, and the mark itself shows among the differences.
  if (!isUpgrade) return log.error('rows.not_sealed', { reason: 'the database says that it was upgraded, and it was not' });
  await authority.permit(CONTROL, 'rows.seal', 'rows');
  const count = await sealRowsOfBefore(db.withoutPlugins(), seals);
  if (!store.isNew) log.warn('rows.sealed', { count, reason: 'rows of before this version got their seals; this happens once' });
}

/** The refusal holds whether or not it can be recorded; the line in the log is there already. */
async function noteEdited(authority: Authority, log: Logger, table: string, id: string): Promise<void> {
  await authority
    .permit(CONTROL, 'row.refuse', `${table}/${id}`, { reason: 'the vault did not sign it' })
    .catch((error: unknown) => log.warn('row.not_recorded', { target: `${table}/${id}`, reason: words(error) }));
}

interface Parts {
  readonly deps: ControlDeps;
  readonly stop: () => void;
}

/** Wires everything that the resources work with. */
function connect(child: Child, store: ControlStore, log: Logger): Parts {
  const { boot } = child;
  const { vaults, ledger, auditor, stopLinks } = openLinks(child, () => {
    void admission.greet();
    prices.again();
  });
  const authority = authorityOver(auditor, systemClock);
  const metrics = new Metrics();
  const seals = new RowSeals({ vaults, metrics, log, onEdited: (table, id) => void noteEdited(authority, log, table, id) });
  const db = onlySealed(store.db, seals);
  const { sandboxOrigin } = boot.node;
  const rows = watchRows(store, { vaults, auditor, authority, log, metrics });
  const hasLost = async (): Promise<boolean> => (await rows.doubted()).includes('meta');
  const admission = new AdmissionPublisher({ db, vaults, ledger, clock: systemClock, log, unknownPrice: () => unknownPrice, hasLost });
  const prices = new PricePublisher({ db, vaults, ledger, clock: systemClock, log });
  const { pricesFile } = boot.node;
  const listPrices = new ListPrices({ db, authority, clock: systemClock, log, file: pricesFile, use: (table) => prices.useTable(table) });
  let unknownPrice: BulkheadConfig['unknownPrice'] = 'dearest';
  const issuers = new Issuers({ vaults, clock: systemClock, log });
  const policy = new PolicyPublisher({ db, vaults, clock: systemClock, sandboxOrigin });
  const gateways = new Gateways(descriptor(child, 'gateway'), child.hello(), {
    resolveKey: async (digest) => (await resolveKey(db, digest)) ?? resolveLogin(deps, digest),
    resolveToken: (token) => resolveToken(deps, token),
    currentPolicy: () => policy.current,
    onError: (op, error) => log.error('gateway.unanswered', { op, reason: words(error) }),
  });
  const carryOut = async (wanted: BulkheadConfig): Promise<Unserved> => {
    await trustShardZero({ vaults, authority });
    const unserved = await syncBindings({ vaults, authority, clock: systemClock, log, sandboxOrigin }, wanted);
    await policy.publish(wanted, unserved, gateways);
    void prices.publish(wanted);
    issuers.apply(wanted.issuers);
    if (unknownPrice !== wanted.unknownPrice) {
      unknownPrice = wanted.unknownPrice;
      admission.refresh().catch((error: unknown) => log.error('admission.waiting', { reason: words(error) }));
    }
    return unserved;
  };
  const config = new ConfigState({ db, authority, clock: systemClock, log, carryOut });
  const stopMeasuring = addProcessMetrics(metrics);
  // The questions of gateways come after this function is done.
  const own = { boot, clock: systemClock, log, db, store, metrics, ask: (call: SupervisorCall) => child.ask(call) };
  const stop = (): void => {
    config.stop();
    issuers.stop();
    admission.stop();
    prices.stop();
    listPrices.stop();
    stopMeasuring();
    stopLinks();
  };
  const processes = { auditor, vaults, ledger, gateways };
  const deps: ControlDeps = { ...own, ...processes, authority, seals, rows, issuers, policy, admission, config, listPrices };
  return { deps, stop };
}

const watchRows = (
  { db, heads }: ControlStore,
  deps: Pick<ControlDeps, 'vaults' | 'auditor' | 'authority' | 'log' | 'metrics'>,
): RowWatch => new RowWatch({ db, heads, clock: systemClock, schema: MIGRATIONS.length, ...deps });

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
    await deps.seals
      .ready()
      .then(() => tidyKeys(deps))
      .catch((error: unknown) => deps.log.warn('keys.not_tidied', { reason: words(error) }));
    await tidySessions(deps).catch((error: unknown) => deps.log.warn('sessions.not_tidied', { reason: words(error) }));
    await deps.rows.tick().catch((error: unknown) => deps.log.warn('rows.not_noted', { reason: words(error) }));
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
function takeFiles(child: Child, { config, listPrices }: ControlDeps, log: Logger): void {
  const failed = (error: unknown): void => log.error('config.failed', { reason: words(error) });
  if (child.boot.node.configFile === null) config.useDefaults().catch(failed);
  child.onFile('prices', (bytes, file) => void listPrices.useFile(bytes.toString('utf8'), file).catch(failed));
  child.onFile('config', (bytes, file) => void config.useText(bytes.toString('utf8'), file).catch(failed));
}

/** Requests under way end first, then the questions of gateways, then the links they need. */
async function drain({ deps, stop }: Parts, listener: Listener, graceMs: number): Promise<void> {
  await Promise.all([listener.drain(graceMs), deps.gateways.drain()]);
  // What was written since the last tick would else be nothing that an older database lacks.
  await within(NOTE_MS, deps.rows.note()).catch((error: unknown) => deps.log.warn('rows.not_noted', { reason: words(error) }));
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
