/**
 * What the ledger costs by itself: `node bench/ledger.ts [calls] [calls per commit]`. Prints CPU per request of reserve + account in the
 * thread that answers, and the rows a second that one writer puts on disk with report and journal of every call.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { KeyId, OrganizationId, RequestId, TeamId } from '../src/core/ids.ts';
import { newRequestId } from '../src/core/ids.ts';
import type { Json } from '../src/core/json.ts';
import { NO_USAGE, type UsageEvent } from '../src/core/usage.ts';
import { AdmissionEngine } from '../src/admission/engine.ts';
import { systemClock } from '../src/core/clock.ts';
import type { AdmissionPolicy } from '../src/core/rules.ts';
import type { JournalRecord } from '../src/ipc/messages.ts';
import { WAITS } from '../src/ledger/call-row.ts';
import { checkReserve, checkUsage } from '../src/ledger/check.ts';
import { MIGRATIONS } from '../src/ledger/schema.ts';
import { Writer } from '../src/ledger/writer.ts';
import { openWritable } from '../src/store/sqlite/open.ts';

const CALLS = Number(process.argv[2] ?? 20_000);
const PER_COMMIT = Number(process.argv[3] ?? 20);

const owner = { key: 'key_a' as KeyId, organization: 'org_a' as OrganizationId, team: 'team_a' as TeamId };
const call = {
  credential: 'openai',
  provider: 'openai',
  alias: 'fast',
  model: 'gpt-4o',
  priceList: 'openai',
  endpoint: '/v1/chat/completions',
};
const event = (requestId: RequestId): UsageEvent => {
  const facts = {
    v: 1,
    requestId,
    attempt: 1,
    proof: 'key',
    stream: false,
    status: 200,
    outcome: 'ok',
    estimated: false,
    startedAt: Date.now(),
  };
  return {
    ...facts,
    ...owner,
    ...call,
    usage: { ...NO_USAGE, input: 1000, output: 100 },
    latencyMs: 10,
    bytesIn: 1,
    bytesOut: 1,
  } as UsageEvent;
};

const ids = Array.from({ length: CALLS }, () => newRequestId(Date.now()));

const NO_RULES: AdmissionPolicy = { version: 1, limits: [], budgets: [], shares: [], names: {}, unknownPrice: 'dearest' };

/** Four limits and two budgets that nobody reaches. */
const RULES: AdmissionPolicy = {
  ...NO_RULES,
  limits: (['requests', 'tokens', 'output_tokens', 'parallel'] as const).map((measure) => ({
    id: measure,
    owner: { kind: 'team', id: owner.team },
    measure,
    amount: 1e12,
    ...(measure === 'parallel' ? {} : { windowMs: 60_000 }),
    mode: 'enforce',
  })),
  budgets: (['month', 'day'] as const).map((unit) => ({
    id: unit,
    owner: { kind: 'organization', id: owner.organization },
    picodollars: '1000000000000000000',
    window: { kind: 'calendar', unit, timeZone: 'Europe/Berlin' },
    enforcement: 'hard',
    mode: 'enforce',
    thresholds: [50, 80, 100],
    raises: [],
  })),
};

function admission(name: string, policy: AdmissionPolicy): void {
  const price = (): { picodollars: bigint; known: boolean } => ({ picodollars: 10_000_000n, known: true });
  const engine = new AdmissionEngine({ clock: systemClock, price, spent: () => 0n });
  engine.apply(policy);
  const events = ids.map(event);
  const targets = [{ provider: 'openai', model: 'gpt-4o', priceList: 'openai' }];
  const started = process.cpuUsage();
  for (const [i, requestId] of ids.entries()) {
    const request = checkReserve({ requestId, ...owner, alias: 'fast', maxInputTokens: 1, maxOutputTokens: 1, maxParallel: 100, targets });
    if (request.ok) engine.reserve('g', request.value);
    const checked = checkUsage(events[i] as unknown as Json, Date.now());
    if (checked.ok) engine.settle(checked.value, 9_000_000n);
  }
  const { user, system } = process.cpuUsage(started);
  console.log(`reserve + settle ${name}: ${((user + system) / CALLS).toFixed(2)} µs of CPU a request`);
}

/** Calls of 500 keys, so that the sums of many groups are kept. */
const keyOf = (i: number): string => `key_${i % 500}`;

function writing(): void {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-bench-ledger-'));
  const db = openWritable(path.join(folder, 'ledger.db'), { synchronous: 'full', migrations: MIGRATIONS });
  const writer = new Writer(db, WAITS);
  const [cpu, began] = [process.cpuUsage(), performance.now()];
  for (let from = 0; from < CALLS; from += PER_COMMIT) {
    const some = ids.slice(from, from + PER_COMMIT);
    const at = Date.now();
    const records = some.flatMap((requestId, i): JournalRecord[] => {
      const head = { generation: 'v', requestId, attempt: 1, at };
      return [
        { k: 'start', offset: 2 * (from + i), ...head, credential: 'openai' as never, organization: 'org_a', key: keyOf(from + i) },
        { k: 'end', offset: 2 * (from + i) + 1, ...head, status: 200, bytesIn: 1, bytesOut: 1, outcome: 'complete' },
      ];
    });
    const journal = { kind: 'journal', shard: 0, generation: 'v', records, reservations: new Map(), orphans: new Set<string>() } as const;
    const events = some.map((requestId, i) => ({ ...event(requestId), key: keyOf(from + i) as KeyId }));
    writer.apply([{ kind: 'usage', events }, journal], at);
  }
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  db.close();
  fs.rmSync(folder, { recursive: true });
  console.log(
    `writer: ${Math.round(CALLS / seconds)} rows/s on disk in commits of ${PER_COMMIT}, ${((user + system) / CALLS).toFixed(1)} µs of CPU a row`,
  );
}

admission('without rules', NO_RULES);
admission('under 4 limits and 2 budgets', RULES);
writing();
