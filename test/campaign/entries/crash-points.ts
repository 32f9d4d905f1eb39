import fs from 'node:fs';
import path from 'node:path';
import type { Child } from '../../../src/ipc/child.ts';
import { Peer } from '../../../src/ipc/peer.ts';
import type { CrashNote, CrashPlan } from '../crash-plan.ts';

/**
 * Named points at which a process ends, for the campaign. A crash entry of this folder installs its role's points, then runs the role's real
 * program; the campaign says which one counts, and at which passage (`../crash-plan.ts`). There the process says so on stdout and stands
 * still until the campaign kills it. Points wrap what the program calls; the product has no switch for them.
 */
export interface CrashPoint {
  readonly name: string;
  /** Installs the wrapper; `hit` counts a passage and does not return when the process is to die. */
  readonly arm: (hit: () => void) => void;
}

const POLL_MS = 20;

/** Installs the points, and takes up what the plan says of this process now and later. To be called before the program runs. */
export function followPlan({ boot }: Child, points: readonly CrashPoint[]): Passages {
  const { role, index, generation, folder } = boot;
  const passages = new Passages((point) => {
    tell({ event: 'crash_point', role, index, generation, point });
    standStill();
  });
  for (const { name, arm } of points) arm(() => passages.at(name));
  const plan = readPlan();
  if (plan?.next !== undefined && plan.generation !== generation && isFirst(folder, plan.turn)) passages.await(plan.next);
  let turn = 0;
  setInterval(() => {
    const found = readPlan();
    if (found === undefined || found.generation !== generation || found.turn === turn) return;
    turn = found.turn;
    passages.await(found);
  }, POLL_MS).unref();
  tell({ event: 'crash_ready', role, index, generation, point: '' });
  return passages;
}

/** Which point counts at the moment, and how many passages are left. */
export class Passages {
  readonly #die: (point: string) => void;
  #point = '';
  #left = 0;
  /** Told of what is awaited, for points on another thread. */
  onAwaited: (point: string, passages: number) => void = () => undefined;

  constructor(die: (point: string) => void) {
    this.#die = die;
  }

  await({ point, passages }: { readonly point: string; readonly passages: number }): void {
    [this.#point, this.#left] = [point, passages];
    this.onAwaited(point, passages);
  }

  at(point: string): void {
    if (point !== this.#point || --this.#left > 0) return;
    this.die(point);
  }

  die(point: string): void {
    this.#die(point);
  }
}

const tell = (note: CrashNote): void => void fs.writeSync(1, `${JSON.stringify(note)}\n`);

/** Nothing of this thread runs any more. */
export const standStill = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);

/** Beside the entry, where every layout lets the role read. Undefined: nothing is planned yet. */
function readPlan(): CrashPlan | undefined {
  try {
    return JSON.parse(fs.readFileSync(path.join(import.meta.dirname, 'plan.json'), 'utf8')) as CrashPlan;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Of all starts that find the plan of their predecessor, one dies by it. */
function isFirst(folder: string, turn: number): boolean {
  try {
    fs.writeFileSync(path.join(folder, `crash-${turn}`), '', { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
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

/** Around a synchronous or callback function of node:fs, where `isMeant` says so of its arguments. */
export const aroundFs = (
  name: string,
  fn: 'writeSync' | 'openSync' | 'renameSync' | 'unlinkSync',
  when: 'before' | 'after',
  isMeant: (args: readonly unknown[]) => boolean = () => true,
): CrashPoint => ({
  name,
  arm: (hit) => {
    const table = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
    const original = table[fn] as (...args: unknown[]) => unknown;
    table[fn] = (...args) => {
      const counts = args[0] !== 1 && args[0] !== 2 && isMeant(args);
      if (when === 'before' && counts) hit();
      const result = original(...args);
      if (when === 'after' && counts) hit();
      return result;
    };
  },
});

/** Around a method of a class; `after` a promise is when it is kept. */
export const aroundMethod = <T extends object>(
  name: string,
  type: { readonly prototype: T },
  method: keyof T & string,
  when: 'before' | 'after',
): CrashPoint => ({
  name,
  arm: (hit) => {
    const prototype = type.prototype as Record<string, unknown>;
    const original = prototype[method] as (...args: unknown[]) => unknown;
    prototype[method] = function (this: unknown, ...args: unknown[]): unknown {
      if (when === 'before') hit();
      const result = original.apply(this, args);
      if (when === 'before') return result;
      if (!(result instanceof Promise)) {
        hit();
        return result;
      }
      return result.then((value: unknown) => {
        hit();
        return value;
      });
    };
  },
});
