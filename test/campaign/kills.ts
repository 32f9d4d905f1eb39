import assert from 'node:assert/strict';
import { startReplayUpstream, type ReplayUpstream } from '../replay/upstream.ts';
import { startNode, type NodeOptions, type RunningNode } from '../e2e/node.ts';
import { slowProvider, startLoad, type Load } from './load.ts';
import {
  budgetState,
  countCrowd,
  liftBudget,
  lowerBudget,
  PARALLEL,
  placesTaken,
  setRules,
  WORKERS,
  type Crowd,
  type Rules,
} from './rules.ts';

/**
 * kill -9 of every process under load, with a hard budget and a limit of parallel requests in force. The provider's own list of request ids is
 * the oracle: each id it saw is in the ledger exactly once; rows that it did not see are at most the requests in flight at the kills, and
 * marked; the last kill comes at the last cents, and the provider never saw more than the budget pays for; every place is free afterwards.
 */

const WIDTH = 64;
const MODEL = 'slow/slow';
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Roles with entries that kill themselves at named points; see entries/crash-points.ts. */
const CRASH_ENTRIES: Readonly<Record<string, string>> = {
  vault: 'test/campaign/entries/vault.ts',
  ledger: 'test/campaign/entries/ledger.ts',
  gateway: 'test/campaign/entries/gateway.ts',
};

interface Row {
  readonly request_id: string;
  readonly attempt: number;
  readonly state: string;
  readonly outcome: string;
}

const configOf = (upstream: ReplayUpstream): string => `
log: { requests: false }
workers: ${WORKERS}
providers:
  slow: { kind: openai-compatible, base_url: "${upstream.origin}/v1", private: true, auth: none }
prices:
  - { provider: slow, model: '*', input: 0, output: 0, per_request: 0.01 }
`;

/** Processes whose end cuts calls to the provider: it may hear of the end after it hears of the next call. */
const CUTS_CALLS: ReadonlySet<string> = new Set(['gateway', 'vault', 'supervisor']);

export const ROLES: readonly string[] = ['gateway', 'vault', 'ledger', 'auditor', 'control', 'sandbox', 'supervisor'];

/** `kills` of each role. */
export async function runKills(kills: number, roles: readonly string[]): Promise<void> {
  for (const role of roles) await killRole(role, kills);
  for (const role of roles.filter((one) => Object.hasOwn(CRASH_ENTRIES, one))) await crashRole(role, Math.max(2, Math.ceil(kills / 4)));
}

async function killRole(role: string, kills: number): Promise<void> {
  const crowd = countCrowd(slowProvider);
  const upstream = await startReplayUpstream(crowd.answer);
  const options: NodeOptions = { config: configOf(upstream) };
  let node = await startNode(options);
  const rules = await setRules(node);
  const key = await node.newKey();
  const load = startLoad(() => node.url, key, MODEL, WIDTH);
  let surplusAllowed = 0;
  let amount = 0n;
  for (let kill = 0; kill < kills; kill++) {
    await underLoad(load);
    if (kill === kills - 1) amount = await lowerBudget(node, rules);
    surplusAllowed += load.inFlight();
    if (role === 'supervisor') {
      node.supervisor.kill('SIGKILL');
      await wait(300);
      node = await restarted(node, options);
    } else {
      process.kill(await pidOf(node, role, kill), 'SIGKILL');
      await recovered(node, role, kill + 1);
    }
  }
  await spendAll(load);
  await load.stop();
  await compare(`${role}: ${kills} kills`, node, upstream, load, surplusAllowed);
  await compareRules(role, { node, rules, upstream, crowd, amount });
  await liftBudget(node, rules);
  await fillPlaces(node, key);
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

interface Ruled {
  readonly node: RunningNode;
  readonly rules: Rules;
  readonly upstream: ReplayUpstream;
  readonly crowd: Crowd;
  /** Of the budget, in cents. */
  readonly amount: bigint;
}

/** Holds limits and budgets against what the provider counted. */
async function compareRules(role: string, { node, rules, upstream, crowd, amount }: Ruled): Promise<void> {
  let state = await budgetState(node, rules);
  let places = await placesTaken(node, rules);
  for (let tries = 0; tries < 400 && (state.reserved > 0n || places > 0); tries++) {
    await wait(500);
    state = await budgetState(node, rules);
    places = await placesTaken(node, rules);
  }
  const billed = upstream.seen.length;
  console.log(
    `${role}: the provider bills ${billed} cents of ${amount}, the ledger says ${state.spent} spent and ${state.reserved} held; at most ${crowd.most()} of ${PARALLEL} at a time, ${places} places taken at the end`,
  );
  assert.ok(BigInt(billed) <= amount, 'the budget is overspent');
  assert.ok(state.spent <= amount, 'the ledger counts more than the budget');
  assert.ok(state.spent >= BigInt(billed), 'the ledger counts less than the provider');
  assert.deepEqual([state.reserved, places], [0n, 0], 'something is held for nobody');
  assert.ok(crowd.most() <= (CUTS_CALLS.has(role) ? 2 : 1) * PARALLEL, 'more at a time than the limit lets through');
}

/** All places are there again, and not one more. */
async function fillPlaces(node: RunningNode, key: string): Promise<void> {
  const load = startLoad(() => node.url, key, MODEL, 2 * PARALLEL);
  while (load.answered() < PARALLEL || load.refused() === 0) await wait(10);
  await load.stop();
}

async function crashRole(role: string, crashes: number): Promise<void> {
  const upstream = await startReplayUpstream(slowProvider);
  const node = await startNode({ config: configOf(upstream), entries: { [role]: CRASH_ENTRIES[role] as string } });
  const load = startLoad(() => node.url, await node.newKey(), MODEL, WIDTH);
  const points = (): string[] => [...node.output().matchAll(/"event":"crash_point","point":"([^"]+)"/g)].map((match) => match[1] as string);
  const deadline = Date.now() + 60_000;
  while (points().length < crashes && Date.now() < deadline) await wait(100);
  await load.stop();
  assert.ok(
    points().length >= crashes,
    `${role} crashed only ${points().length} times; ${load.answered()} answered, ${load.failed()} failed\n${node.output().slice(-2000)}`,
  );
  await compare(`${role}: crashes at ${[...new Set(points())].join(', ')}`, node, upstream, load, WIDTH * (points().length + 1));
  await node.stop();
  await upstream.close();
}

/** Until the load is really in flight at the provider. */
async function underLoad(load: Load): Promise<void> {
  const before = load.answered();
  const deadline = Date.now() + 30_000;
  while (load.answered() < before + WIDTH || load.inFlight() < PARALLEL - 8) {
    if (Date.now() > deadline)
      throw new Error(`the node does not serve: ${load.answered() - before} answers in 30 s, ${load.failed()} failures so far`);
    await wait(10);
  }
}

/** One after the other, where there are several. */
async function pidOf(node: RunningNode, role: string, turn: number): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const rows = (await node.processes().catch(() => [])).filter((found) => found.role === role && found.state === 'ready');
    const pid = rows[turn % Math.max(1, rows.length)]?.pid;
    if (pid != null) return pid;
    await wait(50);
  }
  throw new Error(`${role} is not running`);
}

async function recovered(node: RunningNode, role: string, restarts: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const rows = (await node.processes().catch(() => [])).filter((found) => found.role === role);
    const count = rows.reduce((sum, row) => sum + row.restarts, 0);
    if (rows.length > 0 && rows.every(({ state }) => state === 'ready') && count >= restarts) return;
    await wait(50);
  }
  throw new Error(`${role} did not come back\n${node.output().slice(-3000)}`);
}

async function restarted(node: RunningNode, options: NodeOptions): Promise<RunningNode> {
  for (let tries = 0; ; tries++) {
    try {
      // One that is slow to come is waited for: a second try would find it running.
      return await startNode({ ...options, dataDir: node.dataDir, readyMs: 60_000 });
    } catch (error) {
      // The children of the killed supervisor may still be draining on the data folder.
      if (tries > 20) throw error;
      await wait(250);
    }
  }
}

/** Undefined: the ledger is just coming back from a crash, and control says so. */
async function allRows(node: RunningNode): Promise<Row[] | undefined> {
  const rows: Row[] = [];
  let before: string | null = null;
  do {
    const { status, body } = await node.admin(
      'GET',
      `/admin/v1/usage/rows?limit=1000&since=1d${before === null ? '' : `&before=${encodeURIComponent(before)}`}`,
    );
    if (status === 503) return undefined;
    assert.equal(status, 200, JSON.stringify(body));
    rows.push(...(body['rows'] as Row[]));
    before = (body['next'] as string | undefined) ?? null;
  } while (before !== null);
  return rows;
}

/** Waits until no row is open any more, then holds the ledger against the provider's list. */
async function compare(what: string, node: RunningNode, upstream: ReplayUpstream, load: Load, surplusAllowed: number): Promise<void> {
  const seen = new Set(upstream.seen.map(({ requestId }) => requestId as string));
  let rows: Row[] = [];
  for (let tries = 0; tries < 240; tries++) {
    rows = (await allRows(node)) ?? [];
    const known = new Set(rows.map((row) => row.request_id));
    if (rows.every((row) => row.state !== 'open' && row.state !== 'usage-first') && [...seen].every((id) => known.has(id))) break;
    await wait(500);
  }
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(`${row.request_id}/${row.attempt}`, (counts.get(`${row.request_id}/${row.attempt}`) ?? 0) + 1);
  const known = new Set(rows.map((row) => row.request_id));
  const surplus = rows.filter((row) => !seen.has(row.request_id));
  const unconfirmed = rows.filter((row) => row.state === 'unconfirmed').length;
  console.log(
    `${what}: ${seen.size} requests seen by the provider, ${rows.length} rows, ${unconfirmed} unconfirmed, ${surplus.length} surplus (at most ${surplusAllowed}); ${load.answered()} answered, ${load.refused()} refused, ${load.unpaid()} unpaid, ${load.failed()} failed`,
  );
  assert.deepEqual(
    [...seen].filter((id) => !known.has(id)),
    [],
    'requests that the provider saw are not in the ledger',
  );
  assert.deepEqual(
    [...counts].filter(([, count]) => count !== 1),
    [],
    'rows are doubled',
  );
  assert.deepEqual(
    rows.filter((row) => row.state === 'open'),
    [],
    'rows stay open',
  );
  assert.deepEqual(
    surplus.filter((row) => row.state !== 'unconfirmed' && row.outcome === 'ok'),
    [],
    'surplus rows are not marked',
  );
  assert.ok(surplus.length <= surplusAllowed);
}
