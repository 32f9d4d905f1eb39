import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { NodeSpec } from '../config/node-spec.ts';
import { hasPermissionModel, type Layout } from '../core/process.ts';
import { CODE, get, specFor, startTiny, temporaryFolder, type StartOptions, type TinyNode } from './testing/node.ts';

const isRoot = process.getuid?.() === 0;
const PRIVATE: readonly Layout[] = ['uids', 'rootless', 'landlock', 'permission'];
/** An ordinary user of the machine. */
const AS_USER = ['setpriv', '--reuid=65001', '--regid=65001', '--clear-groups'];

interface Started {
  readonly node: TinyNode;
  readonly folder: string;
}

/** Of tests whose node would never end if it were wrong. */
const ENDING_MS = 120_000;

/** A node that ends with its test, whatever happens. */
function start(t: TestContext, changes: Partial<NodeSpec> = {}, options: StartOptions & { readonly folder?: string } = {}): Started {
  const folder = options.folder ?? temporaryFolder();
  if (options.wrapper !== undefined) fs.chownSync(folder, 65_001, 65_001);
  const node = startTiny(specFor(path.join(folder, 'data'), changes), options);
  t.after(async () => {
    node.process.kill('SIGTERM');
    node.process.kill('SIGTERM');
    await node.exited;
    fs.rmSync(folder, { recursive: true, force: true });
  });
  return { node, folder };
}

const isAlive = (pid: number | null): boolean => pid !== null && fs.existsSync(`/proc/${pid}/root`);

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('a node', () => {
  for (const isolation of PRIVATE) {
    it(
      `starts every role in the layout ${isolation}, reachable by its sockets alone`,
      { skip: isolation === 'uids' && !isRoot && 'needs root' },
      async (t) => {
        const { node } = start(t, { isolation });
        await node.until('node_ready');
        const { heard, environment } = await node.gateway('/');
        assert.deepEqual(Object.keys(heard as object).sort(), ['control', 'ledger', 'vault-0']);
        // A shell on the way may set PWD; nothing of the supervisor's environment arrives.
        assert.deepEqual(
          (environment as readonly string[]).filter((name) => name !== 'PWD' && name !== 'NODE_COMPILE_CACHE'),
          [],
        );
        const { heard: byControl } = await node.control('/');
        assert.deepEqual(Object.keys(byControl as object).sort(), ['auditor', 'ledger', 'vault-0']);
        for (const { role, state, pid, check } of await node.processes()) {
          assert.deepEqual([role, state, isAlive(pid), check?.noNewPrivileges], [role, 'ready', true, true]);
          assert.equal(check?.permissionModel, hasPermissionModel(role));
          if (isolation === 'uids')
            assert.deepEqual([check?.dumpable, check?.ownPidNamespace, check?.emptyNetwork], [false, true, role !== 'vault']);
          if (isolation === 'rootless')
            assert.deepEqual(
              [check?.effectiveCapabilities, check?.ownPidNamespace, check?.emptyNetwork],
              ['0000000000000000', true, role !== 'vault'],
            );
          if (isolation === 'landlock') assert.equal(check?.landlock, true);
        }
        assert.equal(await node.stop(), 0);
      },
    );
  }

  it('gives roles uids of their own that differ', { skip: !isRoot && 'needs root' }, async (t) => {
    const { node } = start(t, { isolation: 'uids' });
    await node.until('node_ready');
    const uids = (await node.processes()).map(({ check }) => check?.uid);
    assert.equal(new Set(uids).size, uids.length);
    assert.ok(uids.every((uid) => uid !== undefined && uid > 60_000));
  });

  it(
    'finds its way without root, and says why it passed over the stronger layout',
    { skip: !isRoot && 'needs root to become an ordinary user' },
    async (t) => {
      const { node } = start(t, { isolation: 'auto' }, { wrapper: AS_USER });
      await node.until('node_ready');
      assert.match(node.output(), /"event":"layout_passed_over","layout":"uids","reason":"it needs root/);
      assert.match(node.output(), /"event":"node_ready","layout":"rootless"/);
      assert.equal(await node.stop(), 0);
    },
  );

  it(
    'refuses in words a layout that was asked for and cannot run',
    { skip: !isRoot && 'needs root to become an ordinary user' },
    async (t) => {
      const { node } = start(t, { isolation: 'uids' }, { wrapper: AS_USER });
      assert.equal(await node.exited, 78);
      assert.match(node.output(), /uids cannot run here: it needs root at start/);
    },
  );

  it('refuses a second node on the same data folder, and the first goes on', async (t) => {
    const { node, folder } = start(t);
    await node.until('node_ready');
    const second = startTiny(specFor(path.join(folder, 'data')));
    assert.equal(await second.exited, 78);
    assert.match(second.output(), /another node already runs on/);
    assert.ok((await node.gateway('/'))['pid']);
  });

  it('ends in words when a role says at the first start that it cannot serve', async (t) => {
    const { entries } = specFor('/x');
    const { node } = start(t, { entries: { ...entries, ledger: 'src/supervisor/testing/failing.ts' } });
    assert.equal(await node.exited, 78);
    assert.match(node.output(), /ledger cannot start: the disk is made of cheese/);
  });

  it('ends in words when a role that says so does not end by itself', { timeout: ENDING_MS }, async (t) => {
    const { entries } = specFor('/x');
    const { node } = start(t, { entries: { ...entries, ledger: 'src/supervisor/testing/undying-ledger.ts' } });
    assert.equal(await node.exited, 78);
    assert.match(node.output(), /ledger cannot start: the disk is made of cheese/);
  });

  it('ends in words when a role throws before it serves', async (t) => {
    const { entries } = specFor('/x');
    const { node } = start(t, { entries: { ...entries, auditor: 'src/supervisor/testing/reckless.ts' } });
    assert.equal(await node.exited, 78);
    assert.match(node.output(), /auditor cannot start: .*no such table/);
  });

  it('refuses a program that is missing', async (t) => {
    const { node } = start(t, { entries: { vault: 'src/nowhere.ts' } });
    assert.equal(await node.exited, 78);
    assert.match(node.output(), /nowhere\.ts is missing/);
  });
});

describe('processes that die', () => {
  it('start again with a new generation on the same sockets, and the report has their last words', async (t) => {
    const { node } = start(t);
    await node.until('node_ready');
    const before = (await node.gateway('/'))['boot'] as { readonly generation: string };
    await node.gateway('/crash').catch(() => undefined);
    await node.until('process_exited');
    const after = (await node.gateway('/'))['boot'] as { readonly generation: string };
    assert.notEqual(after.generation, before.generation);
    const gateway = (await node.processes()).find(({ role }) => role === 'gateway');
    assert.equal(gateway?.restarts, 1);
    assert.match(gateway?.lastExit ?? '', /exit 1: .*crashed on purpose/s);
  });

  it('wait longer after every death', async (t) => {
    const { node } = start(t);
    await node.until('node_ready');
    for (let deaths = 1; deaths <= 3; deaths++) {
      await node.gateway('/crash').catch(() => undefined);
      await node.until('process_exited', deaths);
      await until(async () =>
        (await node.processes()).some(({ role, state, restarts }) => role === 'gateway' && state === 'ready' && restarts === deaths),
      );
    }
    assert.deepEqual(
      [...node.output().matchAll(/"again_in_ms":(\d+)/g)].map(([, ms]) => ms),
      ['100', '200', '400'],
    );
  });

  for (const isolation of PRIVATE) {
    it(
      `are killed at control's word in the layout ${isolation}, wrapper and all`,
      { skip: isolation === 'uids' && !isRoot && 'needs root' },
      async (t) => {
        const { node } = start(t, { isolation });
        await node.until('node_ready');
        const vault = (await node.processes()).find(({ role }) => role === 'vault');
        await node.ask({ op: 'kill', role: 'vault', index: 0 });
        await node.until('process_exited');
        assert.equal(isAlive(vault?.pid ?? null), false);
        const heard = (await node.gateway('/'))['heard'] as Record<string, { readonly generation: string }>;
        assert.ok(heard['vault-0']?.generation);
      },
    );
  }

  for (const isolation of PRIVATE) {
    it(
      `end with their supervisor in the layout ${isolation}, and the next node waits for them`,
      { skip: isolation === 'uids' && !isRoot && 'needs root' },
      async (t) => {
        const { node, folder } = start(t, { isolation });
        await node.until('node_ready');
        const pids = (await node.processes()).map(({ pid }) => pid);
        const slow = node.gateway('/sleep/700');
        await new Promise((resolve) => setTimeout(resolve, 100));
        node.process.kill('SIGKILL');
        await node.exited;
        const { node: next } = start(t, { isolation }, { folder });
        assert.ok((await slow)['pid'], 'the request under way ends normally');
        await next.until('node_ready');
        assert.match(next.output(), /waiting for processes of an earlier node/);
        assert.deepEqual(pids.filter(isAlive), []);
      },
    );
  }
});

describe('ending and upgrading', () => {
  it('SIGTERM lets requests under way end, then exits with 0', async (t) => {
    const { node } = start(t);
    await node.until('node_ready');
    const slow = node.gateway('/slow/700');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const stopped = node.stop();
    assert.ok((await slow)['pid']);
    assert.equal(await stopped, 0);
  });

  it('a process that does not end within the grace is killed', async (t) => {
    const { node } = start(t, { drainMs: 200 });
    await node.until('node_ready');
    const slow = node.gateway('/slow/60000').catch(() => 'cut');
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(await node.stop(), 0);
    assert.equal(await slow, 'cut');
  });

  it('a process that says it is done and does not end is killed long before the grace is over', { timeout: ENDING_MS }, async (t) => {
    const { entries } = specFor('/x');
    const { node } = start(t, { drainMs: 3_600_000, entries: { ...entries, gateway: 'src/supervisor/testing/undying-gateway.ts' } });
    await node.until('node_ready');
    const pids = (await node.processes()).map(({ pid }) => pid);
    assert.equal(await node.stop(), 0);
    assert.deepEqual(pids.filter(isAlive), []);
  });

  it('a second signal ends everything at once', async (t) => {
    const { node } = start(t, { drainMs: 60_000 });
    await node.until('node_ready');
    const pids = (await node.processes()).map(({ pid }) => pid);
    const slow = node.gateway('/slow/60000').catch(() => 'cut');
    await new Promise((resolve) => setTimeout(resolve, 100));
    node.process.kill('SIGTERM');
    await node.until('node_draining');
    node.process.kill('SIGINT');
    assert.equal(await node.exited, 1);
    assert.equal(await slow, 'cut');
    await until(() => !pids.some(isAlive));
  });

  for (const isolation of ['permission', 'uids'] as const) {
    it(
      `a rolling restart in the layout ${isolation} drops no request and renews every process`,
      { skip: isolation === 'uids' && !isRoot && 'needs root' },
      async (t) => {
        const { node } = start(t, { isolation, gateway: { workers: 2, host: '127.0.0.1', port: 0, tls: null } });
        await node.until('node_ready');
        const old = await node.processes();
        const url = /"gateway":"([^"]+)"/.exec(node.output())?.[1] ?? '';
        let [answered, going] = [0, true];
        const failures: string[] = [];
        const clients = Array.from({ length: 4 }, async () => {
          while (going)
            await get(`${url}/slow/20`).then(
              () => (answered += 1),
              (error: unknown) => failures.push(String(error)),
            );
        });
        node.process.kill('SIGHUP');
        await node.until('rolling_restart_done');
        going = false;
        await Promise.all(clients);
        assert.deepEqual(failures, []);
        assert.ok(answered > 20, `${answered} requests`);
        await until(() => !old.some(({ pid }) => isAlive(pid)));
        assert.ok((await node.processes()).every(({ state, restarts }) => state === 'ready' && restarts === 0));
      },
    );
  }
});

describe('what travels over descriptor 3', () => {
  it('bulkhead.yaml reaches control at the start and after every change', async (t) => {
    const folder = temporaryFolder();
    const configFile = path.join(folder, 'bulkhead.yaml');
    fs.writeFileSync(configFile, 'first');
    const { node } = start(t, { configFile, isolation: isRoot ? 'uids' : 'permission' }, { folder });
    await node.until('node_ready');
    assert.equal((await node.control('/file/config'))['text'], 'first');
    fs.writeFileSync(`${configFile}.new`, 'second');
    fs.renameSync(`${configFile}.new`, configFile);
    await node.until('file_changed');
    await until(async () => (await node.control('/file/config'))['text'] === 'second');
    assert.equal((await node.gateway('/file/config'))['text'], null, 'no other role gets it');
    fs.rmSync(configFile);
    await node.until('file_unreadable');
    assert.equal((await node.control('/file/config'))['text'], 'second');
  });

  it('a configuration that cannot be read refuses the start', async (t) => {
    const { node } = start(t, { configFile: '/nowhere/bulkhead.yaml' });
    assert.equal(await node.exited, 78);
    assert.match(node.output(), /cannot read \/nowhere\/bulkhead.yaml/);
  });

  it('only control may ask the supervisor', async (t) => {
    const { node } = start(t);
    await node.until('node_ready');
    const ask = `/ask/${encodeURIComponent(JSON.stringify({ op: 'kill', role: 'vault', index: 0 }))}`;
    await assert.rejects(node.gateway(ask), /permission_denied/);
    assert.ok((await node.processes()).every(({ restarts }) => restarts === 0));
  });

  it('control prints for people', async (t) => {
    const { node } = start(t);
    await node.until('node_ready');
    await node.ask({ op: 'print', text: 'Welcome aboard' });
    await until(() => node.output().includes('Welcome aboard\n'));
  });

  it('a root key from a file descriptor reaches every shard, and again after a restart', async (t) => {
    const folder = temporaryFolder();
    fs.writeFileSync(path.join(folder, 'key'), 'the root key');
    const fd = fs.openSync(path.join(folder, 'key'), 'r');
    t.after(() => fs.closeSync(fd));
    const { node } = start(
      t,
      { isolation: isRoot ? 'uids' : 'permission', vault: { shards: 2, rootKey: { kind: 'fd', fd: 3 } } },
      { folder, stdio: [fd] },
    );
    await node.until('node_ready');
    const keys = async (): Promise<unknown[]> => {
      const heard = (await node.control('/'))['heard'] as Record<string, { readonly rootKey?: string }>;
      return [heard['vault-0']?.rootKey, heard['vault-1']?.rootKey];
    };
    assert.deepEqual(await keys(), ['the root key', 'the root key']);
    await node.ask({ op: 'kill', role: 'vault', index: 1 });
    await node.until('process_exited');
    assert.deepEqual(await keys(), ['the root key', 'the root key']);
  });

  it('a root key from a pipe is refused for two shards, and one that is not there for any', async (t) => {
    const piped = start(t, { vault: { shards: 2, rootKey: { kind: 'fd', fd: 3 } } }, { stdio: ['pipe'] });
    assert.equal(await piped.node.exited, 78);
    assert.match(piped.node.output(), /can be read once, and there are 2 vault shards/);
    const closed = start(t, { vault: { shards: 1, rootKey: { kind: 'passphrase', fd: 77 } } });
    assert.equal(await closed.node.exited, 78);
    assert.match(closed.node.output(), /descriptor 77.* is not open/);
  });
});

describe('the node’s output', () => {
  it('goes to the log file as well, and the file is the operator’s alone', async (t) => {
    const { node } = start(t);
    await node.until('node_ready');
    const file = path.join(node.dataDir, 'logs/bulkhead.log');
    assert.match(fs.readFileSync(file, 'utf8'), /"role":"vault","event":"started"/);
    assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  });

  it('is started from the program of this repository', () => assert.ok(fs.existsSync(path.join(CODE, 'src/main/supervisor.ts'))));
});
