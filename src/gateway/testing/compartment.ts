import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { digestKey, newVirtualKey } from '../../access/virtual-key.ts';
import type { SignedText } from '../../access/principal.ts';
import type { PolicySnapshot } from '../../config/policy.ts';
import type { BulkheadError } from '../../core/errors.ts';
import type { KeyDigest } from '../../core/ids.ts';
import type { JsonObject } from '../../core/json.ts';
import { rawPublicKey, signText } from '../../core/signing.ts';
import type { UsageEvent } from '../../core/usage.ts';
import { boundHandle } from '../../http/testing/border.ts';
import type { Child } from '../../ipc/child.ts';
import type { LedgerCall } from '../../ipc/messages/ledger.ts';
import type { EgressCall } from '../../ipc/messages/vault.ts';
import { Peer, PROTOCOL, type Hello, type IncomingCall, type PeerHandlers } from '../../ipc/peer.ts';
import type { Boot } from '../../ipc/supervision.ts';
import { serveGateway } from '../serve.ts';

/** A gateway among peers that speak the real frames over real sockets: a vault that answers by script, a ledger and a control that keep what they hear. */

export interface Compartment {
  readonly url: string;
  readonly key: string;
  readonly calls: { readonly head: EgressCall; readonly body: Buffer; readonly call: IncomingCall; cancelled: boolean }[];
  readonly settled: UsageEvent[];
  readonly released: string[];
  readonly reserved: string[];
  /** What control would tell a worker. */
  tell(call: JsonObject): Promise<JsonObject>;
  /** Rows that control answers with, by digest. */
  readonly rows: Map<string, SignedText>;
  readonly asked: KeyDigest[];
  addKey(extra?: JsonObject): string;
  sign(kind: 'key' | 'snapshot', value: unknown): SignedText;
  /** Ends the connections of one role; the gateway comes back by itself. */
  cut(role: 'vault' | 'ledger' | 'control'): void;
  ask(body: unknown, options?: AskOptions): Promise<Answer>;
  /** Resolves when every reservation was ended. */
  accounted(): Promise<void>;
  drain(): Promise<void>;
  close(): Promise<void>;
}

interface AskOptions {
  readonly method?: string;
  readonly path?: string;
  readonly key?: string | null;
  readonly headers?: Record<string, string>;
  /** Leaves after so many body bytes. */
  readonly leaveAfter?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  /** The connection broke before the answer was whole. */
  readonly broken: boolean;
}

type Script = (call: IncomingCall, egress: EgressCall, body: Buffer) => void;

export interface CompartmentOptions {
  readonly vault: Script;
  readonly ledger?: (call: IncomingCall) => boolean;
  readonly policy?: Partial<PolicySnapshot>;
}

const provider = (id: string, kind: string, basePath = '/v1'): JsonObject => ({
  id,
  kind,
  basePath,
  credential: id,
  shard: 0,
  priceList: id,
  headers: [],
  settings: {},
  passThrough: [],
});

export const POLICY = {
  version: 1,
  madeAt: 1_767_225_600_000,
  providers: [provider('openai', 'openai'), provider('second', 'openai-compatible'), provider('anthropic', 'anthropic')],
  models: [
    { alias: 'fast', targets: [{ provider: 'openai', model: 'gpt-fast' }], prefix: false },
    {
      alias: 'safe',
      targets: [
        { provider: 'openai', model: 'gpt-fast' },
        { provider: 'second', model: 'other' },
      ],
      prefix: false,
    },
    { alias: 'claude', targets: [{ provider: 'anthropic', model: 'claude-x' }], prefix: false },
    { alias: 'openai/', targets: [{ provider: 'openai', model: '' }], prefix: true },
  ],
  limits: {
    bodyBytes: 4_000_000,
    formBytes: 64_000_000,
    headBytes: 16_384,
    headers: 100,
    jsonDepth: 64,
    jsonKeys: 20_000,
    connectionsPerAddress: 1024,
  },
  timeouts: {
    requestHeadMs: 5_000,
    requestMs: 5_000,
    keepAliveMs: 5_000,
    connectMs: 5_000,
    upstreamHeadMs: 5_000,
    upstreamIdleMs: 5_000,
    streamMs: 60_000,
  },
  http: { corsOrigins: ['https://app.example'], trustedProxies: [] },
  logRequests: false,
} as unknown as PolicySnapshot;

interface Heard extends Pick<Compartment, 'calls' | 'settled' | 'released' | 'reserved' | 'asked' | 'rows' | 'sign'> {
  readonly verifyKey: string;
}

function newState(): Heard {
  const { privateKey } = generateKeyPairSync('ed25519');
  return {
    calls: [],
    settled: [],
    released: [],
    reserved: [],
    asked: [],
    rows: new Map(),
    sign: (kind, value) => signText(privateKey, kind, JSON.stringify(value)),
    verifyKey: rawPublicKey(privateKey),
  };
}

function answerLedger(call: IncomingCall, heard: Heard): void {
  const asked = call.head as unknown as LedgerCall;
  if (asked.op === 'reserve') heard.reserved.push(asked.request.requestId);
  if (asked.op === 'account') {
    heard.settled.push(...asked.settled);
    heard.released.push(...asked.released);
  }
  call.reply({});
}

function answerVault(call: IncomingCall, heard: Heard, script: Script): void {
  const entry = { head: call.head as unknown as EgressCall, body: Buffer.from(call.body), call, cancelled: false };
  call.events = { onCancel: () => (entry.cancelled = true) };
  heard.calls.push(entry);
  script(call, entry.head, entry.body);
}

function answerControl(call: IncomingCall, { sign, asked, rows }: Heard, policy: Partial<PolicySnapshot>): void {
  if (call.head['op'] === 'policy.get') return call.reply({ snapshot: { ...sign('snapshot', { ...POLICY, ...policy }) } });
  const digest = call.head['digest'] as KeyDigest;
  asked.push(digest);
  const row = rows.get(digest);
  call.reply({ row: row === undefined ? null : { ...row } });
}

async function startPeers(
  folder: string,
  heard: Heard,
  options: CompartmentOptions,
): Promise<Record<'vault' | 'ledger' | 'control', Listening>> {
  return {
    vault: await listen(path.join(folder, 'vault'), 'vault', { verifyKey: heard.verifyKey }, (call) =>
      answerVault(call, heard, options.vault),
    ),
    ledger: await listen(path.join(folder, 'ledger'), 'ledger', {}, (call) => {
      if (options.ledger?.(call) !== true) answerLedger(call, heard);
    }),
    control: await listen(path.join(folder, 'control'), 'control', {}, (call) => answerControl(call, heard, options.policy ?? {})),
  };
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  if (!holds()) throw new Error('this did not come about in time');
}

export async function startCompartment(options: CompartmentOptions): Promise<Compartment> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-gateway-'));
  const heard = newState();
  const peers = await startPeers(folder, heard, options);
  const handle = boundHandle();
  const child = testChild(handle.fd, { 'vault-0': peers.vault.path, ledger: peers.ledger.path, control: peers.control.path });
  await serveGateway(child);
  await until(() => Object.values(peers).every((listening) => listening.peers.size > 0));
  const addKey: Compartment['addKey'] = (extra = {}) => {
    const key = newVirtualKey('test');
    const digest = digestKey(key);
    heard.rows.set(
      digest,
      heard.sign('key', { id: 'key_1', digest, version: 1, name: 'test', organization: 'org_1', team: 'team_1', ...extra }),
    );
    return key;
  };
  const key = addKey();
  const url = `http://127.0.0.1:${handle.port}`;
  const isEnded = (id: string): boolean => heard.released.includes(id) || heard.settled.some(({ requestId }) => requestId === id);
  return {
    ...heard,
    url,
    key,
    addKey,
    tell: async (call) => (await ([...peers.control.peers][0] as Peer).unary(call)).head,
    cut: (role) => [...peers[role].peers].forEach((peer) => peer.destroy()),
    ask: (body, ask = {}) => request(url, key, body, ask),
    accounted: () => until(() => heard.reserved.every(isEnded)),
    drain: () => child.drain(),
    close: async () => {
      await child.drain();
      for (const listening of Object.values(peers)) listening.close();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Listening {
  readonly path: string;
  readonly peers: Set<Peer>;
  close(): void;
}

async function listen(file: string, role: string, facts: JsonObject, onCall: (call: IncomingCall) => void): Promise<Listening> {
  const peers = new Set<Peer>();
  const hello: Hello = { protocol: PROTOCOL, role, index: 0, generation: 'test', facts };
  const server = net.createServer((socket) => {
    const handlers: PeerHandlers = { onCall, onClose: () => peers.delete(peer) };
    const peer: Peer = new Peer(socket, 'accepting', hello, handlers);
    peers.add(peer);
  });
  await new Promise<void>((resolve) => server.listen(file, resolve));
  return {
    path: file,
    peers,
    close: () => {
      server.close();
      for (const peer of peers) peer.destroy();
    },
  };
}

function testChild(fd: number, connect: Readonly<Record<string, string>>): Child & { drain(): Promise<void> } {
  const drains: ((graceMs: number) => Promise<void>)[] = [];
  const boot = {
    role: 'gateway',
    index: 0,
    generation: 'test',
    layout: 'none',
    folder: '',
    listen: { http: fd },
    connect,
    shards: 1,
    workers: 1,
    rootKey: null,
    become: null,
    node: { tls: false },
  };
  return {
    boot: boot as unknown as Boot,
    onFile: () => undefined,
    onDrain: (drain) => drains.push(drain),
    ready: () => undefined,
    failed: (reason) => Promise.reject(new Error(reason)),
    ask: () => Promise.reject(new Error('not in this test')),
    hello: (facts = {}) => ({ protocol: PROTOCOL, role: 'gateway', index: 0, generation: 'test', facts }),
    drain: async () => void (await Promise.all(drains.splice(0).map((drain) => drain(2_000)))),
  };
}

function request(url: string, ownKey: string, body: unknown, options: AskOptions): Promise<Answer> {
  const { method = 'POST', path: target = '/v1/chat/completions', key = ownKey, headers = {}, leaveAfter } = options;
  return new Promise((resolve, reject) => {
    const authorization: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` };
    const outgoing = http.request(
      url + target,
      { method, agent: false, headers: { 'content-type': 'application/json', ...authorization, ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        const done = (broken: boolean): void =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString('utf8'), broken });
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          bytes += chunk.length;
          if (leaveAfter !== undefined && bytes >= leaveAfter) outgoing.destroy();
        });
        response.on('end', () => done(!response.complete));
        response.on('error', () => done(true));
      },
    );
    outgoing.on('error', (error: NodeJS.ErrnoException) =>
      leaveAfter === undefined ? reject(error) : resolve({ status: 0, headers: {}, body: '', broken: true }),
    );
    if (leaveAfter === 0) setTimeout(() => outgoing.destroy(), 50);
    outgoing.end(method === 'GET' ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}

export const errorOf = (answer: Answer): BulkheadError & { code: string; message: string } =>
  (JSON.parse(answer.body) as { error: BulkheadError }).error;
