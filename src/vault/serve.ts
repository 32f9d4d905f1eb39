import fs from 'node:fs';
import path from 'node:path';
import { systemClock } from '../core/clock.ts';
import type { JsonObject } from '../core/json.ts';
import { rawPublicKey } from '../core/signing.ts';
import type { Child } from '../ipc/child.ts';
import { Link } from '../ipc/link.ts';
import type { JournalCall } from '../ipc/messages.ts';
import { serveFrames } from '../ipc/serve.ts';
import { systemResolve } from './address.ts';
import { serveAdmin } from './admin.ts';
import { CeilingBook } from './ceilings.ts';
import { Counts } from './counts.ts';
import { serveEgress } from './egress.ts';
import { expireExchanges, liveExchanges } from './exchange.ts';
import { Journal } from './journal.ts';
import { ProofChecker } from './proof.ts';
import { RevokedSet } from './revoked.ts';
import { readRootKey } from './root-key.ts';
import { Store } from './store.ts';
import { UseBook } from './uses.ts';

/** The vault holds the provider credentials and is the only process that reaches a provider: every other one names a credential, none sees it. */
const EXPIRE_MS = 100;
const SHIP_MS = 25;
const RETRY_MS = 500;
const BOOKS_MS = 5000;

function log(level: 'info' | 'warn' | 'error', event: string, fields: Readonly<Record<string, string | number>> = {}): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level, role: 'vault', event, ...fields })}\n`);
}

export async function serveVault(child: Child): Promise<void> {
  const { boot } = child;
  const { folder, index: shard, generation } = boot;
  if (boot.layout === 'uids' && fs.statSync('/proc/self/environ').uid === process.getuid?.())
    return child.failed('the vault is dumpable: its memory can be read by its own uid');
  const store = await openStore(child);
  for (const [credential, reason] of store.refused) log('error', 'credential_refused', { credential, reason });
  const revoked = new RevokedSet(path.join(folder, 'revoked'));
  const proofs = new ProofChecker(
    () => store.trusted,
    (digest) => revoked.has(digest),
  );
  const ceilings = new CeilingBook(path.join(folder, 'busiest.json'), (credential, kind) =>
    log('warn', 'ceiling_half', { credential, kind }),
  );
  const journal = new Journal(path.join(folder, 'journal'), generation);
  const hello = child.hello({ verifyKey: rawPublicKey(store.signing), sealingKey: rawPublicKey(store.sealing), shard });
  const link = (name: 'ledger' | 'auditor', unavailable: 'ledger_unavailable' | 'audit_unavailable'): Link =>
    new Link({ path: boot.connect[name] as string, hello, unavailable, waitMs: RETRY_MS });
  const [ledger, auditor] = [link('ledger', 'ledger_unavailable'), link('auditor', 'audit_unavailable')];
  const uses = new UseBook(shard, generation, Date.now(), (call) => auditor.unary(call));
  const counts = new Counts();
  const metrics = (): JsonObject => {
    const [credentials, refused] = [store.credentials.size, store.refused.size];
    return counts.snapshot({ exchanges: liveExchanges(), credentials, refused, revoked: revoked.size, unacknowledged: journal.backlog });
  };
  const deps = { store, proofs, ceilings, journal, uses, clock: systemClock, boot, revoked, counts, metrics };
  const servers = [
    serveFrames(boot.listen['gateway'] as number, hello, () => ({ onCall: (call) => serveEgress(call, deps) })),
    serveFrames(boot.listen['control'] as number, hello, () => ({ onCall: (call) => serveAdmin(call, deps) })),
  ];
  const keepBooks = (): void => {
    ceilings.save();
    // The auditor being away is seen by `doctor`; the summary stays in the outbox.
    uses.flush(Date.now()).catch((error: Error) => log('warn', 'uses_not_sent', { reason: error.message }));
    for (const { pool } of store.credentials.values()) pool.sweep(performance.now());
  };
  const timers = [setInterval(() => expireExchanges(performance.now()), EXPIRE_MS), setInterval(keepBooks, BOOKS_MS)];
  const shipping = new AbortController();
  const shipped = ship(journal, ledger, { op: 'journal', shard, generation }, shipping.signal);
  child.onDrain(async () => {
    await Promise.all(servers.map((server) => server.drain()));
    shipping.abort();
    await shipped;
    timers.forEach(clearInterval);
    ceilings.save();
    await uses.flush(Date.now()).catch((error: Error) => log('warn', 'uses_not_sent', { reason: error.message }));
    journal.close();
    ledger.stop();
    auditor.stop();
  });
  child.ready();
}

async function openStore(child: Child): Promise<Store> {
  const { boot } = child;
  try {
    return new Store(boot.folder, readRootKey(boot.rootKey ?? { kind: 'file' }, boot.folder), systemResolve);
  } catch (error) {
    return child.failed(error instanceof Error ? error.message : String(error));
  }
}

/** Gives the journal to the ledger for as long as the process lives, and what is left at its end. */
async function ship(journal: Journal, ledger: Link, head: Omit<JournalCall, 'records'>, end: AbortSignal): Promise<void> {
  for (;;) {
    const records = journal.unacknowledged();
    if (records.length === 0 && end.aborted) return;
    try {
      if (records.length > 0) {
        const reply = await ledger.unary({ ...head, records } as unknown as JsonObject);
        if (typeof reply.head['acked'] === 'number') journal.acknowledge(reply.head['acked']);
      } else await new Promise((resolve) => setTimeout(resolve, SHIP_MS));
    } catch (error) {
      if (end.aborted) return;
      log('warn', 'journal_not_sent', { reason: error instanceof Error ? error.message : String(error) });
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
