import fs from 'node:fs';
import path from 'node:path';
import { holdName, type BoundSocket } from './sockets.ts';

/** Children of a killed supervisor finish their work within this time. */
const ORPHANS_MS = 35_000;
const POLL_MS = 50;

/** One node per data folder. `inherited` is passed to every child, so that it outlives a killed supervisor. */
export interface DataLock {
  readonly inherited: BoundSocket | undefined;
}

/**
 * Takes the data folder for this process. Throws in words when another node runs on it; waits while children of a
 * killed supervisor still drain, since two ledgers must never write one database.
 */
export async function lockData(data: string, say: (text: string) => void): Promise<DataLock> {
  if (process.platform !== 'linux') return lockByFile(data);
  const { dev, ino } = fs.statSync(data);
  if (holdName(`bulkhead/${dev}/${ino}/supervisor`) === undefined) throw inUse(data);
  const deadline = performance.now() + ORPHANS_MS;
  for (let waiting = false; ; waiting = true) {
    const inherited = holdName(`bulkhead/${dev}/${ino}/children`);
    if (inherited !== undefined) return { inherited };
    if (performance.now() > deadline) throw new Error(`processes of an earlier node still use ${data}: end them first`);
    if (!waiting) say(`waiting for processes of an earlier node on ${data} to finish`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const inUse = (data: string): Error =>
  new Error(`another node already runs on ${data}: stop it first, or choose another folder with --data`);

/** Without abstract sockets: a file with the process id, removed at exit and taken over when its process is gone. */
function lockByFile(data: string): DataLock {
  const file = path.join(data, 'run', 'supervisor.pid');
  const holder = fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) : 0;
  if (holder > 0 && holder !== process.pid && isAlive(holder)) throw inUse(data);
  fs.rmSync(file, { force: true });
  fs.writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 });
  process.on('exit', () => fs.rmSync(file, { force: true }));
  return { inherited: undefined };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
