import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { PriceConfig } from '../config/config.ts';
import { systemClock } from '../core/clock.ts';
import { BulkheadError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { createLogger } from '../telemetry/log.ts';
import { openControlStore } from './database.ts';
import { PricePublisher } from './price-publisher.ts';

const NONE: PriceConfig = { entries: [], discounts: [], margins: [] };
const ONE: PriceConfig = { ...NONE, entries: [{ model: 'm', rates: { input: 1 } }] };
const TWO: PriceConfig = { ...NONE, entries: [{ model: 'm', rates: { input: 2 } }] };

/** `refusals`: what the ledger throws, in order, before it takes anything. */
function publisherOf(t: TestContext, refusals: BulkheadError[] = []) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-publisher-'));
  const store = openControlStore(folder, systemClock.now());
  const versions: number[] = [];
  const publisher = new PricePublisher({
    db: store.db,
    clock: systemClock,
    vaults: { sign: async (_, text) => ({ text, signature: '' }) },
    ledger: {
      unary: async (head: JsonObject) => {
        const refusal = refusals.shift();
        if (refusal !== undefined) throw refusal;
        const { text } = head['prices'] as { readonly text: string };
        versions.push((JSON.parse(text) as { readonly version: number }).version);
        return { head: {}, body: Buffer.alloc(0) };
      },
    },
    log: createLogger({ role: 'control', index: 0, write: (_, done) => done(null) }),
  });
  t.after(async () => {
    publisher.stop();
    await store.db.destroy();
    fs.rmSync(folder, { recursive: true });
  });
  return { publisher, versions };
}

const arrived = async (versions: readonly number[], count: number): Promise<void> => {
  while (versions.length < count) await new Promise((resolve) => setTimeout(resolve, 20));
};

describe('publishing prices', () => {
  it('numbers them anew only where they changed', async (t) => {
    const { publisher, versions } = publisherOf(t);
    for (const prices of [NONE, ONE, ONE, TWO, ONE]) await publisher.publish({ prices });
    const [none = -1, one = 0, again = 0, two = 0, back = 0] = versions;
    assert.equal(none, 0);
    assert.ok(one >= Math.floor(Date.now() / 1000) - 60);
    assert.deepEqual([again === one, two > one, back > two], [true, true, true]);
  });

  it('tries again until the ledger took them', async (t) => {
    const { publisher, versions } = publisherOf(t, [new BulkheadError('ledger_unavailable')]);
    await publisher.publish({ prices: ONE });
    assert.deepEqual(versions, []);
    await arrived(versions, 1);
  });

  it('gives a new number to what the ledger takes for older than its own', async (t) => {
    const { publisher, versions } = publisherOf(t, [new BulkheadError('permission_denied', { act: 'go back' })]);
    await publisher.publish({ prices: NONE });
    await arrived(versions, 1);
    assert.ok((versions[0] ?? 0) > 0);
  });

  it('sends them again to a ledger that came back', async (t) => {
    const { publisher, versions } = publisherOf(t);
    publisher.again();
    await publisher.publish({ prices: ONE });
    publisher.again();
    await arrived(versions, 2);
    assert.equal(versions[0], versions[1]);
  });
});
