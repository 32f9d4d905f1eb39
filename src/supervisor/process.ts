import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import type { Duplex, Readable } from 'node:stream';
import type { JsonObject } from '../core/json.ts';
import type { SelfCheck } from '../core/process.ts';
import { Peer, PROTOCOL, type IncomingCall } from '../ipc/peer.ts';
import type { Boot, ChildNote, SupervisorNote } from '../ipc/supervision.ts';
import type { OperatorFile } from './files.ts';
import type { Command } from './command.ts';
import { lastText, passLines } from './output.ts';

/** Descriptor of the first inherited socket in a child: 0–2 are standard, 3 leads to the supervisor. */
export const FIRST_INHERITED_FD = 4;
/** A process that did not end within its grace gets this much more before it is killed. */
const KILL_AFTER_MS = 1000;
/**
 * One that said that it ends does so within a second, or never: Node can wait at its exit for a thread of V8 that waits for a collection
 * of the thread that exits (nodejs/node#54918).
 */
const ENDED_MS = 3000;

export interface Launch {
  readonly command: Command;
  /** The supervisor's own descriptors, in the order in which the child numbers them from `FIRST_INHERITED_FD`. */
  readonly fds: readonly number[];
  readonly boot: Omit<Boot, 'generation'>;
  readonly files: readonly OperatorFile[];
  readonly log: (lines: Buffer) => void;
  readonly onCall: (call: IncomingCall) => void;
}

/** One running process of a role: from its start to its exit. */
export interface RoleProcess {
  readonly generation: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly ageMs: number;
  /** Real process id of the role, not of the wrapper that confines it; null until it is known. */
  readonly pid: number | null;
  readonly state: 'starting' | 'ready' | 'draining' | 'exited';
  readonly check: SelfCheck | null;
  /** Why the process said it cannot serve. */
  readonly failure: string | null;
  /** True once the role serves; false when it ended before. */
  readonly ready: Promise<boolean>;
  /** In words how it ended. */
  readonly exited: Promise<string>;
  sendFile(file: OperatorFile): void;
  /** Resolves when the process is gone, by itself or killed after `graceMs`. */
  drain(graceMs: number): Promise<void>;
  kill(): void;
}

export function startProcess(launch: Launch): RoleProcess {
  return new Running(launch);
}

class Running implements RoleProcess {
  readonly generation = randomBytes(8).toString('hex');
  readonly startedAt = Date.now();
  readonly #born = performance.now();
  readonly ready: Promise<boolean>;
  readonly exited: Promise<string>;
  readonly #child: ChildProcess;
  readonly #peer: Peer;
  #pid: number | null = null;
  #state: RoleProcess['state'] = 'starting';
  #check: SelfCheck | null = null;
  #failure: string | null = null;
  #settleReady: (ready: boolean) => void = () => undefined;

  constructor({ command, fds, boot, files, log, onCall }: Launch) {
    this.ready = new Promise((resolve) => (this.#settleReady = resolve));
    this.#child = spawn(command.file, command.args, { env: command.env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe', 'pipe', ...fds] });
    const [, stdout, stderr, frames] = this.#child.stdio as unknown as [null, Readable, Readable, Duplex];
    passLines(stdout, log);
    this.exited = this.#whenExited(lastText(stderr));
    this.#peer = new Peer(
      frames,
      'accepting',
      { protocol: PROTOCOL, role: 'supervisor', index: 0, generation: '', facts: {} },
      {
        onNote: (head) => this.#onNote(head as unknown as ChildNote),
        onCall,
      },
    );
    this.#note({ op: 'boot', boot: { ...boot, generation: this.generation } });
    for (const file of files) this.sendFile(file);
  }

  get ageMs(): number {
    return performance.now() - this.#born;
  }

  get pid(): number | null {
    return this.#pid ?? this.#findPid();
  }

  get state(): RoleProcess['state'] {
    return this.#state;
  }

  get check(): SelfCheck | null {
    return this.#check;
  }

  get failure(): string | null {
    return this.#failure;
  }

  sendFile({ name, path, bytes }: OperatorFile): void {
    this.#note({ op: 'file', name, path }, bytes);
  }

  async drain(graceMs: number): Promise<void> {
    if (this.#state === 'exited') return;
    this.#state = 'draining';
    this.#note({ op: 'drain', graceMs });
    const timer = setTimeout(() => this.kill(), graceMs + KILL_AFTER_MS);
    await this.exited;
    clearTimeout(timer);
  }

  kill(): void {
    if (this.#state === 'exited') return;
    // The wrapper asks the kernel to kill its child with it, but a change of uid clears that: kill both.
    const { pid } = this;
    if (pid !== null && pid !== this.#child.pid) killQuietly(pid);
    this.#child.kill('SIGKILL');
  }

  #note(note: SupervisorNote, body?: Uint8Array): void {
    this.#peer.note(note as unknown as JsonObject, body);
  }

  #onNote(note: ChildNote): void {
    if (note.op === 'failed') this.#failure = String(note.reason).slice(0, 2000);
    if (note.op === 'failed' || note.op === 'drained') setTimeout(() => this.kill(), ENDED_MS).unref();
    if (note.op !== 'ready' || this.#state !== 'starting') return;
    this.#pid = this.#findPid();
    // The process may see another number of itself from inside its namespace.
    this.#check = { ...note.facts, pid: this.#pid ?? note.facts.pid };
    this.#state = 'ready';
    this.#settleReady(true);
  }

  /** The end of the chain of wrappers: each runs one program and waits for it. */
  #findPid(): number | null {
    let pid = this.#child.pid ?? null;
    for (let next = pid; next !== null; next = onlyChild(next)) pid = next;
    return pid;
  }

  #whenExited(lastWords: () => string): Promise<string> {
    return new Promise((resolve) => {
      const end = (how: string): void => {
        if (this.#state === 'exited') return;
        this.#state = 'exited';
        this.#settleReady(false);
        const words = this.#failure ?? lastWords();
        resolve(words === '' ? how : `${how}: ${words}`);
      };
      this.#child.on('error', (error) => end(`cannot start: ${error.message}`));
      // 'close' waits for the last words on the pipes as well.
      this.#child.on('close', (code, signal) => end(signal === null ? `exit ${code}` : `killed by ${signal}`));
    });
  }
}

function onlyChild(pid: number): number | null {
  try {
    const text = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return /^\d+$/.test(text) ? Number(text) : null;
  } catch {
    // Gone already, or a system without /proc: then the process itself is the end of the chain.
    return null;
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
