import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { startNode, type RunningNode } from '../e2e/node.ts';
import { startReplayUpstream, type Answerer, type ReplayUpstream } from '../replay/upstream.ts';
import { ask, startTraffic, type Answer, type Lane } from './lanes.ts';
import { slowProvider, wait } from './load.ts';
import { compare, fine, mostIn } from './oracle.ts';
import { pidOf, recovered } from './processes.ts';
import { seededFor } from './seeds.ts';

/**
 * A node whose control is away: stopped, held down, or dying again a second after each start. Meanwhile no request fails but those that a
 * limit, a budget or the end of a key refuses, no budget is exceeded, and streams go on; afterwards control knows all of it and revokes hold.
 */

const WAYS = ['stopped', 'held down', 'flapping'] as const;
type Way = (typeof WAYS)[number];

const WORKERS = 4;
const STEADY_KEYS = 8;
const STREAMS = 6;
/** Shares of the requests. */
const WEIGHTS = { steady: 1.5, limited: 2, purse: 2.5, raised: 1, ending: 1 } as const;
const ALL = WEIGHTS.steady * (STEADY_KEYS + 1) + WEIGHTS.limited + WEIGHTS.purse + WEIGHTS.raised + WEIGHTS.ending;
/** Of what a lane asks for, this much is let through. */
const ENOUGH_FOR = 0.6;
/** What a request may take on its way between the ledger's word and the provider's count, with a stolen processor. */
const SKEW_MS = 3000;
/** How long the load goes on with control back. */
const AFTER_MS = 3000;

const configOf = ({ origin }: ReplayUpstream): string => `
log: { requests: false }
workers: ${WORKERS}
providers:
  slow: { kind: openai-compatible, base_url: "${origin}/v1", private: true, auth: none }
prices:
  - { provider: slow, model: '*', input: 0, output: 0, per_request: 0.01 }
`;

/** `long-N` is a stream of N seconds; everything else as `slowProvider`. */
const provider: Answerer = async (request, response) => {
  const seconds = /"model":"long-(\d+)"/.exec(request.body.toString('utf8'))?.[1];
  if (seconds === undefined) return slowProvider(request, response);
  const chunk = { id: 'chatcmpl-long', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'long' };
  const event = (body: object): boolean => response.write(`data: ${JSON.stringify({ ...chunk, ...body })}\n\n`);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let second = 0; second < Number(seconds) && !response.destroyed; second++) {
    event({ choices: [{ index: 0, delta: { content: 'on ' }, finish_reason: null }] });
    await wait(1000);
  }
  event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
  event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } });
  response.end('data: [DONE]\n\n');
};

/** All three ways at once, each on a node of its own, with `rate` requests a second on all of them together. */
export async function runControlStopped(seconds: number, rate: number, seed: number): Promise<void> {
  if (seconds === 0) return;
  const ended = await Promise.allSettled(
    WAYS.map((way) => stopControl(way, seconds, rate / WAYS.length, seededFor(seed, `control ${way}`))),
  );
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}

async function stopControl(way: Way, seconds: number, rate: number, random: () => number): Promise<void> {
  const upstream = await startReplayUpstream(provider);
  const entries = way === 'stopped' ? {} : { control: 'test/campaign/entries/control.ts' };
  const node = await startNode({ config: configOf(upstream), entries, readyMs: 60_000 });
  try {
    const rules = await prepare(node, seconds, rate);
    // Once each, on whichever worker gets it: from then on all of them know the key.
    for (const lane of rules.lanes) assert.equal((await ask(node.url, lane, false)).status, 200, `${way}: ${lane.name} before`);
    const streams = Array.from({ length: STREAMS }, () =>
      ask(node.url, { ...(rules.lanes[0] as Lane), model: `slow/long-${seconds + AFTER_MS / 1000}` }, true),
    );
    await wait(500);
    const back = await takeAway(way, node);
    const traffic = startTraffic(node.url, rules.lanes, rate, random);
    await wait(seconds * 1000);
    const returned = Date.now();
    await back();
    await wait(AFTER_MS);
    await traffic.stop();
    judge(way, traffic.answers, await Promise.all(streams), { ...rules, returned });
    await holdsRevokes(way, node, rules.steady);
    await agree(way, node, upstream, rules);
  } catch (error) {
    console.log(`control ${way}: ${node.output().slice(-3000)}`);
    throw error;
  } finally {
    await node.stop();
    await upstream.close();
  }
}

interface Rules {
  readonly lanes: readonly Lane[];
  /** Keys of the lanes that nothing refuses, and the ids of the keys. */
  readonly steady: readonly { readonly id: string; readonly key: string }[];
  /** Requests of the limited lane in each stretch of `windowMs`. */
  readonly amount: number;
  readonly windowMs: number;
  /** Cents of the budget that comes to its end meanwhile. */
  readonly purse: number;
  readonly purseId: string;
  readonly everything: string;
  readonly places: string;
  /** Unix milliseconds: a key ends, and so does a raise that paid for all of its lane. */
  readonly half: number;
}

async function prepare(node: RunningNode, seconds: number, rate: number): Promise<Rules> {
  const post = async (target: string, body: unknown): Promise<Record<string, unknown>> => {
    const answer = await node.admin('POST', `/admin/v1${target}`, body);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer.body;
  };
  const newKey = async (team: string, extra: object = {}): Promise<{ id: string; key: string }> => {
    const made = await post('/keys', { name: `${team}-${process.hrtime.bigint()}`, team, ...extra });
    return { id: String(made['id']), key: String(made['key']) };
  };
  const of = (team: string) => ({ owner: { kind: 'team', id: team } });
  for (const name of ['steady', 'limited', 'purse', 'raised']) await post('/teams', { name });
  const everyone = { owner: { kind: 'organization', id: 'default' } };
  const everything = await post('/budgets', { ...everyone, dollars: '100000', window: 'total' });
  const places = await post('/limits', { ...everyone, measure: 'parallel', amount: 500 });
  await post('/limits', { ...of('steady'), measure: 'requests', amount: 100_000 });
  await post('/limits', { ...of('steady'), measure: 'tokens', amount: 100_000_000 });
  await post('/budgets', { ...of('steady'), dollars: '10000', window: 'hour' });
  const least = (lane: 'limited' | 'purse', over: number): number =>
    Math.max(2, Math.round((ENOUGH_FOR * over * rate * WEIGHTS[lane]) / ALL));
  const window = Math.min(60, Math.ceil(seconds / 2));
  const amount = least('limited', window);
  await post('/limits', { ...of('limited'), measure: 'requests', amount, window: `${window}s` });
  const purse = least('purse', seconds);
  const { id: purseId } = await post('/budgets', { ...of('purse'), dollars: dollars(purse), window: 'total' });
  const { id: raised } = await post('/budgets', { ...of('raised'), dollars: '0.01', window: 'total' });
  const steady = await Promise.all(Array.from({ length: STEADY_KEYS }, () => newKey('steady')));
  // Rules in its own row, which the ledger keeps only while it sees the key.
  const own = await newKey('steady', { max_parallel: 200 });
  await post('/limits', { owner: { kind: 'key', id: own.id }, measure: 'requests', amount: 100_000 });
  await post('/budgets', { owner: { kind: 'key', id: own.id }, dollars: '1000', window: 'rolling:1h' });
  const half = Date.now() + (seconds / 2) * 1000 + 3000;
  await post(`/budgets/${String(raised)}/raises`, { dollars: '1000', until: new Date(half).toISOString(), reason: 'for a while' });
  const ending = await newKey('steady', { expires_at: new Date(half).toISOString() });
  const lane = (name: keyof typeof WEIGHTS, { key }: { readonly key: string }): Lane => ({
    name,
    key,
    model: 'slow/slow',
    weight: WEIGHTS[name],
  });
  return {
    lanes: [
      ...[...steady, own].map((key) => lane('steady', key)),
      lane('limited', await newKey('limited')),
      lane('purse', await newKey('purse')),
      lane('raised', await newKey('raised')),
      lane('ending', ending),
    ],
    steady,
    amount,
    windowMs: window * 1000,
    purse,
    purseId: String(purseId),
    everything: String(everything['id']),
    places: String(places['id']),
    half,
  };
}

const dollars = (amount: number): string => `${Math.floor(amount / 100)}.${String(amount % 100).padStart(2, '0')}`;

/** Gives what brings control back, and resolves then once it serves. */
async function takeAway(way: Way, node: RunningNode): Promise<() => Promise<void>> {
  const pid = await pidOf(node, 'control');
  if (way === 'stopped') {
    process.kill(pid, 'SIGSTOP');
    return async () => {
      process.kill(pid, 'SIGCONT');
      await recovered(node, 'control', 0);
    };
  }
  const mark = path.join(node.dataDir, 'control', way === 'flapping' ? 'flapping' : 'held');
  fs.writeFileSync(mark, '', { mode: 0o644 });
  process.kill(pid, 'SIGKILL');
  return async () => {
    fs.rmSync(mark);
    // One that lives its second still dies.
    await wait(1500);
    await recovered(node, 'control', 1);
  };
}

interface Facts extends Rules {
  readonly returned: number;
}

/** Every answer is what its lane's rules say, and no other. */
function judge(way: Way, answers: readonly Answer[], streams: readonly Answer[], { amount, windowMs, purse, half, returned }: Facts): void {
  const away = answers.filter(({ at }) => at < returned);
  const slowest = Math.max(...away.map(({ ms }) => ms));
  const lanes = Map.groupBy(answers, ({ lane }) => lane);
  const told = [...lanes].map(([lane, those]) => `${lane} ${count(those)}`).join('; ');
  console.log(
    `control ${way}: ${away.length} requests while it was away, slowest ${Math.round(slowest)} ms, ${streams.length} streams across: ${told}`,
  );
  const of = (lane: string): readonly Answer[] => lanes.get(lane) ?? [];
  const fails = (those: readonly Answer[], may: Readonly<Record<number, string>>): void => {
    const wrong = those.filter(({ status, code, whole }) => !(whole && (status === 200 || may[status] === code)));
    assert.deepEqual(wrong, [], `${way}: requests failed`);
  };
  fails([...streams, ...of('steady')], {});
  fails(of('limited'), { 429: 'rate_limited' });
  fails(of('purse'), { 402: 'budget_exceeded' });
  fails(of('raised'), { 402: 'budget_exceeded' });
  fails(of('ending'), { 401: 'invalid_key' });
  const passed = (lane: string): readonly Answer[] => of(lane).filter(({ status }) => status === 200);
  // One was spent before.
  assert.equal(passed('purse').length + 1, purse, `${way}: the purse`);
  const most = mostIn(
    passed('limited').map(({ at }) => at),
    windowMs - SKEW_MS,
  );
  assert.ok(most <= amount, `${way}: ${most} requests where ${amount} may be`);
  assert.ok(
    of('limited').some(({ status }) => status === 429),
    `${way}: the limit was never reached`,
  );
  for (const lane of ['raised', 'ending']) {
    const wrong = of(lane).filter(({ at, status }) => Math.abs(at - half) > SKEW_MS && (status === 200) !== at < half);
    assert.deepEqual(wrong, [], `${way}: ${lane} ends at ${half}`);
  }
}

const count = (those: readonly Answer[]): string =>
  [...Map.groupBy(those, ({ status }) => status)].map(([status, some]) => `${some.length} × ${status}`).join(', ');

/** What is acknowledged holds at once, on all workers. */
async function holdsRevokes(way: Way, node: RunningNode, keys: Rules['steady']): Promise<void> {
  const lane = (key: string): Omit<Lane, 'weight'> => ({ name: 'after', key, model: 'slow/slow' });
  assert.equal((await ask(node.url, lane(await node.newKey()), false)).status, 200, `${way}: a new key`);
  for (const { id, key } of keys) {
    const answer = await node.admin('DELETE', `/admin/v1/keys/${id}`);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    const asked = await Promise.all(Array.from({ length: 4 * WORKERS }, () => ask(node.url, lane(key), false)));
    assert.deepEqual([...new Set(asked.map(({ status }) => status))], [401], `${way}: a revoked key`);
  }
}

/** The provider, the rows and the counters say the same, and nothing is held for nobody. */
async function agree(way: Way, node: RunningNode, upstream: ReplayUpstream, rules: Rules): Promise<void> {
  const rows = await compare(`control ${way}`, { node, upstream, surplusAllowed: 0 }, `${rules.purse} cents in the purse`);
  const { status, body } = await node.admin('GET', '/admin/v1/admission');
  assert.equal(status, 200);
  const found = (kind: 'budgets' | 'limits', id: string): Record<string, unknown> =>
    (body[kind] as Record<string, unknown>[]).find((rule) => rule['id'] === id) ?? assert.fail(`${kind} ${id}`);
  const everything = found('budgets', rules.everything);
  assert.equal(fine(String(everything['spent'])), rows, `${way}: spent is not what the rows cost`);
  assert.equal(fine(String(everything['reserved'])), 0n, `${way}: something is held`);
  assert.equal(fine(String(found('budgets', rules.purseId)['spent'])), fine(dollars(rules.purse)), `${way}: the purse`);
  assert.equal(found('limits', rules.places)['used'], 0, `${way}: places are taken`);
}
