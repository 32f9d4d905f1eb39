/** The money: reserves places for requests, stores what every call to a provider used and cost exactly once, and reports on it. */
import { systemClock } from '../core/clock.ts';
import type { Child } from '../ipc/child.ts';
import type { Peer, PeerHandlers } from '../ipc/peer.ts';
import { serveFrames } from '../ipc/serve.ts';
import { createLogger, type Logger } from '../telemetry/log.ts';
import { addProcessMetrics } from '../telemetry/process-metrics.ts';
import { LedgerDesk } from './admin.ts';
import { Ledger, type LedgerOptions } from './ledger.ts';
import { ReportDesk } from './report-desk.ts';
import { RETENTION } from './retention.ts';
import { ResponseDesk } from './response-desk.ts';
import { ResponseStore } from './response-store.ts';

export type LedgerSettings = Pick<LedgerOptions, 'waits' | 'maxPages'>;

export async function serveLedger(child: Child, settings: LedgerSettings = {}): Promise<void> {
  const { folder, listen } = child.boot;
  const log = createLogger({ role: 'ledger', index: child.boot.index });
  const ledger = await openLedger(child, log, settings);
  const reports = new ReportDesk(folder);
  const responses = new ResponseStore(folder, systemClock);
  const desk = new LedgerDesk(ledger, reports, systemClock, log);
  addProcessMetrics(ledger.metrics.registry);
  const hello = child.hello();
  const servers = [
    serveFrames(descriptor(listen, 'gateway'), hello, gatewayHandlers(ledger, new ResponseDesk(responses, log))),
    serveFrames(descriptor(listen, 'vault'), hello, () => vaultHandlers(ledger)),
    serveFrames(descriptor(listen, 'control'), hello, () => ({ onCall: (call) => desk.answer(call) })),
  ];
  child.onDrain(async () => {
    ledger.drain();
    await Promise.all(servers.map((server) => server.drain()));
    await Promise.all([ledger.close(), reports.close()]);
    responses.close();
    await log.flush();
  });
  child.ready();
}

function openLedger(child: Child, log: Logger, settings: LedgerSettings): Promise<Ledger> {
  const onDeath = (reason: string): void => {
    log.error('ledger.thread_died', { reason });
    void child.failed(`the ledger's file can no longer be written: ${reason}`);
  };
  return Ledger.open({
    retention: child.boot.ledger ?? RETENTION,
    ...settings,
    folder: child.boot.folder,
    clock: systemClock,
    log,
    onDeath,
  }).catch((error: unknown) => child.failed(`the ledger's file cannot be opened: ${words(error)}`));
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function descriptor(listen: Readonly<Record<string, number>>, name: string): number {
  const fd = listen[name];
  if (fd === undefined) throw new Error(`the supervisor gave no listening descriptor ${name}`);
  return fd;
}

/** Shard 0 signs for all, as every shard knows; what others say of keys is not listened to. */
const vaultHandlers = (ledger: Ledger): PeerHandlers => ({
  onHello: ({ index, facts }) => {
    if (index !== 0) return;
    ledger.admissions.policy.onVault(facts);
    ledger.prices.onVault(facts);
  },
  onCall: (call) => ledger.answerVault(call),
});

/**
 * Ties connections to gateway processes. A process is known by its generation, which no other worker is told, and is gone
 * when its last connection is.
 */
function gatewayHandlers(ledger: Ledger, responses: ResponseDesk): (peer: () => Peer) => PeerHandlers {
  const connections = new Map<string, number>();
  return () => {
    let owner: string | undefined;
    return {
      onHello: ({ role, index, generation }) => {
        owner = `${role}-${index}/${generation}`;
        connections.set(owner, (connections.get(owner) ?? 0) + 1);
        ledger.gatewayHere(owner);
      },
      onCall: (call) => {
        if (owner === undefined) call.error('internal');
        else if (!responses.answer(call)) ledger.answerGateway(call, owner);
      },
      onClose: () => {
        if (owner === undefined) return;
        const left = (connections.get(owner) ?? 1) - 1;
        if (left > 0) return void connections.set(owner, left);
        connections.delete(owner);
        ledger.gatewayGone(owner);
      },
    };
  };
}
