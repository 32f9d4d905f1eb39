import { randomInt } from 'node:crypto';
import fs from 'node:fs';
import { Peer } from '../../../src/ipc/peer.ts';

/**
 * Named points at which a process kills itself, for the kill campaign. A crash entry of this folder arms one of its role's points,
 * then runs the role's real program. Points wrap what the program calls; the product has no switch for them.
 */
export interface CrashPoint {
  readonly name: string;
  /** Installs the wrapper; `hit` counts a passage and does not return when the process is to die. */
  readonly arm: (hit: () => void) => void;
}

/** Dies at a passage between the `least`-th and the `most`-th through one of the points, both chosen at random, and says so on stdout. */
export function armOne(points: readonly CrashPoint[], least = 20, most = 200): void {
  const point = points[randomInt(points.length)] as CrashPoint;
  let left = randomInt(least, most);
  point.arm(() => {
    left--;
    if (left > 0) return;
    fs.writeSync(1, `${JSON.stringify({ event: 'crash_point', point: point.name, pid: process.pid })}\n`);
    // The first process of a namespace cannot kill itself; this is exit_group(2), which runs nothing more either.
    (process as unknown as { reallyExit(status: number): never }).reallyExit(137);
  });
}

/** A head is an object, or the text of one. */
const opOf = (head: unknown): string =>
  typeof head === 'string' ? (/"op":"([a-z.]+)"/.exec(head)?.[1] ?? '') : String((head as { op?: unknown }).op);

/** Around a frame call of one kind: before it leaves, or after its answer came. */
export const aroundUnary = (name: string, op: string, when: 'before' | 'after'): CrashPoint => ({
  name,
  arm: (hit) => {
    const unary = Peer.prototype.unary;
    Peer.prototype.unary = async function (head, body) {
      if (when === 'before' && opOf(head) === op) hit();
      const reply = await unary.call(this, head, body);
      if (when === 'after' && opOf(head) === op) hit();
      return reply;
    };
  },
});

/** Around opening a streamed call. */
export const aroundCall = (name: string, op: string, when: 'before' | 'after'): CrashPoint => ({
  name,
  arm: (hit) => {
    const call = Peer.prototype.call;
    Peer.prototype.call = function (head, body, receiver) {
      if (when === 'before' && opOf(head) === op) hit();
      const opened = call.call(this, head, body, receiver);
      if (when === 'after' && opOf(head) === op) setImmediate(hit);
      return opened;
    };
  },
});

/** Around a synchronous or callback function of node:fs. */
export const aroundFs = (name: string, fn: 'writeSync' | 'fdatasync' | 'renameSync', when: 'before' | 'after'): CrashPoint => ({
  name,
  arm: (hit) => {
    const table = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
    const original = table[fn] as (...args: unknown[]) => unknown;
    table[fn] = (...args) => {
      if (args[0] === 1 || args[0] === 2) return original(...args);
      if (when === 'before') hit();
      const result = original(...args);
      if (when === 'after') hit();
      return result;
    };
  },
});
