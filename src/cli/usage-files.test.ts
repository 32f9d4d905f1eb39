import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { refuse } from './testing/admin-server.ts';
import { useAdmin } from './testing/use-admin.ts';

const { admin, cli, data } = useAdmin();

describe('usage export', () => {
  const PAGES = [
    { text: 'a\n1\n', lines: 1, to: '2026-11-23T00:00:00.000Z', total: 2, next: 'x' },
    { text: '2\n', lines: 1, to: '2026-11-23T00:00:00.000Z', total: null, next: null },
  ];
  const pages = (): void => {
    let page = 0;
    admin().answers = { 'usage.export': () => PAGES[page++] as object };
  };

  it('writes page after page into a file of its own, to a fixed end', async () => {
    pages();
    const out = path.join(data(), 'usage.csv');
    const { code, err } = await cli(['usage', 'export', '--format', 'csv', '--since', '30d', '--tz', 'Europe/Berlin', '--out', out]);
    assert.deepEqual([code, fs.readFileSync(out, 'utf8'), fs.statSync(out).mode & 0o777], [0, 'a\n1\n2\n', 0o600]);
    assert.match(err, /^2 lines in /);
    assert.deepEqual(
      admin().seen.map(({ query }) => query),
      [
        { format: 'csv', since: '30d', time_zone: 'Europe/Berlin', limit: 1000 },
        { format: 'csv', since: '30d', time_zone: 'Europe/Berlin', limit: 1000, until: '2026-11-23T00:00:00.000Z', after: 'x' },
      ],
    );
  });

  it('leaves no half of a file behind, nor anything where it cannot write', async () => {
    let page = 0;
    admin().answers = {
      'usage.export': () =>
        page++ === 0 ? (PAGES[0] as object) : refuse(503, { code: 'ledger_unavailable', message: 'Gone.', remedy: 'Wait.' }),
    };
    const out = path.join(data(), 'half.csv');
    const { code, err } = await cli(['usage', 'export', '--out', out]);
    assert.deepEqual([code, fs.readdirSync(data()).filter((name) => name.startsWith('half'))], [1, []]);
    assert.match(err, /Gone/);
    assert.match((await cli(['usage', 'export', '--out', path.join(data(), 'no/such/file')])).err, /cannot be written \(ENOENT\)/);
  });

  it('goes to standard output without a file', async () => {
    pages();
    assert.equal((await cli(['usage', 'export', '--format', 'focus'])).out, 'a\n1\n2\n');
  });
});

describe('usage report', () => {
  it('asks in a zone, and prints CSV', async () => {
    const rows = [{ day: '2026-11-22', team: '=x', requests: 1, cost_usd: '0.5' }];
    admin().answers = {
      'usage.summary': () => ({ from: '2026-11-16T00:00:00Z', to: '2026-11-23T00:00:00Z', rows, whole_days_before: null }),
    };
    const { out } = await cli(['usage', 'report', '--by', 'day,team', '--time-zone', 'Europe/Berlin', '--csv']);
    assert.equal(out, "day,team,requests,cost_usd\n2026-11-22,'=x,1,0.5\n");
    assert.deepEqual(admin().seen[0]?.query, { by: ['day', 'team'], since: '7d', limit: 1000, time_zone: 'Europe/Berlin' });
  });

  it('says what is not known any more', async () => {
    const rows = [{ day: '2026-11-22', requests: 1, cost_usd: '0.5' }];
    const answer = { from: '2020-01-01', to: '2026-11-23', rows, whole_days_before: '2025-10-01T00:00:00.000Z', nothing_before: null };
    admin().answers = { 'usage.summary': () => answer };
    assert.match((await cli(['usage', '--by', 'day'])).out, /Before 2025-10-01 00:00Z only whole days/);
  });
});

describe('usage statement', () => {
  const figures = { requests: 3, input_tokens: 1000, output_tokens: 20, cost_usd: '1.50', estimated: 1, unconfirmed: 0, unpriced: 0 };
  const STATEMENT = {
    month: '2026-11',
    time_zone: 'UTC',
    from: '2026-11-01T00:00:00.000Z',
    to: '2026-12-01T00:00:00.000Z',
    complete: false,
    whole_days_before: null,
    truncated: false,
    teams: [
      {
        organization: 'org_1',
        organization_name: 'acme',
        team: 'team_1',
        team_name: 'search',
        ...figures,
        lines: [
          { project: 'web', model: 'gpt-x', ...figures, cost_usd: '1.00' },
          { project: '', model: 'gpt-y', ...figures, cost_usd: '0.50', estimated: 0, unconfirmed: 2 },
        ],
      },
    ],
  };

  it('shows each team with its projects, models, total and marks', async () => {
    admin().answers = { 'usage.statement': () => STATEMENT };
    const { out } = await cli(['usage', 'statement', '--month', '2026-11', '--team', 'search']);
    assert.deepEqual(admin().seen[0]?.query, { month: '2026-11', team: 'search', time_zone: 'UTC' });
    assert.match(out, /^Statement for 2026-11, UTC .*not final yet\n\nsearch \(acme\)\n/);
    assert.match(out, /web +gpt-x +3 +1,000 +20 +1\.00 +~ +█+/);
    assert.match(out, /– +gpt-y .* 0\.50 +\? /);
    assert.match(out, /total +3 +1,000 +20 +1\.50 +~\n/);
    assert.match(out, /~ estimated tokens among them/);
  });

  it('prints CSV, and wants a month', async () => {
    admin().answers = { 'usage.statement': () => STATEMENT };
    const { out } = await cli(['usage', 'statement', '--month', '2026-11', '--csv']);
    assert.match(
      out,
      /^month,organization,team,team_name,project,model,requests,.*\n2026-11,org_1,team_1,search,web,gpt-x,3,1000,20,1\.00,1,0,0\n/,
    );
    assert.equal((await cli(['usage', 'statement'])).code, 2);
  });
});

describe('usage differences', () => {
  it('names the requests, in words', async () => {
    const found = { found_at: '2026-11-23T10:00:00Z', started_at: '2026-11-23T09:00:00Z', resolved_at: null };
    admin().answers = {
      'reconciliation.list': () => ({
        differences: [
          { request_id: 'req_1', attempt: 1, kind: 'missing_usage', reported: null, journal: 4000, ...found },
          { request_id: 'req_2', attempt: 2, kind: 'output_tokens', reported: 90, journal: 900, ...found },
        ],
        next: null,
      }),
    };
    const { out } = await cli(['usage', 'differences', '--since', '1d', '--kind', 'missing_usage']);
    assert.deepEqual(admin().seen[0]?.query, { since: '1d', kind: 'missing_usage', limit: 100 });
    assert.match(out, /req_1 +no report of the gateway +– +4,000/);
    assert.match(out, /req_2 \(attempt 2\) +too few output tokens for the bytes +90 +900/);
    admin().answers = { 'reconciliation.list': () => ({ differences: [], next: null }) };
    assert.match((await cli(['usage', 'differences'])).out, /agree on every call/);
  });
});
