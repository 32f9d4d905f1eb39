import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LAYOUTS } from '../../../core/process.ts';
import type { ProcessInfo } from '../../../ipc/supervision.ts';
import type { IssuerView } from '../../../api/node.ts';
import {
  exposureChecks,
  floorOf,
  isBelow,
  issuerChecks,
  layoutChecks,
  processChecks,
  rowChecks,
  runtimeCheck,
  vaultChecks,
  worst,
} from './checks.ts';

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

  it('tables that are not as they were written are a failure, each by its name', () => {
    assert.deepEqual(statuses(rowChecks({ state: 'ok', older: false, differences: [] })), ['ok']);
    assert.deepEqual(statuses(rowChecks({ state: 'open', older: false, differences: [] })), ['warn']);
    const differs = rowChecks({ state: 'differs', older: true, differences: [{ table: 'memberships', expected: 3, found: 2 }] });
    assert.deepEqual(statuses(differs), ['fail', 'fail']);
    assert.match(differs[0]?.message ?? '', /whole database is older/);
    assert.match(differs[1]?.message ?? '', /memberships .* 3 rows expected, 2 found/);
  });

  it('an issuer is said with its keys, when they were fetched, and what keeps it from answering', () => {
    const now = Date.parse('2026-11-01T12:00:00Z');
    const issuer: IssuerView = {
      id: 'company',
      url: 'https://login.example.com',
      reachable: true,
      fetched_at: '2026-11-01T11:58:00.000Z',
      taken_until: '2026-11-01T12:58:00.000Z',
      keys: [
        { kid: 'a1', kty: 'RSA', alg: 'RS256' },
        { kid: null, kty: 'EC', alg: null },
      ],
      failure: null,
      ahead_seconds: 0,
    };
    const check = (more: Partial<IssuerView>) => issuerChecks([{ ...issuer, ...more }], now);
    assert.deepEqual(check({}), [
      {
        name: 'issuer company',
        status: 'ok',
        message: 'https://login.example.com answers, 2 keys (a1, (no kid)), fetched 2026-11-01T11:58:00.000Z',
        remedy: null,
      },
    ]);
    assert.deepEqual(statuses(check({ reachable: null, fetched_at: null, taken_until: null, keys: [] })), ['warn']);
    const [kept] = check({ reachable: false, failure: 'ECONNREFUSED' });
    assert.equal(kept?.status, 'warn');
    assert.match(kept?.message ?? '', /ECONNREFUSED; until 2026-11-01T12:58:00.000Z its tokens are taken with 2 keys/);
    assert.deepEqual(statuses(check({ reachable: false, failure: 'x', taken_until: '2026-11-01T11:59:59.000Z' })), ['fail']);
    assert.deepEqual(statuses(check({ keys: [] })), ['fail']);
    assert.deepEqual(statuses(check({ ahead_seconds: 14 })), ['ok']);
    assert.match(check({ ahead_seconds: 40 })[1]?.message ?? '', /up to 40 s in the future/);
  });

  it('is as well as its worst part', () => {
    const check = (status: 'ok' | 'warn' | 'fail') => ({ name: 'x', status, message: '', remedy: null });
    assert.deepEqual(
      [worst([check('ok')]), worst([check('ok'), check('warn')]), worst([check('warn'), check('fail')])],
      ['ok', 'warn', 'fail'],
    );
  });
});
