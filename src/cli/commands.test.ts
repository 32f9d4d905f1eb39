import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { refuse } from './testing/admin-server.ts';
import { run } from './testing/cli.ts';
import { useAdmin } from './testing/use-admin.ts';

const { admin, cli, data, names } = useAdmin();

const KEY = {
  id: 'key_01',
  name: 'my-app',
  hint: 'bh_live_ab…yz',
  organization: 'default',
  team: 'team_01',
  state: 'active',
  version: 1,
  created_at: '2026-11-01T00:00:00Z',
  expires_at: null,
  revoked_at: null,
  replaced_by: null,
  models: null,
  max_parallel: null,
  project: null,
  user: null,
  service_account: null,
  kind: 'llm',
  endpoints: null,
  addresses: null,
  organization_name: 'default',
  team_name: 'search',
  project_name: null,
  user_name: null,
  metadata: {},
};

describe('bulkhead', () => {
  it('prints help that fits a screen when asked nothing', async () => {
    const { code, out } = await run([]);
    assert.equal(code, 0);
    const lines = out.split('\n');
    assert.ok(lines.length <= 34, `${lines.length} lines`);
    assert.ok(lines.every((line) => line.length <= 100));
    assert.match(out, /credential add openai/);
  });

  it('ends with 2 for a command or option that it does not know', async () => {
    assert.equal((await run(['kye'])).code, 2);
    assert.match((await run(['kye'])).err, /Did you mean key/);
    assert.equal((await cli(['key', 'list', '--nonsense'])).code, 2);
    assert.equal((await run(['key'])).code, 2);
  });

  it('ends with 2 and says what to do when no node answers', async () => {
    const { code, err } = await cli(['key', 'list', '--url', 'http://127.0.0.1:1']);
    assert.equal(code, 2);
    assert.match(err, /nothing listens there/);
    assert.match(err, /bulkhead up/);
  });

  it('prints code, sentence, remedy and request id of a refusal, for people and for programs', async () => {
    admin().answers = {
      'keys.list': () => refuse(503, { code: 'audit_unavailable', message: 'It cannot be recorded.', remedy: 'See: bulkhead doctor.' }),
    };
    const people = await cli(['key', 'list']);
    assert.equal(people.code, 1);
    assert.equal(people.err, 'bulkhead: It cannot be recorded.\n  See: bulkhead doctor.\n  (audit_unavailable, request req_TEST)\n');
    const programs = await cli(['key', 'list', '--json']);
    assert.deepEqual(JSON.parse(programs.err), {
      error: { code: 'audit_unavailable', message: 'It cannot be recorded.', remedy: 'See: bulkhead doctor.', request_id: 'req_TEST' },
    });
    assert.equal(programs.out, '');
  });

  it('refuses an answer that is not of the admin API', async () => {
    admin().answers = { 'keys.list': () => ({ keys: [{ id: 1 }] }) };
    assert.match((await cli(['key', 'list'])).err, /unexpected_answer/);
  });

  it('takes the token from a file, and says when there is none', async () => {
    const tokenFile = path.join(data(), 'other-token');
    fs.writeFileSync(tokenFile, `bha_${'x'.repeat(43)}`);
    assert.match((await cli(['key', 'list', '--token-file', tokenFile])).err, /admin_token_invalid/);
    assert.equal((await cli(['key', 'list', '--token-file', path.join(data(), 'none')])).code, 2);
  });

  it('refuses addresses that would send the token elsewhere', async () => {
    for (const url of ['ftp://x', 'http://user@host', 'http://host/path', 'nonsense'])
      assert.equal((await cli(['key', 'list', '--url', url])).code, 2, url);
  });
});

describe('key', () => {
  it('creates with everything that a key may have', async () => {
    const text = `bh_live_${'A'.repeat(36)}`;
    admin().answers = { 'keys.create': () => ({ key: text, ...KEY }) };
    const { code, out } = await cli([
      'key',
      'create',
      '--name',
      'my-app',
      '--models',
      'fast, openai/*',
      '--expires',
      '30d',
      '--max-parallel',
      '8',
      '--env',
      'test',
      '--team',
      'red',
    ]);
    assert.equal(code, 0);
    assert.ok(out.startsWith(`${text}\n`));
    assert.deepEqual(admin().seen[0]?.body, {
      name: 'my-app',
      models: ['fast', 'openai/*'],
      expires_in_seconds: 2_592_000,
      max_parallel: 8,
      environment: 'test',
      team: 'red',
      kind: 'llm',
    });
  });

  it('lists in columns, and as JSON', async () => {
    admin().answers = { 'keys.list': () => ({ keys: [KEY, { ...KEY, id: 'key_02', name: 'a', models: ['fast'] }] }) };
    const { out } = await cli(['key', 'list']);
    assert.deepEqual(out.split('\n').slice(0, 3), [
      'ID      NAME    KEY            ORGANIZATION  TEAM    STATE   EXPIRES  MODELS',
      'key_01  my-app  bh_live_ab…yz  default       search  active  never    all',
      'key_02  a       bh_live_ab…yz  default       search  active  never    fast',
    ]);
    assert.deepEqual(JSON.parse((await cli(['key', 'list', '--json'])).out).keys[0], KEY);
  });

  it('revokes by name, and says which process had to be told', async () => {
    admin().answers = {
      'keys.list': () => ({ keys: [{ ...KEY, id: 'key_00', state: 'revoked' }, KEY] }),
      'keys.revoke': () => ({
        ...KEY,
        state: 'revoked',
        confirmations: [
          { process: 'vault-0', confirmed: true, action: 'none' },
          { process: 'gateway-1', confirmed: false, action: 'restarted' },
        ],
      }),
    };
    const { code, out } = await cli(['key', 'revoke', 'my-app']);
    assert.equal(code, 0);
    assert.equal(admin().seen.at(-1)?.path['id'], 'key_01');
    assert.match(out, /vault-0: refuses it\n.*gateway-1: did not confirm and was restarted/);
  });

  it('does not guess between two keys of one name', async () => {
    admin().answers = { 'keys.list': () => ({ keys: [KEY, { ...KEY, id: 'key_02' }] }) };
    const { code, err } = await cli(['key', 'revoke', 'my-app']);
    assert.equal(code, 1);
    assert.match(err, /key_01, key_02/);
    assert.deepEqual(names(), ['keys.list']);
  });

  it('refuses the text of a key as its name, without repeating it', async () => {
    const secret = `bh_live_${'a1B2'.repeat(9)}`;
    const { code, err, out } = await cli(['key', 'revoke', secret]);
    assert.equal(code, 2);
    assert.ok(!(err + out).includes(secret));
  });

  it('rotates with a grace time', async () => {
    admin().answers = {
      'keys.rotate': () => ({
        key: 'bh_live_new',
        ...KEY,
        id: 'key_02',
        replaced: { ...KEY, expires_at: '2026-12-01T00:00:00Z', replaced_by: 'key_02' },
      }),
    };
    const { out } = await cli(['key', 'rotate', 'key_01', '--grace', '12h']);
    assert.deepEqual(admin().seen[0]?.body, { grace_seconds: 43_200 });
    assert.match(out, /^bh_live_new\n[^]*key_01\) ends 2026-12-01 00:00Z/);
    assert.equal((await cli(['key', 'rotate', 'key_01', '--grace', 'soon'])).code, 2);
  });
});

describe('model list and config show', () => {
  it('lists aliases and prefixes', async () => {
    admin().answers = {
      'models.list': () => ({
        models: [
          {
            alias: 'fast',
            prefix: false,
            source: 'bulkhead.yaml',
            targets: [
              { provider: 'openai', model: 'a' },
              { provider: 'anthropic', model: 'b' },
            ],
          },
          { alias: 'openai/', prefix: true, source: 'built-in', targets: [{ provider: 'openai', model: '' }] },
        ],
      }),
    };
    const { out } = await cli(['model', 'list']);
    assert.match(out, /fast {6}openai\/a, then anthropic\/b {2}bulkhead\.yaml/);
    assert.match(out, /openai\/… {2}openai/);
  });

  it('shows the configuration in effect and why a newer one is not', async () => {
    admin().answers = {
      'config.show': () => ({
        source: '/x/bulkhead.yaml',
        version: 3,
        applied_at: null,
        problems: [{ file: 'bulkhead.yaml', line: 4, column: 1, reason: 'unknown key x', remedy: 'Did you mean y?' }],
        effective: { workers: 1 },
      }),
    };
    const { out } = await cli(['config', 'show']);
    assert.match(out, /^# from \/x\/bulkhead\.yaml, version 3\n# NOT APPLIED bulkhead\.yaml:4:1: unknown key x/);
  });
});
