import { fork, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, httpRequest, startNode, type RunningNode } from '../test/e2e/node.ts';
import type { Job, LoadResult } from './load.ts';
import { cpuByProcess, cpuMicroseconds, pssMegabytes } from './processes.ts';

/**
 * `npm run bench [-- --quick] [-- --no-portkey] [-- --json FILE]`: what Bulkhead costs, measured beside a direct call and beside
 * Portkey's gateway in one interleaved run. docs/performance.md says what each figure means.
 */

const HERE = fileURLToPath(new URL('.', import.meta.url));
const WORK = path.join(HERE, '.work');
const QUICK = process.argv.includes('--quick');
const ROUND_MS = QUICK ? 1500 : 4000;
const ROUNDS = QUICK ? 2 : 5;
/** V8 compiles what is hot during the first seconds: a cost of a start, not of a request. */
const WARM_MS = 3000;
const STREAM_EVENTS = 200;

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const say = (text: string): void => console.error(`[bench] ${text}`);

interface Target {
  readonly name: string;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Prefix of model names. */
  readonly model: (name: string) => string;
  /** What its clients speak; absent: OpenAI's chat completions. */
  readonly speaks?: 'messages';
  /** Root of the process tree whose CPU counts; absent for the direct call. */
  readonly pid?: number;
}

/** A chat request of 2 KB. */
const chat = (model: string, extra: Record<string, unknown> = {}): string =>
  JSON.stringify({
    model,
    messages: [
      { role: 'system', content: 'You are terse.' },
      { role: 'user', content: 'Tell me about bulkheads. '.repeat(74) },
    ],
    ...extra,
  });

/** The same words in Anthropic's protocol. */
const messages = (model: string, extra: Record<string, unknown> = {}): string =>
  JSON.stringify({
    model,
    max_tokens: 1024,
    system: 'You are terse.',
    messages: [{ role: 'user', content: 'Tell me about bulkheads. '.repeat(74) }],
    ...extra,
  });

function ipcChild(file: string, argument?: string): Promise<ChildProcess> {
  const child = fork(path.join(HERE, file), argument === undefined ? [] : [argument]);
  if (argument === undefined) return Promise.resolve(child);
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve(child));
    child.once('exit', (code) => reject(new Error(`${file} exited with ${code}`)));
  });
}

const ask = <T>(child: ChildProcess, message: unknown): Promise<T> =>
  new Promise((resolve) => {
    child.once('message', (answer) => resolve(answer as T));
    child.send(message as object);
  });

const load = (
  child: ChildProcess,
  target: Target,
  model: string,
  job: Partial<Job>,
  extra: Record<string, unknown> = {},
): Promise<LoadResult> =>
  ask<LoadResult>(child, {
    host: '127.0.0.1',
    port: target.port,
    path: target.speaks === 'messages' ? '/v1/messages' : '/v1/chat/completions',
    headers: target.headers,
    body: target.speaks === 'messages' ? messages(target.model(model), extra) : chat(target.model(model), extra),
    durationMs: ROUND_MS,
    ...job,
  });

/** A certificate for 127.0.0.1 by the openssl of the machine. */
function makeCertificate(): { cert: string; key: string } {
  const [cert, key] = [path.join(WORK, 'cert.pem'), path.join(WORK, 'key.pem')];
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
  ];
  const made = spawnSync('openssl', [...args, '-keyout', key, '-out', cert], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`openssl could not make a certificate: ${made.stderr}`);
  return { cert, key };
}

async function startPortkey(): Promise<{ pid: number; port: number; stop: () => void }> {
  const folder = path.join(HERE, 'portkey');
  if (!fs.existsSync(path.join(folder, 'node_modules'))) {
    say('installing the Portkey gateway into bench/portkey …');
    const installed = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (installed.status !== 0) throw new Error('npm ci failed in bench/portkey');
  }
  const port = await freePort();
  const child = spawn(process.execPath, ['node_modules/@portkey-ai/gateway/build/start-server.js', '--headless', `--port=${port}`], {
    cwd: folder,
    stdio: 'ignore',
  });
  for (let tries = 0; tries < 400; tries++) {
    const answer = await httpRequest('GET', `http://127.0.0.1:${port}/`, {}).catch(() => undefined);
    if (answer !== undefined) return { pid: child.pid as number, port, stop: () => child.kill() };
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('the Portkey gateway did not start');
}

interface Figures {
  [target: string]: Record<string, number>;
}

const record = (figures: Figures, target: string, name: string, value: number): void => {
  (figures[target] ??= {})[name] = value;
};

/** CPU per request in a closed loop, rounds of all targets interleaved. */
async function measureCpu(child: ChildProcess, targets: readonly Target[], figures: Figures): Promise<void> {
  const samples = new Map<string, { cpu: number[]; rate: number[]; perEvent: number[] }>();
  for (const target of targets) samples.set(target.name, { cpu: [], rate: [], perEvent: [] });
  say('warming up');
  for (const target of targets) await load(child, target, 'bench', { concurrency: 32, durationMs: WARM_MS });
  for (let round = 0; round < ROUNDS; round++) {
    say(`CPU, round ${round + 1} of ${ROUNDS}`);
    for (const target of targets) {
      const sample = samples.get(target.name);
      const before = target.pid === undefined ? 0 : cpuMicroseconds(target.pid);
      const whole = await load(child, target, 'bench', { concurrency: 32 });
      const middle = target.pid === undefined ? 0 : cpuMicroseconds(target.pid);
      const streamed = await load(child, target, `stream-${STREAM_EVENTS}`, { concurrency: 8 }, { stream: true });
      const after = target.pid === undefined ? 0 : cpuMicroseconds(target.pid);
      if (whole.errors + streamed.errors > 0) say(`${target.name}: ${whole.errors} + ${streamed.errors} errors`);
      sample?.cpu.push((middle - before) / whole.requests);
      sample?.rate.push(whole.requests / whole.seconds);
      sample?.perEvent.push((after - middle) / (streamed.requests * STREAM_EVENTS));
    }
  }
  for (const [name, { cpu, rate, perEvent }] of samples) {
    record(figures, name, 'requests/s (32)', median(rate));
    if (targets.find((target) => target.name === name)?.pid === undefined) continue;
    record(figures, name, 'CPU µs/request', median(cpu));
    record(figures, name, 'CPU µs/event', median(perEvent));
  }
}

/** Latency at fixed concurrency and at a fixed rate, as difference to the direct call of the same round. */
async function measureLatency(child: ChildProcess, direct: Target, targets: readonly Target[], figures: Figures): Promise<void> {
  const shapes: readonly [string, Partial<Job>][] = [
    ['c1', { concurrency: 1 }],
    ['c16', { concurrency: 16 }],
    ['c64', { concurrency: 64 }],
    ['1000/s', { rate: 1000 }],
  ];
  for (const [label, job] of shapes) {
    const samples = new Map<string, { p50: number[]; p99: number[] }>(targets.map((target) => [target.name, { p50: [], p99: [] }]));
    say(`latency ${label}`);
    for (let round = 0; round < ROUNDS; round++) {
      const base = await load(child, direct, 'bench', { ...job, durationMs: ROUND_MS / 2 });
      for (const target of targets) {
        const result = await load(child, target, 'bench', { ...job, durationMs: ROUND_MS / 2 });
        samples.get(target.name)?.p50.push(result.p50 - base.p50);
        samples.get(target.name)?.p99.push(result.p99 - base.p99);
      }
    }
    for (const [name, { p50, p99 }] of samples) {
      record(figures, name, `added p50 ms ${label}`, median(p50));
      record(figures, name, `added p99 ms ${label}`, median(p99));
    }
  }
  for (const target of [direct, ...targets]) {
    const result = await load(child, target, `stream-${STREAM_EVENTS}`, { concurrency: 4 }, { stream: true });
    record(figures, target.name, 'TTFT p50 ms (4 streams)', result.firstByteP50);
  }
}

/** The longest pause of the gateway's event loop while 10 MB bodies pass, seen as the slowest of steady health checks. */
async function measureLargeBodies(target: Target): Promise<{ stall: number; seconds: number }> {
  const body = chat(target.model('bench'), { padding: 'x'.repeat(10_000_000) });
  let [slowest, running] = [0, true];
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ping = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const at = performance.now();
      http
        .get({ port: target.port, host: '127.0.0.1', path: '/health/live', agent }, (response) =>
          response.resume().on('end', () => resolve(performance.now() - at)),
        )
        .on('error', reject);
    });
  await ping();
  const watch = (async () => {
    while (running) slowest = Math.max(slowest, await ping());
  })();
  const at = performance.now();
  for (let i = 0; i < 5; i++) {
    const answer = await httpRequest(
      'POST',
      `http://127.0.0.1:${target.port}/v1/chat/completions`,
      { ...target.headers, 'content-type': 'application/json' },
      body,
    );
    if (answer.status !== 200) throw new Error(`10 MB body: ${answer.status} ${answer.body.slice(0, 200)}`);
  }
  running = false;
  await watch;
  agent.destroy();
  return { stall: slowest, seconds: (performance.now() - at) / 5000 };
}

interface Upstreams {
  readonly plain: ChildProcess;
  readonly secure: ChildProcess;
  readonly plainPort: number;
  readonly securePort: number;
  readonly ca: string;
}

async function startUpstreams(): Promise<Upstreams> {
  const tls = makeCertificate();
  const [plainPort, securePort] = [await freePort(), await freePort()];
  return {
    plainPort,
    securePort,
    ca: fs.readFileSync(tls.cert, 'utf8'),
    plain: await ipcChild('mock-upstream.ts', JSON.stringify({ port: plainPort })),
    secure: await ipcChild('mock-upstream.ts', JSON.stringify({ port: securePort, tls })),
  };
}

const seenBy = async (upstreams: Upstreams): Promise<number> =>
  (await ask<{ count: number }>(upstreams.plain, 'count')).count + (await ask<{ count: number }>(upstreams.secure, 'count')).count;

const nodeConfig = (upstreams: Upstreams, workers: number, shards: number): string =>
  [
    `workers: ${workers}`,
    `vault: { shards: ${shards} }`,
    'sandbox: false',
    'providers:',
    `  plain: { kind: openai-compatible, base_url: "http://127.0.0.1:${upstreams.plainPort}/v1", private: true }`,
    `  secure: { kind: openai-compatible, base_url: "https://localhost:${upstreams.securePort}/v1", private: true, ca: ${JSON.stringify(upstreams.ca)} }`,
    '',
  ].join('\n');

/** Starts a node whose credentials exist and whose first answers came; gives the time from start to the first answer, with data already there. */
async function startBulkhead(
  upstreams: Upstreams,
  workers: number,
  shards: number,
): Promise<{ node: RunningNode; key: string; coldStartMs: number }> {
  const config = nodeConfig(upstreams, workers, shards);
  const first = await startNode({ config });
  for (const name of ['plain', 'secure']) {
    const added = await first.cli(['credential', 'add', name, '--stdin', '--no-try'], 'sk-bench-0123456789abcdef');
    if (added.code !== 0) throw new Error(`credential add ${name}: ${added.stderr}${added.stdout}`);
  }
  const key = await first.newKey('bench');
  await first.stop();
  const at = performance.now();
  const node = await startNode({ config, dataDir: first.dataDir });
  const answer = await httpRequest(
    'POST',
    `${node.url}/v1/chat/completions`,
    { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    chat('plain/bench'),
  );
  const coldStartMs = performance.now() - at;
  if (answer.status !== 200) throw new Error(`first answer: ${answer.status} ${answer.body}`);
  return { node, key, coldStartMs };
}

const bulkheadTarget = (node: RunningNode, key: string, name: string, provider: string): Target => ({
  name,
  port: Number(new URL(node.url).port),
  headers: { authorization: `Bearer ${key}` },
  model: (model) => `${provider}/${model}`,
  pid: node.supervisor.pid as number,
});

async function ledgerRows(node: RunningNode): Promise<number> {
  const { body } = await node.admin('GET', '/admin/v1/usage?by=provider&since=1d');
  return ((body['rows'] ?? []) as { requests?: number }[]).reduce((sum, row) => sum + (row.requests ?? 0), 0);
}

async function settled(node: RunningNode, expected: number): Promise<number> {
  let rows = 0;
  for (let tries = 0; tries < 100 && rows !== expected; tries++) {
    rows = await ledgerRows(node);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return rows;
}

function printTable(figures: Figures): void {
  const names = [...new Set(Object.values(figures).flatMap((row) => Object.keys(row)))];
  const targets = Object.keys(figures);
  const width = Math.max(...names.map((name) => name.length)) + 2;
  console.log(`${''.padEnd(width)}${targets.map((name) => name.padStart(22)).join('')}`);
  for (const name of names) {
    const cells = targets.map((target) =>
      (figures[target]?.[name] === undefined ? '–' : (figures[target]?.[name] ?? 0).toFixed(2)).padStart(22),
    );
    console.log(name.padEnd(width) + cells.join(''));
  }
}

async function otherShapes(child: ChildProcess, upstreams: Upstreams, figures: Figures): Promise<void> {
  for (const [workers, shards] of [
    [2, 1],
    [1, 2],
  ] as const) {
    say(`${workers} workers, ${shards} vault shards`);
    const { node, key } = await startBulkhead(upstreams, workers, shards);
    const target = bulkheadTarget(node, key, `bulkhead ${workers}w ${shards}v`, 'plain');
    await load(child, target, 'bench', { concurrency: 32 });
    await measureCpu(child, [target], figures);
    await node.stop();
  }
}

async function main(): Promise<void> {
  fs.mkdirSync(WORK, { recursive: true });
  const figures: Figures = {};
  const upstreams = await startUpstreams();
  const child = await ipcChild('load.ts');
  const { node, key, coldStartMs } = await startBulkhead(upstreams, 1, 1);
  const [plain, secure] = [bulkheadTarget(node, key, 'bulkhead', 'plain'), bulkheadTarget(node, key, 'bulkhead TLS', 'secure')];
  // Anthropic's client in front of the same OpenAI provider: request, answer and every stream event are translated.
  const translated: Target = { ...plain, name: 'translated', speaks: 'messages' };
  const direct: Target = { name: 'direct', port: upstreams.plainPort, headers: {}, model: (model) => model };
  await new Promise((resolve) => setTimeout(resolve, 1000));
  record(figures, 'bulkhead', 'idle PSS MB', pssMegabytes(node.supervisor.pid as number));
  record(figures, 'bulkhead', 'start to first answer ms', coldStartMs);
  const portkey = process.argv.includes('--no-portkey') ? undefined : await startPortkey();
  const beside: Target[] = [plain, secure];
  if (portkey !== undefined) {
    const headers = {
      authorization: 'Bearer sk-bench',
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': `http://127.0.0.1:${upstreams.plainPort}/v1`,
    };
    beside.push({ name: 'portkey', port: portkey.port, headers, model: (model) => model, pid: portkey.pid });
  }
  say('warming up');
  for (const target of [...beside, translated]) await load(child, target, 'bench', { concurrency: 32 });
  const before = { rows: await settled(node, -1), seen: await seenBy(upstreams) };
  await measureCpu(child, [plain, secure], {});
  const after = { seen: await seenBy(upstreams) };
  const rows = await settled(node, before.rows + after.seen - before.seen);
  console.log(`ledger: ${rows - before.rows} new rows, upstream saw ${after.seen - before.seen}`);
  await measureCpu(child, [direct, ...beside, translated], figures);
  await measureLatency(child, direct, beside, figures);
  const large = await measureLargeBodies(plain);
  record(figures, 'bulkhead', '10 MB body: longest stall ms', large.stall);
  record(figures, 'bulkhead', '10 MB body: s/request', large.seconds);
  record(figures, 'bulkhead', 'PSS after load MB', pssMegabytes(node.supervisor.pid as number));
  if (portkey !== undefined) record(figures, 'portkey', 'PSS after load MB', pssMegabytes(portkey.pid));
  const shares = [...cpuByProcess(node.supervisor.pid as number)].map(([name, cpu]) => `${name} ${(cpu / 1e6).toFixed(2)} s`);
  await node.stop();
  portkey?.stop();
  if (!QUICK) await otherShapes(child, upstreams, figures);
  printTable(figures);
  console.log(`\nCPU by process over the whole run: ${shares.join(', ')}`);
  const ratio = (figures['portkey']?.['CPU µs/request'] ?? Number.NaN) / (figures['bulkhead']?.['CPU µs/request'] ?? Number.NaN);
  const cost = (name: string): number => (figures['translated']?.[name] ?? Number.NaN) / (figures['bulkhead']?.[name] ?? Number.NaN);
  console.log(
    `Translated traffic costs ${cost('CPU µs/request').toFixed(2)} × the CPU of passed traffic a request, ${cost('CPU µs/event').toFixed(2)} × an event.`,
  );
  if (!Number.isNaN(ratio)) console.log(`Portkey uses ${ratio.toFixed(1)} × the CPU a request.`);
  fs.writeFileSync(path.join(WORK, 'results.json'), `${JSON.stringify(figures, undefined, 2)}\n`);
  for (const process of [upstreams.plain, upstreams.secure, child]) process.disconnect();
}

await main();
