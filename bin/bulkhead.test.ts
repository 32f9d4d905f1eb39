import assert from 'node:assert/strict';
import { spawn, type StdioOptions } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The executable: the pinned runtime with everything handed over. */

const BULKHEAD = fileURLToPath(new URL('bulkhead.js', import.meta.url));
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-bin-'));
after(() => fs.rmSync(root, { recursive: true, force: true }));

const ENV = { PATH: process.env['PATH'], HOME: root, NO_COLOR: '1' };
const start = (args: readonly string[], stdio: StdioOptions) =>
  spawn(process.execPath, [BULKHEAD, ...args], { cwd: root, env: ENV, stdio });
const ended = (child: ReturnType<typeof spawn>): Promise<number | null> => new Promise((resolve) => child.on('close', resolve));

describe('bin/bulkhead.js', () => {
  it('passes the exit code on', async () => {
    assert.equal(await ended(start(['nonsense'], 'ignore')), 2);
    assert.equal(await ended(start(['--help'], 'ignore')), 0);
  });

  it('passes a signal on and ends as the command did', async () => {
    fs.mkdirSync(path.join(root, 'data/logs'), { recursive: true });
    fs.writeFileSync(path.join(root, 'data/logs/bulkhead.log'), 'first line\n');
    const child = start(['logs', '-f'], ['ignore', 'pipe', 'inherit']);
    child.stdout?.once('data', () => child.kill('SIGTERM'));
    assert.equal(await ended(child), 128 + os.constants.signals.SIGTERM);
  });

  for (const fd of [3, 5]) {
    it(`hands descriptor ${fd} over with a root key`, async () => {
      const key = path.join(root, 'root-key');
      fs.writeFileSync(key, Buffer.alloc(32, 7));
      const open = fs.openSync(key, 'r');
      const data = path.join(root, `data-${fd}`);
      // A role whose program is missing ends the node before any process starts.
      const args = [
        'up',
        '--listen',
        '127.0.0.1:0',
        '--control',
        '127.0.0.1:0',
        '--data',
        data,
        '--root-key-fd',
        String(fd),
        '--entry',
        `vault=${path.join(root, 'missing.ts')}`,
      ];
      const child = start(args, [
        'ignore',
        'ignore',
        'pipe',
        ...Array.from({ length: fd - 2 }, (_, i) => (i + 3 === fd ? open : ('ignore' as const))),
      ]);
      fs.closeSync(open);
      let err = '';
      child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
      assert.notEqual(await ended(child), 0);
      assert.match(err, /missing\.ts is missing/);
      const spec = JSON.parse(fs.readFileSync(path.join(data, 'node.json'), 'utf8')) as { vault: { rootKey: object } };
      assert.deepEqual(spec.vault.rootKey, { kind: 'fd', fd });
    });
  }
});
