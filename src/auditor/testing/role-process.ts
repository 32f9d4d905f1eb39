import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '../../core/json.ts';
import type { Role } from '../../core/process.ts';
import { Peer, PROTOCOL, type Hello, type IncomingCall } from '../../ipc/peer.ts';
import type { Boot } from '../../ipc/supervision.ts';

/** Test code: one role as a real process, with the test as its supervisor. */

export interface RoleProcess {
  readonly child: ChildProcess;
  readonly peer: Peer;
  /** Resolves when the process says `ready`; rejects with its words when it fails or exits first. */
  readonly ready: Promise<void>;
  readonly exited: Promise<number>;
  output(): string;
}

interface BoundHandle {
  readonly fd: number;
  close(): void;
}

/** A Unix socket bound but not listening, as the supervisor makes it. */
export function bindUnix(path: string): BoundHandle {
  const bind = (net as unknown as { _createServerHandle: (this: void, address: string, port: -1, type: -1) => BoundHandle | number })
    ._createServerHandle;
  return known(bind(path, -1, -1), path);
}

/** A TCP socket on a free port of the loopback address, bound but not listening. */
export function bindTcp(): BoundHandle & { readonly port: number } {
  const bind = (
    net as unknown as { _createServerHandle: (this: void, address: string, port: 0, type: 4) => (BoundHandle & TcpHandle) | number }
  )._createServerHandle;
  const handle = known(bind('127.0.0.1', 0, 4), 'tcp');
  const name: { port?: number } = {};
  handle.getsockname(name);
  return Object.assign(handle, { port: name.port ?? 0 });
}

interface TcpHandle {
  getsockname(name: { port?: number }): void;
}

function known<T extends BoundHandle>(handle: T | number, what: string): T {
  if (typeof handle === 'number') throw new Error(`cannot bind ${what}: ${handle}`);
  return handle;
}

const testHello = (role: string, index = 0, facts: JsonObject = {}, generation = `test-${process.hrtime.bigint()}`): Hello => ({
  protocol: PROTOCOL,
  role,
  index,
  generation,
  facts,
});

export function bootFor(role: Role, folder: string, more: Partial<Boot> = {}): Boot {
  return {
    role,
    index: 0,
    generation: `g-${process.hrtime.bigint()}`,
    layout: 'none',
    folder,
    listen: {},
    connect: {},
    shards: 1,
    workers: 1,
    rootKey: null,
    become: null,
    node: {
      gatewayUrl: 'http://127.0.0.1:4100',
      controlUrl: 'http://127.0.0.1:4101',
      sandboxOrigin: null,
      configFile: null,
      adminDigest: '',
      firstStart: false,
      environmentKeys: [],
      tls: false,
    },
    ...more,
  };
}

/** Starts `src/main/<role>.ts`; `listen` gives the descriptors it inherits by name. `wrap` prefixes the command line. */
export function startRole(
  boot: Boot,
  listen: Readonly<Record<string, BoundHandle>>,
  options: { readonly wrap?: readonly string[]; readonly onCall?: (call: IncomingCall) => void } = {},
): RoleProcess {
  const entry = fileURLToPath(new URL(`../../main/${boot.role}.ts`, import.meta.url));
  const names = Object.keys(listen);
  const [command = process.execPath, ...args]: readonly string[] = [...(options.wrap ?? []), process.execPath, entry];
  const fds = names.map((name) => (listen[name] as BoundHandle).fd);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe', ...fds], env: {} });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = once(child, 'exit').then(([code]) => Number(code ?? 128));
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  ready.catch(() => undefined);
  void exited.then((code) => reject(new Error(`${boot.role} exited with ${code}\n${output}`)));
  const peer = new Peer(child.stdio[3] as Duplex, 'accepting', testHello('supervisor'), {
    ...(options.onCall && { onCall: options.onCall }),
    onNote: (note) => {
      if (note['op'] === 'ready') resolve();
      if (note['op'] === 'failed') reject(new Error(String(note['reason'])));
    },
  });
  const booted: Boot = { ...boot, listen: Object.fromEntries(names.map((name, i) => [name, i + 4])) };
  peer.note({ op: 'boot', boot: booted as unknown as JsonObject });
  return { child, peer, ready, exited, output: () => output };
}

/** Connects frames to a Unix socket and waits for the hello. */
export function connectFrames(path: string, role: string, onCall?: (call: IncomingCall) => void, index = 0): Promise<Peer> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(path);
    const peer: Peer = new Peer(socket, 'connecting', testHello(role, index), {
      ...(onCall && { onCall }),
      onHello: () => resolve(peer),
      onClose: () => reject(new Error(`no frames on ${path}`)),
    });
  });
}
