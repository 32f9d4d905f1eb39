import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startReplayUpstream, type ReplayUpstream } from '../replay/upstream.ts';
import { httpRequest, startNode, type HttpAnswer, type RunningNode } from './node.ts';

/** Prices as an operator changes them: a file as data, read again while the node serves, and what nobody has a price for. */

const USAGE = { prompt_tokens: 1_000, completion_tokens: 10, total_tokens: 1_010 };
const completion = JSON.stringify({
  id: 'x',
  object: 'chat.completion',
  created: 1,
  model: 'cent',
  choices: [{ index: 0, message: { role: 'assistant', content: 'fine' }, finish_reason: 'stop' }],
  usage: USAGE,
});

const table = (version: string, input: number): string =>
  JSON.stringify(
    { version, source: 'a contract', lists: { house: { models: [{ id: 'cent', match: '=cent', prices: [{ input, output: 0 }] }] } } },
    null,
    1,
  );

const providersOf = ({ origin }: ReplayUpstream): string => `
providers:
  cloud: { kind: openai-compatible, base_url: "${origin}/v1", private: true, auth: none, price_list: house }
  own: { kind: vllm, base_url: "${origin}/v1", private: true }
  stranger: { kind: openai-compatible, base_url: "${origin}/v1", private: true, auth: none }
`;

interface Row {
  readonly request_id: string;
  readonly cost_usd: string;
  readonly price_known: boolean;
  readonly price_version: string;
  readonly state: string;
}

/** What the vault reports comes later; the price does not change by it. */
const priceOf = ({ cost_usd: cost, price_known: known, price_version: version }: Row) => [cost, known, version];

class Desk {
  readonly node: RunningNode;
  readonly key: string;

  constructor(node: RunningNode, key: string) {
    this.node = node;
    this.key = key;
  }

  ask(model: string): Promise<HttpAnswer> {
    return httpRequest(
      'POST',
      `${this.node.url}/v1/chat/completions`,
      { authorization: `Bearer ${this.key}`, 'content-type': 'application/json' },
      JSON.stringify({ model, max_tokens: 16, messages: [{ role: 'user', content: 'hello' }] }),
    );
  }

  /** The row of a call that is made now. */
  async charged(model: string): Promise<Row> {
    const answer = await this.ask(model);
    assert.equal(answer.status, 200, answer.body);
    return this.row(String(answer.headers['x-bulkhead-request-id']));
  }

  async row(id: string): Promise<Row> {
    return until(async () => {
      const { body } = await this.node.admin('GET', '/admin/v1/usage/rows?limit=100&since=1d');
      return (body['rows'] as Row[]).find((row) => row.request_id === id && row.state === 'confirmed');
    });
  }

  async json(...args: readonly string[]): Promise<Record<string, unknown>> {
    const { stdout, stderr } = await this.node.cli([...args, '--json']);
    assert.notEqual(stdout, '', stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  /** Rewrites a file beside bulkhead.yaml. */
  write(name: string, text: string): string {
    const at = path.join(path.dirname(this.node.configFile), name);
    fs.writeFileSync(at, text);
    return at;
  }
}

async function until<Found>(look: () => Promise<Found | undefined>): Promise<Found> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

let upstream: ReplayUpstream;
before(async () => {
  upstream = await startReplayUpstream(
    (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(completion),
  );
});
after(() => upstream.close());

async function deskWith(config: string, files: Readonly<Record<string, string>> = {}): Promise<Desk> {
  const folder = fs.mkdtempSync(path.join('/tmp', 'bulkhead-prices-'));
  fs.chmodSync(folder, 0o755);
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), text);
  const node = await startNode({ config, dataDir: path.join(folder, 'data') });
  return new Desk(node, await node.newKey('prices'));
}

describe('a prices file that bulkhead.yaml names', () => {
  let desk: Desk;
  before(async () => {
    const models = 'models: { told: { model: cloud/deployment-7, base_model: cent } }\n';
    desk = await deskWith(`prices_file: prices.json\n${providersOf(upstream)}${models}`, { 'prices.json': table('first', 1_000_000) });
  });
  after(() => desk.node.stop());

  it('prices calls from the first one on, is read again when it changes, and never prices a row twice', async () => {
    const old = await desk.charged('cloud/cent');
    assert.deepEqual([old.cost_usd, old.price_known], ['0.001', true]);
    assert.match(old.price_version, /\+first\+/);
    desk.write('prices.json', table('second', 3_000_000));
    const fresh = await until(async () => {
      const row = await desk.charged('cloud/cent');
      return row.price_version.includes('+second+') ? row : undefined;
    });
    assert.equal(fresh.cost_usd, '0.003');
    assert.deepEqual(priceOf(await desk.row(old.request_id)), priceOf(old));
    const { attempts } = await desk.json('usage', 'explain', fresh.request_id);
    const [attempt] = attempts as { price: { list: string; in_file: boolean }; adds_up: boolean }[];
    assert.deepEqual([attempt?.price.list, attempt?.price.in_file, attempt?.adds_up], ['house', true, true]);
  });

  it('with an error changes nothing, and says line and reason', async () => {
    const { version } = (await desk.json('prices', 'show'))['table'] as { version: string };
    desk.write('prices.json', table('broken', -1));
    const problems = await until(async () => {
      const found = (await desk.json('prices', 'show'))['problems'] as { line: number; reason: string }[];
      return found.length > 0 ? found : undefined;
    });
    assert.ok((problems[0]?.line ?? 0) > 5, JSON.stringify(problems));
    assert.match(problems[0]?.reason ?? '', /input/);
    assert.ok((await desk.charged('cloud/cent')).price_version.includes(`+${version}+`));
    const { code, stdout } = await desk.node.cli(['config', 'check', desk.node.configFile]);
    assert.equal(code, 1);
    assert.match(stdout, /prices\.json:\d+:\d+: .*input/);
  });

  it('is not changed by hand', async () => {
    const { code, stderr } = await desk.node.cli(['prices', 'apply', desk.write('other.json', table('other', 5))]);
    assert.equal(code, 1);
    assert.match(stderr, /declared in .*prices\.json/);
  });

  it('prices a target as the model that is said to be behind its name', async () => {
    const [untold, told, cent] = [await desk.charged('cloud/deployment-7'), await desk.charged('told'), await desk.charged('cloud/cent')];
    assert.equal(untold.price_known, false);
    assert.deepEqual(priceOf(told), priceOf(cent));
    const { attempts } = await desk.json('usage', 'explain', told.request_id);
    const [attempt] = attempts as { model: string; price: { model: string; as: string } }[];
    assert.deepEqual([attempt?.model, attempt?.price.model, attempt?.price.as], ['deployment-7', 'cent', 'cent']);
    const price = await desk.json('prices', 'model', 'cloud/deployment-7');
    assert.deepEqual([price['base_model'], price['entry'], price['known']], ['cent', 'cent', true]);
  });

  it('own servers cost nothing, and that is known', async () => {
    const { cost_usd: cost, price_known: known, price_version: version } = await desk.charged('own/llama');
    assert.deepEqual([cost, known, version], ['0.00', true, 'free/1']);
  });
});

describe('a table that is applied by hand', () => {
  let desk: Desk;
  before(async () => {
    desk = await deskWith(providersOf(upstream));
  });
  after(() => desk.node.stop());

  it('is compared, applied and taken back, each recorded', async () => {
    const file = desk.write('mine.json', table('by-hand', 2_000_000));
    const { changes, version } = await desk.json('prices', 'diff', file);
    assert.equal(version, 'by-hand');
    assert.deepEqual(
      (changes as { list: string; model: string; change: string }[]).map(({ list, model, change }) => [list, model, change]),
      [['house', 'cent', 'new']],
    );
    assert.equal((await desk.node.cli(['prices', 'apply', file])).code, 0);
    const row = await until(async () => {
      const charged = await desk.charged('cloud/cent');
      return charged.price_known ? charged : undefined;
    });
    assert.equal(row.cost_usd, '0.002');
    const price = await desk.json('prices', 'model', 'cloud/cent');
    assert.deepEqual([price['origin'], price['entry'], price['known']], ['prices file', 'cent', true]);
    assert.equal((await desk.node.cli(['prices', 'reset'])).code, 0);
    await until(async () => ((await desk.charged('cloud/cent')).price_known ? undefined : 'unknown again'));
    assert.deepEqual(priceOf(await desk.row(row.request_id)), priceOf(row));
    const { body } = await desk.node.admin('GET', '/admin/v1/audit?limit=200');
    const log = JSON.stringify(body['entries']);
    for (const act of ['prices.apply', 'prices.reset']) assert.ok(log.includes(`"act":"${act}"`), act);
  });

  it('with an error is not applied, and says where', async () => {
    const { code, stdout } = await desk.node.cli(['prices', 'apply', desk.write('mine.json', table('a b', 1))]);
    assert.equal(code, 1);
    assert.match(stdout, /mine\.json:2:\d+: version must be/);
  });
});

describe('a price that nobody knows', () => {
  let desk: Desk;
  before(async () => {
    desk = await deskWith(providersOf(upstream));
  });
  after(() => desk.node.stop());

  it('is the dearest of its list and flagged, or a refusal, never nothing', async () => {
    const row = await desk.charged('stranger/nobody');
    assert.equal(row.price_known, false);
    assert.ok(Number(row.cost_usd) > 0.01, row.cost_usd);
    const { origin, known } = await desk.json('prices', 'model', 'stranger/nobody');
    assert.deepEqual([origin, known], ['unknown', false]);
    fs.appendFileSync(desk.node.configFile, 'unknown_price: refuse\n');
    const refused = await until(async () => {
      const answer = await desk.ask('stranger/nobody');
      return answer.status === 200 ? undefined : answer;
    });
    assert.equal(refused.status, 402, refused.body);
    const { error } = JSON.parse(refused.body) as { error: { code: string; message: string } };
    assert.deepEqual([error.code, /nobody of the provider stranger/.test(error.message)], ['price_unknown', true]);
    // What has a price passes, and what is free.
    assert.equal((await desk.ask('own/llama')).status, 200);
    assert.equal((await desk.ask('sandbox/echo')).status, 200);
  });
});
