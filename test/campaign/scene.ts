import assert from 'node:assert/strict';
import { startNode, type NodeOptions, type RunningNode } from '../e2e/node.ts';
import { startReplayUpstream, type ReplayUpstream } from '../replay/upstream.ts';
import { slowProvider, startLoad, wait, type Load } from './load.ts';
import { cents, compare, mostIn } from './oracle.ts';
import {
  budgetState,
  countCrowd,
  liftBudget,
  PARALLEL,
  placesTaken,
  REQUESTS,
  setRules,
  STRETCH_MS,
  WORKERS,
  type Crowd,
  type Rules,
} from './rules.ts';

/** A node under rules and load, of which one process after another dies, and what must hold of it in the end. */

export const WIDTH = 64;
const MODEL = 'slow/slow';
/** On its way from the ledger's word to the provider's count a request may be held up, with the processor elsewhere. */
const SKEW_MS = 3000;

/** Processes whose end cuts calls to the provider: it may hear of the end after it hears of the next call. */
const CUTS_CALLS: ReadonlySet<string> = new Set(['gateway', 'vault', 'supervisor']);

const configOf = (upstream: ReplayUpstream): string => `
log: { requests: false }
workers: ${WORKERS}
providers:
  slow: { kind: openai-compatible, base_url: "${upstream.origin}/v1", private: true, auth: none }
prices:
  - { provider: slow, model: '*', input: 0, output: 0, per_request: 0.01 }
`;

export interface Scene {
  /** Whose processes die. */
  readonly role: string;
  readonly options: NodeOptions;
  /** Another one where its supervisor was killed. */
  node: RunningNode;
  readonly crowd: Crowd;
  readonly upstream: ReplayUpstream;
  readonly rules: Rules;
  readonly key: string;
  readonly load: Load;
}

export async function openScene(role: string, entries: Readonly<Record<string, string>> = {}): Promise<Scene> {
  const crowd = countCrowd(slowProvider);
  const upstream = await startReplayUpstream(crowd.answer);
  const options: NodeOptions = { config: configOf(upstream), entries };
  const node = await startNode(options);
  const rules = await setRules(node);
  // Its own bound and that of everyone: a place that either of them loses shows at the end.
  const key = await node.newKey('load', { max_parallel: PARALLEL });
  const scene: Omit<Scene, 'load'> = { role, options, node, crowd, upstream, rules, key };
  return Object.assign(scene, { load: startLoad(() => scene.node.url, key, MODEL, WIDTH) });
}

/** Until the load is really in flight at the provider. */
export async function underLoad(load: Load): Promise<void> {
  const before = load.answered();
  const deadline = Date.now() + 30_000;
  while (load.answered() < before + WIDTH || load.inFlight() < PARALLEL - 8) {
    if (Date.now() > deadline)
      throw new Error(`the node does not serve: ${load.answered() - before} answers in 30 s, ${load.failed()} failures so far`);
    await wait(10);
  }
}

/** Spends the rest of the budget, of `amount` cents, and holds all that is written against what the provider counted. */
export async function closeScene(scene: Scene, what: string, amount: bigint, surplusAllowed: number): Promise<void> {
  const { node, rules, upstream, load, key, crowd } = scene;
  await spendAll(load);
  await load.stop();
  await untilNothingHeld(scene);
  const told = `${load.answered()} answered, ${load.refused()} refused, ${load.unpaid()} unpaid, ${load.failed()} failed`;
  const rows = await compare(what, { node, upstream, surplusAllowed }, told);
  await compareRules(scene, amount, rows);
  await liftBudget(node, rules);
  await fillPlaces(scene.role, node, key, crowd);
  await node.stop();
  await upstream.close();
}

/** Until the budget lets nobody through any more. */
async function spendAll(load: Load): Promise<void> {
  const deadline = Date.now() + 60_000;
  const answered = load.answered();
  for (let unpaid = load.unpaid(); load.unpaid() < unpaid + 4 * WIDTH; await wait(20)) {
    if (Date.now() > deadline)
      throw new Error(`the budget does not end: ${load.answered() - answered} answers, ${load.unpaid() - unpaid} unpaid`);
  }
}

/** What a dead process held is given up after minutes at most. */
async function untilNothingHeld({ node, rules }: Scene): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if ((await budgetState(node, rules)).reserved === 0n && (await placesTaken(node, rules)) === 0) return;
    await wait(500);
  }
}

/** `amount` in cents, `rows` in millionths of one: what all rows cost. */
async function compareRules({ role, node, rules, upstream, crowd }: Scene, amount: bigint, rows: bigint): Promise<void> {
  const state = await budgetState(node, rules);
  const places = await placesTaken(node, rules);
  const billed = upstream.seen.length;
  const [most, inStretch] = [crowd.most(), mostIn(crowd.arrivals, STRETCH_MS - SKEW_MS)];
  console.log(
    `${role}: the provider bills ${billed} cents of ${amount}, the ledger says ${cents(state.spent)} spent and ${cents(state.reserved)} held; at most ${most} of ${PARALLEL} at a time and ${inStretch} of ${REQUESTS} in a stretch; ${places} places taken at the end`,
  );
  assert.ok(BigInt(billed) <= amount, 'the budget is overspent');
  assert.ok(cents(state.spent) <= amount, 'the ledger counts more than the budget');
  assert.ok(cents(state.spent) >= BigInt(billed), 'the ledger counts less than the provider');
  assert.equal(state.spent, rows, 'what the budget counts is not what the rows cost');
  assert.deepEqual([state.reserved, places], [0n, 0], 'something is held for nobody');
  assert.ok(most <= (CUTS_CALLS.has(role) ? 2 : 1) * PARALLEL, 'more at a time than the limit lets through');
  assert.ok(inStretch <= REQUESTS, 'more in a stretch than the limit lets through');
}

/** All places are there again, and not one more. */
async function fillPlaces(role: string, node: RunningNode, key: string, crowd: Crowd): Promise<void> {
  crowd.most();
  const load = startLoad(() => node.url, key, MODEL, 2 * PARALLEL);
  const deadline = Date.now() + 60_000;
  let most = 0;
  for (; most < PARALLEL || load.refused() === 0; most = Math.max(most, crowd.most())) {
    assert.ok(Date.now() < deadline, `${role}: only ${most} of ${PARALLEL} places are left, ${load.refused()} refused`);
    await wait(20);
  }
  await load.stop();
  assert.equal(Math.max(most, crowd.most()), PARALLEL, `${role}: more places than there are`);
}
