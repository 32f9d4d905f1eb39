import { spawn } from 'node:child_process';
import { flushCompileCache } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatEndpoint } from '../config/network.ts';
import type { Endpoint } from '../config/config.ts';
import type { RootKeySource } from '../core/process.ts';
import { exchange } from './client.ts';
import type { DataFolder } from './data-folder.ts';
import { readSpec } from './data-folder.ts';
import { CliFailure, systemCode } from './failure.ts';

/** What `up` does with the machine: is the place free, and become the supervisor. */

/** Folder of package.json. */
export const CODE_FOLDER = fileURLToPath(new URL('../../', import.meta.url));

const SUPERVISOR = path.join('src', 'main', 'supervisor.ts');
const NODE_FLAGS = [
  '--disable-sigusr1',
  '--disable-proto=delete',
  '--disallow-code-generation-from-strings',
  '--no-addons',
  '--disable-warning=ExperimentalWarning',
];
/** All that a supervisor needs of the environment. Provider keys and NODE_OPTIONS do not pass. */
const KEPT_VARIABLES = ['PATH', 'HOME', 'NO_COLOR', 'TERM', 'LANG', 'TZ'] as const;

/** Refuses when the node that last used this folder still answers: its node.json must not be overwritten. */
export async function mustNotRun(folder: DataFolder): Promise<void> {
  const control = readSpec(folder)?.control;
  if (control === undefined || control.port === 0) return;
  const host = control.host === '0.0.0.0' ? '127.0.0.1' : control.host === '::' ? '::1' : control.host;
  const url = new URL(`http://${formatEndpoint({ host, port: control.port })}/health/live`);
  const status = await exchange(url, { method: 'GET', agent: false, timeout: 2000 }).then(
    (answer) => answer.status,
    () => 0,
  );
  if (status !== 200) return;
  throw new CliFailure({
    code: 'already_running',
    message: `A node is already running on ${folder.path}; its admin API is at ${formatEndpoint(control)}.`,
    remedy: 'Stop it first (Ctrl-C where it runs, or SIGTERM), or choose another folder with --data.',
  });
}

/** Binds the address for a moment. Port 0 becomes the number of a free one. */
export function claimEndpoint(endpoint: Endpoint, option: string): Promise<Endpoint> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (cause) => reject(unusable(endpoint, option, cause)));
    server.listen({ host: endpoint.host, port: endpoint.port, exclusive: true }, () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve({ host: endpoint.host, port }));
    });
  });
}

const ADDRESS_REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is already in use by another program',
  EACCES: 'needs more rights than this user has',
  EADDRNOTAVAIL: 'is no address of this machine',
};

function unusable(endpoint: Endpoint, option: string, cause: Error): CliFailure {
  const code = systemCode(cause) ?? 'unknown';
  return new CliFailure(
    {
      code: 'address_unusable',
      message: `The address ${formatEndpoint(endpoint)} ${ADDRESS_REASONS[code] ?? `cannot be used (${code})`}.`,
      remedy: `Choose another with --${option} or \`${option}\` in bulkhead.yaml.`,
    },
    { cause },
  );
}

export interface SupervisorStart {
  readonly specFile: string;
  readonly rootKey: RootKeySource;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly codeCache: string | undefined;
}

/**
 * Becomes the supervisor: the same process id, none of this program's memory or packages. An inherited descriptor with the root key does
 * not survive `execve` (Node.js marks it close-on-exec), so in that case the supervisor is a child that this process stands in for.
 */
export function becomeSupervisor({ specFile, rootKey, env, codeCache }: SupervisorStart): Promise<number> {
  const args = [...NODE_FLAGS, path.join(CODE_FOLDER, SUPERVISOR), specFile];
  const kept: Record<string, string> = codeCache === undefined ? {} : { NODE_COMPILE_CACHE: codeCache };
  for (const name of KEPT_VARIABLES) if (env[name] !== undefined) kept[name] = env[name];
  if (rootKey.kind === 'file' && process.execve !== undefined) {
    process.removeAllListeners('warning');
    // Node.js writes its own cache at the end of a process, which this one does not have.
    flushCompileCache();
    process.execve(process.execPath, [process.execPath, ...args], kept);
  }
  return superviseAsChild(args, kept, rootKey.kind === 'file' ? null : rootKey.fd);
}

function superviseAsChild(args: readonly string[], env: NodeJS.ProcessEnv, fd: number | null): Promise<number> {
  const extra = fd === null ? [] : Array.from({ length: fd - 2 }, (_, i) => (i + 3 === fd ? fd : ('ignore' as const)));
  const child = spawn(process.execPath, args, { stdio: ['inherit', 'inherit', 'inherit', ...extra], env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 128));
  });
}
