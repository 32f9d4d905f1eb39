import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { holdsKey, type Attempt, type Gain, type World } from './world.ts';

/** Ways against the vault's process, and ways to more rights. */

/** Reads what can be read of another process's memory; being able to is power even where the key is not there now. */
function scanMemory(world: World): Gain {
  const maps = fs.readFileSync(`/proc/${world.vaultPid}/maps`, 'utf8').split('\n');
  const memory = fs.openSync(`/proc/${world.vaultPid}/mem`, 'r');
  const block = Buffer.alloc(1 << 20);
  let read = 0;
  try {
    for (const [, from = '', to = ''] of maps.map((line) => /^(\w+)-(\w+) rw/.exec(line) ?? [])) {
      const end = Number.parseInt(to, 16);
      for (let at = Number.parseInt(from, 16); at < end && read < 64 << 20; at += block.length) {
        const count = readSome(memory, block, Math.min(block.length, end - at), at);
        read += count;
        if (holdsKey(world, block.subarray(0, count))) return 'key';
      }
    }
  } finally {
    fs.closeSync(memory);
  }
  return read > 0 ? 'power' : 'nothing';
}

function readSome(fd: number, into: Buffer, length: number, at: number): number {
  try {
    return fs.readSync(fd, into, 0, length, at);
  } catch {
    // A guard page inside the region.
    return 0;
  }
}

type System = (number: bigint, a: bigint, b: bigint, c: bigint, d: bigint, e: bigint, f: bigint) => bigint;

async function libc(): Promise<{ readonly syscall: System; readonly pointer: (buffer: Buffer) => bigint }> {
  const { DynamicLibrary, getRawPointer } = await import('node:ffi');
  const arguments_ = ['i64', 'i64', 'i64', 'i64', 'i64', 'i64', 'i64'] as const;
  return {
    syscall: new DynamicLibrary(null).getFunction('syscall', { arguments: arguments_, return: 'i64' }) as System,
    pointer: getRawPointer,
  };
}

const NUMBERS = process.arch === 'arm64' ? { ptrace: 117n, readv: 270n } : { ptrace: 101n, readv: 310n };
const PTRACE_SEIZE = 0x4206n;

async function ptrace(world: World): Promise<Gain> {
  const { syscall } = await libc();
  return syscall(NUMBERS.ptrace, PTRACE_SEIZE, BigInt(world.vaultPid), 0n, 0n, 0n, 0n) === 0n ? 'power' : 'nothing';
}

async function processVmReadv(world: World): Promise<Gain> {
  const { syscall, pointer } = await libc();
  const maps = fs.readFileSync(`/proc/${world.vaultPid}/maps`, 'utf8');
  const from = BigInt(`0x${/^(\w+)-\w+ r/m.exec(maps)?.[1] ?? '0'}`);
  const bytes = Buffer.alloc(64);
  const vectors = Buffer.alloc(32);
  for (const [i, address] of [pointer(bytes), from].entries()) {
    vectors.writeBigUInt64LE(address, i * 16);
    vectors.writeBigUInt64LE(BigInt(bytes.length), i * 16 + 8);
  }
  const at = pointer(vectors);
  return syscall(NUMBERS.readv, BigInt(world.vaultPid), at, 1n, at + 16n, 1n, 0n) > 0n ? 'power' : 'nothing';
}

async function run(file: string, args: readonly string[]): Promise<string> {
  const { spawnSync } = await import('node:child_process');
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8', timeout: 15_000 });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${file} ended with ${status}: ${stderr.trim().split('\n').at(-1)}`);
  return stdout;
}

/** SIGUSR1 opens Node's inspector; whoever reaches its port runs code in the process. */
async function inspector(world: World): Promise<Gain> {
  process.kill(world.vaultPid, 'SIGUSR1');
  for (let tries = 0; tries < 10; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const listed = await new Promise<string>((resolve) => {
      http
        .get('http://127.0.0.1:9229/json/list', (response) => response.on('data', (chunk: Buffer) => resolve(chunk.toString())))
        .on('error', () => resolve(''));
    });
    if (listed.includes('webSocketDebuggerUrl')) return 'power';
  }
  return 'nothing';
}

async function openInspector(): Promise<Gain> {
  (await import('node:inspector')).open(0, '127.0.0.1');
  return 'power';
}

async function callLibrary(): Promise<Gain> {
  await libc();
  return 'power';
}

/** Descriptors of the vault: its store, its journal, its sockets. */
function descriptors(world: World): Gain {
  const folder = `/proc/${world.vaultPid}/fd`;
  return fs.readdirSync(folder).length > 0 ? 'power' : 'nothing';
}

function replaceSockets(world: World): Gain {
  const run_ = world.vault?.run ?? world.dataDir;
  const folder = path.join(run_, 'control');
  const moved = path.join(run_, `control-moved-${process.pid}`);
  fs.renameSync(folder, moved);
  fs.renameSync(moved, folder);
  return 'power';
}

/** A server of its own at a place where others look for the vault. */
function impersonate(world: World): Promise<Gain> {
  return new Promise((resolve, reject) => {
    const file = path.join(world.vault?.run ?? world.dataDir, `ledger-${process.pid}`);
    const server = net.createServer().on('error', reject);
    server.listen(file, () => server.close(() => resolve('power')));
  });
}

export const PROCESS_ATTEMPTS: readonly Attempt[] = [
  {
    name: 'environment of the vault',
    run: (world) => (holdsKey(world, fs.readFileSync(`/proc/${world.vaultPid}/environ`)) ? 'key' : 'nothing'),
  },
  { name: 'memory of the vault', run: scanMemory },
  { name: 'memory map of the vault', run: (world) => (fs.readFileSync(`/proc/${world.vaultPid}/maps`).length > 0 ? 'power' : 'nothing') },
  { name: 'descriptors of the vault', run: descriptors },
  {
    name: 'secret files through the vault’s root',
    run: (world) => (fs.readFileSync(`/proc/${world.vaultPid}/root${world.secretFiles[0]}`).length > 0 ? 'key' : 'nothing'),
  },
  { name: 'process_vm_readv', run: processVmReadv },
  {
    name: 'gdb',
    run: async (world) =>
      (await run('gdb', ['-p', String(world.vaultPid), '-batch', '-nx', '-ex', 'info proc'])).includes(`process ${world.vaultPid}`)
        ? 'power'
        : 'nothing',
  },
  { name: 'SIGUSR1 opens the vault’s inspector', run: inspector },
  { name: 'own inspector', run: openInspector },
  { name: 'signal the vault', run: (world) => (process.kill(world.vaultPid, 0), 'power') },
  { name: 'signal the supervisor', run: () => (process.ppid === 0 ? 'nothing' : (process.kill(process.ppid, 0), 'power')) },
  {
    name: 'run a shell that reads the secret files',
    run: async (world) => ((await run('/bin/cat', world.secretFiles.slice(0, 1))).length > 0 ? 'key' : 'nothing'),
  },
  {
    name: 'become the vault’s user',
    run: (world) => {
      const own = process.geteuid?.() ?? 0;
      process.seteuid?.(world.vaultUid);
      process.seteuid?.(own);
      return own === world.vaultUid ? 'nothing' : 'power';
    },
  },
  { name: 'become root with su', run: async () => ((await run('su', ['-c', 'id -u', 'root'])).trim() === '0' ? 'power' : 'nothing') },
  {
    name: 'mount over folders of others',
    run: async (world): Promise<Gain> => {
      const folder = path.join(world.dataDir, 'logs');
      await run('mount', ['-t', 'tmpfs', 'none', folder]);
      await run('umount', [folder]);
      return 'power';
    },
  },
  { name: 'call the C library', run: callLibrary },
  {
    name: 'a worker with other rights',
    run: async (world) => {
      const { Worker } = await import('node:worker_threads');
      const code = `require('node:worker_threads').parentPort.postMessage(require('node:fs').readFileSync(${JSON.stringify(world.secretFiles[0])}).length)`;
      const worker = new Worker(code, { eval: true, execArgv: [] });
      return new Promise((resolve, reject) => worker.on('message', () => resolve('key')).on('error', reject));
    },
  },
  { name: 'code from text', run: () => ((Reflect.construct(Function, ['return 1']) as () => number)() === 1 ? 'power' : 'nothing') },
  { name: 'replace sockets of others', run: replaceSockets },
  { name: 'listen in the place of another role', run: impersonate },
  // Last: whoever is traced waits for the tracer from then on.
  { name: 'ptrace', run: ptrace },
];
