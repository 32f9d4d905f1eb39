import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { TOKEN } from './testing/admin-server.ts';
import { useAdmin } from './testing/use-admin.ts';

const { admin, cli, data } = useAdmin();

describe('usage', () => {
  const SUMMARY = {
    from: '2026-11-16T00:00:00.000Z',
    to: '2026-11-23T00:00:00.000Z',
    rows: [
      {
        key: 'my-app',
        model: 'gpt-x',
        requests: 1500,
        input_tokens: 1_000_000,
        output_tokens: 20,
        cached_input_tokens: 5,
        cost_usd: '1.00000000001',
        unconfirmed: 1,
      },
      {
        key: 'other',
        model: 'gpt-x',
        requests: 1,
        input_tokens: 10,
        output_tokens: 2,
        cached_input_tokens: 0,
        cost_usd: '0.5',
        unconfirmed: 0,
      },
    ],
  };

  it('shows sums, bars and a total that is exact to the last digit', async () => {
    admin().answers = { 'usage.summary': () => SUMMARY };
    const { out } = await cli(['usage', '--by', 'key,model', '--since', '7d']);
    assert.deepEqual(admin().seen[0]?.query, { by: ['key', 'model'], since: '7d', limit: 1000, time_zone: 'UTC' });
    assert.deepEqual(out.split('\n'), [
      '2026-11-16 00:00Z to 2026-11-23 00:00Z',
      '',
      'KEY     MODEL  REQUESTS         IN  CACHED  OUT            USD  SHARE OF COST',
      `my-app  gpt-x     1,500  1,000,000       5   20  1.00000000001  ${'█'.repeat(24)}`,
      `other   gpt-x         1         10       0    2            0.5  ${'█'.repeat(12)}`,
      '──────  ─────  ────────  ─────────  ──────  ───  ─────────────  ────────────────────────',
      'total             1,501  1,000,010       5   22  1.50000000001',
      '1 unconfirmed: the vault saw the call, the gateway could not report its tokens.',
      '',
    ]);
  });

  it('shows what has a name by it, and what is gone by its id', async () => {
    const rows = [
      { key: 'key_1', key_name: 'my-app', team: 'team_1', team_name: 'search', requests: 1 },
      { key: 'key_2', key_name: null, team: '', team_name: null, requests: 1 },
    ];
    admin().answers = { 'usage.summary': () => ({ ...SUMMARY, rows }) };
    const { out } = await cli(['usage', '--by', 'key,team']);
    assert.match(out, /my-app +search +1 [^]*key_2 +– +1 /);
  });

  it('gives programs the answer as it came', async () => {
    admin().answers = { 'usage.summary': () => SUMMARY };
    assert.deepEqual(JSON.parse((await cli(['usage', '--json'])).out), SUMMARY);
  });

  it('says when nothing was used', async () => {
    admin().answers = { 'usage.summary': () => ({ ...SUMMARY, rows: [] }) };
    assert.match((await cli(['usage'])).out, /Nothing was used/);
  });

  it('lists rows with the window given behind the subcommand', async () => {
    admin().answers = {
      'usage.rows': () => ({
        rows: [
          {
            started_at: '2026-11-23T10:00:00Z',
            request_id: 'req_1',
            key: 'k',
            model: 'm',
            provider: 'p',
            status: 200,
            outcome: 'ok',
            input_tokens: 1,
            output_tokens: 2,
            cost_usd: '0.01',
            latency_ms: 5,
          },
        ],
        next: 'x',
      }),
    };
    const { out } = await cli(['usage', 'rows', '--since', '1d', '--limit', '5', '--provider', 'p']);
    assert.deepEqual(admin().seen[0]?.query, { since: '1d', limit: 5, provider: 'p', time_zone: 'UTC' });
    assert.match(out, /2026-11-23 10:00Z {2}req_1/);
    assert.match(out, /There are more/);
    assert.equal(JSON.parse((await cli(['usage', 'rows', '--json'])).out).next, 'x');
  });

  it('shows one request', async () => {
    admin().answers = {
      'usage.request': () => ({ request_id: 'req_1', rows: [{ request_id: 'req_1', attempt: 1, outcome: 'unconfirmed' }] }),
    };
    assert.match((await cli(['usage', 'request', 'req_1'])).out, /outcome {5}unconfirmed/);
    assert.equal(admin().seen[0]?.path['id'], 'req_1');
  });
});

describe('doctor', () => {
  const PROCESS = {
    role: 'vault',
    index: 0,
    pid: 7,
    state: 'ready',
    restarts: 0,
    startedAt: 1,
    lastExit: null,
    check: {
      uid: 64002,
      dumpable: false,
      emptyNetwork: false,
      ownPidNamespace: true,
      noNewPrivileges: true,
      permissionModel: true,
      landlock: false,
    },
  };
  const view = (status: 'ok' | 'warn' | 'fail') => ({
    layout: 'landlock',
    status,
    checks: [{ name: 'runtime', status: 'warn', message: 'below', remedy: 'Update.' }],
    processes: [PROCESS],
    runtime: { version: '26.10.0', floor: '26.12.1', below_floor: true },
    config: { source: null, version: 1, problems: [] },
    issuers: [],
    gateway_url: 'http://127.0.0.1:4100',
    control_url: admin().url,
  });

  it('prints the live layers and claims no more', async () => {
    admin().answers = { 'doctor.show': () => view('warn') };
    const { code, out } = await cli(['doctor']);
    assert.equal(code, 0);
    assert.match(out, /isolation {2}landlock:/);
    assert.match(out, /vault-0 +7 {2}ready .* 64002 {2}no +no +yes +yes +yes +no\n/);
    assert.match(out, /below the patch floor 26\.12\.1/);
    assert.match(out, /It does not stop:\n {2}- UDP/);
  });

  it('ends with 1 when there is a problem', async () => {
    admin().answers = { 'doctor.show': () => view('fail') };
    const { code, out } = await cli(['doctor', '--json']);
    assert.equal(code, 1);
    assert.equal(JSON.parse(out).does_not_stop.length > 3, true);
  });

  it('ends with 2 and shows what can be seen from outside when no node runs', async () => {
    const { code, out } = await cli(['doctor', '--url', 'http://127.0.0.1:1', '--json']);
    assert.equal(code, 2);
    const answer = JSON.parse(out) as { running: boolean; checks: { name: string }[] };
    assert.equal(answer.running, false);
    assert.deepEqual(
      answer.checks.map(({ name }) => name),
      ['node', 'runtime', 'system', 'data folder', 'admin token', 'config'],
    );
  });

  it('sees an admin token that others can read', async () => {
    fs.chmodSync(path.join(data(), 'admin/token'), 0o644);
    const { out } = await cli(['doctor', '--url', 'http://127.0.0.1:1']);
    fs.chmodSync(path.join(data(), 'admin/token'), 0o600);
    assert.match(out, /✗ admin token: .* can be read by others/);
    assert.ok(!out.includes(TOKEN));
  });
});
