import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { JsonObject } from '../core/json.ts';
import type { JournalCall, JournalRecord } from '../ipc/messages/ledger.ts';
import type { UsageRow } from '../ipc/messages/reports.ts';
import type { Peer } from '../ipc/peer.ts';
import { openReadable } from '../store/sqlite/open.ts';
import { endRecord, someId, startRecord, USUAL_COST, usageEvent } from './testing/events.ts';
import { ask, startLedger, until, type LedgerProcess } from './testing/ledger-process.ts';

let folder: string;
let ledger: LedgerProcess | undefined;
const peers: Peer[] = [];

beforeEach(() => void (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-ledger-'))));
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.destroy();
  ledger?.role.child.kill('SIGKILL');
  await ledger?.role.exited;
  ledger = undefined;
  fs.rmSync(folder, { recursive: true });
});

async function start(): Promise<Record<'gateway' | 'other' | 'vault' | 'control', Peer>> {
  ledger = await startLedger(folder);
  const [gateway, other, vault, control] = await Promise.all([
    ledger.connect('gateway'),
    ledger.connect('gateway', 1),
    ledger.connect('vault'),
    ledger.connect('control'),
  ]);
  peers.push(gateway, other, vault, control);
  return { gateway, other, vault, control };
}

const reserve = (requestId: string, more: JsonObject = {}): object => ({
  op: 'reserve',
  request: {
    requestId,
    key: 'key_a',
    organization: 'org_a',
    team: 'team_a',
    alias: 'fast',
    maxInputTokens: 100,
    maxOutputTokens: 50,
    ...more,
  },
});
const account = (settled: readonly object[], released: readonly string[] = []): object => ({ op: 'account', settled, released });
const journal = (records: readonly JournalRecord[], generation = 'v1'): JournalCall => ({ op: 'journal', shard: 0, generation, records });
const rowsOf = async (control: Peer, requestId: string): Promise<readonly UsageRow[]> =>
  (await ask(control, { op: 'usage.request', requestId }))['rows'] as unknown as readonly UsageRow[];
const code = (expected: string) => ({ code: expected });

describe('ledger process', () => {
  it('reserves, journals, accounts and reports one call', async () => {
    const { gateway, vault, control } = await start();
    const id = someId();
    assert.deepEqual(await ask(gateway, reserve(id)), {});
    assert.deepEqual(await ask(gateway, { op: 'adjust', requestId: id, maxInputTokens: 7, maxOutputTokens: 8 }), {});
    assert.deepEqual(await ask(vault, journal([startRecord(id, 1)])), { acked: 1 });
    assert.deepEqual(
      (await rowsOf(control, id)).map(({ state, alias, team }) => [state, alias, team]),
      [['open', 'fast', 'team_a']],
    );
    assert.deepEqual(await ask(gateway, account([usageEvent(id)])), { accepted: 1, rejected: [] });
    assert.deepEqual(await ask(vault, journal([endRecord(id, 2)])), { acked: 2 });
    const [row] = await rowsOf(control, id);
    assert.deepEqual(
      [row?.state, row?.picodollars, row?.upstreamBytesOut, row?.upstreamOutcome],
      ['confirmed', USUAL_COST.toString(), 4000, 'complete'],
    );
    const summary = await ask(control, {
      op: 'usage.summary',
      by: ['key'],
      from: 0,
      to: Date.now() + 1000,
      filter: {},
      limit: 10,
      timeZone: 'UTC',
    });
    assert.equal((summary['rows'] as readonly JsonObject[])[0]?.['picodollars'], USUAL_COST.toString());
  });

  it('limits a key over two gateways, and frees its places by account and release', async () => {
    const { gateway, other } = await start();
    const [a, b, c] = [someId(), someId(), someId()];
    await ask(gateway, reserve(a, { maxParallel: 2 }));
    await ask(other, reserve(b, { maxParallel: 2 }));
    await assert.rejects(ask(other, reserve(c, { maxParallel: 2 })), code('too_many_parallel_requests'));
    await ask(gateway, account([usageEvent(a)]));
    await ask(other, account([], [b]));
    await ask(gateway, reserve(a, { maxParallel: 1, key: 'key_b' }));
    await ask(other, reserve(c, { maxParallel: 1 }));
  });

  it('a captured gateway cannot report, release, adjust or take over another’s request', async () => {
    const { gateway, other, control } = await start();
    const id = someId();
    await ask(gateway, reserve(id, { maxParallel: 1 }));
    await assert.rejects(ask(other, reserve(id)), code('permission_denied'));
    await assert.rejects(ask(other, { op: 'adjust', requestId: id, maxInputTokens: 1, maxOutputTokens: 1 }), code('permission_denied'));
    const cheap = usageEvent(id, { usage: { ...usageEvent(id).usage, input: 0, output: 0 } });
    assert.deepEqual(await ask(other, account([cheap], [id])), { accepted: 0, rejected: [{ requestId: id, reason: 'owner' }] });
    await assert.rejects(ask(gateway, reserve(someId(), { maxParallel: 1 })), code('too_many_parallel_requests'));
    assert.deepEqual(await rowsOf(control, id), []);
    assert.deepEqual(await ask(gateway, account([usageEvent(id)])), { accepted: 1, rejected: [] });
  });

  it('a malformed event is refused by field and counted, and stops none of its neighbours', async () => {
    const { gateway, control } = await start();
    const [good, bad] = [someId(), someId()];
    const wrong = { ...usageEvent(bad), usage: { ...usageEvent(bad).usage, input: -5 } };
    const reply = await ask(gateway, account([wrong, 7 as unknown as object, usageEvent(good)], ['nonsense']));
    assert.deepEqual(reply, {
      accepted: 1,
      rejected: [
        { requestId: bad, reason: 'input' },
        { requestId: '', reason: 'event' },
      ],
    });
    assert.deepEqual([(await rowsOf(control, good)).length, (await rowsOf(control, bad)).length], [1, 0]);
    assert.match(JSON.stringify(await ask(control, { op: 'metrics' })), /"labels":\["gateway","rejected"\],"values":\[2\]/);
    for (const nonsense of [{ op: 'reserve' }, { op: 'reserve', request: [] }, account('x' as never), { op: 'adjust' }]) {
      await assert.rejects(ask(gateway, nonsense), code('permission_denied'));
    }
    await assert.rejects(ask(gateway, { op: 'usage.rows' }), code('internal'));
  });

  it('each socket takes only what its role may ask', async () => {
    const { gateway, vault, control } = await start();
    await assert.rejects(ask(vault, reserve(someId())), code('internal'));
    await assert.rejects(ask(control, reserve(someId())), code('invalid_field'));
    await assert.rejects(ask(gateway, journal([startRecord(someId(), 1)])), code('internal'));
    await assert.rejects(ask(vault, journal([endRecord(someId(), 3), endRecord(someId(), 3)])), code('internal'));
  });

  it('a gateway that dies frees its places, and what it never reported becomes unconfirmed', async () => {
    const { gateway, other, vault, control } = await start();
    const id = someId();
    await ask(gateway, reserve(id, { maxParallel: 1 }));
    await ask(vault, journal([startRecord(id, 1)]));
    gateway.destroy();
    await until(() =>
      ask(other, reserve(someId(), { maxParallel: 1 })).then(
        () => true,
        () => false,
      ),
    );
    await until(async () => (await rowsOf(control, id))[0]?.state === 'unconfirmed');
    const [row] = await rowsOf(control, id);
    assert.deepEqual([row?.outcome, row?.estimated, row?.usage.input, row?.usage.output], ['unconfirmed', true, 100, 50]);
  });

  it('ends by its supervisor’s word with everything on disk, calling no running request lost', async () => {
    const { gateway, vault } = await start();
    const [running, ended] = [someId(), someId()];
    await ask(gateway, reserve(running));
    await ask(vault, journal([startRecord(running, 1), startRecord(ended, 2)]));
    const last = ask(gateway, account([usageEvent(ended)]));
    ledger?.role.peer.note({ op: 'drain', graceMs: 5000 });
    assert.equal((await last)['accepted'], 1);
    assert.equal(await ledger?.role.exited, 0);
    const db = openReadable(path.join(folder, 'ledger.db'));
    const states = db
      .prepare('SELECT request_id, state, due_at FROM usage ORDER BY state')
      .all()
      .map((row) => [row['request_id'], row['state'], row['due_at']]);
    db.close();
    assert.deepEqual(states, [
      [ended, 'confirmed', null],
      [running, 'open', null],
    ]);
  });

  it('refuses to start on a file of a newer version, in words', async () => {
    await start();
    ledger?.role.child.kill('SIGKILL');
    await ledger?.role.exited;
    const { DatabaseSync } = await import('node:sqlite');
    const db = new DatabaseSync(path.join(folder, 'ledger.db'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    await assert.rejects(startLedger(folder), /written by a newer Bulkhead \(schema 99.*Start the newer version/);
  });
});
