import assert from 'node:assert/strict';
import { startReplayUpstream, type ReplayUpstream } from '../replay/upstream.ts';
import { startNode, type NodeOptions, type RunningNode } from '../e2e/node.ts';
import { slowProvider, startLoad, type Load } from './load.ts';

/**
 * kill -9 of every process under load. The provider's own list of request ids is the oracle: each id it saw is in the ledger exactly
 * once; rows that it did not see are at most the requests in flight at the kills, and marked.
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

const configOf = (upstream: ReplayUpstream): string =>
  `log: { requests: false }\nproviders:\n  slow: { kind: openai-compatible, base_url: "${upstream.origin}/v1", private: true, auth: none }\n`;

export async function runKills(kills: number): Promise<void> {
  for (const role of ['gateway', 'vault', 'ledger', 'auditor', 'control', 'sandbox', 'supervisor']) await killRole(role, kills);
  for (const role of Object.keys(CRASH_ENTRIES)) await crashRole(role, Math.max(2, Math.ceil(kills / 4)));
}

async function killRole(role: string, kills: number): Promise<void> {
  const upstream = await startReplayUpstream(slowProvider);
  const options: NodeOptions = { config: configOf(upstream) };
  let node = await startNode(options);
  const load = startLoad(() => node.url, await node.newKey(), MODEL, WIDTH);
  let surplusAllowed = 0;
  for (let kill = 0; kill < kills; kill++) {
    await underLoad(load);
    surplusAllowed += load.inFlight();
    if (role === 'supervisor') {
      node.supervisor.kill('SIGKILL');
      await wait(300);
      node = await restarted(node, options);
    } else {
      process.kill(await pidOf(node, role), 'SIGKILL');
      await recovered(node, role, kill + 1);
    }
  }
  await load.stop();
  await compare(`${role}: ${kills} kills`, node, upstream, load, surplusAllowed);
  await node.stop();
  await upstream.close();
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
  while (load.answered() < before + WIDTH || load.inFlight() < WIDTH - 8) {
    if (Date.now() > deadline)
      throw new Error(`the node does not serve: ${load.answered() - before} answers in 30 s, ${load.failed()} failures so far`);
    await wait(10);
  }
}

async function pidOf(node: RunningNode, role: string): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const row = (await node.processes().catch(() => [])).find((found) => found.role === role && found.state === 'ready');
    if (row?.pid != null) return row.pid;
    await wait(50);
  }
  throw new Error(`${role} is not running`);
}

async function recovered(node: RunningNode, role: string, restarts: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const row = (await node.processes().catch(() => [])).find((found) => found.role === role);
    if (row !== undefined && row.state === 'ready' && row.restarts >= restarts) return;
    await wait(50);
  }
  throw new Error(`${role} did not come back\n${node.output().slice(-3000)}`);
}

async function restarted(node: RunningNode, options: NodeOptions): Promise<RunningNode> {
  for (let tries = 0; ; tries++) {
    try {
      return await startNode({ ...options, dataDir: node.dataDir });
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
    `${what}: ${seen.size} requests seen by the provider, ${rows.length} rows, ${unconfirmed} unconfirmed, ${surplus.length} surplus (at most ${surplusAllowed}); ${load.answered()} answered, ${load.failed()} failed`,
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
