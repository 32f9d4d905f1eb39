import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { JsonObject } from '../core/json.ts';
import { isBulkheadError } from './testing/errors.ts';
import { bindUnix, bootFor, connectFrames, startRole, type RoleProcess } from './testing/role-process.ts';
import { checkLine, firstBreak } from './chain.ts';

let folder: string;
const running: RoleProcess[] = [];
beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-auditor-'))));
afterEach(async () => {
  for (const role of running.splice(0)) {
    role.child.kill('SIGKILL');
    await role.exited;
  }
  fs.rmSync(folder, { recursive: true });
});

const logPath = (): string => path.join(folder, 'control.log');
const logLines = (): string[] => fs.readFileSync(logPath(), 'utf8').split('\n').slice(0, -1);
const bodies = (): JsonObject[] => logLines().map((line) => checkLine(line)?.body ?? {});

async function startAuditor(wrap: readonly string[] = []) {
  const names = ['control', 'vault'] as const;
  const listen = Object.fromEntries(
    names.map((name) => {
      fs.rmSync(path.join(folder, name), { force: true });
      return [name, bindUnix(path.join(folder, name))];
    }),
  );
  const role = startRole(bootFor('auditor', folder), listen, { wrap });
  running.push(role);
  await role.ready;
  const [control, vault] = await Promise.all(names.map((name) => connectFrames(path.join(folder, name), name)));
  if (control === undefined || vault === undefined) throw new Error('not connected');
  return { role, control, vault };
}

const act = (target: string, more: JsonObject = {}): JsonObject => ({
  op: 'append',
  entry: { at: 1, actor: { kind: 'admin', id: 'admin:local' }, act: 'key.create', target, decision: 'allowed', facts: {}, ...more },
});

const uses = (sequence: number, generation = 'g1', more: JsonObject = {}): JsonObject => ({
  op: 'uses',
  shard: 0,
  generation,
  sequence,
  from: 1,
  to: 2,
  uses: [{ credential: 'openai', organization: 'default', count: 3, refused: 0, echoes: 0 }],
  ...more,
});

describe('auditor', () => {
  it('a receipt names the line that is in the file', async () => {
    const { control } = await startAuditor();
    const { head } = await control.unary(act('key/1', { facts: { name: 'n' } }));
    const line = logLines().find((text) => checkLine(text)?.sequence === head['sequence']);
    assert.equal(checkLine(line ?? '')?.hash, head['hash']);
    assert.equal(checkLine(line ?? '')?.body['target'], 'key/1');
    control.destroy();
  });

  it('kill -9 under load: every receipt that was given is in the file', async () => {
    const receipts = new Map<number, string>();
    for (let round = 0; round < 3; round++) {
      const { role, control } = await startAuditor();
      let stop = false;
      const load = Array.from({ length: 32 }, async () => {
        while (!stop) {
          const { head } = await control.unary(act(`key/${round}`));
          receipts.set(head['sequence'] as number, head['hash'] as string);
        }
      });
      while (receipts.size < (round + 1) * 200) await new Promise((resolve) => setTimeout(resolve, 5));
      role.child.kill('SIGKILL');
      stop = true;
      await Promise.allSettled(load);
      await role.exited;
    }
    const { control } = await startAuditor();
    control.destroy();
    const found = new Map(logLines().map((line) => [checkLine(line)?.sequence, checkLine(line)?.hash]));
    for (const [sequence, hash] of receipts) assert.equal(found.get(sequence), hash, `receipt ${sequence}`);
    assert.equal(firstBreak(logLines()), undefined);
  });

  it('a torn end is repaired at start and the repair recorded', async () => {
    const first = await startAuditor();
    await first.control.unary(act('key/1'));
    first.role.child.kill('SIGKILL');
    await first.role.exited;
    fs.appendFileSync(logPath(), '{"sequence":3,"previous":"00');
    const { control } = await startAuditor();
    await control.unary(act('key/2'));
    assert.deepEqual(
      bodies().map(({ kind }) => kind),
      ['start', 'act', 'repair', 'start', 'act'],
    );
    assert.equal(firstBreak(logLines()), undefined);
    control.destroy();
  });

  it('a disk that takes no more bytes: the act is denied, and the chain holds afterwards', async () => {
    const { role, control } = await startAuditor(['bash', '-c', 'ulimit -f 8; exec "$0" "$@"']);
    let refused: unknown;
    for (let i = 0; i < 200 && refused === undefined; i++) {
      await control.unary(act(`key/${i}`, { facts: { note: 'x'.repeat(500) } })).catch((error: unknown) => (refused = error));
    }
    assert.ok(isBulkheadError(refused, 'audit_unavailable'));
    // A smaller one still fits: the cut-back left no half line in front of it.
    const { head } = await control.unary(act('small'));
    const last = checkLine(logLines().at(-1) ?? '');
    assert.deepEqual([last?.sequence, last?.hash], [head['sequence'], head['hash']]);
    assert.equal(firstBreak(logLines()), undefined);
    role.child.kill('SIGKILL');
  });

  it('uses are recorded once; a missing number becomes a signed gap record', async () => {
    const { vault } = await startAuditor();
    await Promise.all([vault.unary(uses(1)), vault.unary(uses(2))]);
    await vault.unary(uses(2));
    await vault.unary(uses(5));
    const kinds = bodies().map(({ kind }) => kind);
    assert.deepEqual(kinds, ['start', 'uses', 'uses', 'gap', 'uses']);
    const gap = bodies().find(({ kind }) => kind === 'gap');
    assert.deepEqual(JSON.parse(String(gap?.['gap'])), { shard: 0, generation: 'g1', from: 3, to: 4 });
    const logKey = String(bodies()[0]?.['logKey']);
    const publicKey = createPublicKey({
      format: 'jwk',
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(logKey, 'base64').toString('base64url') },
    });
    const signed = (text: string): boolean =>
      verify(null, Buffer.from(`bulkhead/gap/v1\n${text}`), publicKey, Buffer.from(String(gap?.['signature']), 'base64'));
    assert.equal(signed(String(gap?.['gap'])), true);
    assert.equal(signed('{}'), false);
    vault.destroy();
  });

  it('remembers the numbers over a restart of its own', async () => {
    const first = await startAuditor();
    for (const n of [1, 2, 3]) await first.vault.unary(uses(n));
    first.role.child.kill('SIGKILL');
    await first.role.exited;
    const { vault } = await startAuditor();
    await vault.unary(uses(3));
    await vault.unary(uses(4));
    assert.equal(bodies().filter(({ kind }) => kind === 'gap').length, 0);
    assert.equal(bodies().filter(({ kind }) => kind === 'uses').length, 4);
    vault.destroy();
  });

  it('takes acts from control only, uses from the vault only, and nothing malformed', async () => {
    const { control, vault } = await startAuditor();
    const wrong: [typeof control, JsonObject][] = [
      [vault, act('key/1')],
      [vault, { op: 'tail', limit: 1 }],
      [control, uses(1)],
      [control, { op: 'append' }],
      [control, act('')],
      [control, act('key/1', { decision: 'maybe' })],
      [control, act('key/1', { facts: { nested: { a: 1 } } })],
      [control, act('key/1', { facts: { long: 'x'.repeat(2000) } })],
      [control, { op: 'backup', fileName: '../control.log' }],
      [vault, uses(1, 'g', { uses: [{ credential: 1 }] })],
    ];
    for (const [peer, head] of wrong) {
      await assert.rejects(peer.unary(head), (error) => isBulkheadError(error, 'audit_unavailable'), JSON.stringify(head));
    }
    assert.equal(logLines().length, 1);
    control.destroy();
    vault.destroy();
  });

  it('tail gives the lines as they stand in the file', async () => {
    const { control } = await startAuditor();
    await control.unary(act('key/1'));
    const { head } = await control.unary({ op: 'tail', limit: 1 });
    assert.deepEqual(head['lines'], logLines().slice(-1));
    control.destroy();
  });

  it('the signing key is readable by its owner only and stays the same', async () => {
    const first = await startAuditor();
    assert.equal(fs.statSync(path.join(folder, 'log-signing.key')).mode & 0o777, 0o400);
    first.role.child.kill('SIGKILL');
    await first.role.exited;
    const second = await startAuditor();
    const keys = bodies().map(({ logKey }) => logKey);
    assert.equal(keys.length, 2);
    assert.equal(keys[0], keys[1]);
    second.control.destroy();
  });

  it('a log whose end was overwritten keeps it from serving, in words', async () => {
    fs.writeFileSync(logPath(), `${'x'.repeat(100)}\n`.repeat(50_000));
    await assert.rejects(startAuditor(), /the log cannot be opened: the end of the log holds no line whose hash is right/);
  });
});
