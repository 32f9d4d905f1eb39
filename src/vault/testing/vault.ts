import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { seal } from '../../core/hpke-seal.ts';
import { newKeyId, newRequestId, type CredentialId, type OrganizationId } from '../../core/ids.ts';
import type { JsonObject } from '../../core/json.ts';
import type { UsesCall } from '../../ipc/messages/auditor.ts';
import type {
  CredentialBinding,
  CredentialInfo,
  VaultAdminCall,
  VaultInfo,
  EgressCall,
  EgressHead,
  Proof,
} from '../../ipc/messages/vault.ts';
import type { JournalRecord } from '../../ipc/messages/ledger.ts';
import { Peer, PROTOCOL, type OutgoingCall } from '../../ipc/peer.ts';
import type { RootKeySource } from '../../core/process.ts';
import type { Boot } from '../../ipc/supervision.ts';

/** A real vault process over real sockets, with the test as its supervisor, gateway, control, ledger and auditor. */

const ENTRY = fileURLToPath(new URL('../../main/vault.ts', import.meta.url));
const FIRST_FD = 4;
const ENDED_MS = 3000;

interface Answer {
  readonly head: EgressHead;
  readonly body: Buffer;
  readonly trailers: JsonObject;
}

export interface TestVault {
  readonly folder: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** Everything the ledger of this test was sent, over all generations of this folder. */
  readonly journal: JournalRecord[];
  readonly uses: UsesCall[];
  readonly gateway: Peer;
  output(): string;
  admin(call: VaultAdminCall | JsonObject): Promise<JsonObject>;
  info(): Promise<VaultInfo>;
  put(binding: CredentialBinding, secret?: string): Promise<CredentialInfo>;
  newKey(organization?: string, extra?: JsonObject): Promise<TestKey>;
  /** One egress call to its end. Rejects with the vault's error. */
  egress(call: Partial<EgressCall> & { readonly proof: Proof }, body?: Buffer | readonly Buffer[]): Promise<Answer>;
  open(call: Partial<EgressCall> & { readonly proof: Proof }, body: Buffer, receiver: Partial<Parameters<Peer['call']>[2]>): OutgoingCall;
  kill(): Promise<void>;
  drain(): Promise<number | null>;
}

export interface TestKey {
  readonly key: string;
  readonly digest: string;
  readonly proof: Proof & { readonly kind: 'key' };
}

export interface VaultOptions {
  readonly folder?: string;
  readonly rootKey?: RootKeySource;
  readonly index?: number;
  /** Text given on the descriptor that `rootKey` names. */
  readonly onDescriptor?: Buffer;
  /** The ledger acknowledges nothing while this is true. */
  readonly ledgerIsAway?: () => boolean;
  readonly journal?: JournalRecord[];
}

export const temporaryFolder = (): string => fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-vault-'));

export const bindingTo = (origin: string, extra: Partial<CredentialBinding> = {}): CredentialBinding => ({
  id: 'openai' as CredentialId,
  organization: '*',
  origin,
  paths: ['/v1/'],
  auth: { scheme: 'bearer' },
  allowPrivate: true,
  ...extra,
});

interface ServerHandle {
  readonly fd: number;
  close(): void;
}
const bind = (file: string): ServerHandle =>
  (net as unknown as { _createServerHandle(path: string, port: number, type: number): ServerHandle })._createServerHandle(file, -1, -1);

/** A Unix socket whose every connection is answered by `onCall`. */
function serve(file: string, role: string, onCall: (head: JsonObject) => JsonObject | undefined): net.Server {
  const server = net.createServer((socket) => {
    new Peer(
      socket,
      'accepting',
      { protocol: PROTOCOL, role, index: 0, generation: 't', facts: {} },
      {
        onCall: (call) => {
          const reply = onCall(call.head);
          if (reply === undefined) call.error('ledger_unavailable');
          else call.reply(reply);
        },
      },
    );
  });
  server.listen(file);
  server.unref();
  return server;
}

interface Surroundings {
  readonly at: (name: string) => string;
  readonly uses: UsesCall[];
  readonly handles: readonly ServerHandle[];
  readonly close: () => void;
}

/** Ledger, auditor, and the sockets that the vault is to listen on. */
function surroundings(journal: JournalRecord[], options: VaultOptions): Surroundings {
  const sockets = temporaryFolder();
  const at = (name: string): string => path.join(sockets, name);
  const uses: UsesCall[] = [];
  const servers = [
    serve(at('ledger'), 'ledger', (head) => {
      if (options.ledgerIsAway?.() === true) return undefined;
      const records = head['records'] as unknown as JournalRecord[];
      for (const record of records) if (!journal.some(({ offset }) => offset === record.offset)) journal.push(record);
      return { acked: records.at(-1)?.offset ?? 0 };
    }),
    serve(at('auditor'), 'auditor', (head) => (uses.push(head as unknown as UsesCall), {})),
  ];
  const handles = ['gateway', 'control'].map((name) => bind(at(name)));
  const close = (): void => {
    for (const server of servers) server.close();
    // Closing a bound handle removes its socket file, so not before.
    for (const handle of handles) handle.close();
    fs.rmSync(sockets, { recursive: true, force: true });
  };
  return { at, uses, handles, close };
}

async function launch(options: VaultOptions, folder: string, handles: readonly ServerHandle[], at: (name: string) => string) {
  const child = spawn(process.execPath, ['--disable-sigusr1', ENTRY], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', ...handles.map(({ fd }) => fd), 'pipe'],
    env: {},
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  if (options.onDescriptor !== undefined) (child.stdio as unknown as net.Socket[])[FIRST_FD + 2]?.end(options.onDescriptor);
  const boot = bootOf(options, folder, `g${child.pid}`, at);
  const supervisor = await supervise(child, boot, exited, () => output);
  return { child, exited, output: () => output, supervisor };
}

export async function startVault(options: VaultOptions = {}): Promise<TestVault> {
  const folder = options.folder ?? temporaryFolder();
  const journal = options.journal ?? [];
  const { at, uses, handles, close } = surroundings(journal, options);
  const { child, exited, output, supervisor } = await launch(options, folder, handles, at);
  const connect = (role: string): Peer =>
    new Peer(net.connect(at(role)), 'connecting', { protocol: PROTOCOL, role, index: 0, generation: 't', facts: {} }, {});
  const [gateway, control] = [connect('gateway'), connect('control')];
  const end = (): void => {
    gateway.destroy();
    control.destroy();
    close();
  };
  const admin = async (call: VaultAdminCall | JsonObject): Promise<JsonObject> => (await control.unary(call as JsonObject)).head;
  const info = async (): Promise<VaultInfo> => (await admin({ op: 'info' })) as unknown as VaultInfo;
  const open: TestVault['open'] = (call, body, receiver) => {
    const whole = { ...defaultCall(), ...call } as unknown as JsonObject;
    return gateway.call(whole, body, {
      onHead: () => undefined,
      onData: () => undefined,
      onEnd: () => undefined,
      onError: () => undefined,
      ...receiver,
    });
  };
  return {
    folder,
    pid: child.pid as number,
    process: child,
    journal,
    uses,
    gateway,
    output,
    admin,
    info,
    put: async (binding, secret) => {
      const sealed =
        secret === undefined ? null : seal((await info()).sealingKey, Buffer.from(secret), 'bulkhead/credential/v1', binding.id);
      return (await admin({ op: 'credential.put', binding, sealed, at: Date.now() })) as unknown as CredentialInfo;
    },
    newKey: (organization = 'org_A', extra = {}) => createKey(admin, organization, extra),
    open,
    egress: (call, body = Buffer.alloc(0)) => collect(open, call, body),
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
      end();
    },
    drain: async () => {
      supervisor.note({ op: 'drain', graceMs: 2000 });
      const code = await exited;
      end();
      return code;
    },
  };
}

const bootOf = (options: VaultOptions, folder: string, generation: string, at: (name: string) => string): Boot => ({
  role: 'vault',
  index: options.index ?? 0,
  generation,
  layout: 'none',
  folder,
  listen: { gateway: FIRST_FD, control: FIRST_FD + 1 },
  connect: { ledger: at('ledger'), auditor: at('auditor') },
  shards: 1,
  workers: 1,
  rootKey: options.rootKey ?? { kind: 'file' },
  become: null,
  node: {
    gatewayUrl: '',
    controlUrl: '',
    sandboxOrigin: null,
    configFile: null,
    adminDigest: '',
    firstStart: false,
    environmentKeys: [],
    tls: false,
  },
});

async function createKey(admin: TestVault['admin'], organization: string, extra: JsonObject): Promise<TestKey> {
  const key = `bh_test_${randomBytes(18).toString('hex')}`;
  const digest = createHash('sha256').update(key).digest('hex');
  const row = {
    id: newKeyId(Date.now()),
    digest,
    version: 1,
    name: 't',
    organization: organization as OrganizationId,
    team: 'team_A',
    ...extra,
  };
  const signed = (await admin({ op: 'sign', kind: 'key', text: JSON.stringify(row) })) as { text: string; signature: string };
  return { key, digest, proof: { kind: 'key', row: signed, key } };
}

function collect(open: TestVault['open'], call: Parameters<TestVault['egress']>[0], body: Buffer | readonly Buffer[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let head: EgressHead | undefined;
    const parts: Buffer[] = [];
    const streamed = !Buffer.isBuffer(body);
    const outgoing = open(streamed ? { ...call, body: 'streamed' } : call, streamed ? Buffer.alloc(0) : (body as Buffer), {
      onHead: (given) => (head = given as unknown as EgressHead),
      onData: (chunk) => {
        parts.push(Buffer.from(chunk));
        outgoing.consumed(chunk.length);
      },
      onEnd: (trailers) => resolve({ head: head as EgressHead, body: Buffer.concat(parts), trailers }),
      onError: reject,
    });
    if (!streamed) return;
    for (const part of body as readonly Buffer[]) outgoing.send(part);
    outgoing.end();
  });
}

/** Boots the child and waits until it is ready; rejects with its reason when it says it failed. */
function supervise(child: ChildProcess, boot: Boot, exited: Promise<unknown>, output: () => string): Promise<Peer> {
  return new Promise((resolve, reject) => {
    const channel = (child.stdio as unknown as net.Socket[])[3] as net.Socket;
    const peer: Peer = new Peer(
      channel,
      'accepting',
      { protocol: PROTOCOL, role: 'supervisor', index: 0, generation: 't', facts: {} },
      {
        onHello: () => peer.note({ op: 'boot', boot } as unknown as JsonObject),
        onNote: (note) => {
          if (note['op'] === 'ready') resolve(peer);
          // As the supervisor does: Node can wait for ever at its exit.
          if (note['op'] === 'drained') setTimeout(() => child.kill('SIGKILL'), ENDED_MS).unref();
          if (note['op'] === 'failed') reject(new Error(String(note['reason'])));
        },
      },
    );
    void exited.then(() => reject(new Error(`the vault ended: ${output()}`)));
  });
}

const defaultCall = (): Omit<EgressCall, 'proof'> => ({
  op: 'egress',
  requestId: newRequestId(Date.now()),
  attempt: 1,
  credential: 'openai' as CredentialId,
  method: 'POST',
  path: '/v1/chat/completions',
  headers: [['content-type', 'application/json']],
  body: 'bounded',
  timeouts: { connectMs: 2000, headMs: 5000, idleMs: 5000 },
});
