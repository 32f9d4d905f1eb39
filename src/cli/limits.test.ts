import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { refuse } from './testing/admin-server.ts';
import { useAdmin } from './testing/use-admin.ts';

const { admin, cli, data, names } = useAdmin();

const TEAM = { kind: 'team', id: 'team_01', name: 'search' };
const LIMIT = {
  id: 'lim_01',
  owner: TEAM,
  model: null,
  measure: 'requests',
  amount: 600,
  window: '1m',
  mode: 'enforce',
  created_at: '2026-11-01T00:00:00Z',
};
const BUDGET = {
  id: 'bud_01',
  owner: TEAM,
  model: null,
  provider: null,
  dollars: '500.00',
  window: 'month',
  time_zone: 'Europe/Berlin',
  enforcement: 'hard',
  mode: 'enforce',
  thresholds: [80, 100],
  raises: [],
  created_at: '2026-11-01T00:00:00Z',
};
const { created_at: _, ...limitRule } = LIMIT;
const { created_at: __, raises: ___, ...budgetRule } = BUDGET;
const STATUS = {
  version: 1,
  limits: [{ ...limitRule, used: 150, remaining: 450, reset_seconds: 30 }],
  budgets: [
    {
      ...budgetRule,
      amount: '500.00',
      spent: '250.00',
      reserved: '125.00',
      left: '125.00',
      window_start: '2026-10-31T23:00:00Z',
      resets_at: '2026-11-30T23:00:00Z',
    },
  ],
};
const REQUEST = {
  id: 'ask_01',
  owner: TEAM,
  dollars: '100.00',
  until: '2026-12-01T00:00:00Z',
  reason: 'launch',
  state: 'open',
  asked_by: 'user:usr_01',
  asked_at: '2026-11-01T00:00:00Z',
  decided_by: null,
  decided_at: null,
  answer: null,
  budget: null,
};

describe('limit', () => {
  it('makes one limit for each measure that is given', async () => {
    admin().answers = { 'limits.create': () => ({ ...LIMIT, cut: [], applied: 'yes' }) };
    const { code, out } = await cli([
      'limit',
      'add',
      '--team',
      'search',
      '--requests',
      '600',
      '--parallel',
      '8',
      '--per',
      '1m',
      '--model',
      'fast',
    ]);
    assert.equal(code, 0);
    const owner = { kind: 'team', id: 'search' };
    assert.deepEqual(
      admin().seen.map(({ body }) => body),
      [
        { owner, measure: 'requests', amount: 600, model: 'fast', window: '1m', mode: 'enforce', cut: false },
        { owner, measure: 'parallel', amount: 8, model: 'fast', mode: 'enforce', cut: false },
      ],
    );
    assert.match(out, /lim_01: team search may use 600 requests in any 1m\./);
  });

  it('takes the word for a window, as a budget does', async () => {
    admin().answers = {
      'limits.create': () => ({ ...LIMIT, cut: [], applied: 'yes' }),
      'limits.update': () => ({ ...LIMIT, cut: [], applied: 'yes' }),
    };
    for (const [per, window] of [
      ['second', '1s'],
      ['minute', '1m'],
      ['hour', '1h'],
      ['day', '1d'],
      ['90s', '90s'],
    ] as const) {
      assert.equal((await cli(['limit', 'add', '--team', 'search', '--requests', '5', '--per', per])).code, 0);
      assert.equal((await cli(['limit', 'change', 'lim_01', '--per', per])).code, 0);
      assert.deepEqual(
        admin()
          .seen.slice(-2)
          .map(({ body }) => (body as { window: string }).window),
        [window, window],
      );
    }
  });

  it('says when a rule is stored but not in force yet, and what was cut', async () => {
    admin().answers = { 'limits.update': () => ({ ...LIMIT, cut: ['lim_09'], applied: 'later' }) };
    const { out } = await cli(['limit', 'change', 'lim_01', '--amount', '600', '--cut']);
    assert.match(out, /Cut down with it: lim_09\.\nIt is stored, but not every process has it yet/);
  });

  it('a model alone is everyone; --everyone is the whole node', async () => {
    admin().answers = { 'limits.create': () => ({ ...LIMIT, cut: [], applied: 'yes' }) };
    await cli(['limit', 'add', '--model', 'fast', '--tokens', '5']);
    await cli(['limit', 'add', '--everyone', '--tokens', '5']);
    assert.deepEqual(
      admin().seen.map(({ body }) => (body as { owner: object }).owner),
      [{ kind: 'model' }, { kind: 'organization', id: '*' }],
    );
  });

  it('refuses a command line that means two things or none, and says what to give', async () => {
    for (const args of [
      ['limit', 'add', '--requests', '5'],
      ['limit', 'add', '--team', 'a', '--key', 'b', '--requests', '5'],
      ['limit', 'add', '--everyone', '--organization', 'a', '--requests', '5'],
      ['limit', 'add', '--team', 'a'],
      ['limit', 'add', '--team', 'a', '--requests', 'many'],
      ['limit', 'change', 'lim_01', '--observe', '--enforce'],
      ['budget', 'set', 'a lot', '--team', 'a'],
      ['budget', 'raise', 'bud_01', '10', '--until', 'soon', '--reason', 'x'],
    ]) {
      const { code, err } = await cli(args);
      assert.equal(code, 2, args.join(' '));
      assert.match(err, /\n {2}\S/, args.join(' '));
    }
    assert.deepEqual(names(), []);
  });

  it('lists what is used with a bar, and without the ledger what is known', async () => {
    admin().answers = { 'limits.list': () => ({ limits: [LIMIT] }), 'admission.status': () => STATUS };
    const { out } = await cli(['limit', 'list', '--team', 'search']);
    assert.match(out, /lim_01 {2}team search {2}all {4}requests {5}600 {2}1m {3}enforce {3}150 {2}█{5}·{15}/);
    assert.deepEqual(admin().seen[0]?.query, { owner_kind: 'team', owner: 'search' });
    const programs = JSON.parse((await cli(['limit', 'list', '--json'])).out) as { limits: { status: { used: number } }[] };
    assert.equal(programs.limits[0]?.status.used, 150);
    admin().answers['admission.status'] = () => refuse(503, { code: 'ledger_unavailable', message: 'Away.', remedy: 'Wait.' });
    assert.match((await cli(['limit', 'list'])).out, /lim_01[^]*The ledger does not answer/);
  });

  it('keeps, lists and gives up shares', async () => {
    const share = { id: 'share_01', limit: 'lim_01', owner: TEAM, percent: 40, created_at: '2026-11-01T00:00:00Z' };
    admin().answers = {
      'shares.create': () => ({ ...share, applied: 'yes' }),
      'shares.list': () => ({ shares: [share] }),
      'shares.remove': () => ({ id: 'share_01', removed: true, applied: 'yes' }),
    };
    assert.match(
      (await cli(['limit', 'share', 'lim_01', '--team', 'search', '--percent', '40'])).out,
      /40 % of lim_01 are kept for team search/,
    );
    assert.match((await cli(['limit', 'shares'])).out, /share_01 {2}lim_01 {2}team search/);
    assert.equal((await cli(['limit', 'unshare', 'share_01'])).code, 0);
  });
});

describe('budget', () => {
  const written = { ...BUDGET, cut: [], applied: 'yes' };

  it('is made once, and changed when it is set again', async () => {
    admin().answers = {
      'budgets.list': () => ({ budgets: [] }),
      'budgets.create': () => written,
      'budgets.update': () => ({ ...written, dollars: '600.00' }),
    };
    const args = ['budget', 'set', '500', '--team', 'search', '--time-zone', 'Europe/Berlin'];
    assert.match((await cli(args)).out, /bud_01: team search may spend \$500\.00 per month \(Europe\/Berlin\)/);
    admin().answers['budgets.list'] = () => ({ budgets: [{ ...BUDGET, id: 'bud_00', window: 'day' }, BUDGET] });
    assert.match((await cli(args)).out, /\$600\.00/);
    assert.deepEqual(names(), ['budgets.list', 'budgets.create', 'budgets.list', 'budgets.update']);
    assert.equal(admin().seen.at(-1)?.path['id'], 'bud_01');
  });

  it('shows spent, held and left in one bar', async () => {
    const raise = { id: 'raise_01', dollars: '100.00', until: '2026-12-01T00:00:00Z', reason: 'launch', request: null };
    admin().answers = {
      'budgets.list': () => ({ budgets: [BUDGET] }),
      'budgets.show': () => ({ ...BUDGET, raises: [raise] }),
      'admission.status': () => STATUS,
    };
    assert.match((await cli(['budget', 'list'])).out, /team search .* \$500\.00 {2}\$250\.00 {2}\$125\.00 {2}█{12}▒{6}·{6}/);
    assert.match((await cli(['budget', 'show', 'bud_01'])).out, /held +\$125\.00[^]*raised by \$100\.00 until 2026-12-01 00:00Z: launch/);
  });

  it('is asked for, granted, denied and raised', async () => {
    admin().answers = {
      'budget-requests.create': () => REQUEST,
      'budget-requests.list': () => ({ requests: [REQUEST] }),
      'budget-requests.grant': () => ({ ...REQUEST, state: 'granted', budget: 'bud_01', applied: 'yes' }),
      'budget-requests.deny': () => ({ ...REQUEST, state: 'denied' }),
      'budgets.raise': () => written,
    };
    const until = '2026-12-01T00:00:00Z';
    assert.match(
      (await cli(['budget', 'request', '100', '--team', 'search', '--until', until, '--reason', 'launch'])).out,
      /bulkhead budget grant ask_01/,
    );
    assert.deepEqual(admin().seen[0]?.body, { owner: { kind: 'team', id: 'search' }, dollars: '100', until, reason: 'launch' });
    assert.match((await cli(['budget', 'requests'])).out, /ask_01 {2}team search {2}\$100\.00/);
    assert.match((await cli(['budget', 'grant', 'ask_01', '--dollars', '50'])).out, /the budget bud_01 of team search is raised/);
    assert.match((await cli(['budget', 'deny', 'ask_01'])).out, /Denied/);
    assert.match((await cli(['budget', 'raise', 'bud_01', '100', '--until', '7d', '--reason', 'x'])).out, /may spend \$100 more until/);
  });

  it('lists alerts', async () => {
    const alert = {
      at: '2026-11-20T10:00:00Z',
      kind: 'budget.threshold',
      rule: 'bud_01',
      owner: TEAM,
      percent: 80,
      spent: '400.00',
      amount: '500.00',
      enforcement: 'hard',
      code: null,
      count: null,
    };
    admin().answers = { 'alerts.list': () => ({ alerts: [alert] }) };
    assert.match((await cli(['budget', 'alerts'])).out, /budget\.threshold {2}team search {2}80 % {2}\$400\.00 of \$500\.00 {2}bud_01/);
  });
});

describe('who keys belong to', () => {
  const team = {
    id: 'team_01',
    name: 'search',
    organization: 'org_01',
    created_at: '2026-11-01T00:00:00Z',
    models: null,
    keys_per_member: 10,
  };
  const user = {
    id: 'usr_01',
    name: 'Ada',
    email: 'ada@example.com',
    organization: null,
    state: 'active',
    created_at: '2026-11-01T00:00:00Z',
  };

  it('a team is found by its name within the organization', async () => {
    admin().answers = {
      'teams.list': () => ({ teams: [team] }),
      'teams.update': () => ({ ...team, cut: ['my-app'], keys_changed: 2 }),
      'teams.remove': () => ({ id: 'team_01', removed: true, keys_revoked: 3 }),
    };
    const { out } = await cli(['team', 'update', 'search', '--organization', 'acme', '--models', 'fast, @cheap', '--cut']);
    assert.deepEqual(admin().seen.at(-1)?.body, { models: ['fast', '@cheap'], cut: true });
    assert.equal(admin().seen.at(-1)?.path['id'], 'team_01');
    assert.match(out, /The team search is changed\.\nCut down with it: my-app\.\n2 keys were written anew\./);
    assert.match((await cli(['team', 'remove', 'search'])).out, /removed, and 3 keys were revoked/);
    assert.match((await cli(['team', 'show', 'nobody'])).err, /There is no team nobody[^]*bulkhead team list/);
  });

  it('people get roles and tokens', async () => {
    const role = {
      id: 'mem_01',
      user: 'usr_01',
      email: user.email,
      role: 'team_admin',
      organization: 'org_01',
      team: 'team_01',
      created_at: user.created_at,
    };
    const token = {
      id: 'tok_01',
      name: 'laptop',
      user: 'usr_01',
      hint: 'bhu_ab…yz',
      created_at: user.created_at,
      expires_at: null,
      state: 'active',
    };
    admin().answers = {
      'users.create': () => user,
      'users.update': () => ({ ...user, state: 'blocked', keys_changed: 1 }),
      'members.put': () => ({ ...role, keys_revoked: 0 }),
      'members.remove': () => ({ id: 'mem_01', removed: true, keys_revoked: 2 }),
      'tokens.create': () => ({ token: `bhu_${'A'.repeat(36)}`, ...token }),
    };
    assert.match((await cli(['user', 'create', 'ada@example.com', '--name', 'Ada'])).out, /bulkhead member set ada@example\.com/);
    assert.match((await cli(['user', 'block', 'ada@example.com'])).out, /1 keys were changed/);
    assert.equal((await cli(['member', 'set', 'ada@example.com', 'team-admin', '--team', 'search'])).code, 0);
    assert.deepEqual(admin().seen.at(-1)?.body, { user: 'ada@example.com', role: 'team_admin', organization: 'default', team: 'search' });
    assert.equal((await cli(['member', 'set', 'ada@example.com', 'king'])).code, 2);
    assert.match((await cli(['member', 'remove', 'mem_01'])).out, /and 2 keys with it/);
    assert.ok((await cli(['token', 'create', '--name', 'laptop', '--expires', '30d'])).out.startsWith('bhu_'));
  });

  it('a person’s token is taken from a file', async () => {
    const file = path.join(data(), 'mine');
    fs.writeFileSync(file, `bhu_${'A'.repeat(36)}\n`);
    assert.match((await cli(['team', 'list', '--token-file', file])).err, /admin_token_invalid/);
  });

  it('a key’s restrictions are set and taken off', async () => {
    const key = {
      id: 'key_01',
      name: 'my-app',
      hint: 'bh_live_ab…yz',
      organization: 'default',
      team: 'default',
      state: 'active',
      version: 2,
      created_at: '2026-11-01T00:00:00Z',
      expires_at: null,
      revoked_at: null,
      replaced_by: null,
      models: null,
      max_parallel: null,
      organization_name: 'default',
      team_name: 'default',
      project_name: null,
      user_name: null,
      confirmations: [{ process: 'gateway-0', confirmed: true, action: 'none' }],
    };
    admin().answers = { 'keys.update': () => key, 'keys.block': () => ({ ...key, state: 'blocked' }) };
    const set = [
      '--addresses',
      '10.0.0.0/8, ::1',
      '--endpoints',
      'embeddings',
      '--metadata',
      'stage=test',
      'for=x=y',
      '--clear',
      'models,max-parallel',
    ];
    assert.match((await cli(['key', 'update', 'key_01', ...set])).out, /is changed\.\n {2}gateway-0: has it/);
    assert.deepEqual(admin().seen.at(-1)?.body, {
      addresses: ['10.0.0.0/8', '::1'],
      endpoints: ['embeddings'],
      metadata: { stage: 'test', for: 'x=y' },
      models: null,
      max_parallel: null,
    });
    assert.match((await cli(['key', 'block', 'key_01'])).out, /is blocked/);
    assert.equal((await cli(['key', 'update', 'key_01'])).code, 2);
    assert.equal((await cli(['key', 'update', 'key_01', '--clear', 'everything'])).code, 2);
  });
});
