/**
 * How long reports take on a large ledger: `node bench/ledger-reports.ts [rows] [days]`. Seeds a scratch file, then asks the read-only worker
 * while a writer puts calls on disk at the rate of a busy node. Prints medians and p95 of each report and of the commits beside them.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { newRequestId } from '../src/core/ids.ts';
import { NO_USAGE, type UsageEvent } from '../src/core/usage.ts';
import type { UsageDimension, UsageFilter } from '../src/ipc/report-messages.ts';
import { WAITS } from '../src/ledger/call-row.ts';
import { ReportDesk } from '../src/ledger/report-desk.ts';
import { COLUMNS } from '../src/ledger/row-columns.ts';
import { MIGRATIONS } from '../src/ledger/schema.ts';
import { DAY_MS, GROUP_COLUMNS, HOUR_MS, SUM_NAMES, SUMS } from '../src/ledger/sums.ts';
import { Writer } from '../src/ledger/writer.ts';
import { openWritable, type SqliteDatabase } from '../src/store/sqlite/open.ts';

const ROWS = Number(process.argv[2] ?? 1_000_000);
const DAYS = Number(process.argv[3] ?? 90);
const TO = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const FROM = TO - DAYS * DAY_MS;
const EACH = 15;

/** 50 teams of 10 keys; every key uses two of eight models; one call in twenty fails. */
const VALUES: Readonly<Record<string, string>> = {
  request_id: "printf('req_%026d', i)",
  attempt: '1',
  state: "'confirmed'",
  organization: "'org_a'",
  team: "'team_' || (i * 7919 % 50)",
  project: "'project_' || (i * 7919 % 500 / 100)",
  key: "'key_' || (i * 7919 % 500)",
  credential: "'openai'",
  provider: "'openai'",
  alias: "'alias_' || ((i * 7919 % 500 + i / 500 % 2) % 8)",
  model: "'model_' || ((i * 7919 % 500 + i / 500 % 2) % 8)",
  price_list: "'openai'",
  endpoint: "'/v1/chat/completions'",
  status: '200',
  outcome: "CASE (i / 500) % 20 WHEN 0 THEN 'upstream_error' ELSE 'ok' END",
  input: '1000 + i % 997',
  output: '100 + i % 89',
  picodollars: '3500000000 + i',
  price_version: "'v'",
  price_known: '1',
  proof: "'key'",
  started_at: `${FROM} + i * ${(TO - FROM) / ROWS}`,
  latency_ms: '400 + i % 301',
  first_byte_ms: '100 + i % 101',
  reported: '1',
  bytes_in: '900',
  bytes_out: '4000',
  journal_outcome: "'complete'",
  journal_bytes_in: '900',
  journal_bytes_out: '4000',
};
const NULLABLE = /^(first_byte_ms|due_at|max_|shard|generation|journal_)/;
const TEXT = /^(user|end_user|tags|units|tier|price_detail)$/;
const usual = (name: string): string => (NULLABLE.test(name) ? 'NULL' : TEXT.test(name) ? "''" : '0');

function seed(db: SqliteDatabase): void {
  const columns = COLUMNS.map(
    (name) => `${VALUES[name]?.includes('started_at') === true ? name : (VALUES[name] ?? usual(name))} AS ${name}`,
  );
  for (let from = 0; from < ROWS; from += 250_000) {
    db.exec(
      `INSERT INTO usage (${COLUMNS.join(', ')}) WITH RECURSIVE n (i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${Math.min(
        ROWS,
        from + 250_000,
      )}) SELECT ${columns.map((text) => text.replace(/^\d+ \+ i \* [\d.]+/, (number) => `CAST(${number} AS INTEGER)`)).join(', ')} FROM n`,
    );
  }
  const group = GROUP_COLUMNS.map((name) => (name === 'tag' || name === 'end_user' ? "''" : `r.${name}`));
  db.exec(`INSERT INTO usage_group (kind, ${GROUP_COLUMNS.join(', ')}) SELECT DISTINCT 0, ${group.join(', ')} FROM usage AS r`);
  const sums = SUM_NAMES.map((name) => `sum(${SUMS[name]})`).join(', ');
  const same = GROUP_COLUMNS.map((name, i) => `g.${name} = ${group[i]}`).join(' AND ');
  for (const [table, time, ms] of [
    ['usage_hour', 'hour', HOUR_MS],
    ['usage_day', 'day', DAY_MS],
  ] as const)
    db.exec(`INSERT INTO ${table} SELECT r.started_at / ${ms} AS ${time}, g.id, ${sums.replaceAll('outcome', 'r.outcome')} FROM usage AS r JOIN usage_group AS g ON g.kind = 0 AND ${same}
      GROUP BY 1, 2 ORDER BY 1, 2`);
  db.exec("INSERT INTO report_fact VALUES ('built', 1)");
}

interface Asked {
  readonly name: string;
  readonly by: readonly UsageDimension[];
  readonly days: number;
  readonly timeZone?: string;
  readonly filter?: UsageFilter;
}

const REPORTS: readonly Asked[] = [
  { name: '30 days by team and model', by: ['team', 'model'], days: 30 },
  { name: '30 days by key and model', by: ['key', 'model'], days: 30 },
  { name: '30 days by day, Berlin', by: ['day'], days: 30, timeZone: 'Europe/Berlin' },
  { name: '30 days by day and model, Kolkata', by: ['day', 'model'], days: 30, timeZone: 'Asia/Kolkata' },
  { name: '30 days by day, one team', by: ['day', 'model'], days: 30, filter: { team: 'team_7' } },
  { name: '24 hours by hour and team', by: ['hour', 'team'], days: 1 },
  { name: '90 days by month and team', by: ['month', 'team'], days: 90, timeZone: 'America/New_York' },
];

const at = (sorted: readonly number[], share: number): string => `${(sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(0)} ms`;
const line = (name: string, times: readonly number[]): void => {
  const sorted = times.toSorted((a, b) => a - b);
  console.log(`${name.padEnd(40)} median ${at(sorted, 0.5).padStart(8)}  p95 ${at(sorted, 0.95).padStart(8)}`);
};

async function main(): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-bench-reports-'));
  try {
    const db = openWritable(path.join(folder, 'ledger.db'), { synchronous: 'full', migrations: MIGRATIONS });
    const began = performance.now();
    seed(db);
    const count = (table: string): string => String(db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count']);
    const size = (fs.statSync(path.join(folder, 'ledger.db')).size / 1e9).toFixed(2);
    console.log(
      `seeded in ${((performance.now() - began) / 1000).toFixed(0)} s: ${count('usage')} rows, ${count('usage_hour')} hours, ${count('usage_day')} days, ${count('usage_group')} groups, ${size} GB`,
    );
    await measure(folder, new Writer(db, WAITS));
    db.close();
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

async function measure(folder: string, writer: Writer): Promise<void> {
  const desk = new ReportDesk(folder);
  const commits: number[] = [];
  const writing = setInterval(() => {
    const began = performance.now();
    writer.apply([{ kind: 'usage', events: Array.from({ length: 100 }, event) }], Date.now());
    commits.push(performance.now() - began);
  }, 100);
  for (const { name, by, days, timeZone = 'UTC', filter = {} } of REPORTS) {
    const times: number[] = [];
    for (let i = 0; i < EACH; i++) {
      const began = performance.now();
      const to = TO - 1_234_567;
      await desk.ask({ op: 'usage.summary', by, from: to - days * DAY_MS, to, filter, limit: 1000, timeZone });
      times.push(performance.now() - began);
    }
    line(name, times);
  }
  clearInterval(writing);
  line('commits of 100 calls beside them', commits);
  await desk.close();
}

let next = 0;
const event = (): UsageEvent =>
  ({
    v: 1,
    requestId: newRequestId(Date.now()),
    attempt: 1,
    proof: 'key',
    key: `key_${next++ % 500}`,
    organization: 'org_a',
    team: `team_${next % 50}`,
    credential: 'openai',
    provider: 'openai',
    alias: 'fast',
    model: 'gpt-4o',
    priceList: 'openai',
    endpoint: '/v1/chat/completions',
    stream: false,
    status: 200,
    outcome: 'ok',
    usage: { ...NO_USAGE, input: 1000, output: 100 },
    estimated: false,
    startedAt: Date.now(),
    latencyMs: 10,
    bytesIn: 1,
    bytesOut: 1,
  }) as UsageEvent;

await main();
