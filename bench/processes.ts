import fs from 'node:fs';

/** CPU time and memory of a process and all its descendants, from /proc. */

const TICK_MICROSECONDS = 10_000;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

function readStat(pid: string): Stat | undefined {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { pid: Number(pid), parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined; // the process ended between the listing and the reading
  }
}

function tree(root: number): Stat[] {
  const all = fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(readStat)
    .filter((stat) => stat !== undefined);
  const members = new Set([root]);
  for (let grew = true; grew;) {
    grew = false;
    for (const { pid, parent } of all) {
      if (members.has(parent) && !members.has(pid)) {
        members.add(pid);
        grew = true;
      }
    }
  }
  return all.filter(({ pid }) => members.has(pid));
}

/** CPU microseconds used so far by the tree of `root`, in steps of 10 ms a process. */
export const cpuMicroseconds = (root: number): number => tree(root).reduce((sum, { ticks }) => sum + ticks, 0) * TICK_MICROSECONDS;

/** Proportional set size of the tree in MB (10⁶ bytes): shared pages are counted once over all processes that share them. */
export function pssMegabytes(root: number): number {
  const kilobytes = tree(root).map(({ pid }) =>
    Number(/^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0),
  );
  return (kilobytes.reduce((sum, value) => sum + value, 0) * 1024) / 1e6;
}

/** CPU microseconds by command line word, to see where the time goes. */
export function cpuByProcess(root: number): Map<string, number> {
  const result = new Map<string, number>();
  for (const { pid, ticks } of tree(root)) {
    const name = nameOf(pid);
    result.set(name, (result.get(name) ?? 0) + ticks * TICK_MICROSECONDS);
  }
  return result;
}

/** Proportional set size in MB (10⁶ bytes) by command line word. */
export function pssByProcess(root: number): Map<string, number> {
  const result = new Map<string, number>();
  for (const { pid } of tree(root)) {
    const kilobytes = Number(/^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    const name = nameOf(pid);
    result.set(name, (result.get(name) ?? 0) + (kilobytes * 1024) / 1e6);
  }
  return result;
}

function nameOf(pid: number): string {
  const line = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  return line.map((word) => /src\/main\/(\w+)\.ts$/.exec(word)?.[1]).find((found) => found !== undefined) ?? line[0] ?? '?';
}

/** CPU microseconds of one process by number of thread; that of the main one is the process's own. */
export function cpuByThread(pid: number): Map<number, number> {
  const times = new Map<number, number>();
  for (const thread of fs.readdirSync(`/proc/${pid}/task`)) {
    const stat = readStat(`${pid}/task/${thread}`);
    if (stat !== undefined) times.set(Number(thread), stat.ticks * TICK_MICROSECONDS);
  }
  return times;
}
