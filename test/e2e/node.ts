import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A whole node, started as its users start it: `bulkhead up` with a configuration file and a data folder of its own. */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CLI = path.join(ROOT, 'src/main/cli.ts');

export interface NodeOptions {
  /** bulkhead.yaml without `listen` and `control`, which the harness adds. */
  readonly config?: string;
  readonly isolation?: string;
  /** Goes on with the data of an earlier node. */
  readonly dataDir?: string;
  readonly readyMs?: number;
  /** The configuration gives the gateway a certificate. */
  readonly tls?: true;
  /** Changes the node specification before the supervisor reads it (entries with crash points, attackers). */
  readonly entries?: Readonly<Record<string, string>>;
}

interface ProcessRow {
  readonly role: string;
  readonly index: number;
  readonly pid: number | null;
  readonly state: string;
  readonly restarts: number;
}

export interface RunningNode {
  readonly url: string;
  readonly controlUrl: string;
  readonly dataDir: string;
  readonly configFile: string;
  readonly supervisor: ChildProcess;
  /** What the node printed so far. */
  output(): string;
  /** Runs `bulkhead …` against this node. */
  cli(args: readonly string[], stdin?: string): Promise<{ code: number; stdout: string; stderr: string }>;
  admin(method: string, path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }>;
  /** Creates a virtual key and gives its text. */
  newKey(name?: string, extra?: Record<string, unknown>): Promise<string>;
  processes(): Promise<readonly ProcessRow[]>;
  /** SIGTERM, then waits for the exit code. */
  stop(): Promise<number>;
}

export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function startNode(options: NodeOptions = {}): Promise<RunningNode> {
  const [port, controlPort] = [await freePort(), await freePort()];
  const dataDir = options.dataDir ?? path.join(openFolder(), 'data');
  const configFile = path.join(path.dirname(dataDir), 'bulkhead.yaml');
  fs.writeFileSync(configFile, `version: 1\nlisten: 127.0.0.1:${port}\ncontrol: 127.0.0.1:${controlPort}\n${options.config ?? ''}`);
  const args = ['up', '--config', configFile, '--data', dataDir];
  if (options.isolation !== undefined) args.push('--isolation', options.isolation);
  for (const [role, entry] of Object.entries(options.entries ?? {})) args.push('--entry', `${role}=${entry}`);
  const supervisor = spawn(process.execPath, [CLI, ...args], {
    cwd: path.dirname(dataDir),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: testEnvironment(),
  });
  let output = '';
  for (const stream of [supervisor.stdout, supervisor.stderr])
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-200_000)));
  const exited = new Promise<number>((resolve) => supervisor.on('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 128)));
  const node = describe({
    url: `${options.tls === true ? 'https' : 'http'}://127.0.0.1:${port}`,
    controlUrl: `http://127.0.0.1:${controlPort}`,
    dataDir,
    configFile,
    supervisor,
    exited,
    output: () => output,
  });
  await Promise.race([
    untilReady(node.url, options.readyMs ?? 20_000).catch((error: unknown) => Promise.reject(new Error(`${String(error)}\n${output}`))),
    exited.then((code) => Promise.reject(new Error(`the node exited with ${code}\n${output}`))),
  ]);
  return node;
}

/** A new temporary folder that other users may enter, as the layout `uids` needs it. */
function openFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-e2e-'));
  fs.chmodSync(folder, 0o755);
  return folder;
}

/** No variable of the developer's shell reaches the node, except what finds programs. */
const testEnvironment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: os.homedir(),
  NO_COLOR: '1',
  // As bin/bulkhead.js sets it.
  NODE_COMPILE_CACHE: path.join(ROOT, 'node_modules/.cache/bulkhead'),
});

interface Parts {
  readonly url: string;
  readonly controlUrl: string;
  readonly dataDir: string;
  readonly configFile: string;
  readonly supervisor: ChildProcess;
  readonly exited: Promise<number>;
  readonly output: () => string;
}

function describe({ exited, ...parts }: Parts): RunningNode {
  const admin: RunningNode['admin'] = (method, target, body) => adminRequest(parts.controlUrl, parts.dataDir, method, target, body);
  return {
    ...parts,
    admin,
    cli: (args, stdin) => runCli([...args, '--data', parts.dataDir], stdin),
    newKey: async (name = `test-${process.hrtime.bigint()}`, extra = {}) => {
      const { status, body } = await admin('POST', '/admin/v1/keys', { name, ...extra });
      if (status !== 201 || typeof body['key'] !== 'string') throw new Error(`no key: ${status} ${JSON.stringify(body)}`);
      return body['key'];
    },
    processes: async () => ((await admin('GET', '/admin/v1/doctor')).body['processes'] ?? []) as ProcessRow[],
    stop: async () => {
      parts.supervisor.kill('SIGTERM');
      return exited;
    },
  };
}

async function untilReady(url: string, ms: number): Promise<void> {
  const deadline = Date.now() + ms;
  for (;;) {
    const { status } = await httpRequest('GET', `${url}/health/ready`, {}).catch(() => ({ status: 0 }));
    if (status === 200) return;
    if (Date.now() > deadline) throw new Error(`not ready after ${ms} ms (last status ${status})`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

async function adminRequest(
  controlUrl: string,
  dataDir: string,
  method: string,
  target: string,
  body: unknown,
): ReturnType<RunningNode['admin']> {
  const token = fs.readFileSync(path.join(dataDir, 'admin/token'), 'utf8').trim();
  const text = body === undefined ? undefined : JSON.stringify(body);
  const answer = await httpRequest(
    method,
    controlUrl + target,
    { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    text,
  );
  return { status: answer.status, body: (answer.body === '' ? {} : JSON.parse(answer.body)) as Record<string, unknown> };
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export function httpRequest(method: string, url: string, headers: Record<string, string>, body?: string | Buffer): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const client = url.startsWith('https:') ? https : http;
    // Certificates of tests are self-signed; those that check one look at it themselves.
    const request = client.request(url, { method, headers, agent: false, rejectUnauthorized: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString('utf8') }),
      );
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

export function runCli(args: readonly string[], stdin?: string): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ['pipe', 'pipe', 'pipe'], env: testEnvironment() });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin ?? '');
  });
}
