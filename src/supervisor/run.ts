import fs from 'node:fs';
import type { NodeSpec } from '../config/node-spec.ts';
import type { JsonObject } from '../core/json.ts';
import type { Role } from '../core/process.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import type { SupervisorCall } from '../ipc/supervision.ts';
import { nodeFacts, planStart, whyNotStart, type NodeParts } from './boot.ts';
import { codeCacheFor } from './code-cache.ts';
import { readOperatorFiles, watchOperatorFiles, type OperatorFile } from './files.ts';
import { foldersOf, prepareFolders } from './folders.ts';
import { chooseLayout, type ChosenLayout } from './layouts.ts';
import { lockData } from './lock.ts';
import { Output } from './output.ts';
import { startProcess, type RoleProcess } from './process.ts';
import { Slot } from './slot.ts';
import { bindTopology, STOP_ORDER, type Place } from './topology.ts';

/**
 * The supervisor binds the node's sockets, starts every other process with exactly the rights it needs, starts it
 * again when it dies, and ends all in order. It parses no byte of a client and holds no secret.
 */

/** Exit status when the node cannot start (EX_CONFIG of sysexits.h). */
const EXIT_CONFIG = 78;
/** For the processes that end after those which took work: theirs is nearly done by then. */
const LATER_GRACE_MS = 5000;
const MAX_PRINT_CHARS = 16 * 1024;

/** Resolves with the exit status when the node has ended. Says in words on standard error why it cannot start. */
export async function runSupervisor(spec: NodeSpec): Promise<number> {
  process.umask(0o077);
  try {
    const node = await prepare(spec);
    return await node.run();
  } catch (error) {
    process.stderr.write(`bulkhead: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT_CONFIG;
  }
}

async function prepare(spec: NodeSpec): Promise<Node> {
  const wrong = whyNotStart(spec);
  if (wrong !== undefined) throw new Error(wrong);
  const folders = foldersOf(spec.dataDir);
  fs.mkdirSync(folders.run, { recursive: true });
  for (const folder of [folders.data, folders.run]) fs.chmodSync(folder, 0o711);
  const lock = await lockData(spec.dataDir, (text) => process.stderr.write(`bulkhead: ${text}\n`));
  const files = readOperatorFiles(spec);
  const chosen = chooseLayout(spec.isolation, spec.codeDir, spec.dataDir);
  prepareFolders(folders, chosen.layout, spec.vault.shards);
  const output = new Output(folders.logs);
  const codeCache = codeCacheFor(chosen.layout, folders.cache, spec.codeDir, (reason) => output.say('warn', 'no_code_cache', { reason }));
  const topology = bindTopology(spec, chosen.layout, folders);
  return new Node({ spec, layout: chosen.layout, folders, topology, codeCache, lockFd: lock.inherited?.fd }, chosen, files, output);
}

class Node {
  readonly #parts: NodeParts;
  readonly #chosen: ChosenLayout;
  readonly #output: Output;
  readonly #slots: readonly Slot[];
  #files: readonly OperatorFile[];
  /** True until control has served once: it greets a new operator only then. */
  #greet: boolean;
  #end: (status: number) => void = () => undefined;
  #stopping = false;
  #rolling = false;

  constructor(parts: NodeParts, chosen: ChosenLayout, files: readonly OperatorFile[], output: Output) {
    this.#parts = parts;
    this.#chosen = chosen;
    this.#files = files;
    this.#output = output;
    this.#greet = parts.spec.firstStart;
    this.#slots = parts.topology.places.map(
      (place) =>
        new Slot({
          role: place.role,
          index: place.index,
          start: () => this.#start(place),
          say: (level, event, fields) => output.say(level, event, fields),
        }),
    );
  }

  async run(): Promise<number> {
    const { layout } = this.#parts;
    for (const { layout: stronger, reason } of this.#chosen.passedOver)
      this.#output.say('warn', 'layout_passed_over', { layout: stronger, reason });
    const ended = new Promise<number>((resolve) => (this.#end = resolve));
    this.#listenToSignals();
    const unwatch = watchOperatorFiles(
      this.#files,
      (file) => this.#fileChanged(file),
      (reason) => this.#output.say('error', 'file_unreadable', { reason }),
    );
    const began = performance.now();
    const starting = this.#slots.map((slot) => this.#firstStart(slot));
    void Promise.all(starting).then((served) => {
      if (!served.every(Boolean)) return;
      const { gatewayUrl, controlUrl } = nodeFacts(this.#parts.spec, this.#parts.topology, false);
      this.#output.say('info', 'node_ready', {
        layout,
        ms: Math.round(performance.now() - began),
        gateway: gatewayUrl,
        control: controlUrl,
      });
    });
    const status = await ended;
    unwatch();
    return status;
  }

  /** A process that cannot serve at the first start (wrong key, closed folder …) would never: the node ends in words. */
  async #firstStart(slot: Slot): Promise<boolean> {
    const started = slot.start();
    const serves = await started.ready;
    if (serves || started.failure === null) return serves;
    process.stderr.write(`bulkhead: ${slot.role} cannot start: ${started.failure}\n`);
    void this.#stop(EXIT_CONFIG);
    return false;
  }

  #start(place: Place): RoleProcess {
    const plan = planStart(this.#parts, place, this.#greet && place.role === 'control');
    const started = startProcess({
      ...plan,
      files: this.#files.filter(({ role }) => role === place.role),
      log: (lines) => this.#output.write(lines),
      onCall: (call) => this.#onCall(place.role, call),
    });
    plan.release();
    if (place.role === 'control') void started.ready.then((serves) => (this.#greet &&= !serves));
    return started;
  }

  #fileChanged(file: OperatorFile): void {
    this.#files = this.#files.map((known) => (known.name === file.name ? file : known));
    this.#output.say('info', 'file_changed', { file: file.path });
    for (const slot of this.#slots) if (slot.role === file.role) slot.sendFile(file);
  }

  /** Only control may ask for anything. */
  #onCall(role: Role, call: IncomingCall): void {
    if (role !== 'control') return call.error('permission_denied', { act: 'ask the supervisor' });
    const asked = call.head as unknown as SupervisorCall;
    switch (asked.op) {
      case 'processes':
        return call.reply({ processes: this.#slots.map((slot) => slot.info), ...this.#chosen } as unknown as JsonObject);
      case 'kill':
        this.#output.say('warn', 'process_killed', { role: String(asked.role), index: Number(asked.index) });
        for (const slot of this.#slots) if (slot.role === asked.role && slot.index === asked.index) slot.kill();
        return call.reply({});
      case 'print':
        this.#output.print(String(asked.text).slice(0, MAX_PRINT_CHARS));
        return call.reply({});
      default:
        return call.error('internal');
    }
  }

  #listenToSignals(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (!this.#stopping) return void this.#stop(0);
        for (const slot of this.#slots) slot.killAll();
        this.#end(1);
      });
    }
    process.on('SIGHUP', () => void this.#roll());
  }

  async #stop(status: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#output.say('info', 'node_draining', { ms: this.#parts.spec.drainMs });
    for (const [stage, roles] of STOP_ORDER.entries()) {
      const grace = stage === 0 ? this.#parts.spec.drainMs : LATER_GRACE_MS;
      await Promise.all(this.#slots.filter((slot) => roles.includes(slot.role)).map((slot) => slot.stop(grace)));
    }
    this.#output.say('info', 'node_stopped');
    this.#end(status);
  }

  /** Replaces every process by one of the program as it now lies on disk, and drops no request. */
  async #roll(): Promise<void> {
    if (this.#stopping || this.#rolling) return;
    this.#rolling = true;
    this.#output.say('info', 'rolling_restart');
    const grace = this.#parts.spec.drainMs;
    let served = true;
    for (const role of ['gateway', 'sandbox', 'auditor', 'ledger', 'vault', 'control'] as const) {
      for (const slot of this.#slots.filter((one) => one.role === role)) {
        if (this.#stopping) break;
        served = (await (role === 'gateway' || role === 'sandbox' ? slot.replace(grace) : slot.restart(grace))) && served;
      }
    }
    this.#rolling = false;
    this.#output.say(served ? 'info' : 'error', served ? 'rolling_restart_done' : 'rolling_restart_failed');
  }
}
