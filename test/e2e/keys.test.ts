import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { httpRequest, startNode, type HttpAnswer, type RunningNode } from './node.ts';

/** A virtual key's life, as the one who holds it sees it, over two workers and two shards. */

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('virtual keys on two workers and two shards', () => {
  let node: RunningNode;

  before(async () => {
    node = await startNode({ config: 'workers: 2\nvault: { shards: 2 }\nmodels:\n  first: sandbox/echo\n  second: sandbox/echo\n' });
  });

  after(() => node.stop());

  const ask = (key: string, model: string, header: 'authorization' | 'x-api-key' | 'api-key' = 'authorization'): Promise<HttpAnswer> =>
    httpRequest(
      'POST',
      `${node.url}/v1/chat/completions`,
      { [header]: header === 'authorization' ? `Bearer ${key}` : key, 'content-type': 'application/json' },
      JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }] }),
    );
  const codeOf = (answer: HttpAnswer): unknown => (JSON.parse(answer.body) as { error: { code: string } }).error.code;

  it('is taken where each client library puts it', async () => {
    const key = await node.newKey();
    for (const header of ['authorization', 'x-api-key', 'api-key'] as const)
      assert.equal((await ask(key, 'first', header)).status, 200, header);
  });

  it('may use only the models it names, and sees only those', async () => {
    const key = await node.newKey('narrow', { models: ['first'] });
    assert.equal((await ask(key, 'first')).status, 200);
    const refused = await ask(key, 'second');
    assert.equal(refused.status, 403);
    assert.equal(codeOf(refused), 'model_not_allowed');
    const models = await httpRequest('GET', `${node.url}/v1/models`, { authorization: `Bearer ${key}` });
    assert.deepEqual(
      (JSON.parse(models.body) as { data: { id: string }[] }).data.map(({ id }) => id),
      ['first'],
    );
  });

  it('ends at its time', async () => {
    const key = await node.newKey('brief', { expires_at: new Date(Date.now() + 1500).toISOString() });
    assert.equal((await ask(key, 'first')).status, 200);
    await wait(1700);
    assert.equal((await ask(key, 'first')).status, 401);
  });

  it('has no more requests in flight than it may, over all workers', async () => {
    const key = await node.newKey('few', { max_parallel: 3 });
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(key, 'sandbox/slow-700')));
    assert.equal(answers.filter(({ status }) => status === 200).length, 3);
    assert.deepEqual([...new Set(answers.filter(({ status }) => status !== 200).map(codeOf))], ['too_many_parallel_requests']);
    // A slot is free once the ledger has heard of the end.
    await wait(200);
    assert.equal((await ask(key, 'first')).status, 200);
  });

  it('is rotated with grace: both work, then only the new one', async () => {
    const old = await node.newKey('turning');
    assert.equal((await ask(old, 'first')).status, 200);
    const rotated = await node.cli(['key', 'rotate', 'turning', '--grace', '2s', '--json']);
    assert.equal(rotated.code, 0, rotated.stderr);
    const fresh = /bh_live_[0-9A-Za-z]{36}/.exec(rotated.stdout)?.[0] ?? '';
    assert.equal((await ask(fresh, 'first')).status, 200);
    assert.equal((await ask(old, 'first')).status, 200);
    await wait(2300);
    assert.equal((await ask(old, 'first')).status, 401);
    assert.equal((await ask(fresh, 'first')).status, 200);
  });

  it('lets both workers serve', async () => {
    const key = await node.newKey();
    for (let i = 0; i < 60; i++) await ask(key, 'first');
    const { body } = await httpRequest('GET', `${node.controlUrl}/metrics`, {});
    const served = [...body.matchAll(/^bulkhead_gateway_requests_total\{([^}]*)\} (\d+)/gm)].map(([, labels, count]) => ({
      labels: labels ?? '',
      count: Number(count),
    }));
    const byWorker = ['0', '1'].map((index) =>
      served.filter(({ labels }) => labels.includes(`"${index}"`) && labels.includes('gateway')).reduce((sum, { count }) => sum + count, 0),
    );
    assert.ok(
      byWorker.every((count) => count > 0),
      `${byWorker.join(' and ')}\n${body.slice(0, 1500)}`,
    );
  });
});
