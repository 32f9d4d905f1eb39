import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { PriceTable } from '../accounting/price-table.ts';
import { systemClock } from '../core/clock.ts';
import { BulkheadError } from '../core/errors.ts';
import { createLogger } from '../telemetry/log.ts';
import type { Authority } from './acts.ts';
import { OPERATOR, type Caller } from './caller.ts';
import { openControlStore } from './database.ts';
import { ListPrices } from './list-prices.ts';

const text = (version: string, input = 1): string =>
  JSON.stringify({ version, lists: { a: { models: [{ id: 'm', match: '=m', prices: [{ input }] }] } } });
const BY: Caller = { ...OPERATOR.actor, identity: OPERATOR.identity, permission: 'platform.write', scope: {} };

interface Kept {
  readonly prices: ListPrices;
  /** Versions that were put in force, `none` for no table. */
  readonly used: string[];
  readonly acts: string[];
}

function folderOf(t: TestContext): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-list-prices-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  return folder;
}

/** `refusals`: how often the log is not there. */
function keptIn(t: TestContext, folder: string, file: string | undefined, refusals = 0): Kept {
  const store = openControlStore(folder, systemClock.now());
  const [used, acts]: [string[], string[]] = [[], []];
  let left = refusals;
  const authority = {
    permit: (actor: { readonly id: string }, act: string, target: string) => {
      if (left-- > 0) return Promise.reject(new BulkheadError('audit_unavailable'));
      acts.push(`${actor.id} ${act} ${target}`);
      return Promise.resolve({ act });
    },
  } as unknown as Authority;
  const use = (table: PriceTable | undefined): void => void used.push(table?.version ?? 'none');
  const log = createLogger({ role: 'control', index: 0, write: (_, done) => done(null) });
  const prices = new ListPrices({ db: store.db, authority, clock: systemClock, log, file, use });
  t.after(async () => {
    prices.stop();
    await store.db.destroy();
  });
  return { prices, used, acts };
}

describe('the table of list prices', () => {
  it('of a named file holds, is recorded once for the same content, and is there again after a start', async (t) => {
    const folder = folderOf(t);
    const { prices, used, acts } = keptIn(t, folder, 'prices.json');
    await prices.load();
    for (const version of ['1', '1', '2']) await prices.useFile(text(version), 'prices.json');
    assert.deepEqual(used, ['1', '2']);
    assert.deepEqual(acts, ['system:config prices.apply prices/prices.json', 'system:config prices.apply prices/prices.json']);
    const again = keptIn(t, folder, 'prices.json');
    await again.prices.load();
    assert.deepEqual([again.used, again.acts, again.prices.current?.origin], [['2'], [], 'file']);
  });

  it('with an error changes nothing', async (t) => {
    const { prices, used, acts } = keptIn(t, folderOf(t), 'prices.json');
    await prices.useFile(text('1'), 'prices.json');
    await prices.useFile(text('2', -1), 'prices.json');
    assert.deepEqual([used, acts.length, prices.problems.length], [['1'], 1, 1]);
    await prices.useFile(text('3'), 'prices.json');
    assert.deepEqual([used, prices.problems], [['1', '3'], []]);
  });

  it('waits for the log: nothing holds that was not recorded', async (t) => {
    const { prices, used, acts } = keptIn(t, folderOf(t), 'prices.json', 2);
    await prices.useFile(text('1'), 'prices.json');
    assert.deepEqual([used, acts.length], [['1'], 1]);
  });

  it('of a file that is named no more does not hold, nor one by hand where a file is named', async (t) => {
    const folder = folderOf(t);
    const named = keptIn(t, folder, 'prices.json');
    await named.prices.useFile(text('1'), 'prices.json');
    const bare = keptIn(t, folder, undefined);
    await bare.prices.load();
    assert.deepEqual(bare.used, []);
    assert.equal((await bare.prices.give(BY, 'mine.json', text('2'))).ok, true);
    const back = keptIn(t, folder, 'prices.json');
    await back.prices.load();
    assert.deepEqual(back.used, []);
  });

  it('by hand holds until it is taken back', async (t) => {
    const folder = folderOf(t);
    const { prices, used, acts } = keptIn(t, folder, undefined);
    assert.equal((await prices.give(BY, 'mine.json', text('1', -1))).ok, false);
    await prices.give(BY, 'mine.json', text('1'));
    await prices.reset(BY);
    assert.deepEqual(used, ['1', 'none']);
    assert.deepEqual(acts, ['admin:local prices.apply prices/mine.json', 'admin:local prices.reset prices']);
    const again = keptIn(t, folder, undefined);
    await again.prices.load();
    assert.deepEqual(again.used, []);
  });

  it('is not changed by hand where a file is named', async (t) => {
    const { prices } = keptIn(t, folderOf(t), '/etc/prices.json');
    const refused = (error: unknown): boolean => error instanceof BulkheadError && error.code === 'declared_in_file';
    await assert.rejects(prices.give(BY, 'mine.json', text('1')), refused);
    await assert.rejects(prices.reset(BY), refused);
  });

  it('that cannot be recorded is refused to who gives it', async (t) => {
    const { prices, used } = keptIn(t, folderOf(t), undefined, 1);
    await assert.rejects(
      prices.give(BY, 'mine.json', text('1')),
      (error) => error instanceof BulkheadError && error.code === 'audit_unavailable',
    );
    assert.deepEqual(used, []);
    assert.equal((await prices.give(BY, 'mine.json', text('1'))).ok, true);
  });
});
