import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { newRequestId } from '../core/ids.ts';
import type { UsageEvent } from '../core/usage.ts';
import { Outbox } from './outbox.ts';

const event = (): UsageEvent => ({ requestId: newRequestId(1) }) as UsageEvent;

describe('outbox', () => {
  it('sends many in few calls and each until it is acknowledged, no matter how often the ledger fails', async () => {
    const seen: string[] = [];
    let calls = 0;
    const outbox = new Outbox({
      clock: systemClock,
      max: 10_000,
      send: async ({ settled, released }) => {
        calls++;
        if (calls <= 2) throw new Error('the ledger is away');
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(...settled.map(({ requestId }) => requestId), ...released);
      },
    });
    const ids = Array.from({ length: 700 }, () => event());
    ids.forEach((one, i) => (i % 3 === 0 ? outbox.release(one.requestId) : outbox.settle(one)));
    await outbox.flush();
    assert.deepEqual(seen.sort(), ids.map(({ requestId }) => requestId).sort());
    assert.ok(calls <= 6, `${calls} calls`);
    assert.equal(outbox.size, 0);
  });

  it('is full at its bound and empties again', async () => {
    let open = false;
    const outbox = new Outbox({ clock: systemClock, max: 3, send: async () => (open ? undefined : Promise.reject(new Error('away'))) });
    for (let i = 0; i < 3; i++) outbox.settle(event());
    assert.equal(outbox.isFull, true);
    open = true;
    await outbox.flush();
    assert.equal(outbox.isFull, false);
  });

  it('takes what comes while a batch is under way', async () => {
    const seen: number[] = [];
    const outbox: Outbox = new Outbox({
      clock: systemClock,
      max: 100,
      send: async ({ settled }) => {
        if (seen.length === 0) outbox.settle(event());
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(settled.length);
      },
    });
    outbox.settle(event());
    await outbox.flush();
    assert.deepEqual(seen, [1, 1]);
  });
});
