import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '../core/json.ts';
import { rawPublicKey } from '../core/signing.ts';
import type { Child } from '../ipc/child.ts';
import { Link } from '../ipc/link.ts';
import type { UsesCall } from '../ipc/messages/auditor.ts';
import { serveFrames, type FrameServer } from '../ipc/serve.ts';
import { serveAdmin } from './admin.ts';
import { CeilingBook } from './ceilings.ts';
import { Counts } from './counts.ts';
import { serveEgress } from './egress.ts';
import { live } from './exchange.ts';
import { Journal } from './journal.ts';
import { ProofChecker } from './proof.ts';
import { RevokedSet } from './revoked.ts';
import { readRootKey } from './root-key.ts';
import { Store } from './store.ts';

/** The vault holds the provider credentials and is the only process that reaches a provider: every other one names a credential, none sees it. */
const TICK_MS = 100;
const SHIP_MS = 25;
const RETRY_MS = 500;
const BOOKS_MS = 5000;
/** Longer than a restart of the ledger or the auditor takes. */
const LINK_WAIT_MS = 5000;

function log(level: 'warn' | 'error', event: string, fields: Readonly<Record<string, string>>): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level, role: 'vault', event, ...fields })}\n`);
}
const warn = (event: string) => (error: unknown) => log('warn', event, { reason: wordsOf(error) });
const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export async function serveVault(child: Child): Promise<void> {
  const { boot } = child;
  const { folder, index: shard, generation, rootKey } = boot;
  const opened = new Promise<Store>((resolve) => resolve(new Store(folder, readRootKey(rootKey ?? { kind: 'file' }, folder))));
  const store = await opened.catch((error: unknown) => child.failed(wordsOf(error)));
  for (const [credential, reason] of store.refused) log('error', 'credential_refused', { credential, reason });
  const revoked = new RevokedSet(path.join(folder, 'revoked'));
  const proofs = new ProofChecker(store, revoked.digests);
  const warnOfHalf = (credential: string, kind: string): void => log('warn', 'ceiling_half', { credential, kind });
  const ceilings = new CeilingBook(path.join(folder, 'busiest.json'), warnOfHalf);
  const journal = new Journal(path.join(folder, 'journal'), generation);
  const hello = child.hello({ verifyKey: rawPublicKey(store.signing), sealingKey: rawPublicKey(store.sealing), shard });
  const common = { hello, waitMs: LINK_WAIT_MS };
  const ledger = new Link({ ...common, path: boot.connect['ledger'] as string, unavailable: 'ledger_unavailable' });
  const auditor = new Link({ ...common, path: boot.connect['auditor'] as string, unavailable: 'audit_unavailable' });
  const reportUses = useReporter(shard, generation, ceilings, auditor);
  const deps = { store, proofs, ceilings, journal, boot, revoked, counts: new Counts() };
  const serve = (caller: 'gateway' | 'control', answer: typeof serveEgress): FrameServer =>
    serveFrames(boot.listen[caller] as number, hello, () => ({ onCall: (call) => answer(call, deps) }));
  const servers = [serve('gateway', serveEgress), serve('control', serveAdmin)];
  const tick = (): void => {
    const now = performance.now();
    for (const exchange of live) exchange.expire(now);
    journal.tick();
  };
  const keepBooks = async (): Promise<void> => {
    for (const { pool } of store.credentials.values()) pool.sweep(performance.now());
    ceilings.save();
    await reportUses();
  };
  const keptBooks = (): Promise<void> => keepBooks().catch(warn('books_not_kept'));
  const timers = [setInterval(tick, TICK_MS), setInterval(() => void keptBooks(), BOOKS_MS)];
  const shipping = new AbortController();
  const shipped = ship(journal, ledger, { op: 'journal', shard, generation }, shipping.signal);
  child.onDrain(async () => {
    await Promise.all(servers.map((server) => server.drain()));
    journal.tick();
    shipping.abort();
    await shipped;
    timers.forEach(clearInterval);
    // The report that waited for the auditor, if there is one; then what was used since.
    for (let round = 0; round < 2; round++) await keptBooks();
    journal.close();
    ledger.stop();
    auditor.stop();
  });
  child.ready();
}

/** Tells the auditor of uses in numbered reports. One is sent until it is acknowledged, and the next adds up meanwhile: none is lost. */
function useReporter(shard: number, generation: string, ceilings: CeilingBook, auditor: Link): () => Promise<void> {
  let [sequence, from] = [0, Date.now()];
  let unsent: UsesCall | undefined;
  return async () => {
    const uses = unsent === undefined ? ceilings.takeUses() : [];
    if (uses.length > 0) unsent = { op: 'uses', shard, generation, sequence: ++sequence, from, to: Date.now(), uses };
    const sent = unsent;
    if (sent === undefined) return;
    await auditor.unary(sent as unknown as JsonObject);
    if (unsent === sent) [unsent, from] = [undefined, sent.to];
  };
}

/** Gives the journal to the ledger for as long as the process lives, and what is left at its end. */
async function ship(journal: Journal, ledger: Link, head: object, end: AbortSignal): Promise<void> {
  // The records are JSON already: the call's head is put together around them.
  const before = JSON.stringify({ ...head, records: [] }).slice(0, -2);
  for (;;) {
    try {
      const records = journal.unacknowledged();
      if (records.length === 0 && end.aborted) return;
      if (records.length === 0) await sleep(SHIP_MS);
      else {
        const { acked } = (await ledger.unary(`${before}${records.join(',')}]}`)).head;
        if (typeof acked === 'number') journal.acknowledge(acked);
      }
    } catch (error) {
      if (end.aborted) return;
      warn('journal_not_sent')(error);
      await sleep(RETRY_MS);
    }
  }
}
