import net from 'node:net';
import type { JsonObject } from '../core/json.ts';
import type { Role } from '../core/process.ts';
import { Peer, PROTOCOL, type Hello } from './peer.ts';
import { selfCheck, shortfall } from './self-check.ts';
import type { Boot, ChildNote, FileName, SupervisorCall, SupervisorNote } from './supervision.ts';

/** Descriptor of the frame connection to the supervisor. */
const SUPERVISOR_FD = 3;
/** Exit status of a process that cannot serve (EX_CONFIG of sysexits.h). */
const EXIT_FAILED = 78;
/** How long a process may go on with work under way when its supervisor is gone. */
const ORPHAN_GRACE_MS = 30_000;
/** Without a supervisor that orders the end, those who record work outlast those who take it by this much. */
const ORPHAN_DELAY_MS: Readonly<Record<Role, number>> = { gateway: 0, control: 0, vault: 1000, sandbox: 1000, ledger: 2000, auditor: 2000 };

/** What a role sees of its supervisor. */
export interface Child {
  readonly boot: Boot;
  /** Calls `use` with the bytes of the operator's file: at once if they are known, and after every change. */
  onFile(name: FileName, use: (bytes: Buffer, path: string) => void): void;
  /** Registers what to do when the process must end; it exits when all promises are resolved or `graceMs` is over. */
  onDrain(drain: (graceMs: number) => Promise<void>): void;
  /** Says that the role serves. */
  ready(): void;
  /** Says in words why the role cannot serve, and exits. */
  failed(reason: string): Promise<never>;
  /** For control. Rejects when the supervisor refuses or is gone. */
  ask(call: SupervisorCall): Promise<JsonObject>;
  /** The hello this process sends to other roles. */
  hello(facts?: JsonObject): Hello;
}

/** Waits for `boot` on descriptor 3, gives up the rights the process must not have, checks its isolation, then calls `serve`. */
export function startChild(role: Role, serve: (child: Child) => Promise<void> | void): void {
  // A terminal sends these to the whole group; only the supervisor decides when a process ends.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const supervisor = new SupervisorLink(role);
  supervisor.onBoot = (boot) => {
    void start(supervisor, boot, role, serve).catch((error: unknown) =>
      supervisor.failed(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    );
  };
}

async function start(supervisor: SupervisorLink, boot: Boot, role: Role, serve: (child: Child) => Promise<void> | void): Promise<void> {
  if (boot.role !== role) throw new Error(`this is the program of ${role}, not of ${boot.role}`);
  if (boot.become !== null) {
    // Done inside Node, not by the program that starts it: the kernel then makes the process non-dumpable.
    process.setgroups?.([]);
    process.setgid?.(boot.become.gid);
    process.setuid?.(boot.become.uid);
  }
  // Before anything is opened: what the process then reads, nobody else can.
  const facts = selfCheck(boot.layout);
  const missing = shortfall(boot.layout, role, facts);
  if (missing !== undefined) return supervisor.failed(missing);
  await serve({
    boot,
    onFile: (name, use) => supervisor.onFile(name, use),
    onDrain: (drain) => void supervisor.drains.push(drain),
    ready: () => supervisor.note({ op: 'ready', facts }),
    failed: (reason) => supervisor.failed(reason),
    ask: (call) => supervisor.ask(call),
    hello: (facts = {}) => ({ protocol: PROTOCOL, role, index: boot.index, generation: boot.generation, facts }),
  });
}

class SupervisorLink {
  readonly #socket = new net.Socket({ fd: SUPERVISOR_FD, readable: true, writable: true });
  readonly #peer: Peer;
  readonly #files = new Map<FileName, { readonly bytes: Buffer; readonly path: string }>();
  readonly #users = new Map<FileName, ((bytes: Buffer, path: string) => void)[]>();
  readonly drains: ((graceMs: number) => Promise<void>)[] = [];
  #ending = false;
  onBoot: (boot: Boot) => void = () => undefined;

  constructor(role: Role) {
    const hello = { protocol: PROTOCOL, role, index: 0, generation: '', facts: {} };
    this.#peer = new Peer(this.#socket, 'connecting', hello, {
      onNote: (head, body) => this.#onNote(head as unknown as SupervisorNote, body),
      onClose: () => setTimeout(() => void this.#drain(ORPHAN_GRACE_MS), ORPHAN_DELAY_MS[role]),
    });
  }

  onFile(name: FileName, use: (bytes: Buffer, path: string) => void): void {
    this.#users.set(name, [...(this.#users.get(name) ?? []), use]);
    const file = this.#files.get(name);
    if (file !== undefined) use(file.bytes, file.path);
  }

  note(note: ChildNote): void {
    this.#peer.note(note as unknown as JsonObject);
  }

  async ask(call: SupervisorCall): Promise<JsonObject> {
    return (await this.#peer.unary(call as unknown as JsonObject)).head;
  }

  failed(reason: string): Promise<never> {
    this.#ending = true;
    this.note({ op: 'failed', reason });
    return this.#exit(EXIT_FAILED);
  }

  #onNote(note: SupervisorNote, body: Buffer): void {
    if (note.op === 'boot') return this.onBoot(note.boot);
    if (note.op === 'drain') return void this.#drain(note.graceMs);
    const bytes = Buffer.from(body);
    this.#files.set(note.name, { bytes, path: note.path });
    for (const use of this.#users.get(note.name) ?? []) use(bytes, note.path);
  }

  async #drain(graceMs: number): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    const over = new Promise((resolve) => setTimeout(resolve, graceMs));
    await Promise.race([Promise.allSettled(this.drains.map((drain) => drain(graceMs))), over]);
    this.note({ op: 'drained' });
    await this.#exit(0);
  }

  /** Exits once the last note is written, or the supervisor does not take it. */
  #exit(status: number): Promise<never> {
    setTimeout(() => process.exit(status), 1000);
    setImmediate(() => this.#socket.end(() => process.exit(status)));
    return new Promise(() => undefined);
  }
}
