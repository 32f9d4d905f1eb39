import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunningNode } from '../e2e/node.ts';
import { RECOVERING, SERVING, type CrashMoment, type CrashNote, type CrashPlan, type CrashRole, type Pace } from './crash-plan.ts';
import { wait } from './load.ts';
import { recovered } from './processes.ts';
import { lowerBudget, WORKERS } from './rules.ts';
import { closeScene, openScene, underLoad, WIDTH } from './scene.ts';
import { between, seededFor, shuffled } from './seeds.ts';

/**
 * Processes that die at named points under load, with the oracle and the rules of the kills. Which points, in which order, of which worker and
 * at which passage is drawn from the seed; the process stands still at its point, and is killed there with SIGKILL.
 */

const ENTRIES = fileURLToPath(new URL('entries/', import.meta.url));
const SOURCES = fileURLToPath(new URL('../../src/', import.meta.url));
const REACH_MS = 60_000;
/** How many passages ahead. At the last cents there are few left. */
const AHEAD: Readonly<Record<Pace, number>> = { request: 60, batch: 8 };
const AHEAD_AT_LAST = 3;

/** One end after the other, each of a point that had none before. */
interface Step extends CrashMoment {
  readonly index: number;
  readonly next: CrashMoment | undefined;
}

/** `crashes` points of each role, or all. */
export async function runCrashes(crashes: number, roles: readonly string[], seed: number): Promise<void> {
  for (const role of ['gateway', 'vault', 'ledger'] as const) {
    const steps = crashes === 0 || !roles.includes(role) ? [] : draw(role, crashes, seededFor(seed, `crash ${role}`));
    if (steps.length > 0) await crashRole(role, steps);
  }
}

function draw(role: CrashRole, crashes: number, random: () => number): readonly Step[] {
  const points = shuffled(Object.entries(SERVING[role] as Readonly<Record<string, Pace>>), random).slice(0, crashes);
  const recovering = shuffled<string>(RECOVERING[role], random);
  return points.map(([point, pace], step) => {
    const ahead = step === points.length - 1 ? AHEAD_AT_LAST : AHEAD[pace];
    const next = recovering[step];
    return {
      point,
      passages: between(1, ahead + 1, random),
      index: role === 'gateway' ? between(0, WORKERS, random) : 0,
      next: next === undefined ? undefined : { point: next, passages: 1 },
    };
  });
}

async function crashRole(role: CrashRole, steps: readonly Step[]): Promise<void> {
  const folder = copyEntries();
  const scene = await openScene(role, { [role]: path.join(folder, `${role}.ts`) });
  const { node, load, rules } = scene;
  let [amount, ends] = [0n, 0];
  try {
    for (const [turn, step] of steps.entries()) {
      await underLoad(load);
      if (turn === steps.length - 1) amount = await lowerBudget(node, rules);
      ends += await crash(node, folder, { role, turn: turn + 1, step, ends });
      await recovered(node, role, ends);
    }
    const reached = steps.flatMap(({ point, next }) => (next === undefined ? [point] : [point, next.point]));
    await closeScene(scene, `${role}: ends at ${reached.join('; ')}`, amount, WIDTH * (ends + 1));
  } catch (error) {
    console.log(node.output().slice(-3000));
    throw error;
  }
  fs.rmSync(folder, { recursive: true });
}

/** Copies of the entries in a folder of their own, where the plan can lie beside them and every layout lets the role read both. */
function copyEntries(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-crash-'));
  fs.chmodSync(folder, 0o755);
  for (const name of fs.readdirSync(ENTRIES)) {
    const text = fs.readFileSync(path.join(ENTRIES, name), 'utf8').replaceAll("'../../../src/", `'${SOURCES}`);
    write(folder, name, text);
  }
  write(folder, 'package.json', '{ "type": "module" }');
  return folder;
}

/** Whole or not at all: roles read it at any time, by users of their own. */
function write(folder: string, name: string, text: string): void {
  const made = path.join(folder, `${name}.new`);
  fs.writeFileSync(made, text);
  fs.chmodSync(made, 0o644);
  fs.renameSync(made, path.join(folder, name));
}

interface Turn {
  readonly role: CrashRole;
  readonly turn: number;
  readonly step: Step;
  /** Of processes, before this one. */
  readonly ends: number;
}

/** Has one process die at the step's point, and its successor at the next. Gives how many died. */
async function crash(node: RunningNode, folder: string, { role, turn, step, ends }: Turn): Promise<number> {
  const { point, passages, next, index } = step;
  const ready = notes(node).findLast((note) => note.event === 'crash_ready' && note.role === role && note.index === index);
  assert.ok(ready, `${role}-${index} has not said that it is there`);
  const plan: CrashPlan = { turn, generation: ready.generation, point, passages, ...(next === undefined ? {} : { next }) };
  write(folder, 'plan.json', JSON.stringify(plan));
  const moments = [point, ...(next === undefined ? [] : [next.point])];
  for (const [place, awaited] of moments.entries()) {
    const begun = performance.now();
    await killAt(node, awaited, ends + place);
    const waited = ((performance.now() - begun) / 1000).toFixed(1);
    console.log(`${role}: ended at "${awaited}", its passage ${place === 0 ? passages : 1}, after ${waited} s`);
  }
  return moments.length;
}

/** Kills the process that stands at the point. */
async function killAt(node: RunningNode, point: string, ends: number): Promise<void> {
  for (const deadline = Date.now() + REACH_MS; ; await wait(10)) {
    const note = notes(node).filter(({ event }) => event === 'crash_point')[ends];
    if (note !== undefined) {
      assert.equal(note.point, point);
      const { role, index } = note;
      const found = (await node.processes()).find((row) => row.role === role && row.index === index);
      assert.ok(found?.pid != null, `${role}-${index} is not there`);
      return void process.kill(found.pid, 'SIGKILL');
    }
    if (Date.now() > deadline) throw new Error(`nobody came by at ${point}`);
  }
}

/** What the crash entries said so far. */
const notes = (node: RunningNode): readonly CrashNote[] =>
  node
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{"event":"crash_'))
    .map((line) => JSON.parse(line) as CrashNote);
