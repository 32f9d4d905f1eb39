import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NodeSpec } from '../../config/node-spec.ts';
import type { JsonObject } from '../../core/json.ts';
import { ROLES } from '../../core/process.ts';
import type { ProcessInfo, SupervisorCall } from '../../ipc/supervision.ts';

/** A whole node of tiny processes under the real supervisor, started as `bulkhead up` starts it. */

export const CODE = fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/$/, '');

export interface TinyNode {
  readonly process: ChildProcess;
  readonly dataDir: string;
  readonly exited: Promise<number | NodeJS.Signals>;
  output(): string;
  /** Resolves once the output holds so many lines of this event. */
  until(event: string, times?: number): Promise<void>;
  /** Body of a 200 answer from the gateway or from control. */
  gateway(url: string): Promise<JsonObject>;
  control(url: string): Promise<JsonObject>;
  /** What control hears from the supervisor. */
  ask(call: SupervisorCall): Promise<JsonObject>;
  processes(): Promise<readonly ProcessInfo[]>;
  /** SIGTERM, then the exit status. */
  stop(): Promise<number | NodeJS.Signals>;
}

export function specFor(dataDir: string, changes: Partial<NodeSpec> = {}): NodeSpec {
  return {
    version: 1,
    dataDir,
    codeDir: CODE,
    configFile: null,
    gateway: { workers: 1, host: '127.0.0.1', port: 0, tls: null },
    control: { host: '127.0.0.1', port: 0 },
    vault: { shards: 1, rootKey: { kind: 'file' } },
    sandbox: true,
    isolation: 'permission',
    drainMs: 5000,
    entries: Object.fromEntries(ROLES.map((role) => [role, `src/supervisor/testing/${role}.ts`])),
    adminDigest: '',
    firstStart: false,
    environmentKeys: [],
    ...changes,
  };
}

/** Every role may enter it, whatever its uid. */
export function temporaryFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-supervisor-'));
  fs.chmodSync(folder, 0o755);
  return folder;
}

export interface StartOptions {
  /** Programs put in front of Node. */
  readonly wrapper?: readonly string[];
  readonly stdio?: readonly (number | 'pipe')[];
}

export function startTiny(spec: NodeSpec, { wrapper = [], stdio = [] }: StartOptions = {}): TinyNode {
  const specFile = path.join(path.dirname(spec.dataDir), `${path.basename(spec.dataDir)}.json`);
  fs.writeFileSync(specFile, JSON.stringify(spec));
  const [file, ...args] = [...wrapper, process.execPath, path.join(CODE, 'src/main/supervisor.ts'), specFile];
  const child = spawn(file as string, args, { stdio: ['ignore', 'pipe', 'pipe', ...stdio], env: {} });
  let output = '';
  let wake: () => void = () => undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      wake();
    });
  }
  const exited = new Promise<number | NodeJS.Signals>((resolve) => child.on('close', (code, signal) => resolve(signal ?? code ?? -1)));
  const urlOf = (what: 'gateway' | 'control'): string => new RegExp(`"event":"node_ready".*"${what}":"([^"]+)"`).exec(output)?.[1] ?? '';
  const ask = (call: SupervisorCall): Promise<JsonObject> => get(`${urlOf('control')}/ask/${encodeURIComponent(JSON.stringify(call))}`);
  return {
    process: child,
    dataDir: spec.dataDir,
    exited,
    output: () => output,
    until: (event, times = 1) =>
      new Promise((resolve, reject) => {
        wake = () => {
          if (output.split(`"event":"${event}"`).length > times) resolve();
        };
        void exited.then((status) => reject(new Error(`the node ended with ${status} before ${event}:\n${output}`)));
        wake();
      }),
    gateway: (url) => get(urlOf('gateway') + url),
    control: (url) => get(urlOf('control') + url),
    ask,
    processes: async () => (await ask({ op: 'processes' }))['processes'] as unknown as readonly ProcessInfo[],
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

export const get = (url: string): Promise<JsonObject> =>
  new Promise((resolve, reject) => {
    const request = http.get(url, { agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => (response.statusCode === 200 ? resolve(JSON.parse(body) as JsonObject) : reject(new Error(body))));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
