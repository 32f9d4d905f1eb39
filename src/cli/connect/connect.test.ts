import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { useAdmin } from '../testing/use-admin.ts';

const KEY = `bh_live_${'a'.repeat(36)}`;
const CREATED = {
  id: 'key_01',
  name: 'claude-code',
  hint: 'bh_live_aa…aa',
  organization: 'default',
  team: 'default',
  state: 'active',
  version: 1,
  created_at: '2026-11-01T00:00:00Z',
  expires_at: null,
  revoked_at: null,
  replaced_by: null,
  models: null,
  max_parallel: null,
  key: KEY,
};
const MODELS = {
  models: [
    { alias: 'openai/', prefix: true, source: 'built-in', targets: [{ provider: 'openai', model: '' }] },
    { alias: 'fast', prefix: false, source: 'bulkhead.yaml', targets: [{ provider: 'openai', model: 'gpt' }] },
  ],
};
const ANSWERS: Readonly<Record<string, object>> = {
  '/v1/messages': {
    content: [
      { type: 'thinking', thinking: 'x' },
      { type: 'text', text: 'connected' },
    ],
  },
  '/v1/responses': { output: [{ type: 'reasoning' }, { type: 'message', content: [{ type: 'output_text', text: 'connected' }] }] },
  '/v1/chat/completions': { choices: [{ message: { content: 'connected' } }] },
};

interface Asked {
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

describe('connect', () => {
  const { admin, cli, names } = useAdmin();
  let gateway: http.Server;
  let url = '';
  let home = '';
  let failing = false;
  const asked: Asked[] = [];

  before(async () => {
    gateway = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString()) as Asked['body'];
        asked.push({ url: request.url ?? '', authorization: request.headers.authorization, body });
        const facts = { 'x-bulkhead-request-id': 'req_1', 'x-bulkhead-provider': 'openai', 'x-bulkhead-model': 'gpt', connection: 'close' };
        response.writeHead(failing ? 404 : 200, facts);
        response.end(JSON.stringify(failing ? { error: { message: 'There is no model fast.' } } : ANSWERS[request.url ?? '']));
      });
    });
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  });
  after(() => new Promise((resolve) => gateway.close(resolve)));

  beforeEach(() => {
    home = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-home-'));
    asked.length = 0;
    failing = false;
    admin().answers = {
      'models.list': () => MODELS,
      'keys.create': () => CREATED,
      'usage.request': () => ({ request_id: 'req_1', rows: [{ input_tokens: 12, output_tokens: 3, cost_usd: '0.000042' }] }),
    };
  });
  afterEach(() => fs.rmSync(home, { recursive: true, force: true }));

  const run = (
    args: readonly string[],
    options: { readonly stdin?: string; readonly env?: Record<string, string>; readonly tty?: true } = {},
  ) => cli(['connect', ...args, '--gateway', url], { ...options, env: { HOME: home, ...options.env } });
  const read = (file: string): string => fs.readFileSync(path.join(home, file), 'utf8');

  it('claude-code: settings, one request in its own protocol, time and cost', async () => {
    const { code, out } = await run(['claude-code', '--apply']);
    assert.equal(code, 0, out);
    assert.deepEqual((JSON.parse(read('.claude/settings.json')) as { env: object }).env, {
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_AUTH_TOKEN: KEY,
      ANTHROPIC_MODEL: 'fast',
      ANTHROPIC_DEFAULT_OPUS_MODEL: 'fast',
      ANTHROPIC_DEFAULT_SONNET_MODEL: 'fast',
      ANTHROPIC_DEFAULT_HAIKU_MODEL: 'fast',
    });
    assert.deepEqual(
      asked.map((each) => [each.url, each.authorization, each.body['model']]),
      [['/v1/messages', `Bearer ${KEY}`, 'fast']],
    );
    assert.match(out, /POST \/v1\/messages works: openai\/gpt answered in \d+ ms, 12 tokens in, 3 out, \$0\.000042 \(request req_1\)/);
    assert.match(out, /"connected"/);
    assert.equal(out.includes(KEY), false, 'the key is in the file, not on the screen');
  });

  it('codex: config.toml and .env, tried over Responses', async () => {
    fs.mkdirSync(path.join(home, '.codex'));
    fs.writeFileSync(path.join(home, '.codex/config.toml'), '# mine\n[tools]\nweb_search = true\n');
    const { code, out } = await run(['codex', '--apply', '--model', 'openai/gpt-5.6']);
    assert.equal(code, 0, out);
    assert.equal(
      read('.codex/config.toml'),
      `# mine\nmodel = "openai/gpt-5.6"\nmodel_provider = "bulkhead"\n\n[tools]\nweb_search = true\n\n[model_providers.bulkhead]\nname = "Bulkhead"\nbase_url = "${url}/v1"\nenv_key = "BULKHEAD_API_KEY"\nwire_api = "responses"\n`,
    );
    assert.equal(read('.codex/.env'), `BULKHEAD_API_KEY=${KEY}\n`);
    assert.deepEqual(
      asked.map((each) => each.url),
      ['/v1/responses'],
    );
    assert.match(out, /; before: .*config\.toml\.before-bulkhead-\d{8}T\d+/);
  });

  it('honours the folders that the clients themselves honour', async () => {
    await run(['claude-code', '--apply'], { env: { CLAUDE_CONFIG_DIR: path.join(home, 'c') } });
    await run(['codex', '--apply'], { env: { CODEX_HOME: path.join(home, 'x') } });
    assert.deepEqual(
      [fs.readdirSync(path.join(home, 'c')), fs.readdirSync(path.join(home, 'x')).sort()],
      [['settings.json'], ['.env', 'config.toml']],
    );
  });

  for (const client of ['cursor', 'openai-sdk', 'ai-sdk', 'langchain']) {
    it(`${client}: nothing to write; says what to put where, and tries it`, async () => {
      const { code, out } = await run([client, '--apply']);
      assert.equal(code, 0, out);
      assert.deepEqual(fs.readdirSync(home), []);
      assert.ok(out.includes(`${url}/v1`) && out.includes(KEY), out);
      assert.deepEqual(
        asked.map((each) => each.url),
        ['/v1/chat/completions'],
      );
    });
  }

  it('a dry run shows what would change and changes nothing', async () => {
    const { code, out } = await run(['claude-code', '--dry-run']);
    assert.equal(code, 0);
    assert.match(out, /\+ {5}"ANTHROPIC_BASE_URL"/);
    assert.match(out, /\(new\)/);
    assert.match(out, /a new virtual key, named claude-code/);
    assert.deepEqual([names(), asked.length, fs.readdirSync(home)], [['models.list'], 0, []]);
  });

  it('without --apply and without a terminal to ask on, nothing is changed', async () => {
    const { code, out, err } = await run(['claude-code']);
    assert.equal(code, 0);
    assert.match(err, /add --apply/);
    assert.match(out, /ANTHROPIC_BASE_URL/);
    assert.deepEqual([names(), fs.readdirSync(home)], [['models.list'], []]);
  });

  for (const [stdin, agreed] of [
    ['y\n', true],
    ['Yes\n', true],
    ['n\n', false],
    ['\n', false],
    ['', false],
  ] as const) {
    it(`asks at a terminal; ${JSON.stringify(stdin)} means ${agreed ? 'yes' : 'no'}`, async () => {
      const { code, out } = await run(['claude-code'], { stdin, tty: true });
      assert.equal(code, 0, out);
      assert.match(out, /Go on\? \[y\/N\]/);
      assert.equal(out.match(/Connecting Claude Code/g)?.length, 1);
      assert.deepEqual([fs.readdirSync(home).length, asked.length], agreed ? [1, 1] : [0, 0]);
      assert.equal(out.includes('Nothing was changed.'), !agreed);
    });
  }

  it('takes a key from a file or standard input instead of a new one, and keeps it off the screen', async () => {
    fs.writeFileSync(path.join(home, 'key'), `${KEY}\n`);
    for (const [args, options] of [
      [['--key-file', path.join(home, 'key')], {}],
      [['--stdin'], { stdin: KEY }],
    ] as const) {
      asked.length = 0;
      const { code, out } = await run(['openai-sdk', '--apply', ...args], options);
      assert.equal(code, 0, out);
      assert.equal(asked[0]?.authorization, `Bearer ${KEY}`);
      assert.equal(out.includes(KEY), false);
    }
    assert.equal(names().includes('keys.create'), false);
  });

  it('says so and ends with 1 when the request does not work', async () => {
    failing = true;
    const { code, out } = await run(['claude-code', '--apply']);
    assert.equal(code, 1);
    assert.match(out, /POST \/v1\/messages was answered with 404 after \d+ ms: There is no model fast\. \(request req_1\)/);
  });

  it('prints JSON for programs', async () => {
    const { out } = await run(['claude-code', '--apply', '--json']);
    const answer = JSON.parse(out) as {
      applied: boolean;
      files: { path: string }[];
      request: { works: boolean };
      usage: { cost_usd: string };
    };
    assert.deepEqual([answer.applied, answer.files.length, answer.request.works, answer.usage.cost_usd], [true, 1, true, '0.000042']);
    assert.equal(out.includes(KEY), false);
  });

  it('leaves the settings alone that it cannot merge, and makes no key for nothing', async () => {
    fs.mkdirSync(path.join(home, '.claude'));
    fs.writeFileSync(path.join(home, '.claude/settings.json'), '{ // mine\n}');
    const { code, err } = await run(['claude-code', '--apply']);
    assert.equal(code, 1);
    assert.match(err, /cannot be changed safely/);
    assert.equal(read('.claude/settings.json'), '{ // mine\n}');
    assert.equal(names().includes('keys.create'), false);
  });

  for (const [what, args, message] of [
    ['a key on the command line', ['codex', '--key', KEY], /never given on the command line/],
    ['an unknown client', ['emacs'], /not known/],
    ['two sources for the key', ['codex', '--stdin', '--key-file', 'x'], /More than one source/],
    ['a model that is none', ['codex', '--model', 'a"b'], /no name of a model/],
    ['to ask and not to ask', ['codex', '--apply', '--dry-run'], /contradict/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const { code, err } = await run(args);
      assert.equal(code, 2);
      assert.match(err, message);
      assert.equal(err.includes(KEY), false);
      assert.deepEqual([names(), fs.readdirSync(home)], [[], []]);
    });
  }

  it('refuses a provider’s key', async () => {
    const { code, err } = await run(['openai-sdk', '--apply', '--stdin'], { stdin: 'sk-something-else' });
    assert.equal(code, 2);
    assert.match(err, /no virtual key/);
  });

  it('refuses an address that is no gateway’s', async () => {
    const { code, err } = await cli(['connect', 'codex', '--gateway', 'ftp://x', '--dry-run'], { env: { HOME: home } });
    assert.equal(code, 2);
    assert.match(err, /--gateway/);
  });
});
