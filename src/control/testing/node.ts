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
  /** The supervisor answers `kill` of a vault but starts no new one. */
  readonly deadStaysDead?: true;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

interface Handle {
  readonly fd: number;
  close(): void;
}

/** Who connects to whom, as in the real topology. */
const PEERS: Readonly<Record<string, readonly string[]>> = {
  ledger: ['gateway', 'vault', 'control'],
  auditor: ['control', 'vault'],
  vault: ['gateway', 'control'],
  control: ['gateway'],
};

export class TestNode {
  readonly folder: string;
  /** By process name: `vault-0`, `ledger`, `control` … */
  readonly processes = new Map<string, RoleProcess>();
  /** What control asked of its supervisor, in order. */
  readonly asked: JsonObject[] = [];
  readonly #options: TestNodeOptions;
  readonly #names: readonly string[];
  readonly #handles = new Map<string, Handle>();
  readonly #workers = new Map<number, Peer>();
  readonly #tcp = bindTcp();

  constructor(options: TestNodeOptions) {
    this.#options = options;
    this.folder = options.folder ?? fs.mkdtempSync(path.join(os.tmpdir(), 'bh-control-'));
    this.#names = ['ledger', 'auditor', ...Array.from({ length: options.shards ?? 1 }, (_, i) => `vault-${i}`)];
  }

  async start(): Promise<void> {
    await Promise.all(this.#names.map((name) => this.restart(name)));
    await this.startControl();
  }

  get control(): RoleProcess {
    const control = this.processes.get('control');
    if (control === undefined) throw new Error('control was not started');
    return control;
  }

  /** Starts a process, or starts it again after it was killed. */
  async restart(name: string): Promise<void> {
    const [role, index] = name.split('-') as [Role, string | undefined];
    const connect = role === 'vault' ? { ledger: this.#socket('ledger', 'vault'), auditor: this.#socket('auditor', 'vault') } : {};
    const rootKey = role === 'vault' ? ({ kind: 'file' } as const) : null;
    const boot = bootFor(role, this.#own(name), { index: Number(index ?? 0), shards: this.#shards, rootKey, connect });
    const started = startRole(boot, this.#bindAll(name));
    this.processes.set(name, started);
    await started.ready;
  }

  /** Again, once it was killed. */
  async startControl(): Promise<void> {
    const {
      config,
      adminDigest = hash('sha256', ADMIN_TOKEN, 'hex'),
      firstStart = false,
      sandboxOrigin = 'http://127.0.0.1:9',
      environmentKeys = [],
    } = this.#options;
    const connect = Object.fromEntries(this.#names.map((name) => [name, this.#socket(name, 'control')]));
    const boot = bootFor('control', this.#own('control'), { shards: this.#shards, connect });
    const controlUrl = `http://127.0.0.1:${this.#tcp.port}`;
    const configFile = config === undefined ? null : 'bulkhead.yaml';
    const node = { ...boot.node, controlUrl, adminDigest, firstStart, sandboxOrigin, environmentKeys, configFile };
    const listen = { http: this.#tcp, ...this.#bindAll('control') };
    this.processes.set('control', startRole({ ...boot, node }, listen, { onCall: (call) => this.#answerAsSupervisor(call) }));
    if (config !== undefined) this.writeConfig(config);
    await this.control.ready;
  }

  writeConfig(text: string): void {
    this.control.peer.note({ op: 'file', name: 'config', path: 'bulkhead.yaml' }, Buffer.from(text));
  }

  async kill(name: string): Promise<void> {
    this.processes.get(name)?.child.kill('SIGKILL');
    await this.processes.get(name)?.exited;
  }

  async stop(): Promise<void> {
    for (const peer of this.#workers.values()) peer.destroy();
    for (const name of this.processes.keys()) await this.kill(name);
    for (const handle of [this.#tcp, ...this.#handles.values()]) handle.close();
    if (this.#options.folder === undefined) fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** A gateway worker, as far as control sees it. */
  async connectWorker(index: number, onCall: (call: IncomingCall) => void = (call) => call.reply({})): Promise<Peer> {
    const peer = await connectFrames(this.#socket('control', 'gateway'), 'gateway', onCall, index);
    this.#workers.set(index, peer);
    return peer;
  }

  raw(options: http.RequestOptions, body?: string): Promise<Answer> {
    return exchange({ host: '127.0.0.1', port: this.#tcp.port, agent: false, ...options }, body);
  }

  request(method: string, target: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const own: http.OutgoingHttpHeaders = { authorization: `Bearer ${ADMIN_TOKEN}` };
    if (text !== undefined) Object.assign(own, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    return this.raw({ method, path: target, headers: { ...own, ...headers } }, text);
  }

  /** Calls an operation, holds the reply to its schema and gives it. */
  async call<Name extends OperationName>(
    name: Name,
    { id = '', body, query }: { readonly id?: string; readonly body?: unknown; readonly query?: string } = {},
  ): Promise<ReplyOf<Name>> {
    const operation = OPERATIONS[name];
    const target = operation.path.replace(/\{\w+\}/, encodeURIComponent(id)) + (query === undefined ? '' : `?${query}`);
    const answer = await this.request(operation.method, target, body);
    if (answer.status !== operation.status) throw new Error(`${name}: ${answer.status} ${answer.text}`);
    return operation.reply.parse(answer.headers['content-type'] === 'application/json' ? answer.body : answer.text) as ReplyOf<Name>;
  }

  /** The lines of the log on disk. */
  audit(): readonly JsonObject[] {
    const lines = fs.readFileSync(path.join(this.folder, 'auditor/control.log'), 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as JsonObject);
  }

  get #shards(): number {
    return this.#options.shards ?? 1;
  }

  #socket(listener: string, peer: string): string {
    return path.join(this.folder, `${listener}.${peer}.sock`);
  }

  #own(name: string): string {
    const own = path.join(this.folder, name);
    fs.mkdirSync(own, { recursive: true, mode: 0o700 });
    return own;
  }

  /** Closing a bound handle removes its file, so the old one goes before the new one comes. */
  #bindAll(name: string): Readonly<Record<string, Handle>> {
    const bind = (peer: string): readonly [string, Handle] => {
      const at = this.#socket(name, peer);
      this.#handles.get(at)?.close();
      const handle = bindUnix(at);
      this.#handles.set(at, handle);
      return [peer, handle];
    };
    return Object.fromEntries((PEERS[name.split('-')[0] ?? ''] ?? []).map(bind));
  }

  #answerAsSupervisor(call: IncomingCall): void {
    this.asked.push(call.head);
    const { op, role, index } = call.head;
    if (op === 'processes') return call.reply({ layout: 'none', passedOver: [], processes: this.#processRows() });
    if (op === 'kill' && role === 'gateway') this.#workers.get(Number(index))?.destroy();
    const vault = `vault-${String(index)}`;
    if (op === 'kill' && role === 'vault' && this.#options.deadStaysDead !== true) void this.kill(vault).then(() => this.restart(vault));
    call.reply({});
  }

  #processRows(): readonly JsonObject[] {
    const row = (name: string): JsonObject => {
      const [role = '', index = '0'] = name.split('-');
      return { role, index: Number(index), pid: 1, state: 'ready', restarts: 0, startedAt: 1, lastExit: null, check: null };
    };
    const workers = [...this.#workers].filter(([, peer]) => !peer.closed).map(([index]) => `gateway-${index}`);
    return [...this.#names, ...workers].map(row);
  }
}

/** Throws, with nothing left running, where a process cannot serve. */
export async function startTestNode(options: TestNodeOptions = {}): Promise<TestNode> {
  const node = new TestNode(options);
  try {
    await node.start();
    return node;
  } catch (error) {
    await node.stop();
    throw error;
  }
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
