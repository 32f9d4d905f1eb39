/**
 * How long reports take on a large ledger: `node bench/ledger-reports.ts [rows] [--folder FOLDER]`. Writes ten million calls of 13 months
 * (or goes on with a folder that an earlier run has made), starts the real ledger process on it, and asks for every two dimensions over a
 * day, a week, a month and 13 months, while a gateway and a vault of its own reserve, report and journal calls at the rate of a busy node.
 */
import { fork, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { USAGE_DIMENSIONS, TIME_DIMENSIONS, type UsageDimension } from '../src/core/reports.ts';
import type { Peer } from '../src/ipc/peer.ts';
import { DATABASE_FILE } from '../src/ledger/schema.ts';
import { DAY_MS } from '../src/ledger/sums.ts';
import { ask, startLedger } from '../src/ledger/testing/ledger-process.ts';
import { openReadable } from '../src/store/sqlite/open.ts';
import { sealLedger, seedLedger, SHAPE } from './ledger-seed.ts';
import type { StreamTimes } from './ledger-stream.ts';
import { cpuMicroseconds, pssMegabytes } from './processes.ts';

const ROWS = Number(process.argv.slice(2).find((word) => /^\d+$/.test(word)) ?? 10_000_000);
const GIVEN = process.argv.indexOf('--folder') < 0 ? undefined : process.argv[process.argv.indexOf('--folder') + 1];
const DAYS = 395;
const TO = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const SPANS = { day: 1, week: 7, month: 30, '13 months': DAYS } as const;
/** Each report so often, every time over another stretch and the odd ones in another zone. */
const EACH = 3;
const CALLS_PER_SECOND = 300;

const say = (text: string): void => console.error(`[bench] ${text}`);
const at = (sorted: readonly number[], share: number): string =>
  `${(sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1)} ms`.padStart(10);
function line(name: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  console.log(`${name.padEnd(34)} p50 ${at(sorted, 0.5)}  p95 ${at(sorted, 0.95)}  p99 ${at(sorted, 0.99)}  most ${at(sorted, 1)}`);
}

function prepare(folder: string): void {
  const options = { folder, rows: ROWS, days: DAYS, to: TO };
  if (!fs.existsSync(path.join(folder, DATABASE_FILE))) {
    let told = performance.now();
    seedLedger(options, (rows) => {
      if (performance.now() - told < 10_000) return;
      told = performance.now();
      say(`${rows.toLocaleString('en')} of ${ROWS.toLocaleString('en')} rows`);
    });
  }
  say('packing what is over');
  sealLedger(options);
  const db = openReadable(path.join(folder, DATABASE_FILE));
  const count = (table: string): string =>
    Number(db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count']).toLocaleString('en');
  const size = (fs.statSync(path.join(folder, DATABASE_FILE)).size / 1e9).toFixed(1);
  console.log(
    `${count('usage')} rows, ${count('usage_group')} groups, ${count('usage_hour')} sums of hours, ${count('usage_day')} of days, ${count('usage_block')} packed, ${size} GB`,
  );
  console.log(
    `${Object.entries(SHAPE)
      .map(([name, many]) => `${many.toLocaleString('en')} ${name}`)
      .join(', ')}`,
  );
  db.close();
}

interface Asked {
  readonly by: readonly UsageDimension[];
  readonly span: keyof typeof SPANS;
}

const isTime = (name: UsageDimension): boolean => TIME_DIMENSIONS.some((one) => one === name);

/** Every two dimensions over every span; nobody reads a year by hours. */
const REPORTS: readonly Asked[] = (Object.keys(SPANS) as Asked['span'][]).flatMap((span) =>
  USAGE_DIMENSIONS.flatMap((a, i) =>
    USAGE_DIMENSIONS.slice(i + 1)
      .filter((b) => !(isTime(a) && isTime(b)) && !(span === '13 months' && b === 'hour'))
      .map((b) => ({ by: [a, b], span })),
  ),
);

async function report(control: Peer, { by, span }: Asked, turn: number): Promise<number> {
  const end = TO - turn * 11 * DAY_MS - (turn === 0 ? 0 : 12_345_678);
  const query = { by, from: end - SPANS[span] * DAY_MS, to: end, filter: {}, limit: 1000 };
  const began = performance.now();
  await ask(control, { op: 'usage.summary', ...query, timeZone: turn % 2 === 1 ? 'Europe/Berlin' : 'UTC' });
  return performance.now() - began;
}

async function measure(folder: string): Promise<void> {
  const ledger = await startLedger(folder);
  const pid = ledger.role.child.pid as number;
  const control = await ledger.connect('control');
  const stream = fork(path.join(import.meta.dirname, 'ledger-stream.ts'));
  await tell(stream, { folder, callsPerSecond: CALLS_PER_SECOND });
  await pause(3000);
  await tell(stream, 'take');
  await pause(15_000);
  line('reservations without reports', (await tell(stream, 'take')).times);
  line('first report of a new ledger', [await report(control, { by: ['team', 'model'], span: 'month' }, 0)]);
  const cpu = cpuMicroseconds(pid);
  const [began, bySpan, slow] = [performance.now(), new Map<string, number[]>(), new Map<string, number>()];
  for (const [i, asked] of REPORTS.entries()) {
    for (let turn = 0; turn < EACH; turn++) {
      const took = await report(control, asked, turn);
      const times = bySpan.get(asked.span) ?? [];
      bySpan.set(asked.span, [...times, took]);
      slow.set(`${asked.by.join(' and ')}, ${asked.span}, turn ${turn}`, took);
    }
    if (i % 50 === 0) say(`${i} of ${REPORTS.length} reports`);
  }
  const seconds = (performance.now() - began) / 1000;
  line('reservations beside reports', (await tell(stream, 'take')).times);
  for (const [span, times] of bySpan) line(`any two dimensions, ${span} (${times.length})`, times);
  line('any two dimensions, all spans', [...bySpan.values()].flat());
  for (const [name, took] of [...slow].toSorted((a, b) => b[1] - a[1]).slice(0, 12)) console.log(`  slow: ${name}: ${took.toFixed(0)} ms`);
  const used = (cpuMicroseconds(pid) - cpu) / 1e6;
  console.log(
    `${REPORTS.length * EACH} reports in ${seconds.toFixed(0)} s beside ${CALLS_PER_SECOND} calls/s: ${used.toFixed(1)} s of CPU in the ledger, PSS ${pssMegabytes(pid).toFixed(0)} MB`,
  );
  stream.send('stop');
  await new Promise((resolve) => stream.once('exit', resolve));
  control.destroy();
  ledger.role.child.kill('SIGKILL');
  await ledger.role.exited;
}

const tell = (stream: ChildProcess, message: object | string): Promise<StreamTimes> =>
  new Promise((resolve) => {
    stream.once('message', (answer) => resolve(answer as StreamTimes));
    stream.send(message);
  });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function main(): Promise<void> {
  const folder = GIVEN ?? fs.mkdtempSync(path.join(os.tmpdir(), 'bh-bench-reports-'));
  try {
    prepare(folder);
    await measure(folder);
  } finally {
    if (GIVEN === undefined) fs.rmSync(folder, { recursive: true });
  }
}

await main();
