import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { open } from '../core/hpke.ts';
import type { NodeSpec } from '../config/node-spec.ts';
import { startAdminServer, type AdminServer } from './testing/admin-server.ts';
import { temporaryData } from './testing/cli.ts';

/** The command as a process of its own: terminals, descriptors, becoming the supervisor. */

/** util-linux’s recorder of terminal sessions. */
const SCRIPT = 'script';
const CLI = fileURLToPath(new URL('../main/cli.ts', import.meta.url));
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-up-'));
after(() => fs.rmSync(root, { recursive: true, force: true }));

const ENV = { PATH: process.env['PATH'], HOME: root, NO_COLOR: '1' };

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(args: readonly string[], env: NodeJS.ProcessEnv = ENV, cwd = root): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

const folder = (name: string): string => {
  const at = path.join(root, name);
  fs.mkdirSync(at);
  return at;
};
const ANY = ['--listen', '127.0.0.1:0', '--control', '127.0.0.1:0'];

/** A role that fails at once ends the node: enough to see what `up` prepared, with no node left behind. */
const FAILING = ['--entry', `vault=${path.join(root, 'no-such-program.ts')}`];

describe('up', () => {
  it('writes token and node.json for their owner alone, names provider keys, and becomes the supervisor', async () => {
    const cwd = folder('first');
    const secret = 'sk-proj-0123456789abcdefghijklmnop';
    const { code, out, err } = await start(['up', ...ANY, ...FAILING], { ...ENV, OPENAI_API_KEY: secret, GROQ_API_KEY: '' }, cwd);
    assert.notEqual(code, 0);
    assert.match(err, /There is no bulkhead\.yaml here: starting with the defaults/);
    const data = path.join(cwd, 'data');
    const token = fs.readFileSync(path.join(data, 'admin/token'), 'utf8');
    assert.match(token, /^bha_[A-Za-z0-9_-]{43}\n$/);
    const text = fs.readFileSync(path.join(data, 'node.json'), 'utf8');
    const spec = JSON.parse(text) as NodeSpec;
    assert.equal(spec.adminDigest, createHash('sha256').update(token.trim()).digest('hex'));
    assert.deepEqual(spec.environmentKeys, ['OPENAI_API_KEY']);
    assert.equal(spec.firstStart, true);
    assert.ok(spec.gateway.port > 0 && spec.control.port > 0);
    for (const file of ['admin/token', 'node.json']) assert.equal(fs.statSync(path.join(data, file)).mode & 0o777, 0o600, file);
    assert.ok(!(out + err + text).includes(secret) && !(out + err + text).includes(token.trim()));
    assert.match(out + err, /no-such-program\.ts is missing/);
  });

  it('keeps the token, and takes the file and the flags over it', async () => {
    const cwd = folder('second');
    fs.writeFileSync(path.join(cwd, 'bulkhead.yaml'), 'version: 1\nworkers: 3\nsandbox: false\ndrain_seconds: 1\nvault: { shards: 2 }\n');
    const again = async (args: readonly string[]): Promise<{ token: string; spec: NodeSpec }> => {
      await start(['up', ...ANY, ...FAILING, ...args], ENV, cwd);
      return {
        token: fs.readFileSync(path.join(cwd, 'data/admin/token'), 'utf8'),
        spec: JSON.parse(fs.readFileSync(path.join(cwd, 'data/node.json'), 'utf8')) as NodeSpec,
      };
    };
    const first = await again([]);
    assert.deepEqual(
      [
        first.spec.gateway.workers,
        first.spec.sandbox,
        first.spec.drainMs,
        first.spec.vault.shards,
        first.spec.isolation,
        first.spec.configFile,
      ],
      [3, false, 1000, 2, 'auto', path.join(cwd, 'bulkhead.yaml')],
    );
    const second = await again(['--workers', '1', '--isolation', 'permission']);
    assert.deepEqual([second.token, second.spec.gateway.workers, second.spec.isolation], [first.token, 1, 'permission']);
  });

  it('starts nothing with an invalid file', async () => {
    const cwd = folder('invalid');
    fs.writeFileSync(path.join(cwd, 'bulkhead.yaml'), 'version: 1\nworkrs: 3\n');
    const { code, err } = await start(['up', ...ANY], ENV, cwd);
    assert.equal(code, 1);
    assert.match(err, /bulkhead\.yaml:2:1: unknown key workrs\n {4}Did you mean workers\?/);
    assert.equal(fs.existsSync(path.join(cwd, 'data')), false);
  });

  it('says which address is in use, and by which option to change it', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as net.AddressInfo;
    const { code, err } = await start(['up', '--listen', `127.0.0.1:${port}`, '--control', '127.0.0.1:0', '--data', 'busy']);
    server.close();
    assert.equal(code, 1);
    assert.match(err, new RegExp(`127\\.0\\.0\\.1:${port} is already in use[^]*--listen`));
    assert.equal(fs.existsSync(path.join(root, 'busy')), false);
  });

  it('refuses a data folder that cannot be written', async () => {
    fs.writeFileSync(path.join(root, 'a-file'), '');
    const { code, err } = await start(['up', ...ANY, '--data', 'a-file/data']);
    assert.equal(code, 1);
    assert.match(err, /data_folder/);
  });

  it('leaves a running node’s files alone', async () => {
    const server = http.createServer((_, response) => response.end('{"status":"ok"}')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { data, remove } = temporaryData((server.address() as net.AddressInfo).port);
    const before = fs.readFileSync(path.join(data, 'node.json'), 'utf8');
    const { code, err } = await start(['up', ...ANY, '--data', data]);
    server.close();
    assert.equal(code, 1);
    assert.match(err, /already running/);
    assert.equal(fs.readFileSync(path.join(data, 'node.json'), 'utf8'), before);
    remove();
  });

  it('refuses wrong flags with 2', async () => {
    for (const args of [
      ['--isolation', 'strong'],
      ['--workers', '0'],
      ['--listen', 'nonsense'],
      ['--root-key-fd', '2'],
      ['--root-key-fd', '3', '--passphrase-fd', '4'],
      ['--entry', 'captain=x'],
      ['--config', 'none.yaml'],
    ]) {
      const { code, err } = await start(['up', ...ANY, ...args]);
      assert.equal(code, 2, `${args.join(' ')}: ${err}`);
    }
  });
});

describe('a terminal', () => {
  let admin: AdminServer;
  let data: string;
  let remove: () => void;
  before(async () => {
    admin = await startAdminServer();
    ({ data, remove } = temporaryData(admin.port));
  });
  after(async () => {
    await admin.close();
    remove();
  });

  const SECRET = 'sk-proj-typed-0123456789abcdef';

  /** `script` gives the command a terminal of its own and shows all that a person would see. */
  function atTerminal(command: string, type: string): Promise<string> {
    return new Promise((resolve) => {
      const child = spawn(SCRIPT, ['-qec', command, '/dev/null'], {
        cwd: root,
        env: { ...ENV, SHELL: '/bin/sh' },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let seen = '';
      let typed = false;
      child.stdout.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
        if (typed || !seen.includes('not shown')) return;
        typed = true;
        child.stdin.write(type);
      });
      child.on('close', (code) => resolve(`${seen}\nexit ${code}`));
    });
  }

  const hasScript = spawnSync(SCRIPT, ['--version']).error === undefined;
  const command = (extra = ''): string => `'${process.execPath}' '${CLI}' credential add openai --no-try --data '${data}' ${extra}`;
  const put = () => admin.seen.find(({ name }) => name === 'credentials.put');

  it('asks for the key without echo, with corrections', { skip: hasScript ? false : 'no script(1) on this machine' }, async () => {
    admin.seen.length = 0;
    admin.answers = {
      'vault.show': () => ({
        shards: [
          { shard: 0, reachable: true, state: 'unsealed', sealing_key: admin.sealingKey, verify_key: '', credentials: 0, revoked: 0 },
        ],
      }),
      'credentials.put': () => ({
        id: 'openai',
        providers: [],
        organization: '*',
        origin: 'https://api.openai.com',
        paths: [],
        auth: 'bearer',
        private: false,
        proxy: null,
        extra_ca: false,
        ceilings: { requests_per_hour: null, concurrent: null, bytes_per_hour: null },
        shard: 0,
        version: 1,
        fingerprint: 'ff',
        created_at: '2026-11-01T00:00:00Z',
        last_used_at: null,
        uses: 0,
      }),
    };
    const seen = await atTerminal(command(), `wrong\u0015${SECRET}xy\u007f\u007f\r`);
    assert.match(seen, /Key for openai \(not shown\)[^]*is in the vault[^]*exit 0/);
    assert.ok(!seen.includes('sk-proj') && !seen.includes('wrong'), seen);
    const body = put()?.body as { sealed: { enc: string; ciphertext: string } };
    assert.equal(open(admin.vaultKey, body.sealed, 'bulkhead/credential/v1', 'openai').toString(), SECRET);
  });

  it('changes nothing on Ctrl-C', { skip: hasScript ? false : 'no script(1) on this machine' }, async () => {
    admin.seen.length = 0;
    const seen = await atTerminal(command(), 'sk-half\u0003');
    assert.match(seen, /Interrupted; nothing was changed[^]*exit 130/);
    assert.equal(put(), undefined);
  });

  it(
    'does not read a key with --stdin from a terminal that would show it',
    { skip: hasScript ? false : 'no script(1) on this machine' },
    async () => {
      const seen = await atTerminal(command('--stdin'), '');
      assert.match(seen, /would show the key[^]*exit 2/);
    },
  );
});
