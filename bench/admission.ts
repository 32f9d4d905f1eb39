/**
 * What a reservation and its end cost the thread of the ledger that answers: `node bench/admission.ts [requests a round] [rounds]`.
 * Prints CPU of that thread a request, best and median of the rounds, for checking what the gateway sent, deciding, pricing bound and
 * row, and the lines of the reservations' log with their writes; without sockets, frames, JSON of the messages, and the rows' writer.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { systemClock } from '../src/core/clock.ts';
import { newRequestId } from '../src/core/ids.ts';
import type { Json } from '../src/core/json.ts';
import type { AdmissionPolicy, BudgetRule, KeyRules, LimitRule } from '../src/core/rules.ts';
import { NO_USAGE } from '../src/core/usage.ts';
import type { IncomingCall } from '../src/ipc/peer.ts';
import { Admissions } from '../src/ledger/admissions.ts';
import { checkReserve, checkUsage } from '../src/ledger/check.ts';
import { LedgerMetrics } from '../src/ledger/ledger-metrics.ts';
import { MIGRATIONS } from '../src/ledger/schema.ts';
import { policyOf, testVault } from '../src/ledger/testing/admission.ts';
import { openWritable } from '../src/store/sqlite/open.ts';
import { createLogger } from '../src/telemetry/log.ts';

const REQUESTS = Number(process.argv[2] ?? 20_000);
const ROUNDS = Number(process.argv[3] ?? 9);
/** Requests that one turn of the event loop brings: the log writes once a turn. */
const A_TURN = 16;
const KEYS = 200;

/** Amounts that nobody reaches. */
const limit = (id: string, team: string, measure: LimitRule['measure']): LimitRule => ({
  id,
  owner: { kind: 'team', id: team },
  measure,
  amount: 1e12,
  windowMs: 60_000,
  mode: 'enforce',
});
const budget = (id: string, organization: string, unit: 'month' | 'day'): BudgetRule => ({
  id,
  owner: { kind: 'organization', id: organization },
  picodollars: '1000000000000000000000',
  window: { kind: 'calendar', unit, timeZone: 'Europe/Berlin' },
  enforcement: 'hard',
  mode: 'enforce',
  thresholds: [50, 80, 100],
  raises: [],
});
const KEY_RULES: KeyRules = {
  limits: [
    { id: 'lim_k1', measure: 'requests', amount: 1e12, windowMs: 60_000, mode: 'enforce' },
    { id: 'lim_k2', measure: 'parallel', amount: 1e6, mode: 'enforce' },
  ],
};
const KEY_BUDGET: KeyRules = {
  ...KEY_RULES,
  budgets: [
    {
      id: 'bud_k',
      picodollars: '1000000000000000000000',
      window: { kind: 'calendar', unit: 'day', timeZone: 'UTC' },
      enforcement: 'hard',
      mode: 'enforce',
      thresholds: [80],
      raises: [],
    },
  ],
};
const LIMITS = [limit('lim_r', 'team_a', 'requests'), limit('lim_t', 'team_a', 'tokens')];
const SETS: readonly (readonly [string, AdmissionPolicy, KeyRules | undefined])[] = [
  ['no rule', policyOf(1, []), undefined],
  ['two limits of the team', policyOf(1, [], { limits: LIMITS }), undefined],
  ['a hard budget of the organization', policyOf(1, [budget('bud_m', 'org_a', 'month')]), undefined],
  ['that budget, those limits, two limits of the key', policyOf(1, [budget('bud_m', 'org_a', 'month')], { limits: LIMITS }), KEY_RULES],
  [
    'and a day of the organization, and one of the key',
    policyOf(1, [budget('bud_m', 'org_a', 'month'), budget('bud_d', 'org_a', 'day')], { limits: LIMITS }),
    KEY_BUDGET,
  ],
];

/** As the gateway's text comes out of the frame. */
const parsed = (value: object): Json => JSON.parse(JSON.stringify(value)) as Json;

interface Messages {
  readonly reserve: Json;
  readonly usage: Json;
}

function messages(index: number, rules: KeyRules | undefined): Messages {
  const requestId = newRequestId(Date.now());
  const owners = { key: `key_${index % KEYS}`, organization: 'org_a', team: 'team_a' };
  const targets = [{ provider: 'openai', model: 'gpt-4o', priceList: 'openai' }];
  const bounds = { maxInputTokens: 1500, maxOutputTokens: 1000 };
  const event = { v: 1, requestId, attempt: 1, proof: 'key', ...owners, credential: 'openai', provider: 'openai', alias: 'fast' };
  const call = { model: 'gpt-4o', priceList: 'openai', endpoint: '/v1/chat/completions', stream: false, status: 200, outcome: 'ok' };
  const figures = { estimated: false, startedAt: Date.now(), latencyMs: 10.125, firstByteMs: 9.5, bytesIn: 900, bytesOut: 4000 };
  return {
    reserve: parsed({ requestId, ...bounds, ...owners, rules: rules && JSON.stringify(rules), alias: 'fast', targets }),
    usage: parsed({ ...event, ...call, usage: { ...NO_USAGE, input: 1000, output: 100 }, ...figures }),
  };
}

function take(admissions: Admissions, { reserve }: Messages): void {
  const request = checkReserve(reserve);
  if (!request.ok) throw new Error(request.error);
  admissions.reserve('gateway-0/g', request.value, (answer) => {
    if (answer instanceof Error) throw answer;
  });
}

function end(admissions: Admissions, turn: readonly Messages[]): void {
  const events = turn.map(({ usage }) => {
    const event = checkUsage(usage, systemClock.now());
    if (!event.ok) throw new Error(event.error);
    admissions.settle(event.value);
    return event.value;
  });
  admissions.stored(events);
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Microseconds of CPU a request. Messages are made as they come, so that the garbage is that of a ledger at work. */
async function round(admissions: Admissions, rules: KeyRules | undefined): Promise<number> {
  let spent = 0;
  for (let from = 0; from < REQUESTS; from += A_TURN) {
    const turn = Array.from({ length: A_TURN }, (_, index) => messages(from + index, rules));
    const started = process.threadCpuUsage();
    for (const one of turn) take(admissions, one);
    await nextTurn();
    end(admissions, turn);
    const { user, system } = process.threadCpuUsage(started);
    spent += user + system;
  }
  return spent / REQUESTS;
}

async function measure(name: string, policy: AdmissionPolicy, rules: KeyRules | undefined): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-bench-admission-'));
  openWritable(path.join(folder, 'ledger.db'), { synchronous: 'normal', migrations: MIGRATIONS }).close();
  const vault = testVault();
  const log = createLogger({ role: 'ledger', index: 0, write: (_, done) => done(null) });
  const progress = { seen: 0, sent: () => [], waiting: () => [] };
  const admissions = new Admissions({ folder, clock: systemClock, log, metrics: new LedgerMetrics(), progress }, () => undefined);
  admissions.policy.onVault(vault.facts);
  const head = { op: 'admission.apply', policy: { ...vault.sign(policy) } };
  admissions.policy.apply({
    head,
    reply: () => undefined,
    fail: (error: unknown) => {
      throw error;
    },
  } as unknown as IncomingCall);
  const rounds: number[] = [];
  for (let index = 0; index < ROUNDS; index++) rounds.push(await round(admissions, rules));
  admissions.close();
  fs.rmSync(folder, { recursive: true });
  rounds.sort((a, b) => a - b);
  const median = rounds[Math.floor(rounds.length / 2)] ?? 0;
  console.log(`reserve + settle under ${name}: ${(rounds[0] ?? 0).toFixed(2)} µs of CPU a request (median ${median.toFixed(2)})`);
}

for (const [name, policy, rules] of SETS) await measure(name, policy, rules);
