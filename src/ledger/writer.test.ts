import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { UsageEvent } from '../core/usage.ts';
import type { JournalRecord } from '../ipc/messages/ledger.ts';
import type { UsageRow } from '../ipc/messages/reports.ts';
import { openWritable, type SqliteDatabase } from '../store/sqlite/open.ts';
import { WAITS } from './call-row.ts';
import { usageRequest } from './reports.ts';
import { MIGRATIONS } from './schema.ts';
import { endRecord, someId, startRecord, USUAL_COST, usageEvent } from './testing/events.ts';
import type { WriteItem } from './write-items.ts';
import { Writer } from './writer.ts';

const NOW = Date.now();
let folder: string;
let db: SqliteDatabase;
let writer: Writer;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-writer-'));
  db = openWritable(path.join(folder, 'ledger.db'), { synchronous: 'full', migrations: MIGRATIONS });
  writer = new Writer(db, WAITS);
});
afterEach(() => {
  db.close();
  fs.rmSync(folder, { recursive: true });
});

const usage = (...events: readonly UsageEvent[]): WriteItem => ({ kind: 'usage', events });
const journal = (records: readonly JournalRecord[], generation = 'v1', orphans: readonly string[] = []): WriteItem => ({
  kind: 'journal',
  shard: 0,
  generation,
  records,
  reservations: new Map(),
  orphans: new Set(orphans),
});
const row = (requestId: string): UsageRow => usageRequest(db, requestId)[0] as UsageRow;
const states = (...ids: readonly string[]): string[] => ids.map((id) => row(id)?.state);

describe('writer', () => {
  it('joins report and journal of one call, heard in one batch or many', () => {
    const [a, b] = [someId(), someId()];
    const first = writer.apply([journal([startRecord(a, 1), endRecord(a, 2), startRecord(b, 3)]), usage(usageEvent(a))], NOW);
    writer.apply([usage(usageEvent(b))], NOW);
    writer.apply([journal([endRecord(b, 4)])], NOW);
    assert.deepEqual([first.acked.get(0), first.counts.inserted], [3, 2]);
    assert.deepEqual(states(a, b), ['confirmed', 'confirmed']);
    assert.deepEqual({ ...row(a), startedAt: 0, requestId: '' }, { ...row(b), startedAt: 0, requestId: '' });
    assert.equal(row(a).picodollars, USUAL_COST.toString());
  });

  it('keeps one row however often everything is sent, and counts what contradicts itself', () => {
    const id = someId();
    const all = [journal([startRecord(id, 1), endRecord(id, 2)]), usage(usageEvent(id), usageEvent(id, { attempt: 2 }))];
    writer.apply(all, NOW);
    const again = writer.apply([...all, ...all, usage(usageEvent(id, { model: 'gpt-4o-mini' }))], NOW);
    assert.deepEqual(again.counts, { inserted: 0, duplicates: 5, contradictions: 1, disputed: 0 });
    assert.deepEqual(
      usageRequest(db, id).map(({ attempt, state }) => [attempt, state]),
      [
        [1, 'confirmed'],
        [2, 'usage-first'],
      ],
    );
  });

  it('answers an empty journal call with the last position, so that a vault knows where to go on', () => {
    assert.equal(writer.apply([journal([])], NOW).acked.get(0), -1);
    writer.apply([journal([startRecord(someId(), 41)])], NOW);
    assert.equal(writer.apply([journal([], 'v2')], NOW).acked.get(0), 41);
  });

  it('makes a call that ended unconfirmed after the grace period, and confirmed by a late report', () => {
    const id = someId();
    writer.apply([journal([startRecord(id, 1), endRecord(id, 2)])], NOW);
    assert.deepEqual([writer.sweep(NOW + WAITS.graceMs - 1), states(id)], [undefined, ['open']]);
    assert.deepEqual([writer.sweep(NOW + WAITS.graceMs)?.rows, states(id)], [1, ['unconfirmed']]);
    assert.deepEqual([row(id).estimated, BigInt(row(id).picodollars) > 0n], [true, true]);
    writer.apply([usage(usageEvent(id))], NOW);
    assert.deepEqual([states(id), row(id).picodollars, row(id).estimated], [['confirmed'], USUAL_COST.toString(), false]);
    assert.equal(writer.sweep(NOW + 10 * WAITS.graceMs), undefined);
  });

  it('prices an unconfirmed call like the last confirmed one of its credential', () => {
    const [before, lost] = [someId(), someId()];
    writer.apply([journal([startRecord(before, 1), startRecord(lost, 2), endRecord(lost, 3)]), usage(usageEvent(before))], NOW);
    writer.sweep(NOW + WAITS.graceMs);
    assert.deepEqual(
      [row(lost).model, row(lost).priceKnown, row(lost).picodollars],
      ['gpt-4o', true, (1000n * 2_500_000n + 225n * 10_000_000n).toString()],
    );
  });

  it('prices an unconfirmed call as the model behind the name of that one', () => {
    const [before, lost] = [someId(), someId()];
    const told = usageEvent(before, { model: 'deployment-7', baseModel: 'gpt-4o' });
    writer.apply([journal([startRecord(before, 1), startRecord(lost, 2), endRecord(lost, 3)]), usage(told)], NOW);
    writer.sweep(NOW + WAITS.graceMs);
    assert.deepEqual(
      [row(lost).model, row(lost).priceKnown, row(lost).picodollars],
      ['deployment-7', true, (1000n * 2_500_000n + 225n * 10_000_000n).toString()],
    );
  });

  it('leaves a call that is still running open for as long as it takes', () => {
    const id = someId();
    writer.apply([journal([startRecord(id, 1)])], NOW);
    assert.deepEqual([writer.sweep(NOW + 86_400_000), states(id)], [undefined, ['open']]);
  });

  it('gives up the running calls of a vault that died, not those of its successor or of another shard', () => {
    const [old, ended, fresh, other] = [someId(), someId(), someId(), someId()];
    writer.apply(
      [
        journal([startRecord(old, 1), startRecord(ended, 2), endRecord(ended, 3)]),
        { ...journal([startRecord(other, 1)]), shard: 1 } as WriteItem,
      ],
      NOW,
    );
    writer.apply([journal([startRecord(fresh, 4, { generation: 'v2' })], 'v2')], NOW);
    writer.sweep(NOW + WAITS.settleMs);
    assert.deepEqual(states(old, ended, fresh, other), ['unconfirmed', 'open', 'open', 'open']);
  });

  it('gives up a start of a dead vault that is delivered by its successor', () => {
    const id = someId();
    writer.apply([journal([startRecord(id, 1, { generation: 'v1' })], 'v2')], NOW);
    writer.sweep(NOW + WAITS.settleMs);
    assert.deepEqual(states(id), ['unconfirmed']);
  });

  it('gives up the calls of a gateway that died, whether their start came before or after', () => {
    const [before, after, reported] = [someId(), someId(), someId()];
    writer.apply([journal([startRecord(before, 1), startRecord(reported, 2)]), usage(usageEvent(reported))], NOW);
    writer.apply([{ kind: 'orphaned', requestIds: [before, after, reported] }], NOW);
    writer.apply([journal([startRecord(after, 3)], 'v1', [after])], NOW);
    writer.sweep(NOW + WAITS.settleMs);
    assert.deepEqual(states(before, after, reported), ['unconfirmed', 'unconfirmed', 'confirmed']);
  });

  it('marks a report that no journal confirms, until one does', () => {
    const id = someId();
    writer.apply([usage(usageEvent(id))], NOW);
    writer.sweep(NOW + WAITS.graceMs);
    assert.deepEqual(states(id), ['unmatched']);
    writer.apply([journal([startRecord(id, 1)])], NOW);
    assert.deepEqual(states(id), ['confirmed']);
  });

  it('stores nothing of a batch that the disk refuses, and all of it when it is given again', () => {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const pages = Number(db.prepare('PRAGMA page_count').get()?.['page_count']);
    db.exec(`PRAGMA max_page_count = ${pages}`);
    const events = Array.from({ length: 300 }, () => usageEvent(someId()));
    const items = [journal([startRecord(someId(), 9)]), usage(...events)];
    assert.throws(() => writer.apply(items, NOW), /full/);
    assert.equal(db.prepare('SELECT count(*) AS count FROM usage').get()?.['count'], 0);
    assert.equal(db.prepare('SELECT count(*) AS count FROM journal').get()?.['count'], 0);
    db.exec('PRAGMA max_page_count = 1000000');
    assert.equal(writer.apply(items, NOW).counts.inserted, 301);
  });

  it('keeps money beyond 2⁵³ to the last digit', () => {
    const id = someId();
    const most = 1_000_000_000;
    writer.apply([usage(usageEvent(id, { model: 'gpt-4o', usage: { ...usageEvent(id).usage, input: most, output: most - 1 } }))], NOW);
    assert.equal(row(id).picodollars, (BigInt(most) * 2_500_000n + BigInt(most - 1) * 10_000_000n).toString());
  });
});
