/**
 * How many calls the ledger puts on disk beside a working gateway: `node bench/ledger-ingest.ts [calls per second] [seconds]`. A whole node
 * answers steady traffic from its sandbox while a second ledger process, alone with its file, is given reports and journal
 * records of so many calls a second, and reservations of every tenth, through the sockets of a gateway and a vault. Prints rows on disk and CPU a row by thread.
 */
import { fork, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startLedger } from '../src/ledger/testing/ledger-process.ts';
import { startNode } from '../test/e2e/node.ts';
import type { StreamTimes } from './ledger-stream.ts';
import type { LoadResult } from './load.ts';
import { cpuByThread } from './processes.ts';

const RATE = Number(process.argv[2] ?? 6_000);
const SECONDS = Number(process.argv[3] ?? 15);
const GATEWAY_RATE = 100;

const ask = <T>(child: ChildProcess, message: object | string): Promise<T> =>
  new Promise((resolve) => {
    child.once('message', (answer) => resolve(answer as T));
    child.send(message);
  });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const at = (sorted: readonly number[], share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);

async function main(): Promise<void> {
  const node = await startNode({ config: 'workers: 1\nsandbox: true\n' });
  const key = await node.newKey('bench');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-bench-ingest-'));
  const ledger = await startLedger(folder);
  const pid = ledger.role.child.pid as number;
  const load = fork(path.join(import.meta.dirname, 'load.ts'));
  const stream = fork(path.join(import.meta.dirname, 'ledger-stream.ts'));
  const gateway = ask<LoadResult>(load, {
    host: '127.0.0.1',
    port: Number(new URL(node.url).port),
    path: '/v1/chat/completions',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: 'sandbox/echo', messages: [{ role: 'user', content: 'x' }] }),
    rate: GATEWAY_RATE,
    durationMs: (SECONDS + 4) * 1000,
  });
  await ask(stream, { folder, callsPerSecond: RATE, reserveOneOf: 10 });
  await pause(3000);
  const before = await ask<StreamTimes>(stream, 'take');
  const [began, cpu] = [performance.now(), cpuByThread(pid)];
  await pause(SECONDS * 1000);
  const after = await ask<StreamTimes>(stream, 'take');
  const [rows, seconds, used] = [after.stored - before.stored, (performance.now() - began) / 1000, cpuByThread(pid)];
  const threads = [...used]
    .map(([thread, microseconds]) => ({ isMain: thread === pid, cost: (microseconds - (cpu.get(thread) ?? 0)) / rows }))
    .toSorted((a, b) => b.cost - a.cost);
  const main = threads.find(({ isMain }) => isMain)?.cost ?? 0;
  const [writer, ...others] = threads.filter(({ isMain }) => !isMain);
  const rest = others.reduce((sum, { cost }) => sum + cost, 0);
  const times = after.times.toSorted((a, b) => a - b);
  console.log(`${Math.round(rows / seconds)} rows/s on disk of ${RATE} calls/s sent, beside a gateway with ${GATEWAY_RATE} requests/s`);
  console.log(
    `CPU a row: ${main.toFixed(1)} µs in the thread that answers, ${(writer?.cost ?? 0).toFixed(1)} µs in the writer, ${rest.toFixed(1)} µs elsewhere`,
  );
  console.log(`reservations: p50 ${at(times, 0.5)} ms, p99 ${at(times, 0.99)} ms, most ${at(times, 1)} ms`);
  const { requests, errors, p50, p99 } = await gateway;
  console.log(`the gateway meanwhile: ${requests} requests, ${errors} errors, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
  for (const child of [load, stream, ledger.role.child]) child.kill('SIGKILL');
  await ledger.role.exited;
  await node.stop();
  for (const scratch of [folder, path.dirname(node.dataDir)]) fs.rmSync(scratch, { recursive: true, force: true });
}

await main();
