import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Charge } from '../admission/engine.ts';
import type { BudgetRule } from '../core/rules.ts';
import type { UsageEvent } from '../core/usage.ts';
import { openWritable, type SqliteDatabase } from '../store/sqlite/open.ts';
import { WAITS } from './call-row.ts';
import type { ChargeChange } from './charge-changes.ts';
import { MIGRATIONS } from './schema.ts';
import { SpendReader, type Progress } from './spend-reader.ts';
import { budgetOf } from './testing/admission.ts';
import { endRecord, someId, startRecord, USUAL_COST, usageEvent } from './testing/events.ts';
import type { WriteItem } from './write-items.ts';
import { Writer } from './writer.ts';

const NOW = Date.now();
const HOUR = 3_600_000;
let folder: string;
let db: SqliteDatabase;
let writer: Writer;
let reader: SpendReader;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-spend-'));
  db = openWritable(path.join(folder, 'ledger.db'), { synchronous: 'normal', migrations: MIGRATIONS });
  writer = new Writer(db, WAITS);
  reader = new SpendReader(folder);
});
afterEach(() => {
  reader.close();
  db.close();
  fs.rmSync(folder, { recursive: true });
});

/** As the main thread hands them over: charged by what the usual event costs, whatever it is. */
const usage = (...events: readonly UsageEvent[]): WriteItem => ({
  kind: 'usage',
  events,
  charged: events.map(() => USUAL_COST.toString()),
});
const idle = (seen: number, more: Partial<Progress> = {}): Progress => ({ seen, sent: () => [], waiting: () => [], ...more });
const spent = (rule: Partial<BudgetRule>, from = 0, to = NOW + HOUR, progress = idle(writer.seq)): bigint =>
  reader.spent(budgetOf(0n, rule), from, to, progress);

describe('what was spent under a budget', () => {
  it('is the sum of the rows of its owner, model and provider, for every kind of owner', () => {
    writer.apply(
      [
        usage(
          usageEvent(someId(), { project: 'project_a', user: 'user_a', endUser: 'someone', tags: ['x', 'y'] }),
          usageEvent(someId(), { team: 'team_b' as never, alias: 'gpt/slow', tags: ['y'] }),
          usageEvent(someId(), { organization: 'org_b' as never, key: 'key_b' as never, endUser: 'someone' }),
        ),
      ],
      NOW,
    );
    const cases: readonly (readonly [Partial<BudgetRule>, bigint])[] = [
      [{ owner: { kind: 'organization', id: '*' } }, 3n],
      [{ owner: { kind: 'organization', id: 'org_a' } }, 2n],
      [{ owner: { kind: 'team', id: 'team_a' } }, 2n],
      [{ owner: { kind: 'project', id: 'project_a' } }, 1n],
      [{ owner: { kind: 'key', id: 'key_b' } }, 1n],
      [{ owner: { kind: 'user', id: 'user_a' } }, 1n],
      [{ owner: { kind: 'end_user', id: 'org_a/someone' } }, 1n],
      [{ owner: { kind: 'tag', id: 'org_a/y' } }, 2n],
      [{ owner: { kind: 'tag', id: 'org_a/y' }, model: 'gpt/slow' }, 1n],
      [{ owner: { kind: 'end_user', id: 'org_a/someone' }, model: 'fast' }, 1n],
      [{ owner: { kind: 'organization', id: 'org_a' }, model: 'gpt/*' }, 1n],
      [{ owner: { kind: 'organization', id: 'org_a' }, model: 'fast', provider: 'openai' }, 1n],
      [{ owner: { kind: 'organization', id: 'org_a' }, provider: 'anthropic' }, 0n],
      [{ owner: { kind: 'team', id: 'team_z' } }, 0n],
    ];
    const check = (): void => {
      for (const [rule, count] of cases) assert.equal(spent(rule), count * USUAL_COST, JSON.stringify(rule));
    };
    check();
    // A day has sums of its own and is packed when it is over, and its month as well.
    while (writer.seal(NOW + 60 * 24 * HOUR));
    check();
    // Larger than numbers are exact, so that SQL adds it up. At some hours the sums of hours alone answer for an unfinished day.
    db.exec('DELETE FROM usage_block; UPDATE usage_day SET micro = 9007199254740993');
    const wholeDays = spent({ owner: { kind: 'team', id: 'team_b' } }, 0, NOW + 48 * HOUR);
    assert.equal(wholeDays, 9_007_199_254_740_993n * 1_000_000n + (USUAL_COST % 1_000_000n));
  });

  it('counts a window to the millisecond, whatever sums it is made of', () => {
    const at = Array.from({ length: 200 }, (_, i) => NOW - i * 2_345_678);
    writer.apply([usage(...at.map((startedAt) => usageEvent(someId(), { startedAt })))], NOW);
    fc.assert(
      fc.property(fc.nat(500_000_000), fc.nat(500_000_000), (back, length) => {
        const [from, to] = [NOW - back, NOW - back + length];
        const expected = at.filter((one) => one >= from && one < to).length;
        assert.equal(spent({}, from, to), BigInt(expected) * USUAL_COST);
      }),
    );
    assert.equal(spent({}, 0, Number.MAX_SAFE_INTEGER), 200n * USUAL_COST);
    while (writer.seal(NOW));
    assert.equal(spent({}, 0, Number.MAX_SAFE_INTEGER), 200n * USUAL_COST);
    assert.equal(spent({ owner: { kind: 'organization', id: '*' } }, NOW - 50 * HOUR, NOW - HOUR), spent({}, NOW - 50 * HOUR, NOW - HOUR));
  });

  it('holds what memory has counted, and the file may or may not have', () => {
    const first = usage(usageEvent(someId()));
    const second = usage(usageEvent(someId()), usageEvent(someId(), { team: 'team_b' as never }));
    const seen = writer.seq;
    assert.equal(spent({}, 0, NOW + HOUR, idle(seen, { sent: () => [first], waiting: () => [second] })), 2n * USUAL_COST);
    writer.apply([first], NOW);
    // Written, and memory has not heard of it: counted by the rows, and once.
    assert.equal(spent({}, 0, NOW + HOUR, idle(seen, { sent: () => [first], waiting: () => [second] })), 2n * USUAL_COST);
    assert.equal(spent({}, 0, NOW + HOUR, idle(writer.seq, { sent: () => [second] })), 2n * USUAL_COST);
  });

  it('and the changes that come after it make the sum of the rows, whatever memory had heard of by then', () => {
    const [late, lost, told] = [someId(), someId(), someId()];
    const records = [
      startRecord(late, 1),
      endRecord(late, 2),
      startRecord(lost, 3),
      endRecord(lost, 4),
      startRecord(told, 5, { organization: 'org_v' }),
    ];
    const steps: readonly (() => readonly ChargeChange[])[] = [
      () =>
        writer.apply([{ kind: 'journal', shard: 0, generation: 'v1', records, reservations: new Map(), orphans: new Set() }], NOW).changes,
      () => writer.sweep(NOW + WAITS.graceMs)?.changes ?? [],
      () => writer.apply([usage(usageEvent(late))], NOW).changes,
      // Disputed: the vault says that another organization pays.
      () => writer.apply([usage(usageEvent(told))], NOW).changes,
      // A repetition, counted again by a memory that does not know of it.
      () => writer.apply([usage(usageEvent(late))], NOW).changes,
    ];
    const rule = { owner: { kind: 'organization', id: 'org_a' } } as const;
    for (let base = 0; base < steps.length; base++) {
      const before = writer.seq;
      const changes = (steps[base] as () => readonly ChargeChange[])();
      const isUsage = base >= 2;
      // Asked between the commit and the word of it: what memory counted of the events, and the changes still to come.
      const asked = spent(rule, 0, NOW + HOUR, idle(before, { sent: () => (isUsage ? [usage(usageEvent(late))] : []) }));
      const mine = changes.filter(({ charge }: { charge: Charge }) => charge.organization === 'org_a');
      const then = mine.reduce((sum, { picodollars }) => sum + BigInt(picodollars), asked);
      assert.equal(then, spent(rule), `step ${base}`);
    }
    assert.equal(spent({ owner: { kind: 'organization', id: 'org_v' } }), USUAL_COST);
  });

  it('refuses to guess when memory is too far behind the file', () => {
    for (let i = 0; i < 1002; i++) writer.apply([], NOW);
    assert.throws(() => spent({}, 0, NOW, idle(1)), /are gone/);
    assert.equal(spent({}, 0, NOW, idle(writer.seq)), 0n);
  });
});
