import { hash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { bindTcp, bindUnix, bootFor, connectFrames, startRole, type RoleProcess } from '../../auditor/testing/role-process.ts';
import { OPERATIONS, type OperationName, type ReplyOf } from '../../api/operations.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Role } from '../../core/process.ts';
import type { IncomingCall, Peer } from '../../ipc/peer.ts';

/** Test code: control with the real vault, ledger and auditor, each its own process; the test is supervisor and gateway. */

export const ADMIN_TOKEN = `bha_${'t'.repeat(43)}`;

export interface TestNodeOptions {
  readonly shards?: number;
  readonly config?: string;
  readonly firstStart?: boolean;
  readonly sandboxOrigin?: string | null;
  readonly environmentKeys?: readonly string[];
  readonly folder?: string;
  readonly adminDigest?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

export interface TestNode {
  readonly folder: string;
  readonly control: RoleProcess;
  /** By process name: `vault-0`, `ledger` … */
  readonly processes: ReadonlyMap<string, RoleProcess>;
  /** What control asked of its supervisor, in order. */
  readonly asked: JsonObject[];
  /** What a gateway worker hears and may answer; `connectWorker` uses it. */
  connectWorker(index: number, onCall?: (call: IncomingCall) => void): Promise<Peer>;
  request(method: string, target: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  raw(options: http.RequestOptions, body?: string): Promise<Answer>;
  /** Calls an operation, holds the reply to its schema and gives it. */
  call<Name extends OperationName>(
    name: Name,
    input?: { readonly id?: string; readonly body?: unknown; readonly query?: string },
  ): Promise<ReplyOf<Name>>;
  audit(): readonly JsonObject[];
  writeConfig(text: string): void;
  /** Starts a process again that was killed. */
  restart(name: string): Promise<void>;
  kill(name: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestNode(options: TestNodeOptions = {}): Promise<TestNode> {
  const folder = options.folder ?? fs.mkdtempSync(path.join(os.tmpdir(), 'bh-control-'));
  const shards = options.shards ?? 1;
  const names = ['ledger', 'auditor', ...Array.from({ length: shards }, (_, i) => `vault-${i}`)];
  const tcp = bindTcp();
  const processes = new Map<string, RoleProcess>();
  const asked: JsonObject[] = [];
  const socket = (listener: string, peer: string): string => path.join(folder, `${listener}.${peer}.sock`);
  const handles = new Map<string, { close(): void }>();
  /** Closing a bound handle removes its file, so the old one goes before the new one comes. */
  const bind = (listener: string, peer: string) => {
    const at = socket(listener, peer);
    handles.get(at)?.close();
    const handle = bindUnix(at);
    handles.set(at, handle);
    return handle;
  };
  const own = (name: string): string => {
    fs.mkdirSync(path.join(folder, name), { recursive: true, mode: 0o700 });
    return path.join(folder, name);
  };
  const start = async (name: string): Promise<void> => {
    const [role, index] = name.split('-') as [Role, string | undefined];
    const more = { index: Number(index ?? 0), shards, rootKey: role === 'vault' ? ({ kind: 'file' } as const) : null };
    const peers: Readonly<Record<string, readonly string[]>> = {
      ledger: ['gateway', 'vault', 'control'],
      auditor: ['control', 'vault'],
      vault: ['gateway', 'control'],
    };
    const listen = Object.fromEntries((peers[role] ?? []).map((peer) => [peer, bind(name, peer)]));
    const connect = role === 'vault' ? { ledger: socket('ledger', 'vault'), auditor: socket('auditor', 'vault') } : {};
    const started = startRole(bootFor(role, own(name), { ...more, connect }), listen);
    processes.set(name, started);
    await started.ready;
  };
  await Promise.all(names.map(start));

  const controlHandles = { http: tcp, gateway: bind('control', 'gateway') };
  const connect = Object.fromEntries(names.map((name) => [name, socket(name, 'control')]));
  const boot = bootFor('control', own('control'), { shards, connect });
  const node = {
    ...boot.node,
    controlUrl: `http://127.0.0.1:${tcp.port}`,
    adminDigest: options.adminDigest ?? hash('sha256', ADMIN_TOKEN, 'hex'),
    firstStart: options.firstStart ?? false,
    sandboxOrigin: options.sandboxOrigin === undefined ? 'http://127.0.0.1:9' : options.sandboxOrigin,
    environmentKeys: options.environmentKeys ?? [],
    configFile: options.config === undefined ? null : 'bulkhead.yaml',
  };
  const workers = new Map<number, Peer>();
  const control = startRole({ ...boot, node }, controlHandles, { onCall: (call) => answerAsSupervisor(call) });
  processes.set('control', control);

  function answerAsSupervisor(call: IncomingCall): void {
    asked.push(call.head);
    const { op, role, index } = call.head;
    if (op === 'processes') return call.reply({ layout: 'none', passedOver: [], processes: processRows() });
    if (op === 'kill' && role === 'gateway') workers.get(Number(index))?.destroy();
    if (op === 'kill' && role === 'vault') void kill(`vault-${String(index)}`).then(() => start(`vault-${String(index)}`));
    call.reply({});
  }
  const row = (role: string, index: number): JsonObject => ({
    role,
    index,
    pid: 1,
    state: 'ready',
    restarts: 0,
    startedAt: 1,
    lastExit: null,
    check: null,
  });
  const processRows = (): readonly JsonObject[] => [
    ...names.map((name) => row(name.split('-')[0] ?? '', Number(name.split('-')[1] ?? 0))),
    ...[...workers].filter(([, peer]) => !peer.closed).map(([index]) => row('gateway', index)),
  ];
  const writeConfig = (text: string): void => control.peer.note({ op: 'file', name: 'config', path: 'bulkhead.yaml' }, Buffer.from(text));
  async function kill(name: string): Promise<void> {
    processes.get(name)?.child.kill('SIGKILL');
    await processes.get(name)?.exited;
  }
  const raw: TestNode['raw'] = (requestOptions, body) =>
    exchange({ host: '127.0.0.1', port: tcp.port, agent: false, ...requestOptions }, body);
  const request: TestNode['request'] = (method, target, body, headers = {}) => {
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const own: http.OutgoingHttpHeaders = {
      authorization: `Bearer ${ADMIN_TOKEN}`,
      ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    };
    return raw({ method, path: target, headers: { ...own, ...headers } }, text);
  };
  if (options.config !== undefined) writeConfig(options.config);
  const stop = async (): Promise<void> => {
    for (const peer of workers.values()) peer.destroy();
    for (const name of [...processes.keys()]) await kill(name);
    for (const handle of [tcp, ...handles.values()]) handle.close();
    if (options.folder === undefined) fs.rmSync(folder, { recursive: true, force: true });
  };
  await control.ready.catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    folder,
    control,
    processes,
    asked,
    connectWorker: async (index, onCall = (call) => call.reply({})) => {
      const peer = await connectFrames(socket('control', 'gateway'), 'gateway', onCall, index);
      workers.set(index, peer);
      return peer;
    },
    raw,
    request,
    call: async (name, { id, body, query } = {}) => {
      const operation = OPERATIONS[name];
      const target = operation.path.replace(/\{\w+\}/, encodeURIComponent(id ?? '')) + (query === undefined ? '' : `?${query}`);
      const answer = await request(operation.method, target, body);
      if (answer.status !== operation.status) throw new Error(`${name}: ${answer.status} ${answer.text}`);
      return operation.reply.parse(answer.headers['content-type'] === 'application/json' ? answer.body : answer.text) as ReplyOf<
        typeof name
      >;
    },
    audit: () =>
      fs
        .readFileSync(path.join(folder, 'auditor/control.log'), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as JsonObject),
    writeConfig,
    kill,
    restart: start,
    stop,
  };
}

function exchange(options: http.RequestOptions, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const isJson = response.headers['content-type'] === 'application/json' && text !== '';
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          body: (isJson ? JSON.parse(text) : {}) as Record<string, unknown>,
        });
      });
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Waits until `holds`; a test that waits for ever is ended by its runner. */
export async function until(holds: () => unknown): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}
