import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import OpenAI, { RateLimitError } from 'openai';
import { startReplayUpstream, type ReplayUpstream } from '../replay/upstream.ts';
import { httpRequest, startNode, type HttpAnswer, type RunningNode } from './node.ts';

/** Limits and budgets as those who are held to them meet them: four workers, the official client, and a provider that takes a cent a request. */

const completion = JSON.stringify({
  id: 'x',
  object: 'chat.completion',
  created: 1,
  model: 'cent',
  choices: [{ index: 0, message: { role: 'assistant', content: 'fine' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
});
const DEAR = 'dear/cent';
const SLOW = 'dear/slow';

const configOf = ({ origin }: ReplayUpstream): string => `
workers: 4
providers:
  dear: { kind: openai-compatible, base_url: "${origin}/v1", private: true, auth: none }
prices:
  - { provider: dear, model: '*', input: 0, output: 0, per_request: 0.01 }
`;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const IN_A_WEEK = new Date(Date.now() + 7 * 86_400_000).toISOString();

describe('limits and budgets on four workers', () => {
  let node: RunningNode;
  let upstream: ReplayUpstream;
  before(async () => {
    upstream = await startReplayUpstream((request, response) => {
      const answer = (): void => void response.writeHead(200, { 'content-type': 'application/json' }).end(completion);
      if (request.body.includes('"slow"')) setTimeout(answer, 300);
      else answer();
    });
    node = await startNode({ config: configOf(upstream) });
  });
  after(async () => {
    await node.stop();
    await upstream.close();
  });

  const ask = (
    key: string,
    { model = 'sandbox/echo', headers = {} }: { model?: string; headers?: Record<string, string> } = {},
  ): Promise<HttpAnswer> =>
    httpRequest(
      'POST',
      `${node.url}/v1/chat/completions`,
      { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      JSON.stringify({ model, max_tokens: 16, messages: [{ role: 'user', content: 'hello' }] }),
    );
  const askMany = (key: string, count: number, options = {}): Promise<readonly HttpAnswer[]> =>
    Promise.all(Array.from({ length: count }, () => ask(key, options)));
  const errorOf = ({ body }: HttpAnswer) => (JSON.parse(body) as { error: { code: string; message: string } }).error;
  const passed = (answers: readonly HttpAnswer[]): number => answers.filter(({ status }) => status === 200).length;
  const codes = (answers: readonly HttpAnswer[]): readonly string[] => [
    ...new Set(answers.filter(({ status }) => status !== 200).map((answer) => errorOf(answer).code)),
  ];
  /** A team of its own with one key, so that no test is held to another's rules. */
  const newTeam = async (name: string): Promise<string> => {
    assert.equal((await node.admin('POST', '/admin/v1/teams', { name })).status, 201);
    return node.newKey(`${name}-key`, { team: name });
  };
  const write = async (target: string, body: unknown): Promise<Record<string, unknown>> => {
    const answer = await node.admin('POST', `/admin/v1${target}`, body);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    assert.equal(answer.body['applied'] ?? 'yes', 'yes');
    return answer.body;
  };
  const team = (name: string) => ({ kind: 'team', id: name });
  const budgetOf = async (id: string) => {
    const { body } = await node.admin('GET', '/admin/v1/admission');
    return (body['budgets'] as { id: string; spent: string; reserved: string; left: string }[]).find((budget) => budget.id === id);
  };

  it('requests a minute: exactly as many as the limit, then 429 as the official client knows it', async () => {
    const key = await newTeam('rpm');
    await write('/limits', { owner: team('rpm'), measure: 'requests', amount: 20 });
    const answers = await askMany(key, 60);
    assert.deepEqual([passed(answers), codes(answers)], [20, ['rate_limited']]);
    const refusal = answers.find(({ status }) => status === 429);
    assert.ok(refusal !== undefined);
    assert.match(errorOf(refusal).message, /^Team rpm may use 20 requests a minute/);
    assert.ok(Number(refusal.headers['retry-after']) >= 1);
    assert.equal(refusal.headers['x-ratelimit-limit-requests'], '20');
    const client = new OpenAI({ baseURL: `${node.url}/v1`, apiKey: key, maxRetries: 0 });
    const call = client.chat.completions.create({ model: 'sandbox/echo', messages: [{ role: 'user', content: 'x' }] });
    await assert.rejects(call, (error) => error instanceof RateLimitError && error.code === 'rate_limited');
  });

  it('tokens a minute are taken before the call and given back after it', async () => {
    const key = await newTeam('tpm');
    await write('/limits', { owner: team('tpm'), measure: 'output_tokens', amount: 160 });
    const answers = await askMany(key, 30);
    assert.ok(passed(answers) >= 10, `${passed(answers)} of 30 passed`);
    assert.ok(passed(answers) < 30);
    assert.deepEqual(codes(answers), ['rate_limited']);
    // Each used a token or two of the sixteen it held: what was not used is there again.
    await wait(500);
    assert.equal((await ask(key)).status, 200);
  });

  it('parallel requests hold their place until they end', async () => {
    const key = await newTeam('parallel');
    await write('/limits', { owner: team('parallel'), measure: 'parallel', amount: 3 });
    const answers = await askMany(key, 12, { model: 'sandbox/slow-900' });
    assert.deepEqual([passed(answers), codes(answers)], [3, ['too_many_parallel_requests']]);
    await wait(300);
    assert.equal(passed(await askMany(key, 3)), 3);
  });

  it('a limit that only observes refuses nothing, and is reported', async () => {
    const key = await newTeam('watched');
    const { id } = await write('/limits', { owner: team('watched'), measure: 'requests', amount: 2, mode: 'observe' });
    assert.equal(passed(await askMany(key, 8)), 8);
    const { stdout } = await node.cli(['budget', 'alerts', '--json']);
    const { alerts } = JSON.parse(stdout) as { alerts: { kind: string; rule: string }[] };
    assert.ok(
      alerts.some(({ kind, rule }) => kind === 'rule.observed' && rule === id),
      stdout,
    );
  });

  it('an end user, a tag and a model have limits of their own', async () => {
    const key = await newTeam('narrow');
    await write('/limits', { owner: { kind: 'end_user', id: 'ada' }, measure: 'requests', amount: 2 });
    await write('/limits', { owner: { kind: 'tag', id: 'nightly' }, measure: 'requests', amount: 3 });
    await write('/limits', { owner: { kind: 'model' }, model: 'sandbox/stream-3', measure: 'requests', amount: 4 });
    assert.equal(passed(await askMany(key, 6, { headers: { 'x-bulkhead-user': 'ada' } })), 2);
    assert.equal(passed(await askMany(key, 6, { headers: { 'x-bulkhead-tags': 'nightly,other' } })), 3);
    assert.equal(passed(await askMany(key, 6, { model: 'sandbox/stream-3' })), 4);
    assert.equal(passed(await askMany(key, 6)), 6);
  });

  it('a share of a scarce model is there for its team while all others are at the limit', async () => {
    const [chosen, others] = [await newTeam('chosen'), await newTeam('others')];
    const scarce = { model: 'sandbox/stream-2' };
    const { id } = await write('/limits', { owner: { kind: 'model' }, ...scarce, measure: 'requests', amount: 20 });
    await write(`/limits/${String(id)}/shares`, { owner: team('chosen'), percent: 50 });
    assert.equal(passed(await askMany(chosen, 1, scarce)), 1);
    const refused = await askMany(others, 40, scarce);
    assert.deepEqual([passed(refused), codes(refused)], [10, ['rate_limited']]);
    // At the same time as others who never stop asking.
    const [kept, none] = await Promise.all([askMany(chosen, 15, scarce), askMany(others, 40, scarce)]);
    assert.deepEqual([passed(kept), passed(none)], [9, 0]);
  });

  it('a key’s own limit and budget ride in its row', async () => {
    const key = await newTeam('own');
    await write('/limits', { owner: { kind: 'key', id: 'own-key' }, measure: 'requests', amount: 9 });
    const { id } = await write('/budgets', { owner: { kind: 'key', id: 'own-key' }, dollars: '0.05', window: 'day' });
    const answers = await askMany(key, 20, { model: DEAR });
    assert.equal(passed(answers), 5);
    assert.ok(codes(answers).includes('budget_exceeded'));
    assert.equal((await node.admin('GET', `/admin/v1/budgets/${String(id)}`)).body['dollars'], '0.05');
  });

  it('a budget is never overspent; 402 says how much of what and until when; a granted request lets more through', async () => {
    const key = await newTeam('search');
    const owner = team('search');
    const set = await node.cli(['budget', 'set', '0.10', '--team', 'search', '--time-zone', 'Europe/Berlin', '--json']);
    assert.equal(set.code, 0, set.stderr);
    const { id } = JSON.parse(set.stdout) as { id: string };
    const answers = await askMany(key, 40, { model: DEAR });
    assert.deepEqual([passed(answers), codes(answers)], [10, ['budget_exceeded']]);
    const refusal = answers.find(({ status }) => status !== 200);
    assert.equal(refusal?.status, 402);
    // How much of it is used already and how much still held depends on which answers the ledger has heard of.
    assert.match(
      errorOf(refusal as HttpAnswer).message,
      /^Team search used \$0(?:\.\d+)? of \$0\.10? for \w+(?:, and this request may cost up to \$0\.01, more than the \$0 left \(\$0\.\d+ is held for requests under way\))?; resets 1 \w+ 00:00 Europe\/Berlin\./,
    );
    const user = await write('/users', { name: 'Ada', email: 'ada@example.com' });
    const member = { user: user['id'], role: 'member', organization: 'default', team: 'search' };
    assert.equal((await node.admin('PUT', '/admin/v1/members', member)).status, 200);
    const { token } = await write('/tokens', { name: 'laptop', user: 'ada@example.com' });
    const asked = await httpRequest(
      'POST',
      `${node.controlUrl}/admin/v1/budget-requests`,
      { authorization: `Bearer ${String(token)}`, 'content-type': 'application/json' },
      JSON.stringify({ owner, dollars: '0.05', until: IN_A_WEEK, reason: 'a launch' }),
    );
    assert.equal(asked.status, 201, asked.body);
    assert.equal(passed(await askMany(key, 3, { model: DEAR })), 0);
    const granted = await node.cli(['budget', 'grant', (JSON.parse(asked.body) as { id: string }).id, '--answer', 'go on']);
    assert.equal(granted.code, 0, granted.stderr);
    assert.equal(passed(await askMany(key, 20, { model: DEAR })), 5);
    const shown = await node.cli(['budget', 'show', id]);
    assert.match(shown.stdout, /raised by \$0\.05 until .*: a launch/);
    const listed = await node.cli(['budget', 'list', '--team', 'search']);
    assert.match(listed.stdout, /team search .*\$0\.15 .*\$0\.15 .*\$0\.00 .*█{24}/);
  });

  it('with control stopped nothing fails and nothing is overspent', async () => {
    const key = await newTeam('alone');
    const { id } = await write('/budgets', { owner: team('alone'), dollars: '0.30', window: 'total' });
    // Every worker has seen the key: what none has seen needs control.
    await askMany(key, 200);
    await askMany(key, 8, { model: DEAR });
    const control = (await node.processes()).find(({ role }) => role === 'control');
    assert.ok(control?.pid);
    process.kill(control.pid, 'SIGSTOP');
    try {
      assert.equal(passed(await askMany(key, 12, { model: DEAR })), 12);
      const rest = await askMany(key, 40, { model: DEAR });
      assert.deepEqual([passed(rest), codes(rest)], [10, ['budget_exceeded']]);
      // A key that no worker has seen is answered too, and not kept waiting.
      assert.deepEqual(codes(await askMany(`bh_live_${'0'.repeat(36)}`, 1)), ['key_lookup_unavailable']);
    } finally {
      process.kill(control.pid, 'SIGCONT');
    }
    // A reservation becomes spending when the gateway's report is on disk.
    while ((await budgetOf(String(id)))?.reserved !== '0.00') await wait(50);
    const budget = await budgetOf(String(id));
    assert.deepEqual([budget?.spent, budget?.left], ['0.30', '0.00']);
  });

  it('a ledger that is killed in between neither forgets nor admits the last cent twice', async () => {
    const key = await newTeam('killed');
    const { id } = await write('/budgets', { owner: team('killed'), dollars: '0.50', window: 'total' });
    const before = upstream.seen.length;
    await askMany(key, 20, { model: DEAR });
    const running = askMany(key, 20, { model: SLOW });
    await wait(100);
    const ledger = (await node.processes()).find(({ role }) => role === 'ledger');
    assert.ok(ledger?.pid);
    process.kill(ledger.pid, 'SIGKILL');
    await running;
    for (let round = 0; round < 60; round++) {
      const answers = await askMany(key, 10, { model: DEAR });
      if (passed(answers) === 0 && codes(answers).every((code) => code === 'budget_exceeded')) break;
      await wait(100);
    }
    // What the provider saw is what it bills.
    assert.equal(upstream.seen.length - before, 50);
    while ((await budgetOf(String(id)))?.reserved !== '0.00') await wait(50);
    const budget = await budgetOf(String(id));
    assert.deepEqual([budget?.spent, budget?.left], ['0.50', '0.00']);
  });
});
