import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { NodeSpec } from '../../src/config/node-spec.ts';
import { seal } from '../../src/core/hpke-seal.ts';
import type { Layout } from '../../src/core/process.ts';
import { openArena, type Arena } from './arena.ts';
import { ATTACKS } from './attacks.ts';
import type { Outcome } from './world.ts';

/**
 * The hostile-dependency attack (security model, privilege separation): the gateway's program is replaced by one that
 * tries every way we know to get at a provider key. On the strong layouts none may succeed; each must succeed on at
 * least one weak one, so that the test can fail. Carrying live traffic out is counted apart and stated.
 */

const CODE = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');
const STRONG: readonly Layout[] = ['uids', 'rootless', 'landlock'];
const REQUIRED = process.env['CI'] === '1' || process.env['BULKHEAD_REQUIRE_LAYOUTS'] === '1';
const isRoot = process.getuid?.() === 0;
/** Rootless layouts are attacked as an ordinary user has them. */
const USER = 65_001;
const TOKEN = `bha_${randomBytes(32).toString('base64url')}`;
const SECRET = `sk-canary-${randomBytes(16).toString('hex')}`;
const PATTERN = 'sk-canary-[0-9a-f]{32}';

/** In the monolith there are no tenants to tell apart. */
const VICTIM = { organization: 'others', team: 'theirs', response: 'resp_canary' };

/** What may leave under each layout: live traffic, never a key. */
const TRAFFIC: Readonly<Record<string, readonly string[]>> = { uids: [], rootless: [], landlock: ['dns', 'udp'] };

function ask(url: string, method: string, body: unknown, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, agent: false, headers: { 'content-type': 'application/json', ...headers } }, (response) => {
      let heard = '';
      response.on('data', (chunk: Buffer) => (heard += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: heard }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function admin(control: string, method: string, at: string, body?: unknown): Promise<Record<string, unknown>> {
  const answer = await ask(`${control}/admin/v1${at}`, method, body, { authorization: `Bearer ${TOKEN}` });
  assert.ok(answer.status < 300, `${method} ${at}: ${answer.status} ${answer.body}`);
  return JSON.parse(answer.body) as Record<string, unknown>;
}

interface Process {
  readonly role: string;
  readonly pid: number;
  readonly restarts: number;
  readonly state: string;
}

class Node {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-hostile-'));
  readonly dataDir = path.join(this.folder, 'data');
  readonly #child: ChildProcess;
  #output = '';

  constructor(isolation: Layout, upstream: string) {
    fs.chmodSync(this.folder, 0o755);
    const configFile = path.join(this.folder, 'bulkhead.yaml');
    const provider = (credential: string): string =>
      `{ kind: openai-compatible, base_url: ${upstream}/v1, private: true, credential: ${credential} }`;
    fs.writeFileSync(configFile, `version: 1\nproviders:\n  canary: ${provider('canary')}\n  theirs: ${provider('theirs')}\n`);
    fs.mkdirSync(path.join(this.dataDir, 'admin'), { recursive: true });
    fs.writeFileSync(path.join(this.dataDir, 'admin/token'), TOKEN, { mode: 0o600 });
    const specFile = path.join(this.folder, 'node.json');
    fs.writeFileSync(specFile, JSON.stringify(this.#spec(isolation, configFile)));
    const asUser = isRoot && isolation !== 'uids' && isolation !== 'none';
    if (asUser) spawnSync('chown', ['-R', `${USER}:${USER}`, this.folder]);
    const wrapper = asUser ? ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'] : [];
    const [file, ...args] = [...wrapper, process.execPath, path.join(CODE, 'src/main/supervisor.ts'), specFile];
    this.#child = spawn(file as string, args, { stdio: ['ignore', 'pipe', 'pipe'], env: {} });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
  }

  #spec(isolation: Layout, configFile: string): NodeSpec {
    return {
      version: 1,
      dataDir: this.dataDir,
      codeDir: CODE,
      configFile,
      gateway: { workers: 1, host: '127.0.0.1', port: 0, tls: null },
      control: { host: '127.0.0.1', port: 0 },
      vault: { shards: 1, rootKey: { kind: 'file' } },
      sandbox: false,
      isolation,
      drainMs: 1000,
      entries: { gateway: 'test/hostile/attacker.ts' },
      adminDigest: createHash('sha256').update(TOKEN).digest('hex'),
      firstStart: false,
      environmentKeys: [],
    };
  }

  /** Addresses, or in words why the node does not run. */
  async ready(): Promise<{ readonly gateway: string; readonly control: string } | string> {
    for (let waited = 0; waited < 60_000; waited += 50) {
      const line = /"event":"node_ready".*"gateway":"([^"]+)","control":"([^"]+)"/.exec(this.#output);
      if (line !== null) return { gateway: line[1] as string, control: line[2] as string };
      if (this.#child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return this.#output.slice(-2000);
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('close', resolve));
    if (this.#child.exitCode === null) {
      this.#child.kill('SIGTERM');
      const timer = setTimeout(() => this.#child.kill('SIGINT'), 8000);
      await gone;
      clearTimeout(timer);
    }
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

interface Attacked {
  readonly outcomes: readonly Outcome[];
  /** Processes of the node after the attack; empty where the weak layout did not outlive it. */
  readonly processes: readonly Process[];
}

/** In words why the layout cannot run, or what the attack got. */
async function attack(layout: Layout, arena: Arena): Promise<Attacked | string> {
  const node = new Node(layout, arena.upstream);
  try {
    const urls = await node.ready();
    if (typeof urls === 'string') return urls;
    const { gateway, control } = urls;
    const { key, victim: other } = await prepare(control);
    const kept = await ask(`${gateway}/keep`, 'POST', { key: other, response: 'resp_canary', secret: SECRET });
    assert.equal(kept.status, 200, kept.body);
    const processes = (await admin(control, 'GET', '/doctor'))['processes'] as readonly Process[];
    const vault = processes.find(({ role }) => role === 'vault') as Process;
    const facts = {
      codeDir: CODE,
      dataDir: node.dataDir,
      vaultPid: vault.pid,
      vaultUid: fs.statSync(path.join(node.dataDir, 'vault-0')).uid,
      secretFiles: ['root.key', 'store.json'].map((name) => path.join(node.dataDir, 'vault-0', name)),
      keyPattern: PATTERN,
      evil: arena.evil,
      victim: JSON.parse(kept.body) as unknown,
    };
    const before_ = arena.served();
    const used = await ask(`${gateway}/use`, 'POST', { key, facts });
    assert.equal(used.status, 200, used.body);
    assert.ok(
      arena.served() > before_,
      'a captured gateway may still use the key through the vault: else the attempts would prove nothing',
    );
    arena.clear();
    const { body } = await ask(`${gateway}/attack`, 'POST', { key, facts });
    const outcomes = judge(JSON.parse(body) as Outcome[], arena);
    const left = layout === 'none' ? [] : ((await admin(control, 'GET', '/doctor'))['processes'] as readonly Process[]);
    return { outcomes, processes: left };
  } finally {
    await node.stop();
  }
}

/** Two credentials, one of them of another organization, and a key of each: the other one's goes by before the gateway is captured. */
async function prepare(control: string): Promise<{ readonly key: string; readonly victim: string }> {
  const shards = (await admin(control, 'GET', '/vault'))['shards'] as readonly { readonly sealing_key: string }[];
  const sealed = (id: string): unknown => ({
    sealed: seal(shards[0]?.sealing_key as string, Buffer.from(SECRET), 'bulkhead/credential/v1', id),
  });
  await admin(control, 'POST', '/organizations', { name: 'others' });
  await admin(control, 'PUT', '/credentials/canary', sealed('canary'));
  await admin(control, 'PUT', '/credentials/theirs', { ...(sealed('theirs') as object), organization: 'others' });
  const others = await admin(control, 'POST', '/teams', { name: 'theirs', organization: 'others' });
  const newKey = async (body: object): Promise<string> => (await admin(control, 'POST', '/keys', body))['key'] as string;
  return {
    key: await newKey({ name: 'live traffic' }),
    victim: await newKey({ name: 'victim', organization: 'others', team: others['name'] }),
  };
}

/** What the arena saw counts, whatever the attacker believes. */
function judge(outcomes: readonly Outcome[], arena: Arena): Outcome[] {
  const traffic = new Set(['tcp', 'udp', 'dns', 'abstract']);
  return outcomes.map((outcome) => {
    const { mark } = ATTACKS.find(({ name }) => name === outcome.name) ?? {};
    if (mark === undefined) return outcome;
    if (!arena.marks.has(mark)) return outcome.gain === 'traffic' ? { ...outcome, gain: 'nothing', detail: 'it did not arrive' } : outcome;
    return { ...outcome, gain: traffic.has(mark) ? 'traffic' : 'key' };
  });
}

async function attackMonolith(arena: Arena): Promise<readonly Outcome[]> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-monolith-'));
  const secret = path.join(folder, 'root.key');
  fs.writeFileSync(secret, SECRET);
  const child = spawn(process.execPath, [path.join(CODE, 'test/hostile/monolith.ts')], {
    env: { PROVIDER_KEY: SECRET, UPSTREAM: arena.upstream },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const port = await new Promise<string>((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim())));
    arena.clear();
    const facts = {
      codeDir: CODE,
      dataDir: folder,
      vaultUid: 1,
      secretFiles: [secret],
      keyPattern: PATTERN,
      evil: arena.evil,
      victim: VICTIM,
    };
    const { body } = await ask(`http://127.0.0.1:${port}/`, 'POST', facts);
    return judge(JSON.parse(body) as Outcome[], arena);
  } finally {
    child.kill('SIGKILL');
    fs.rmSync(folder, { recursive: true });
  }
}

const isTheft = ({ gain }: Outcome): boolean => gain === 'key' || gain === 'power';

function printTable(results: ReadonlyMap<string, readonly Outcome[]>): void {
  const columns = [...results.keys()];
  console.log(['way'.padEnd(44), ...columns.map((name) => name.padEnd(10))].join(' '));
  for (const { name } of ATTACKS) {
    const cells = columns.map((column) =>
      (results.get(column)?.find((outcome) => outcome.name === name)?.gain ?? '–').replace('nothing', '·').padEnd(10),
    );
    console.log([name.padEnd(44), ...cells].join(' '));
  }
  const thefts = columns.map((column) => String(results.get(column)?.filter(isTheft).length).padEnd(10));
  console.log([`${ATTACKS.length} ways; thefts`.padEnd(44), ...thefts].join(' '));
}

describe('a hostile dependency in the gateway', { timeout: 600_000 }, () => {
  let arena: Arena;
  const results = new Map<string, readonly Outcome[]>();

  before(async () => {
    arena = await openArena(SECRET);
  });
  after(async () => {
    printTable(results);
    await arena.close();
  });

  it('has at least 24 ways, each with a name of its own', () => {
    assert.ok(ATTACKS.length >= 24);
    assert.equal(new Set(ATTACKS.map(({ name }) => name)).size, ATTACKS.length);
  });

  for (const layout of STRONG) {
    it(`steals nothing in the layout ${layout}`, async (t) => {
      const attacked = await attack(layout, arena);
      if (typeof attacked === 'string') {
        assert.ok(!REQUIRED, `the layout ${layout} cannot run here, and it must: ${attacked}`);
        console.log(`NOT TESTED: the layout ${layout} cannot run here: ${attacked}`);
        return t.skip(`the layout ${layout} cannot run here`);
      }
      results.set(layout, attacked.outcomes);
      assert.deepEqual(attacked.outcomes.filter(isTheft), []);
      const left = attacked.outcomes.filter(({ gain }) => gain === 'traffic').map(({ name }) => name);
      assert.deepEqual(left.sort(), TRAFFIC[layout]);
      assert.deepEqual(
        attacked.processes.filter(({ restarts, state }) => restarts > 0 || state !== 'ready'),
        [],
        'and harms no other process',
      );
      return undefined;
    });
  }

  it(
    'succeeds by every way on a weak layout, so that this test can fail',
    { skip: !isRoot && 'the weak layouts are attacked as root' },
    async () => {
      const none = await attack('none', arena);
      assert.ok(typeof none !== 'string', String(none));
      results.set('none', none.outcomes);
      results.set('monolith', await attackMonolith(arena));
      const weak = ['none', 'monolith'].flatMap((name) => results.get(name) ?? []);
      const never = ATTACKS.filter(({ name }) => !weak.some((outcome) => outcome.name === name && outcome.gain !== 'nothing'));
      const why = never.map(
        ({ name }) =>
          `${name}: ${weak
            .filter((outcome) => outcome.name === name)
            .map(({ detail }) => detail)
            .join(' | ')}`,
      );
      assert.deepEqual(why, []);
    },
  );
});
