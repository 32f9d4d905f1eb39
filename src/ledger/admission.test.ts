import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { BulkheadError } from '../core/errors.ts';
import type { RequestId } from '../core/ids.ts';
import type { JsonObject } from '../core/json.ts';
import type { AdmissionAlertsReply, AdmissionStatusReply } from '../ipc/messages/reports.ts';
import { isConnectionLost, type Peer } from '../ipc/peer.ts';
import { budgetOf, connectAs, policyOf, reserveOf, testVault } from './testing/admission.ts';
import { endRecord, someId, startRecord, USUAL_COST, usageEvent } from './testing/events.ts';
import { ask, startLedger, until, type LedgerProcess } from './testing/ledger-process.ts';

let folder: string;
let ledger: LedgerProcess | undefined;
let peers: Peer[] = [];

beforeEach(() => void (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-admission-'))));
afterEach(async () => {
  await kill();
  fs.rmSync(folder, { recursive: true });
});

async function kill(): Promise<void> {
  ledger?.role.child.kill('SIGKILL');
  await ledger?.role.exited;
  ledger = undefined;
  for (const peer of peers) peer.destroy();
  peers = [];
}

const DOLLAR = 1_000_000_000_000n;

const connect = async (...args: Parameters<typeof connectAs> extends readonly [string, ...infer Rest] ? Rest : never): Promise<Peer> => {
  const peer = await connectAs(folder, ...args);
  peers.push(peer);
  return peer;
};

const reserve = (peer: Peer, requestId?: RequestId, more = {}): Promise<JsonObject> =>
  ask(peer, { op: 'reserve', request: reserveOf(requestId, more) });
const account = (settled: readonly object[], released: readonly string[] = []): object => ({ op: 'account', settled, released });
const statusOf = async (control: Peer): Promise<AdmissionStatusReply> =>
  (await ask(control, { op: 'admission.status', owners: null })) as unknown as AdmissionStatusReply;
const budgetNow = async (control: Peer): Promise<readonly (string | undefined)[]> => {
  const [budget] = (await statusOf(control)).budgets;
  return [budget?.spent, budget?.reserved];
};
const codeOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'ok',
    (error: BulkheadError) => (isConnectionLost(error) ? 'lost' : error.code),
  );

describe('admission of the ledger process', () => {
  it('tells limits only where a rule touched the request, and refuses in values', async () => {
    const vault = testVault();
    ledger = await startLedger(folder);
    const [gateway, , control] = [await connect('gateway'), await connect('vault', { facts: vault.facts }), await connect('control')];
    assert.deepEqual(await reserve(gateway), {});
    const limit = {
      id: 'limit_a',
      owner: { kind: 'team', id: 'team_a' },
      measure: 'requests',
      amount: 2,
      windowMs: 60_000,
      mode: 'enforce',
    } as const;
    const policy = vault.sign(policyOf(1, [], { limits: [limit], names: { 'team:team_a': 'search' } }));
    assert.deepEqual(await ask(control, { op: 'admission.apply', policy }), { version: 1 });
    const [state] = (await reserve(gateway))['limits'] as readonly JsonObject[];
    assert.deepEqual([state?.['measure'], state?.['limit'], state?.['remaining']], ['requests', 2, 0]);
    await assert.rejects(reserve(gateway), (error: BulkheadError) => {
      assert.equal(error.code, 'rate_limited');
      assert.deepEqual([error.values['owner'], error.values['rule']], ['Team search', 'limit_a']);
      return true;
    });
    assert.deepEqual(await reserve(gateway, undefined, { team: 'team_b' }), {});
    assert.match(JSON.stringify(await ask(control, { op: 'metrics' })), /"labels":\["rate_limited"\],"values":\[1\]/);
  });

  it('holds what a recording may cost by the second, and says what it asked for where that is too much', async () => {
    const vault = testVault();
    ledger = await startLedger(folder);
    const [gateway, control] = [await connect('gateway'), await connect('control')];
    await connect('vault', { facts: vault.facts });
    await ask(control, { op: 'admission.apply', policy: vault.sign(policyOf(1, [budgetOf(5n * DOLLAR)])) });
    const whisper = {
      maxInputTokens: 32_768,
      maxOutputTokens: 32_768,
      targets: [{ provider: 'openai', model: 'whisper-1', priceList: 'openai' }],
    };
    await reserve(gateway, someId(), { ...whisper, maxUnits: { second: 3_334 } });
    // At $0.0001 a second.
    assert.deepEqual(await budgetNow(control), ['0', String((3_334n * DOLLAR) / 10_000n)]);
    await assert.rejects(reserve(gateway, someId(), { ...whisper, maxUnits: { second: 50_000 } }), ({ code, values }: BulkheadError) => {
      assert.deepEqual([code, values['spent'], values['budget']], ['budget_exceeded', '$0', '$5']);
      assert.equal(
        values['request'],
        ', and this request may cost up to $5, more than the $4.66 left ($0.3334 is held for requests under way)',
      );
      return true;
    });
    assert.equal(await codeOf(reserve(gateway, someId(), { maxUnits: { hour: 1 } })), 'permission_denied');
  });

  it('holds, charges and gives back money, to the last picodollar of the rows', async () => {
    const vault = testVault();
    ledger = await startLedger(folder);
    const [gateway, control] = [await connect('gateway'), await connect('control')];
    await connect('vault', { facts: vault.facts });
    await ask(control, { op: 'admission.apply', policy: vault.sign(policyOf(1, [budgetOf(3n * USUAL_COST, { thresholds: [50] })])) });
    const [a, b, c] = [someId(), someId(), someId()];
    await Promise.all([a, b, c].map((id) => reserve(gateway, id)));
    assert.deepEqual(await budgetNow(control), ['0', (3n * USUAL_COST).toString()]);
    assert.equal(await codeOf(reserve(gateway)), 'budget_exceeded');
    await ask(gateway, account([usageEvent(a), usageEvent(b, { usage: { ...usageEvent(b).usage, output: 0 } })], [c]));
    assert.deepEqual(await budgetNow(control), [(USUAL_COST + 2_500_000_000n).toString(), '0']);
    // The same again is nothing new.
    await ask(gateway, account([usageEvent(a)], [c]));
    assert.deepEqual(await budgetNow(control), [(USUAL_COST + 2_500_000_000n).toString(), '0']);
    const reply = (await ask(control, { op: 'admission.alerts', since: 0 })) as unknown as AdmissionAlertsReply;
    assert.deepEqual(
      reply.alerts.map((alert) => alert.kind === 'budget.threshold' && [alert.rule, alert.percent, alert.owner]),
      [['budget_team', 50, 'team:team_a']],
    );
    assert.deepEqual((await ask(control, { op: 'admission.alerts', since: reply.next }))['alerts'], []);
  });

  it('admits exactly what fits of the last cent: 1,000 requests over 4 workers, and one kill -9 in between', async () => {
    const vault = testVault();
    const fits = 100;
    ledger = await startLedger(folder);
    const [control] = [await connect('control'), await connect('vault', { facts: vault.facts })];
    const budget = budgetOf(BigInt(fits) * USUAL_COST + USUAL_COST - 1n);
    await ask(control, { op: 'admission.apply', policy: vault.sign(policyOf(7, [budget])) });
    const workers = async (): Promise<Peer[]> =>
      Promise.all([0, 1, 2, 3].map((index) => connect('gateway', { index, generation: `worker-${index}` })));
    const ids = Array.from({ length: 1000 }, () => someId());
    const answers = new Map<RequestId, string>();
    const send = async (gateways: readonly Peer[], onAnswer: () => void): Promise<void> => {
      const asked = ids.map(async (id, place) => {
        if (answers.get(id) === 'ok') return;
        const code = await codeOf(reserve(gateways[place % 4] as Peer, id));
        if (code !== 'lost') answers.set(id, code);
        onAnswer();
      });
      await Promise.all(asked);
    };
    let answered = 0;
    await send(await workers(), () => {
      if (++answered === 40) ledger?.role.child.kill('SIGKILL');
    });
    await kill();
    const before = [...answers].filter(([, code]) => code === 'ok').map(([id]) => id);
    ledger = await startLedger(folder);
    // No control, no vault, no policy sent again. Those who were admitted go on; the others ask as clients do.
    const gateways = await workers();
    for (const [index, gateway] of gateways.entries()) {
      const mine = before.filter((id) => ids.indexOf(id) % 4 === index);
      assert.deepEqual(await ask(gateway, { op: 'resume', requests: mine.map((id) => reserveOf(id)) }), { resumed: mine.length });
    }
    await send(gateways, () => undefined);
    const counts = Map.groupBy([...answers.values()], (code) => code);
    assert.deepEqual([counts.get('ok')?.length, counts.get('budget_exceeded')?.length], [fits, 1000 - fits]);
    assert.deepEqual(await budgetNow(await connect('control')), ['0', (BigInt(fits) * USUAL_COST).toString()]);
  });

  it('counts rows and not reservations for what was settled before a kill, and reservations for what was not', async () => {
    const vault = testVault();
    ledger = await startLedger(folder);
    const [gateway, control] = [await connect('gateway', { generation: 'w' }), await connect('control')];
    await connect('vault', { facts: vault.facts });
    await ask(control, { op: 'admission.apply', policy: vault.sign(policyOf(1, [budgetOf(4n * USUAL_COST)])) });
    const [settled, live, released] = [someId(), someId(), someId()];
    for (const id of [settled, live, released]) await reserve(gateway, id);
    await ask(gateway, account([usageEvent(settled, { usage: { ...usageEvent(settled).usage, output: 0 } })], [released]));
    await kill();
    ledger = await startLedger(folder);
    const again = await connect('control');
    assert.deepEqual(await budgetNow(again), ['2500000000', USUAL_COST.toString()]);
    const back = await connect('gateway', { generation: 'w' });
    await ask(back, { op: 'resume', requests: [reserveOf(live)] });
    // What was acknowledged is sent again by nobody, but may be: it is counted once.
    await ask(back, account([usageEvent(settled, { usage: { ...usageEvent(settled).usage, output: 0 } }), usageEvent(live)]));
    await until(async () => (await budgetNow(again)).join() === `${2_500_000_000n + USUAL_COST},0`);
  });

  it('resolves the reservations of a gateway that does not come back by the rows of the vault’s journal', async () => {
    const signer = testVault();
    ledger = await startLedger(folder);
    const gateway = await connect('gateway', { generation: 'w' });
    const [vault, control] = [await connect('vault', { facts: signer.facts }), await connect('control')];
    await ask(control, { op: 'admission.apply', policy: signer.sign(policyOf(1, [budgetOf(4n * USUAL_COST)])) });
    const called = someId();
    await reserve(gateway, called);
    await ask(vault, { op: 'journal', shard: 0, generation: 'v1', records: [startRecord(called, 1)] });
    gateway.destroy();
    // 1,000 and 100 tokens were reserved, the vault's count is not in yet: it costs the bounds, at the dearest price of what is not known.
    await until(async () => {
      const [spent, reserved] = await budgetNow(control);
      return BigInt(spent ?? 0) > 0n && reserved === '0';
    });
    const [row] = (await ask(control, { op: 'usage.request', requestId: called }))['rows'] as readonly JsonObject[];
    assert.deepEqual([row?.['state'], (await budgetNow(control))[0]], ['unconfirmed', row?.['picodollars']]);
    // The late report is cheaper: the difference comes back.
    const late = await connect('gateway', { generation: 'other' });
    await ask(late, account([usageEvent(called)]));
    await ask(vault, { op: 'journal', shard: 0, generation: 'v1', records: [endRecord(called, 2)] });
    await until(async () => (await budgetNow(control)).join() === `${USUAL_COST},0`);
  });

  it('keeps parallel requests counted over its restart by what gateways resume', async () => {
    ledger = await startLedger(folder);
    const gateway = await connect('gateway', { generation: 'w' });
    const [a, b] = [someId(), someId()];
    for (const id of [a, b]) await reserve(gateway, id, { maxParallel: 2 });
    await kill();
    ledger = await startLedger(folder);
    const [back, other] = [await connect('gateway', { generation: 'w' }), await connect('gateway', { index: 1, generation: 'x' })];
    const requests = [a, b].map((id) => reserveOf(id, { maxParallel: 2 }));
    assert.deepEqual(await ask(back, { op: 'resume', requests }), { resumed: 2 });
    assert.deepEqual(await ask(other, { op: 'resume', requests }), { resumed: 0 });
    assert.equal(await codeOf(reserve(other, undefined, { maxParallel: 2 })), 'too_many_parallel_requests');
    await ask(back, account([], [a]));
    assert.equal(await codeOf(reserve(other, undefined, { maxParallel: 2 })), 'ok');
    assert.equal(await codeOf(ask(back, { op: 'resume', requests: [{ requestId: 'nonsense' }] })), 'permission_denied');
  });
});

describe('admission policy of the ledger process', () => {
  it('is there after a restart, before anybody has sent it again', async () => {
    const vault = testVault();
    ledger = await startLedger(folder);
    await connect('vault', { facts: vault.facts });
    await ask(await connect('control'), { op: 'admission.apply', policy: vault.sign(policyOf(3, [budgetOf(USUAL_COST - 1n)])) });
    await kill();
    ledger = await startLedger(folder);
    assert.equal(await codeOf(reserve(await connect('gateway'))), 'budget_exceeded');
    assert.equal((await statusOf(await connect('control'))).version, 3);
  });

  it('refuses one that is forged, older, or not understood, and keeps the one that holds', async () => {
    const [vault, forger] = [testVault(), testVault()];
    ledger = await startLedger(folder);
    const [gateway, control] = [await connect('gateway'), await connect('control')];
    await connect('vault', { facts: vault.facts });
    const apply = (policy: object): Promise<string> => codeOf(ask(control, { op: 'admission.apply', policy }));
    assert.equal(await apply(vault.sign(policyOf(3, [budgetOf(1n)]))), 'ok');
    assert.equal(await apply(forger.sign(policyOf(4, []))), 'permission_denied');
    assert.equal(await apply(vault.sign(policyOf(2, []))), 'permission_denied');
    const { signature } = vault.sign(policyOf(4, []));
    assert.equal(await apply({ text: JSON.stringify(policyOf(5, [])), signature }), 'permission_denied');
    assert.equal(await apply(vault.sign(policyOf(4, [budgetOf(1n, { picodollars: '-1' })]))), 'invalid_field');
    assert.equal(await apply({ text: 7 }), 'invalid_field');
    // Another vault that comes later is not believed either.
    await connect('vault', { facts: forger.facts });
    assert.equal(await apply(forger.sign(policyOf(9, []))), 'permission_denied');
    assert.equal((await statusOf(control)).version, 3);
    assert.equal(await codeOf(reserve(gateway)), 'budget_exceeded');
    const { alerts } = (await ask(control, { op: 'admission.alerts', since: 0 })) as unknown as AdmissionAlertsReply;
    assert.deepEqual(new Set(alerts.map(({ kind }) => kind)), new Set(['policy.refused']));
    assert.equal(await apply(vault.sign(policyOf(4, []))), 'ok');
    assert.equal(await codeOf(reserve(gateway)), 'ok');
  });

  it('waits for the vault’s key, and is not believed before', async () => {
    const vault = testVault();
    ledger = await startLedger(folder);
    const [gateway, control] = [await connect('gateway'), await connect('control')];
    const applied = ask(control, { op: 'admission.apply', policy: vault.sign(policyOf(3, [budgetOf(1n)])) });
    assert.equal(await codeOf(reserve(gateway)), 'ok');
    // A shard other than the first does not say who signs.
    await connect('vault', { index: 1, facts: testVault().facts });
    await connect('vault', { facts: vault.facts });
    assert.deepEqual(await applied, { version: 3 });
    assert.equal(await codeOf(reserve(gateway)), 'budget_exceeded');
  });

  it('admits nothing while its stored policy is damaged, until control has sent one', async () => {
    const vault = testVault();
    ledger = await startLedger(folder);
    await connect('vault', { facts: vault.facts });
    const signed = vault.sign(policyOf(3, [budgetOf(USUAL_COST)]));
    await ask(await connect('control'), { op: 'admission.apply', policy: signed });
    await kill();
    const file = path.join(folder, 'admission-policy.json');
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(USUAL_COST.toString(), '9'.repeat(20)));
    ledger = await startLedger(folder);
    const gateway = await connect('gateway');
    assert.equal(await codeOf(reserve(gateway)), 'admission_unavailable');
    await connect('vault', { facts: vault.facts });
    await ask(await connect('control'), { op: 'admission.apply', policy: signed });
    assert.equal(await codeOf(reserve(gateway)), 'ok');
  });
});
