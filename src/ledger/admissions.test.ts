import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { RequestId } from '../core/ids.ts';
import type { JsonObject } from '../core/json.ts';
import { systemClock } from '../core/clock.ts';
import type { AdmissionPolicy } from '../core/rules.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import { createLogger } from '../telemetry/log.ts';
import type { Granting } from './admissions.ts';
import { Ledger } from './ledger.ts';
import { budgetOf, policyOf, reserveOf, testVault } from './testing/admission.ts';
import { someId, startRecord, USUAL_COST, usageEvent } from './testing/events.ts';
import { until } from './testing/ledger-process.ts';

const vault = testVault();
const silent = createLogger({ role: 'ledger', index: 0, write: (_, done) => done(null) });
let folder: string;
let ledger: Ledger;
/** Added to the monotonic clock. */
let later = 0;

beforeEach(() => void (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-admissions-'))));
afterEach(async () => {
  await ledger.close();
  fs.rmSync(folder, { recursive: true });
});

/** One life of the ledger in this folder; the one before it has ended, and told its log nothing. */
async function begin(): Promise<void> {
  later = 0;
  ledger = await Ledger.open({
    folder,
    log: silent,
    clock: { now: systemClock.now, monotonic: () => systemClock.monotonic() + later },
    waits: { graceMs: 200, settleMs: 50 },
    returnMs: 30,
    onDeath: (reason) => assert.fail(reason),
  });
}

async function beginAgain(): Promise<void> {
  await ledger.close();
  await begin();
}

/** A call that came over a socket, and its answer. */
function ask(answer: (call: IncomingCall) => void, head: object): Promise<JsonObject> {
  return new Promise((resolve, reject) => {
    const call = {
      head,
      reply: resolve,
      error: (code: string) => reject(new Error(code)),
      fail: (error: Error) => (reject(error), 'internal'),
    };
    answer(call as unknown as IncomingCall);
  });
}
const toVault = (records: readonly object[]): Promise<JsonObject> =>
  ask((call) => ledger.answerVault(call), { op: 'journal', shard: 0, generation: 'v1', records });
const toGateway = (head: object, owner = 'gateway-0/w'): Promise<JsonObject> => ask((call) => ledger.answerGateway(call, owner), head);
const reserve = (requestId: RequestId): Promise<Parameters<Granting>[0]> =>
  new Promise((resolve) => ledger.admissions.reserve('gateway-0/w', reserveOf(requestId), resolve));
async function applyBudget(picodollars: bigint, more: Partial<AdmissionPolicy> = {}): Promise<void> {
  ledger.admissions.policy.onVault(vault.facts);
  const policy = vault.sign(policyOf(1, [budgetOf(picodollars)], more));
  await ask((call) => ledger.admissions.policy.apply(call), { op: 'admission.apply', policy });
}
const budgetNow = (): readonly (string | undefined)[] => {
  const [budget] = ledger.admissions.status(null).budgets;
  return [budget?.spent, budget?.reserved];
};

describe('reservations of gateways that do not come back', () => {
  it('end with the cost of their rows, where a provider was reached', async () => {
    await begin();
    await applyBudget(10n * USUAL_COST);
    const called = someId();
    await reserve(called);
    await toVault([startRecord(called, 1)]);
    await beginAgain();
    assert.deepEqual(budgetNow(), ['0', USUAL_COST.toString()]);
    // The bounds of the reservation at the dearest price, because nobody has told which model it was.
    await until(async () => Promise.resolve(BigInt(budgetNow()[0] ?? 0) > 0n && budgetNow()[1] === '0'));
    await beginAgain();
    assert.deepEqual([BigInt(budgetNow()[0] ?? 0) > 0n, budgetNow()[1]], [true, '0']);
  });

  it('keep what they took of limits, where a provider was reached', async () => {
    await begin();
    const limits = [
      { id: 'lim_1', owner: { kind: 'team', id: 'team_a' }, measure: 'requests', amount: 10, windowMs: 60_000, mode: 'enforce' },
    ];
    await applyBudget(10n * USUAL_COST, { limits } as Partial<AdmissionPolicy>);
    const [called, never] = [someId(), someId()];
    for (const requestId of [called, never]) await reserve(requestId);
    await toVault([startRecord(called, 1)]);
    await beginAgain();
    await until(async () => Promise.resolve(BigInt(budgetNow()[0] ?? 0) > 0n));
    assert.equal(ledger.admissions.status(null).limits[0]?.used, 2);
  });

  it('are held while a row may still come, and given up when none did for long', async () => {
    await begin();
    await applyBudget(USUAL_COST);
    await reserve(someId());
    await beginAgain();
    await until(async () => Promise.resolve(ledger.admissions.size === 0));
    const refused = await reserve(someId());
    assert.equal('code' in refused && refused.code, 'budget_exceeded');
    later = 170_000;
    await until(async () => Promise.resolve(ledger.admissions.alerts.since(0).alerts.some(({ kind }) => kind === 'reservations.released')));
    assert.deepEqual(budgetNow(), ['0', '0']);
    await beginAgain();
    assert.deepEqual([budgetNow(), ledger.admissions.size], [['0', '0'], 0]);
  });

  it('are not touched while the gateway is there again', async () => {
    await begin();
    await applyBudget(USUAL_COST);
    const id = someId();
    await reserve(id);
    await beginAgain();
    ledger.gatewayHere('gateway-0/w');
    assert.deepEqual(await toGateway({ op: 'resume', requests: [reserveOf(id)] }), { resumed: 1 });
    later = 170_000;
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual([budgetNow(), ledger.admissions.size], [['0', USUAL_COST.toString()], 1]);
    await toGateway({ op: 'account', settled: [], released: [id] });
    assert.deepEqual(budgetNow(), ['0', '0']);
  });
});

describe('reservation under way', () => {
  it('costs what the target costs that is really tried', async () => {
    await begin();
    await applyBudget(10n * USUAL_COST);
    const id = someId();
    await reserve(id);
    const bounds = { op: 'adjust', requestId: id, maxInputTokens: 1000, maxOutputTokens: 100 };
    // 0.15 and 0.6 dollars per million tokens.
    await toGateway({ ...bounds, target: { provider: 'openai', model: 'gpt-4o-mini', priceList: 'openai' } });
    assert.equal(budgetNow()[1], (1000n * 150_000n + 100n * 600_000n).toString());
    await assert.rejects(toGateway({ ...bounds, target: { provider: '', model: 'm', priceList: 'p' } }), /permission_denied/);
    await assert.rejects(toGateway(bounds, 'gateway-1/x'), /permission_denied/);
  });

  it('is charged once, however often and by whatever attempts it is reported', async () => {
    await begin();
    await applyBudget(10n * USUAL_COST);
    const id = someId();
    await reserve(id);
    const settled = [usageEvent(id), usageEvent(id, { attempt: 2 })];
    await Promise.all([1, 2, 3].map(() => toGateway({ op: 'account', settled, released: [] })));
    assert.deepEqual(budgetNow(), [(2n * USUAL_COST).toString(), '0']);
    await beginAgain();
    await toGateway({ op: 'account', settled, released: [] });
    assert.deepEqual(budgetNow(), [(2n * USUAL_COST).toString(), '0']);
  });
});
