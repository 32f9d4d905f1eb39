import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { BulkheadError } from '../core/errors.ts';
import type { RequestId } from '../core/ids.ts';
import type { KeyRules } from '../core/rules.ts';
import type { JsonObject } from '../core/json.ts';
import type { Peer } from '../ipc/peer.ts';
import { connectAs, policyOf, reserveOf, testVault } from './testing/admission.ts';
import { someId, USUAL_COST, usageEvent } from './testing/events.ts';
import { ask, startLedger, type LedgerProcess } from './testing/ledger-process.ts';

let folder: string;
let ledger: LedgerProcess | undefined;
let peers: Peer[] = [];

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-lineage-'));
  await begin();
});
afterEach(async () => {
  await kill();
  fs.rmSync(folder, { recursive: true });
});

let gateway: Peer;
async function begin(): Promise<void> {
  ledger = await startLedger(folder);
  gateway = await connectAs(folder, 'gateway', { generation: 'w' });
  peers = [gateway];
}

async function kill(): Promise<void> {
  ledger?.role.child.kill('SIGKILL');
  await ledger?.role.exited;
  for (const peer of peers) peer.destroy();
}

async function killAndBegin(): Promise<void> {
  await kill();
  await begin();
}

/** Rules as they ride in a key's row: as text. */
const rulesOf = (rules: KeyRules): string => JSON.stringify(rules);
const budget = (calls: number): string =>
  rulesOf({
    budgets: [
      {
        id: 'bud_1',
        picodollars: String(BigInt(calls) * USUAL_COST),
        window: { kind: 'total' },
        enforcement: 'hard',
        mode: 'enforce',
        thresholds: [],
        raises: [],
      },
    ],
  });
const perMinute = (amount: number): string =>
  rulesOf({ limits: [{ id: 'lim_1', measure: 'requests', amount, windowMs: 60_000, mode: 'enforce' }] });

const reserve = (more: object, requestId?: RequestId): Promise<JsonObject> =>
  ask(gateway, { op: 'reserve', request: { ...reserveOf(requestId), ...more } });
const codeOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'ok',
    (error: BulkheadError) => error.code,
  );

/** A whole call of a key, its row on disk. */
async function call(owner: { readonly key: string }, more: object): Promise<void> {
  const id = someId();
  await reserve({ ...owner, ...more }, id);
  await ask(gateway, { op: 'account', settled: [usageEvent(id, { ...owner } as object)], released: [] });
}

const SECOND = { key: 'key_b', lineage: 'key_a' };
const THIRD = { key: 'key_c', lineage: 'key_a' };

for (const restart of ['', ', over a kill -9'] as const) {
  const between = restart === '' ? () => Promise.resolve() : killAndBegin;

  describe(`a key that was rotated${restart}`, () => {
    it('goes on with the budget of the one before, and so does that one in its grace time', async () => {
      const rules = budget(4);
      await call({ key: 'key_a' }, { rules });
      await call({ key: 'key_b' }, { rules, lineage: 'key_a' });
      await between();
      await call({ key: 'key_c' }, { rules, lineage: 'key_a' });
      assert.equal(await codeOf(reserve({ ...SECOND, rules: budget(3) })), 'budget_exceeded');
      assert.equal(await codeOf(reserve({ key: 'key_a', rules: budget(3) })), 'budget_exceeded');
      assert.equal(await codeOf(reserve({ ...THIRD, rules })), 'ok');
      assert.equal(await codeOf(reserve({ ...THIRD, rules })), 'budget_exceeded');
    });

    it('counts rows of before the budget was made', async () => {
      await call({ key: 'key_a' }, {});
      await call({ key: 'key_b' }, { lineage: 'key_a' });
      await between();
      assert.equal(await codeOf(reserve({ ...THIRD, rules: budget(2) })), 'budget_exceeded');
      assert.equal(await codeOf(reserve({ ...THIRD, rules: budget(3) })), 'ok');
    });

    it('goes on with the limits', async () => {
      const rules = perMinute(3);
      await call({ key: 'key_a' }, { rules });
      await call({ key: 'key_b' }, { rules, lineage: 'key_a' });
      await between();
      assert.equal(await codeOf(reserve({ ...THIRD, rules })), 'ok');
      assert.equal(await codeOf(reserve({ ...THIRD, rules })), 'rate_limited');
      assert.equal(await codeOf(reserve({ key: 'key_a', rules })), 'rate_limited');
    });

    it('another key has nothing to do with it', async () => {
      await call({ key: 'key_b' }, { lineage: 'key_a' });
      await between();
      assert.equal(await codeOf(reserve({ key: 'key_x', rules: budget(1) })), 'ok');
    });
  });
}

describe('places of a key that was rotated', () => {
  it('are those of its lineage together', async () => {
    assert.equal(await codeOf(reserve({ key: 'key_a', maxParallel: 2 })), 'ok');
    assert.equal(await codeOf(reserve({ ...SECOND, maxParallel: 2 })), 'ok');
    assert.equal(await codeOf(reserve({ ...THIRD, maxParallel: 2 })), 'too_many_parallel_requests');
  });
});

describe('limits over a kill -9 of the ledger', () => {
  const TEAM = { kind: 'team', id: 'team_a' } as const;

  it('count what was used before: requests once each, tokens of every attempt, by model and owner', async () => {
    const vault = testVault();
    const control = await connectAs(folder, 'control');
    peers.push(control, await connectAs(folder, 'vault', { facts: vault.facts }));
    const limits = [
      { id: 'l_1', owner: TEAM, measure: 'requests', amount: 10, windowMs: 60_000, mode: 'enforce' },
      { id: 'l_2', owner: TEAM, measure: 'tokens', amount: 1_000_000, windowMs: 86_400_000, mode: 'enforce' },
      { id: 'l_3', owner: TEAM, model: 'other', measure: 'requests', amount: 10, windowMs: 60_000, mode: 'enforce' },
      { id: 'l_4', owner: { kind: 'tag', id: 'org_a/t' }, measure: 'requests', amount: 10, windowMs: 60_000, mode: 'enforce' },
    ] as const;
    await ask(control, { op: 'admission.apply', policy: vault.sign(policyOf(1, [], { limits })) });
    const [id, tagged] = [someId(), someId()];
    await reserve({}, id);
    await reserve({ tags: ['t'] }, tagged);
    const settled = [
      usageEvent(id),
      usageEvent(id, { attempt: 2 }),
      usageEvent(tagged, { tags: ['t'] }),
      // Of long ago: no minute reaches it, a day does.
      usageEvent(someId(), { startedAt: Date.now() - 3_600_000 }),
    ];
    await ask(gateway, { op: 'account', settled, released: [] });
    await killAndBegin();
    const again = await connectAs(folder, 'control');
    peers.push(again);
    const status = (await ask(again, { op: 'admission.status', owners: null })) as unknown as {
      readonly limits: readonly { readonly rule: { readonly id: string }; readonly used: number }[];
    };
    assert.deepEqual(Object.fromEntries(status.limits.map(({ rule, used }) => [rule.id, used])), { l_1: 2, l_2: 4400, l_3: 0, l_4: 1 });
  });

  it('of a key, with its first request', async () => {
    const rules = perMinute(2);
    await call({ key: 'key_a' }, { rules });
    await killAndBegin();
    assert.equal(await codeOf(reserve({ key: 'key_a', rules })), 'ok');
    assert.equal(await codeOf(reserve({ key: 'key_a', rules })), 'rate_limited');
  });

  it('a request that is under way is counted once', async () => {
    const rules = perMinute(2);
    const id = someId();
    await reserve({ key: 'key_a', rules }, id);
    await killAndBegin();
    await ask(gateway, { op: 'resume', requests: [{ ...reserveOf(id), rules } as object] });
    assert.equal(await codeOf(reserve({ key: 'key_a', rules })), 'ok');
    assert.equal(await codeOf(reserve({ key: 'key_a', rules })), 'rate_limited');
  });
});
