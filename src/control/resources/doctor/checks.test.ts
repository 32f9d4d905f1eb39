import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LAYOUTS } from '../../../core/process.ts';
import type { ProcessInfo } from '../../../ipc/supervision.ts';
import { exposureChecks, floorOf, isBelow, layoutChecks, processChecks, runtimeCheck, vaultChecks, worst } from './checks.ts';

const info = (more: Partial<ProcessInfo>): ProcessInfo => ({
  role: 'vault',
  index: 0,
  pid: 1,
  state: 'ready',
  restarts: 0,
  startedAt: 1,
  lastExit: null,
  check: null,
  ...more,
});
const statuses = (checks: readonly { readonly status: string }[]): string[] => checks.map(({ status }) => status);

describe('doctor', () => {
  it('knows the patch floor of each line of the runtime', () => {
    assert.deepEqual(
      ['24.21.0', '24.22.1', '26.10.0', '26.12.1', '27.0.0'].map((version) => isBelow(version, floorOf(version))),
      [true, false, true, false, false],
    );
    assert.equal(runtimeCheck('26.10.0').status, 'warn');
  });

  it('says something of every layout, and calls no weak one good', () => {
    assert.deepEqual(
      LAYOUTS.map((layout) => layoutChecks(layout, [])[0]?.status),
      ['ok', 'ok', 'warn', 'warn', 'fail'],
    );
    assert.deepEqual(statuses(layoutChecks(undefined, [])), ['fail']);
    assert.match(layoutChecks('landlock', [{ layout: 'uids', reason: 'not root' }])[1]?.message ?? '', /not root/);
  });

  it('a process that keeps dying is named with its reason', () => {
    assert.deepEqual(statuses(processChecks([info({})])), ['ok']);
    const [check] = processChecks([info({ state: 'backing-off', lastExit: 'signal SIGKILL' })]);
    assert.deepEqual([check?.name, check?.status], ['vault-0', 'fail']);
    assert.match(check?.message ?? '', /SIGKILL/);
  });

  it('a sealed vault and one that does not answer are told apart', () => {
    const shard = { shard: 0, sealing_key: '', verify_key: '', credentials: 0, revoked: 0 };
    assert.match(vaultChecks([{ ...shard, reachable: false, state: 'sealed' }])[0]?.message ?? '', /sealed/);
    assert.match(vaultChecks([{ ...shard, reachable: false, state: 'unknown' }])[0]?.message ?? '', /does not answer/);
  });

  it('ports that other machines reach in plain text are a warning', () => {
    assert.deepEqual(exposureChecks('http://127.0.0.1:1', 'plain', 'http://127.0.0.1:2'), []);
    assert.deepEqual(statuses(exposureChecks('http://10.0.0.1:1', 'plain', 'http://0.0.0.0:2')), ['warn', 'warn']);
    assert.deepEqual(statuses(exposureChecks('http://127.0.0.1:1', 'tls', 'https://0.0.0.0:2')), []);
  });

  it('is as well as its worst part', () => {
    const check = (status: 'ok' | 'warn' | 'fail') => ({ name: 'x', status, message: '', remedy: null });
    assert.deepEqual(
      [worst([check('ok')]), worst([check('ok'), check('warn')]), worst([check('warn'), check('fail')])],
      ['ok', 'warn', 'fail'],
    );
  });
});
