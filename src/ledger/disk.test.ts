import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { Peer, PROTOCOL, type Hello } from '../ipc/peer.ts';
import { openReadable } from '../store/sqlite/open.ts';
import { createLogger } from '../telemetry/log.ts';
import { Ledger, type LedgerOptions } from './ledger.ts';
import { budgetOf, policyOf, reserveOf, testVault } from './testing/admission.ts';
import { someId, startRecord, USUAL_COST, usageEvent } from './testing/events.ts';
import { ask, until } from './testing/ledger-process.ts';

const hello = (role: string): Hello => ({ protocol: PROTOCOL, role, index: 0, generation: 'g1', facts: {} });
let folder: string;
const cleanups: (() => unknown)[] = [];

beforeEach(() => void (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-disk-'))));
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  fs.rmSync(folder, { recursive: true });
});

/** A ledger whose file may grow to `maxPages`, spoken to over a real socket; `lines` is its log. */
async function open(maxPages: number, more: Partial<LedgerOptions> = {}) {
  const lines: string[] = [];
  const log = createLogger({ role: 'ledger', index: 0, write: (bytes, done) => (lines.push(bytes.toString()), done(null)) });
  const ledger = await Ledger.open({ ...more, folder, maxPages, clock: systemClock, log, onDeath: (reason) => assert.fail(reason) });
  const connect = async (answer: 'gateway' | 'vault' | 'control'): Promise<Peer> => {
    const server = net.createServer((socket) => {
      const peer: Peer = new Peer(socket, 'accepting', hello('ledger'), {
        onCall: (call) => {
          if (answer === 'control') ledger.admissions.policy.apply(call);
          else if (answer === 'vault') ledger.answerVault(call);
          else ledger.answerGateway(call, 'g1');
        },
      });
      cleanups.unshift(() => peer.destroy());
    });
    server.listen(path.join(folder, answer));
    await once(server, 'listening');
    const peer = new Peer(net.connect(path.join(folder, answer)), 'connecting', hello(answer), {});
    cleanups.unshift(() => (peer.destroy(), server.close()));
    return peer;
  };
  cleanups.push(() => ledger.close());
  return { ledger, lines, gateway: await connect('gateway'), vault: await connect('vault'), control: await connect('control') };
}

const rows = (): number => {
  const db = openReadable(path.join(folder, 'ledger.db'));
  const count = Number(db.prepare('SELECT count(*) AS count FROM usage').get()?.['count']);
  db.close();
  return count;
};

const reserve = (): object => ({
  op: 'reserve',
  request: {
    requestId: someId(),
    key: 'key_a',
    organization: 'org_a',
    team: 'team_a',
    alias: 'fast',
    maxInputTokens: 1,
    maxOutputTokens: 1,
  },
});

describe('full disk', () => {
  it('acknowledges nothing, admits nobody, keeps what it has, and goes on by itself when there is room', async () => {
    const { ledger, lines, gateway, vault } = await open(16);
    const events = Array.from({ length: 500 }, () => usageEvent(someId()));
    let acknowledged = 0;
    const account = ask(gateway, { op: 'account', settled: events, released: [] }).then((reply) => (acknowledged++, reply));
    const journal = ask(vault, {
      op: 'journal',
      shard: 0,
      generation: 'v1',
      records: events.map(({ requestId }, i) => startRecord(requestId, i)),
    }).then((reply) => (acknowledged++, reply));
    await until(() =>
      ask(gateway, reserve()).then(
        () => false,
        (error: { code: string }) => error.code === 'admission_unavailable',
      ),
    );
    assert.deepEqual([acknowledged, rows()], [0, 0]);
    ledger.limit(1_000_000);
    assert.deepEqual(await account, { accepted: 500, rejected: [] });
    assert.deepEqual(await journal, { acked: 499 });
    assert.equal(rows(), 500);
    await until(() => ask(gateway, reserve()).then(() => true));
    await until(async () => /ledger\.disk_failed.*full[\s\S]*ledger\.disk_recovered/.test(lines.join('')));
  });

  it('takes no more than it can hold', async () => {
    const { gateway, ledger } = await open(16);
    const batch = (): Promise<unknown> =>
      ask(gateway, { op: 'account', settled: Array.from({ length: 10_000 }, () => usageEvent(someId())), released: [] });
    for (let i = 0; i < 5; i++) batch().catch(() => undefined);
    await assert.rejects(batch(), { code: 'admission_unavailable' });
    assert.equal(
      (ledger.snapshot()['families'] as readonly { name: string; series: { values: number[] }[] }[]).find(
        ({ name }) => name === 'bulkhead_ledger_waiting_events',
      )?.series[0]?.values[0],
      50_000,
    );
  });

  it('grants nothing under a hard budget that it cannot remember, holds nothing of what it refused, and goes on without budgets', async () => {
    let isFull = false;
    const { ledger, lines, gateway, control } = await open(1_000_000, {
      writeReservations: (fd, bytes, offset) => {
        if (isFull) throw new Error('ENOSPC: no space left on device');
        return fs.writeSync(fd, bytes, offset);
      },
    });
    const vault = testVault();
    ledger.admissions.policy.onVault(vault.facts);
    await ask(control, { op: 'admission.apply', policy: vault.sign(policyOf(1, [budgetOf(USUAL_COST)])) });
    const ask1 = (more = {}): Promise<unknown> => ask(gateway, { op: 'reserve', request: reserveOf(someId(), more) });
    isFull = true;
    for (let i = 0; i < 3; i++) await assert.rejects(ask1(), { code: 'admission_unavailable' });
    await ask1({ team: 'team_b' });
    isFull = false;
    await ask1();
    await assert.rejects(ask1(), { code: 'budget_exceeded' });
    await until(async () => /reservations\.disk_failed.*no space[\s\S]*reservations\.disk_recovered/.test(lines.join('')));
  });
});
