import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { after, afterEach, before, describe, it } from 'node:test';
import type { SignedText } from '../access/principal.ts';
import type { PolicySnapshot } from '../config/policy.ts';
import { seal } from '../core/hpke-seal.ts';
import { publicKeyFromRaw, verifyText } from '../core/signing.ts';
import { startTestNode, until, type TestNode, type TestNodeOptions } from './testing/node.ts';

const running: TestNode[] = [];
const cleanups: (() => void)[] = [];
afterEach(async () => {
  for (const node of running.splice(0)) await node.stop();
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function start(options: TestNodeOptions = {}): Promise<TestNode> {
  const node = await startTestNode(options);
  running.push(node);
  return node;
}

const greeting = (node: TestNode): string => String(node.asked.find(({ op }) => op === 'print')?.['text'] ?? '');
const greeted = (node: TestNode): Promise<void> => until(() => greeting(node) !== '');

describe('start', () => {
  it('the first one makes a starter key and names what is in the environment, without using it', async () => {
    const node = await start({ firstStart: true, environmentKeys: ['OPENAI_API_KEY', 'UNKNOWN_KEY'] });
    await greeted(node);
    const key = /bh_live_[0-9A-Za-z]{36}/.exec(greeting(node))?.[0] ?? '';
    const worker = await node.connectWorker(0);
    const { keys } = await node.call('keys.list');
    assert.deepEqual(
      keys.map(({ name }) => name),
      ['starter'],
    );
    assert.ok(key.endsWith(keys[0]?.hint.slice(-4) ?? 'no'));
    assert.match(greeting(node), /bulkhead credential add openai --from-env OPENAI_API_KEY/);
    assert.doesNotMatch(greeting(node), /UNKNOWN_KEY/);
    assert.match(greeting(node), /"model":"sandbox"/);
    assert.doesNotMatch(node.control.output(), new RegExp(key));
    worker.destroy();
  });

  it('a later one shows no key and makes none', async () => {
    const node = await start();
    await greeted(node);
    assert.doesNotMatch(greeting(node), /bh_live_/);
    assert.deepEqual((await node.call('keys.list')).keys, []);
  });

  it('attack 40: no admin digest, no start', async () => {
    await assert.rejects(startTestNode({ adminDigest: '' }), /there is no digest of an admin token/);
  });

  it('refuses a folder of a newer program, in words', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-newer-'));
    cleanups.push(() => fs.rmSync(folder, { recursive: true, force: true }));
    fs.mkdirSync(path.join(folder, 'control'));
    const db = new DatabaseSync(path.join(folder, 'control/control.db'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    await assert.rejects(startTestNode({ folder }), /newer Bulkhead \(schema 99/);
  });
});

describe('policy', () => {
  const CONFIG = 'version: 1\nmodels:\n  fast: openai/gpt-5.6-mini\n';

  async function startWithWorker(config: string) {
    const node = await start({ config });
    const pushed: SignedText[] = [];
    const worker = await node.connectWorker(0, (call) => {
      if (call.head['op'] === 'policy.apply') pushed.push(call.head['snapshot'] as unknown as SignedText);
      call.reply({});
    });
    const current = async (): Promise<SignedText | null> =>
      (await worker.unary({ op: 'policy.get' })).head['snapshot'] as unknown as SignedText | null;
    await until(current);
    return { node, pushed, current };
  }
  const read = (signed: SignedText | null | undefined): PolicySnapshot => JSON.parse(signed?.text ?? '{}') as PolicySnapshot;
  const aliases = (policy: PolicySnapshot): string[] => policy.models.map(({ alias }) => alias);

  it('is signed by the vault and says what the file says', async () => {
    const { node, current } = await startWithWorker(CONFIG);
    const signed = (await current()) as SignedText;
    const { shards } = await node.call('vault.show');
    assert.equal(verifyText(publicKeyFromRaw(shards[0]?.verify_key ?? ''), 'snapshot', signed), true);
    assert.ok(aliases(read(signed)).includes('fast'));
  });

  it('follows the file: pushed to workers under a higher version', async () => {
    const { node, pushed, current } = await startWithWorker(CONFIG);
    const before = read(await current());
    node.writeConfig(`${CONFIG}  slow: openai/gpt-5.6\n`);
    await until(() => pushed.some((signed) => aliases(read(signed)).includes('slow')));
    assert.ok(read(pushed.at(-1)).version > before.version);
    assert.equal((await node.call('config.show')).version, read(pushed.at(-1)).version);
  });

  it('an invalid file changes nothing and is named with its line', async () => {
    const { node, pushed, current } = await startWithWorker(CONFIG);
    const before = read(await current());
    const pushes = pushed.length;
    node.writeConfig('version: 1\nmodels:\n  fast: nothing/x\n');
    await until(async () => (await node.call('config.show')).problems.length > 0);
    const [problem] = (await node.call('config.show')).problems;
    assert.deepEqual([problem?.file, problem?.line], ['bulkhead.yaml', 3]);
    assert.equal(read(await current()).version, before.version);
    assert.equal(pushed.length, pushes);
    const { checks } = await node.call('doctor.show');
    assert.ok(checks.some(({ name, status, message }) => name === 'config' && status === 'fail' && message.startsWith('bulkhead.yaml:3')));
  });

  it('is recorded before it is in effect', async () => {
    const { node } = await startWithWorker(CONFIG);
    const entry = node.audit().find(({ act }) => act === 'config.apply');
    assert.deepEqual(entry?.['actor'], { kind: 'system', id: 'system:config' });
  });

  it('versions rise over a restart', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-again-'));
    cleanups.push(() => fs.rmSync(folder, { recursive: true, force: true }));
    const first = await startTestNode({ config: CONFIG, folder });
    await greeted(first);
    const before = (await first.call('config.show')).version;
    await first.stop();
    const second = await start({ config: CONFIG, folder });
    await until(async () => (await second.call('config.show')).version > before);
  });
});

describe('credentials', () => {
  let upstream: http.Server;
  let origin: string;
  const asked: { url: string | undefined; headers: http.IncomingHttpHeaders }[] = [];
  let status = 200;
  before(async () => {
    upstream = http.createServer((request, response) => {
      asked.push({ url: request.url, headers: request.headers });
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  });
  after(() => {
    upstream.closeAllConnections();
    upstream.close();
  });

  const config = (at = origin): string =>
    `version: 1\nproviders:\n  mine: { kind: openai-compatible, base_url: ${at}/v1, private: true }\n  free: { kind: openai-compatible, base_url: ${at}/v1, private: true, auth: none }\n`;

  async function put(node: TestNode, id: string, secret: string) {
    const { shards } = await node.call('vault.show', { query: `credential=${id}` });
    const sealed = seal(shards[0]?.sealing_key ?? '', Buffer.from(secret), 'bulkhead/credential/v1', id);
    return node.request('PUT', `/admin/v1/credentials/${id}`, { sealed });
  }

  async function started(): Promise<TestNode> {
    const node = await start({ config: config() });
    await greeted(node);
    return node;
  }

  it('a sealed secret is bound to what the file says, tried, and never shown', async () => {
    const node = await started();
    const secret = 'sk-test-0123456789abcdef';
    const answer = await put(node, 'mine', secret);
    assert.deepEqual([answer.status, answer.body['origin'], answer.body['paths']], [200, origin, ['/v1/']]);
    status = 200;
    assert.equal((await node.call('credentials.try', { id: 'mine' })).works, true);
    assert.deepEqual([asked.at(-1)?.url, asked.at(-1)?.headers.authorization], ['/v1/models', `Bearer ${secret}`]);
    status = 401;
    assert.deepEqual(await node.call('credentials.try', { id: 'mine' }), {
      id: 'mine',
      works: false,
      status: 401,
      words: 'the provider does not know this key',
    });
    for (const target of ['/admin/v1/credentials', '/admin/v1/credentials/mine', '/admin/v1/config', '/admin/v1/audit']) {
      assert.equal((await node.request('GET', target)).text.includes(secret), false, target);
    }
  });

  it('attack 40: an empty secret is refused', async () => {
    const answer = await put(await started(), 'mine', '');
    assert.equal(answer.status, 422);
  });

  it('a secret sealed for another credential is refused', async () => {
    const node = await started();
    const { shards } = await node.call('vault.show');
    const sealed = seal(shards[0]?.sealing_key ?? '', Buffer.from('secret'), 'bulkhead/credential/v1', 'other');
    assert.equal((await node.request('PUT', '/admin/v1/credentials/mine', { sealed })).status, 422);
  });

  it('a built-in provider appears with its credential and goes with it', async () => {
    const node = await started();
    const seen = async () => {
      const [{ models }, { providers }, { missing }, { version }] = [
        await node.call('models.list'),
        await node.call('providers.list'),
        await node.call('credentials.list'),
        await node.call('config.show'),
      ];
      const has = models.some(({ alias }) => alias === 'groq/') && providers.some(({ id }) => id === 'groq');
      return { has, missing: missing.map(({ id }) => id), version };
    };
    const before = await seen();
    assert.deepEqual([before.has, before.missing], [false, ['mine', 'openai', 'anthropic']]);
    assert.equal((await put(node, 'groq', 'gsk-test-0123456789')).status, 200);
    const during = await seen();
    assert.deepEqual([during.has, during.version], [true, before.version + 1]);
    await node.call('credentials.remove', { id: 'groq' });
    const behind = await seen();
    assert.deepEqual([behind.has, behind.missing, behind.version], [false, before.missing, before.version + 2]);
  });

  it('attack 15: nobody names a host over the API', async () => {
    const node = await started();
    for (const field of ['origin', 'base_url', 'api_base', 'paths', 'auth', 'allowPrivate', 'binding']) {
      const answer = await node.request('PUT', '/admin/v1/credentials/mine', {
        sealed: { enc: '', ciphertext: '' },
        [field]: 'https://evil.example',
      });
      assert.equal(answer.status, 422, field);
    }
    assert.equal((await put(node, 'unknown', 'secret')).status, 404);
  });

  it('what the file declares without a secret is read-only', async () => {
    const node = await started();
    const answer = await put(node, 'free', 'secret');
    assert.deepEqual([answer.status, (answer.body['error'] as Record<string, unknown>)['code']], [409, 'declared_in_file']);
    assert.match(answer.text, /bulkhead\.yaml/);
    assert.equal((await node.request('DELETE', '/admin/v1/credentials/free')).status, 409);
    assert.equal((await node.request('PUT', '/admin/v1/models/sandbox', {})).status, 409);
    assert.equal((await node.request('DELETE', '/admin/v1/providers/mine')).status, 409);
  });

  it('built-in providers need no line in the file', async () => {
    const node = await started();
    assert.deepEqual((await node.call('credentials.list')).missing.map(({ id }) => id).sort(), ['anthropic', 'mine', 'openai']);
    const answer = await put(node, 'openai', 'sk-x');
    assert.deepEqual([answer.status, answer.body['origin']], [200, 'https://api.openai.com']);
  });

  it('ceilings are set and taken back; the secret stays', async () => {
    const node = await started();
    await put(node, 'mine', 'secret');
    const set = await node.call('credentials.ceilings', { id: 'mine', body: { requests_per_hour: 10 } });
    assert.deepEqual(set.ceilings, { requests_per_hour: 10, concurrent: null, bytes_per_hour: null });
    const back = await node.call('credentials.ceilings', { id: 'mine', body: {} });
    assert.deepEqual([back.ceilings.requests_per_hour, back.fingerprint], [null, set.fingerprint]);
  });

  it('a secret does not follow the file to another host: its provider is not served until it is added again', async () => {
    const node = await started();
    await put(node, 'mine', 'secret');
    node.writeConfig(config('http://127.0.0.1:1'));
    await until(async () =>
      (await node.call('doctor.show')).checks.some(({ message }) => message.includes('the provider mine is not served')),
    );
    assert.equal((await node.call('credentials.show', { id: 'mine' })).origin, origin);
    assert.equal((await put(node, 'mine', 'secret')).body['origin'], 'http://127.0.0.1:1');
    assert.equal(
      (await node.call('doctor.show')).checks.some(({ message }) => message.includes('not served')),
      false,
    );
  });

  it('removed is removed', async () => {
    const node = await started();
    await put(node, 'mine', 'secret');
    await node.call('credentials.remove', { id: 'mine' });
    assert.equal((await node.request('GET', '/admin/v1/credentials/mine')).status, 404);
    assert.equal((await node.request('DELETE', '/admin/v1/credentials/mine')).status, 404);
  });
});

describe('when others are away', () => {
  it('an act that cannot be recorded is not carried out', async () => {
    const node = await start();
    await greeted(node);
    await node.kill('auditor');
    const answer = await node.request('POST', '/admin/v1/keys', { name: 'a' });
    assert.deepEqual([answer.status, (answer.body['error'] as Record<string, unknown>)['code']], [503, 'audit_unavailable']);
    assert.deepEqual((await node.call('keys.list')).keys, []);
    const { status, checks } = await node.call('doctor.show');
    assert.equal(status, 'fail');
    assert.ok(checks.some(({ name, status: own }) => name === 'auditor' && own === 'fail'));
    await node.restart('auditor');
    assert.equal((await node.request('POST', '/admin/v1/keys', { name: 'a' })).status, 201);
  });

  it('without the vault nothing is signed, and the rest goes on', async () => {
    const node = await start();
    await greeted(node);
    await node.kill('vault-0');
    const answer = await node.request('POST', '/admin/v1/keys', { name: 'a' });
    assert.deepEqual([answer.status, (answer.body['error'] as Record<string, unknown>)['code']], [503, 'vault_unavailable']);
    assert.equal((await node.request('GET', '/admin/v1/keys')).status, 200);
    assert.equal((await node.call('vault.show')).shards[0]?.reachable, false);
  });
});

describe('reports', () => {
  it('metrics of all processes in one text', async () => {
    const node = await start();
    await greeted(node);
    const worker = await node.connectWorker(0, (call) =>
      call.reply({
        metrics: {
          families: [{ name: 'own_total', kind: 'counter', help: 'h', labels: [], buckets: [], series: [{ labels: [], values: [3] }] }],
        },
      }),
    );
    const { text, headers } = await node.request('GET', '/metrics');
    assert.match(String(headers['content-type']), /^text\/plain/);
    assert.match(text, /own_total\{role="gateway",index="0"\} 3/);
    assert.match(text, /bulkhead_up\{role="control",index="0",process="vault-0"\} 1/);
    worker.destroy();
  });

  it('usage, backup, openapi and audit keep to their schemas', async () => {
    const node = await start();
    await greeted(node);
    assert.deepEqual((await node.call('usage.summary', { query: 'by=key,model&since=24h' })).rows, []);
    assert.deepEqual((await node.call('usage.rows')).rows, []);
    assert.equal((await node.request('GET', '/admin/v1/usage?since=2026-01-02&until=2026-01-01')).status, 422);
    assert.match((await node.request('GET', '/admin/v1/usage?by=foo')).text, /it must be one of organization, team, project, key/);
    assert.equal((await node.request('GET', '/admin/v1/usage/req_none')).status, 404);
    const { files } = await node.call('backup.create');
    for (const { process, file } of files) assert.ok(fs.existsSync(path.join(node.folder, process, file)), `${process}/${file}`);
    assert.ok((await node.call('audit.list')).entries.length > 0);
    assert.equal((await node.call('openapi'))['openapi'], '3.1.0');
    assert.equal((await node.call('health.ready')).status, 'ready');
  });
});
