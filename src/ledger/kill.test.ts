import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import type { JournalRecord } from '../ipc/messages/ledger.ts';
import type { Peer } from '../ipc/peer.ts';
import { openReadable } from '../store/sqlite/open.ts';
import { endRecord, someId, startRecord, usageEvent } from './testing/events.ts';
import { ask, startLedger, type LedgerProcess } from './testing/ledger-process.ts';

const ROUNDS = 6;
const PER_BATCH = 20;

/** A gateway's outbox and a vault's journal: each keeps what it has until it is acknowledged, over any number of ledgers. */
interface Senders {
  /** Reported, not acknowledged. */
  readonly outbox: Map<string, object>;
  readonly acknowledged: Set<string>;
  readonly journal: JournalRecord[];
  ackedOffset: number;
}

/** Sends new calls and everything unacknowledged until the connection is lost. Several accounts are under way at once. */
async function sendUntilLost(senders: Senders, gateway: Peer, vault: Peer, isOver: () => boolean): Promise<void> {
  const account = async (): Promise<void> => {
    const events = [...senders.outbox.values()].slice(0, 5 * PER_BATCH);
    const reply = await ask(gateway, { op: 'account', settled: events, released: [] });
    assert.equal(reply['accepted'], events.length);
    for (const event of events) {
      const { requestId } = event as { requestId: string };
      senders.outbox.delete(requestId);
      senders.acknowledged.add(requestId);
    }
  };
  const report = async (): Promise<void> => {
    const records = senders.journal.filter(({ offset }) => offset > senders.ackedOffset);
    senders.ackedOffset = Number((await ask(vault, { op: 'journal', shard: 0, generation: 'v1', records }))['acked']);
  };
  while (!isOver()) {
    for (let i = 0; i < PER_BATCH; i++) {
      const id = someId();
      senders.journal.push(startRecord(id, senders.journal.length), endRecord(id, senders.journal.length + 1));
      senders.outbox.set(id, usageEvent(id));
    }
    await Promise.all([account(), report(), account()]);
  }
}

function stored(folder: string): Map<string, { readonly count: number; readonly state: string }> {
  const db = openReadable(path.join(folder, 'ledger.db'));
  try {
    const rows = db.prepare('SELECT request_id, count(*) AS count, min(state) AS state FROM usage GROUP BY request_id').all();
    return new Map(rows.map((row) => [String(row['request_id']), { count: Number(row['count']), state: String(row['state']) }]));
  } finally {
    db.close();
  }
}

describe('kill -9 of the ledger', () => {
  it('loses no acknowledged event and doubles none, killed at many points under load', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-kill-'));
    let running: LedgerProcess | undefined;
    const senders: Senders = { outbox: new Map(), acknowledged: new Set(), journal: [], ackedOffset: -1 };
    try {
      for (let round = 0; round <= ROUNDS; round++) {
        const ledger = await startLedger(folder);
        running = ledger;
        const [gateway, vault] = await Promise.all([ledger.connect('gateway'), ledger.connect('vault')]);
        if (round === ROUNDS) await finish(senders, gateway, vault);
        else {
          let killed = false;
          // At another place of another batch each time, and never before there is something to lose.
          const enough = senders.acknowledged.size + PER_BATCH * (1 + round);
          const kill = (): void => {
            if (senders.acknowledged.size < enough) return void setTimeout(kill, 5);
            setTimeout(() => ((killed = true), ledger.role.child.kill('SIGKILL')), (round * 37) % 130);
          };
          kill();
          await sendUntilLost(senders, gateway, vault, () => killed).catch((error: unknown) => assert.ok(killed, String(error)));
        }
        ledger.role.child.kill('SIGKILL');
        await ledger.role.exited;
        for (const peer of [gateway, vault]) peer.destroy();
        const rows = stored(folder);
        const missing = [...senders.acknowledged].filter((id) => !rows.has(id));
        assert.deepEqual(missing, [], `acknowledged and not stored after round ${round}`);
      }
      const rows = [...stored(folder).values()];
      assert.ok(senders.acknowledged.size > ROUNDS * PER_BATCH, `only ${senders.acknowledged.size} events`);
      assert.deepEqual(
        [rows.length, rows.every(({ count, state }) => count === 1 && state === 'confirmed')],
        [senders.journal.length / 2, true],
      );
    } finally {
      running?.role.child.kill('SIGKILL');
      await running?.role.exited;
      fs.rmSync(folder, { recursive: true });
    }
  });
});

/** What both senders do once a ledger stays: send the rest. */
async function finish(senders: Senders, gateway: Peer, vault: Peer): Promise<void> {
  const events = [...senders.outbox.values()];
  await ask(gateway, { op: 'account', settled: events, released: [] });
  for (const id of senders.outbox.keys()) senders.acknowledged.add(id);
  const records = senders.journal.filter(({ offset }) => offset > senders.ackedOffset);
  assert.deepEqual(await ask(vault, { op: 'journal', shard: 0, generation: 'v1', records }), { acked: senders.journal.length - 1 });
}
