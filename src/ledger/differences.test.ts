import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import type { DifferencesReply, UsageSummaryReply } from '../ipc/messages/reports.ts';
import { endRecord, someId, startRecord, usageEvent } from './testing/events.ts';
import { ask, startLedger, until } from './testing/ledger-process.ts';

const WAITS_MS = 90_000;

describe('a gateway that shrinks its accounting by a tenth', () => {
  it('is reported by exact request ids over the sockets, in a metric, and in no total twice', { timeout: WAITS_MS }, async (t) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-differences-'));
    const ledger = await startLedger(folder);
    t.after(async () => {
      ledger.role.child.kill('SIGKILL');
      await ledger.role.exited;
      fs.rmSync(folder, { recursive: true });
    });
    const [gateway, vault, control] = await Promise.all([ledger.connect('gateway'), ledger.connect('vault'), ledger.connect('control')]);
    const calls = Array.from({ length: 200 }, someId);
    const tenth = (rest: number): readonly string[] => calls.filter((_, i) => i % 10 === rest);
    const [lessTokens, lessBytes, foreign] = [tenth(0), tenth(1), tenth(2)];
    const settled = calls.map((id) => {
      const event = usageEvent(id);
      if (lessTokens.includes(id)) return { ...event, usage: { ...event.usage, input: 900, output: 90 } };
      if (lessBytes.includes(id)) return { ...event, bytesIn: 810, bytesOut: 3600 };
      return foreign.includes(id) ? { ...event, key: 'key_someone_else' } : event;
    });
    const records = calls.flatMap((id, i) => [startRecord(id, 2 * i), endRecord(id, 2 * i + 1)]);
    await Promise.all([
      ask(gateway, { op: 'account', settled, released: [] }),
      ask(vault, { op: 'journal', shard: 0, generation: 'v1', records }),
    ]);
    const listed = async (kind: string): Promise<readonly string[]> => {
      const head = { op: 'reconciliation.list', from: 0, to: Date.now() + 1000, kind, limit: 1000, before: null };
      return ((await ask(control, head)) as unknown as DifferencesReply).rows.map(({ requestId }) => requestId).toSorted();
    };
    for (const [kind, ids] of [
      ['input_tokens', lessTokens],
      ['output_tokens', lessTokens],
      ['bytes_sent', lessBytes],
      ['bytes_received', lessBytes],
      ['owner', foreign],
    ] as const)
      assert.deepEqual(await listed(kind), ids.toSorted(), kind);
    const text = JSON.stringify(await ask(control, { op: 'metrics' }));
    assert.match(text, /bulkhead_ledger_differences_total/);
    const sum = { op: 'usage.summary', by: [], from: 0, to: Date.now() + 1000, filter: {}, limit: 1, timeZone: 'Europe/Berlin' };
    assert.equal(((await ask(control, sum)) as unknown as UsageSummaryReply).rows[0]?.requests, calls.length);
    await assert.rejects(control.unary({ ...sum, timeZone: 'Mars/Olympus' }), { code: 'invalid_field' });
  });

  it('one that dies without a word is reported too', { timeout: WAITS_MS }, async (t) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-differences-'));
    const ledger = await startLedger(folder);
    t.after(async () => {
      ledger.role.child.kill('SIGKILL');
      await ledger.role.exited;
      fs.rmSync(folder, { recursive: true });
    });
    const [vault, control] = await Promise.all([ledger.connect('vault'), ledger.connect('control')]);
    const id = someId();
    await ask(vault, { op: 'journal', shard: 0, generation: 'v2', records: [startRecord(id, 1), endRecord(id, 2)] });
    const head = { op: 'reconciliation.list', from: 0, to: Date.now() + 60_000, kind: 'missing_usage', limit: 10, before: null };
    await until(async () => ((await ask(control, head)) as unknown as DifferencesReply).rows[0]?.requestId === id);
  });
});
