import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import OpenAI from 'openai';
import { startReplayUpstream } from '../replay/upstream.ts';
import { httpRequest, runCli, startNode, type RunningNode } from './node.ts';

/** What the person who runs a node does with it: start, restart, reload, revoke, back up, stop. */

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what: string, test: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await test()) return;
    await wait(50);
  }
  assert.fail(`never happened: ${what}`);
}

const ask = (node: RunningNode, key: string, model: string, extra: Record<string, unknown> = {}): ReturnType<typeof httpRequest> =>
  httpRequest(
    'POST',
    `${node.url}/v1/chat/completions`,
    { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }], ...extra }),
  );

describe('a first start', () => {
  it('prints a starter key and a curl that works when pasted, a second start goes on', async () => {
    const node = await startNode();
    await until('welcome', () => node.output().includes('curl'));
    const key = /bh_live_[0-9A-Za-z]{36}/.exec(node.output())?.[0] ?? '';
    assert.notEqual(key, '');
    assert.equal((await ask(node, key, 'sandbox')).status, 200);
    assert.match(node.output(), /isolation/i);
    assert.equal(await node.stop(), 0);

    const again = await startNode({ dataDir: node.dataDir });
    assert.equal((await ask(again, key, 'sandbox')).status, 200);
    assert.ok(!again.output().includes(key), 'the starter key is shown once');
    const usage = await again.cli(['usage', '--by', 'model', '--json']);
    assert.equal(usage.code, 0, usage.stderr);
    assert.ok(usage.stdout.includes('"requests"'));
    assert.equal(await again.stop(), 0);
  });

  it('refuses a second node on the same data folder', async () => {
    const node = await startNode();
    const second = await runCli(['up', '--data', node.dataDir, '--listen', '127.0.0.1:0', '--control', '127.0.0.1:0']);
    assert.notEqual(second.code, 0);
    assert.match(second.stderr + second.stdout, /already|running|in use/i);
    await node.stop();
  });
});

describe('a running node', () => {
  it('takes a changed configuration at once, and none of an invalid one', async () => {
    const node = await startNode();
    const key = await node.newKey();
    assert.equal((await ask(node, key, 'fast')).status, 404);
    const text = fs.readFileSync(node.configFile, 'utf8');
    fs.writeFileSync(node.configFile, `${text}models:\n  fast: sandbox/echo\n`);
    await until('the alias', async () => (await ask(node, key, 'fast')).status === 200);
    fs.writeFileSync(node.configFile, `${text}models:\n  fast: nowhere/echo\nnonsense: true\n`);
    await until('the complaint', () => node.output().includes('nonsense'));
    assert.equal((await ask(node, key, 'fast')).status, 200);
    const check = await runCli(['config', 'check', node.configFile]);
    assert.equal(check.code, 1);
    assert.match(check.stdout + check.stderr, /bulkhead\.yaml:\d+/);
    await node.stop();
  });

  it('revokes a key for the next request once acknowledged, also at the vault', async () => {
    const node = await startNode({ config: 'workers: 2\n' });
    const key = await node.newKey('short-lived');
    for (let i = 0; i < 20; i++) assert.equal((await ask(node, key, 'sandbox')).status, 200);
    const revoked = await node.cli(['key', 'revoke', 'short-lived', '--json']);
    assert.equal(revoked.code, 0, revoked.stderr + revoked.stdout);
    for (let i = 0; i < 20; i++) assert.equal((await ask(node, key, 'sandbox')).status, 401);
    await node.stop();
  });

  it('adds a credential from standard input, uses it, and shows it nowhere', async () => {
    const upstream = await startReplayUpstream();
    const node = await startNode({
      config: `providers:\n  team: { kind: openai-compatible, base_url: "${upstream.origin}/v1", private: true }\n`,
    });
    const key = await node.newKey();
    assert.equal((await ask(node, key, 'team/case:none')).status, 503);
    const secret = 'sk-proj-0123456789abcdefghijklmnop';
    const added = await node.cli(['credential', 'add', 'team', '--stdin', '--no-try'], `${secret}\n`);
    assert.equal(added.code, 0, added.stderr);
    await ask(node, key, 'team/case:none');
    assert.equal(upstream.seen.at(-1)?.headers.authorization, `Bearer ${secret}`);
    const shown = await node.cli(['credential', 'show', 'team', '--json']);
    const everything = added.stdout + added.stderr + shown.stdout + node.output() + readTree(node.dataDir);
    assert.ok(!everything.includes(secret), 'the secret is readable somewhere');
    await node.stop();
    await upstream.close();
  });

  it('cancels the upstream call when the client goes, and bills what was used', async () => {
    const upstream = await startReplayUpstream();
    const node = await startNode({
      config: `providers:\n  replay: { kind: openai-compatible, base_url: "${upstream.origin}/v1", private: true, auth: none }\n`,
    });
    const client = new OpenAI({ apiKey: await node.newKey(), baseURL: `${node.url}/v1`, maxRetries: 0 });
    const stream = await client.chat.completions.create({
      model: `replay/case:${longStream()}|pieces=200|delay=20`,
      messages: [{ role: 'user', content: 'hello' }],
      stream: true,
    });
    for await (const event of stream) {
      assert.ok(event);
      break;
    }
    stream.controller.abort();
    await until('the upstream call is gone', () => upstream.seen[0]?.aborted === true);
    let row: Record<string, unknown> | undefined;
    await until('the row', async () => {
      row = ((await node.admin('GET', '/admin/v1/usage/rows?since=1d&limit=10')).body['rows'] as Record<string, unknown>[]).find(
        (found) => found['outcome'] !== 'open',
      );
      return row !== undefined;
    });
    assert.equal(row?.['outcome'], 'cancelled');
    assert.equal(row?.['estimated'], true);
    assert.ok(Number(row?.['input_tokens']) > 0);
    await node.stop();
    await upstream.close();
  });

  it('lets a stream end before it stops', async () => {
    const node = await startNode();
    const key = await node.newKey();
    const client = new OpenAI({ apiKey: key, baseURL: `${node.url}/v1`, maxRetries: 0 });
    const stream = await client.chat.completions.create({
      model: 'sandbox/pace-30',
      messages: [{ role: 'user', content: 'Say something that takes a while to say, in many words, please. '.repeat(3) }],
      stream: true,
    });
    let stopped: Promise<number> | undefined;
    let finish: string | null = null;
    for await (const event of stream) {
      stopped ??= node.stop();
      finish = event.choices[0]?.finish_reason ?? finish;
    }
    assert.equal(finish, 'stop');
    assert.equal(await stopped, 0);
  });

  it('drops no request in a rolling restart', async () => {
    const node = await startNode();
    const key = await node.newKey();
    const statuses: number[] = [];
    let going = true;
    const load = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (going)
          statuses.push(
            await ask(node, key, 'sandbox').then(
              ({ status }) => status,
              () => 0,
            ),
          );
      }),
    );
    const before = new Map((await node.processes()).map(({ role, pid }) => [role, pid]));
    node.supervisor.kill('SIGHUP');
    await until('every process is a new one', async () => {
      const now = await node.processes().catch(() => []);
      return now.length === before.size && now.every(({ role, pid, state }) => pid !== before.get(role) && state === 'ready');
    });
    going = false;
    await load;
    assert.deepEqual(
      statuses.filter((status) => status !== 200),
      [],
    );
    assert.ok(statuses.length > 20, `${statuses.length} requests`);
    await node.stop();
  });

  it('denies a control act that cannot be recorded', async () => {
    const node = await startNode({ isolation: 'permission' });
    const auditor = (await node.processes()).find(({ role }) => role === 'auditor');
    process.kill(auditor?.pid as number, 'SIGSTOP');
    const denied = await node.admin('POST', '/admin/v1/keys', { name: 'unrecorded' });
    process.kill(auditor?.pid as number, 'SIGCONT');
    assert.equal(denied.status, 503);
    const keys = (await node.admin('GET', '/admin/v1/keys')).body['keys'] as { name: string }[];
    assert.ok(!keys.some(({ name }) => name === 'unrecorded'));
    await node.stop();
  });
});

describe('a backup', () => {
  it('restores into an empty folder, with usage, keys and credentials', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-backup-'));
    const file = path.join(folder, 'backup.tar.gz');
    const node = await startNode();
    const key = await node.newKey();
    assert.equal((await ask(node, key, 'sandbox')).status, 200);
    await until(
      'usage is on disk',
      async () => ((await node.admin('GET', '/admin/v1/usage?by=key&since=1d')).body['rows'] as unknown[]).length > 0,
    );
    const made = await node.cli(['backup', file, '--with-root-key']);
    assert.equal(made.code, 0, made.stderr + made.stdout);
    await node.stop();
    const restored = path.join(folder, 'restored', 'data');
    fs.mkdirSync(path.dirname(restored));
    const back = await runCli(['restore', file, '--data', restored]);
    assert.equal(back.code, 0, back.stderr + back.stdout);
    const again = await startNode({ dataDir: restored });
    assert.equal((await ask(again, key, 'sandbox')).status, 200);
    assert.ok(((await again.admin('GET', '/admin/v1/usage?by=key&since=1d')).body['rows'] as unknown[]).length > 0);
    await again.stop();
    fs.rmSync(folder, { recursive: true });
  });
});

const longStream = (): string =>
  'openai/chat-completions/' +
  fs
    .readdirSync(new URL('../../../shared/wire/openai/chat-completions/', import.meta.url))
    .filter((name) => isLongStream(name))
    .sort()[0];

const isLongStream = (name: string): boolean => {
  const file = new URL(`../../../shared/wire/openai/chat-completions/${name}/response.sse`, import.meta.url);
  return fs.existsSync(file) && fs.statSync(file).size > 10_000;
};

/** All files of a folder as one text, for searching. */
const readTree = (folder: string): string =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => fs.readFileSync(path.join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
