/**
 * What writing rows costs: `node bench/ledger.ts [calls] [calls per commit] [keys]`. Prints the rows a second that one writer puts on disk with
 * report and journal of every call. What reservations cost: bench/admission.ts.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { KeyId, OrganizationId, RequestId, TeamId } from '../src/core/ids.ts';
import { newRequestId } from '../src/core/ids.ts';
import { NO_USAGE, type UsageEvent } from '../src/core/usage.ts';
import type { JournalRecord } from '../src/ipc/messages/ledger.ts';
import { WAITS } from '../src/ledger/call-row.ts';
import { MIGRATIONS } from '../src/ledger/schema.ts';
import { Writer } from '../src/ledger/writer.ts';
import { openWritable } from '../src/store/sqlite/open.ts';

const CALLS = Number(process.argv[2] ?? 20_000);
const PER_COMMIT = Number(process.argv[3] ?? 20);
const KEYS = Number(process.argv[4] ?? 500);

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

/** Calls of many keys, so that the sums of many groups are kept. */
const keyOf = (i: number): string => `key_${i % KEYS}`;
/** What memory has counted for each: 1000 × 2.5 + 100 × 10 dollars per million. */
const CHARGED = '3500000000';

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
    const charged = events.map(() => CHARGED);
    writer.apply([{ kind: 'usage', events, charged }, journal], at);
  }
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  db.close();
  fs.rmSync(folder, { recursive: true });
  console.log(
    `writer: ${Math.round(CALLS / seconds)} rows/s on disk in commits of ${PER_COMMIT} with ${KEYS} keys, ${((user + system) / CALLS).toFixed(1)} µs of CPU a row`,
  );
}

writing();
