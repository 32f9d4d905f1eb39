import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startNode, type RunningNode } from './node.ts';

/** What docs/clients shows is run as it stands there, against a whole node with the sandbox behind it; so is `bulkhead connect`. */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const page = (name: string): string => fs.readFileSync(path.join(ROOT, 'docs/clients', `${name}.md`), 'utf8');
const snippets = (name: string): readonly string[] => [...page(name).matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code as string);

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], NO_COLOR: '1', ...env },
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('close', (code) => resolve({ code: code ?? 1, out, err }));
  });
}

describe('the pages of docs/clients', () => {
  let node: RunningNode;
  let home = '';

  before(async () => {
    node = await startNode();
    home = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-home-'));
  });
  after(async () => {
    await node.stop();
    fs.rmSync(home, { recursive: true, force: true });
  });

  for (const name of ['openai-sdk', 'ai-sdk', 'langchain']) {
    for (const [i, code] of snippets(name).entries()) {
      it(`${name}: snippet ${i + 1} runs and is answered`, async () => {
        const env = { OPENAI_BASE_URL: `${node.url}/v1`, OPENAI_API_KEY: await node.newKey(), AI_SDK_LOG_WARNINGS: 'false' };
        const { code: exit, out, err } = await run(['--input-type=module', '-e', code], env);
        assert.equal(exit, 0, err);
        assert.match(out, /\w/, 'it printed nothing');
      });
    }
  }

  it('show at least three snippets of the one and two of the other', () =>
    assert.deepEqual([snippets('openai-sdk').length >= 3, snippets('ai-sdk').length >= 2], [true, true]));

  const connect = (client: string, ...more: readonly string[]): Promise<Ran> =>
    run([path.join(ROOT, 'src/main/cli.ts'), 'connect', client, '--data', node.dataDir, '--apply', ...more], { HOME: home });

  for (const [client, asked, file] of [
    ['claude-code', '/v1/messages', '.claude/settings.json'],
    ['codex', '/v1/responses', '.codex/config.toml'],
    ['cursor', '/v1/chat/completions', undefined],
    ['openai-sdk', '/v1/chat/completions', undefined],
  ] as const) {
    it(`connect ${client}: the settings are there, and the request works and is accounted for`, async () => {
      const { code, out, err } = await connect(client, '--model', 'sandbox');
      assert.equal(code, 0, out + err);
      assert.match(out, new RegExp(`POST ${asked} works: sandbox/echo answered in \\d+ ms, \\d+ tokens in, \\d+ out, \\$0`));
      assert.match(out, /Answer with the one word: connected/);
      if (file !== undefined) assert.ok(fs.readFileSync(path.join(home, file), 'utf8').includes(node.url));
    });
  }

  it('connect says what is wrong when the model is', async () => {
    const { code, out } = await connect('openai-sdk', '--model', 'nowhere/x');
    assert.equal(code, 1);
    assert.match(out, /was answered with 404/);
  });

  it('connect makes keys that bear the client’s name', async () => {
    const { body } = await node.admin('GET', '/admin/v1/keys');
    const names = (body['keys'] as { name: string }[]).map(({ name }) => name);
    for (const name of ['claude-code', 'codex', 'cursor', 'openai-sdk']) assert.ok(names.includes(name), names.join(', '));
  });
});
