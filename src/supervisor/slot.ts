import type { Role } from '../core/process.ts';
import type { ProcessInfo } from '../ipc/supervision.ts';
import type { OperatorFile } from './files.ts';
import type { RoleProcess } from './process.ts';

/** The place of one process: starts it, starts it again when it dies, replaces it without a gap. */

const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 10_000;
/** A process that lived this long starts again without delay when it dies. */
const HEALTHY_MS = 60_000;
/** A successor that does not serve within this time is given up. */
const SUCCESSOR_MS = 30_000;

export interface SlotOptions {
  readonly role: Role;
  readonly index: number;
  readonly start: () => RoleProcess;
  readonly say: (level: 'info' | 'warn' | 'error', event: string, fields: Readonly<Record<string, string | number>>) => void;
}

export class Slot {
  readonly role: Role;
  readonly index: number;
  readonly #options: SlotOptions;
  #process: RoleProcess | undefined;
  readonly #leaving = new Set<RoleProcess>();
  #restarts = 0;
  #backoffMs = FIRST_BACKOFF_MS;
  #timer: NodeJS.Timeout | undefined;
  #lastExit: string | null = null;
  #stopped = false;

  constructor(options: SlotOptions) {
    this.#options = options;
    this.role = options.role;
    this.index = options.index;
  }

  get info(): ProcessInfo {
    const { role, index } = this;
    const running = this.#process;
    const state = running === undefined || running.state === 'exited' ? 'backing-off' : running.state;
    return {
      role,
      index,
      pid: running?.pid ?? null,
      state,
      restarts: this.#restarts,
      startedAt: running?.startedAt ?? 0,
      lastExit: this.#lastExit,
      check: running?.check ?? null,
    };
  }

  start(): RoleProcess {
    const started = this.#options.start();
    this.#adopt(started);
    return started;
  }

  sendFile(file: OperatorFile): void {
    for (const running of [this.#process, ...this.#leaving]) running?.sendFile(file);
  }

  kill(): void {
    this.#process?.kill();
  }

  /** Ends the process for good. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await Promise.all([this.#process, ...this.#leaving].map(async (running) => running?.drain(graceMs)));
  }

  killAll(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const running of [this.#process, ...this.#leaving]) running?.kill();
  }

  /** Starts the successor on the same sockets, and only when it serves drains the old one. False: the old one stays. */
  async replace(graceMs: number): Promise<boolean> {
    const old = this.#process;
    const successor = this.#options.start();
    this.#leaving.add(successor);
    const timer = setTimeout(() => successor.kill(), SUCCESSOR_MS);
    const serves = await successor.ready;
    clearTimeout(timer);
    this.#leaving.delete(successor);
    if (!serves || this.#stopped) {
      this.#options.say('error', 'successor_failed', {
        role: this.role,
        index: this.index,
        reason: serves ? 'stopping' : await successor.exited,
      });
      await successor.drain(graceMs);
      return false;
    }
    if (old !== undefined) this.#leaving.add(old);
    clearTimeout(this.#timer);
    this.#adopt(successor);
    if (old !== undefined) void old.drain(graceMs).finally(() => this.#leaving.delete(old));
    return true;
  }

  /** For roles that own their folder alone: the old one ends first, its clients wait for the new one. */
  async restart(graceMs: number): Promise<boolean> {
    const old = this.#process;
    this.#process = undefined;
    clearTimeout(this.#timer);
    await old?.drain(graceMs);
    return this.#stopped ? false : this.start().ready;
  }

  #adopt(running: RoleProcess): void {
    this.#process = running;
    void running.exited.then((how) => {
      if (this.#process !== running) return;
      this.#lastExit = how.slice(0, 2000);
      if (this.#stopped || running.state === 'draining') return;
      this.#again(running, how);
    });
  }

  #again(died: RoleProcess, how: string): void {
    const healthy = died.ageMs >= HEALTHY_MS;
    const delay = healthy ? FIRST_BACKOFF_MS : this.#backoffMs;
    this.#backoffMs = healthy ? FIRST_BACKOFF_MS : Math.min(this.#backoffMs * 2, LAST_BACKOFF_MS);
    this.#options.say('error', 'process_exited', { role: this.role, index: this.index, how, again_in_ms: delay });
    this.#timer = setTimeout(() => {
      this.#restarts += 1;
      this.start();
    }, delay);
  }
}
