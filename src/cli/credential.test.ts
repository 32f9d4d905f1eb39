import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { open } from '../core/hpke.ts';
import { useAdmin } from './testing/use-admin.ts';

const { admin, cli, data, names } = useAdmin();

const CEILINGS = { requests_per_hour: null, concurrent: null, bytes_per_hour: null };
const CREDENTIAL = {
  id: 'openai',
  providers: ['openai'],
  organization: '*',
  origin: 'https://api.openai.com',
  paths: ['/v1/'],
  auth: 'bearer',
  private: false,
  proxy: null,
  extra_ca: false,
  ceilings: CEILINGS,
  shard: 0,
  version: 1,
  fingerprint: '0123456789ab',
  created_at: '2026-11-01T00:00:00Z',
  last_used_at: null,
  uses: 1234,
};

const vault = (state: 'unsealed' | 'sealed' = 'unsealed') => ({
  shards: [{ shard: 0, reachable: true, state, sealing_key: admin().sealingKey, verify_key: '', credentials: 0, revoked: 0 }],
});

describe('credential', () => {
  const SECRET = 'sk-proj-0123456789abcdefghijklmnop';
  const opened = (): string => {
    const put = admin().seen.find(({ name }) => name === 'credentials.put');
    assert.ok(put);
    return open(
      admin().vaultKey,
      (put.body as { sealed: { enc: string; ciphertext: string } }).sealed,
      'bulkhead/credential/v1',
      'openai',
    ).toString();
  };
  const answers = () => ({
    'vault.show': () => vault(),
    'credentials.put': () => CREDENTIAL,
    'credentials.try': () => ({ id: 'openai', works: true, status: 200, words: 'the provider accepted it' }),
  });

  it('seals what standard input holds to the vault, tries it, and shows it nowhere', async () => {
    admin().answers = answers();
    const { code, out, err } = await cli(['credential', 'add', 'openai', '--stdin'], { stdin: `  ${SECRET}\r\n` });
    assert.equal(code, 0, err);
    assert.equal(opened(), SECRET);
    assert.deepEqual(names(), ['vault.show', 'credentials.put', 'credentials.try']);
    assert.deepEqual(admin().seen[0]?.query, { credential: 'openai' });
    assert.match(out, /goes to https:\/\/api\.openai\.com alone/);
    assert.match(out, /✓ openai works \(200\)/);
    assert.ok(!(out + err + JSON.stringify(admin().seen)).includes(SECRET));
  });

  it('reads it from a file or a variable', async () => {
    admin().answers = answers();
    const file = path.join(data(), 'key.txt');
    fs.writeFileSync(file, `${SECRET}\n`);
    assert.equal((await cli(['credential', 'add', 'openai', '--file', file, '--no-try'])).code, 0);
    assert.equal(opened(), SECRET);
    admin().seen.length = 0;
    assert.equal((await cli(['credential', 'add', 'openai', '--from-env', 'MY_KEY', '--no-try'], { env: { MY_KEY: SECRET } })).code, 0);
    assert.equal(opened(), SECRET);
    assert.deepEqual(names(), ['vault.show', 'credentials.put']);
  });

  it('takes a pair of AWS keys as they are', async () => {
    for (const secret of [
      '{\n  "access_key_id": "AKIAIOSFODNN7EXAMPLE",\n  "secret_access_key": "wJalrXUtnFEMI"\n}',
      '[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = B',
    ]) {
      admin().answers = answers();
      admin().seen.length = 0;
      const { code, err } = await cli(['credential', 'add', 'openai', '--stdin', '--no-try'], { stdin: `${secret}\n` });
      assert.equal(code, 0, err);
      assert.equal(opened(), secret);
    }
    assert.equal((await cli(['credential', 'add', 'openai', '--stdin'], { stdin: 'OPENAI_API_KEY=sk x' })).code, 2);
  });

  it('says what is wrong with them before anything is sealed', async () => {
    admin().answers = answers();
    admin().seen.length = 0;
    const { code, err } = await cli(['credential', 'add', 'openai', '--stdin'], { stdin: '{"access_key_id":"AKIAIOSFODNN7EXAMPLE"}' });
    assert.equal(code, 2);
    assert.match(err, /`secret_access_key` is missing/);
    assert.ok(!names().includes('credentials.put'));
  });

  it('never takes it from the command line', async () => {
    for (const args of [[SECRET], ['hunter2-of-no-known-shape'], [`--stdin=${SECRET}`], [`--key=${SECRET}`], ['--key', SECRET]]) {
      const { code, out, err } = await cli(['credential', 'add', 'openai', ...args]);
      assert.equal(code, 2, args.join(' '));
      assert.ok(!(out + err).includes(SECRET) && !(out + err).includes('hunter2'), err);
    }
    assert.deepEqual(admin().seen, []);
  });

  it('says when the provider refuses it, keeps it, and ends with 1', async () => {
    admin().answers = {
      ...answers(),
      'credentials.try': () => ({ id: 'openai', works: false, status: 401, words: 'the provider refused it' }),
    };
    const { code, out } = await cli(['credential', 'add', 'openai', '--stdin'], { stdin: SECRET });
    assert.equal(code, 1);
    assert.match(out, /✗ openai does not work \(401\): the provider refused it/);
  });

  for (const [name, stdin, words] of [
    ['an empty key', ' \n', /empty/],
    ['two words', 'a b', /blank/],
    ['a key with a line break inside', 'sk-a\nsk-b', /blank/],
    ['a key with a control character', 'sk-\u0007', /blank/],
    ['a key beyond 16 KiB', 'x'.repeat(16_385), /longer/],
  ] as const) {
    it(`refuses ${name}`, async () => {
      admin().answers = answers();
      const { code, err } = await cli(['credential', 'add', 'openai', '--stdin'], { stdin });
      assert.equal(code, 2);
      assert.match(err, words);
      assert.deepEqual(names(), ['vault.show']);
    });
  }

  it('asks for no key while the vault is sealed', async () => {
    admin().answers = { 'vault.show': () => vault('sealed') };
    assert.match((await cli(['credential', 'add', 'openai', '--stdin'], { stdin: SECRET })).err, /vault_sealed/);
  });

  it('refuses two sources, a name that is none, and asking without a terminal', async () => {
    admin().answers = answers();
    for (const args of [['openai', '--stdin', '--file', 'x'], ['Open AI', '--stdin'], ['openai']])
      assert.equal((await cli(['credential', 'add', ...args])).code, 2, args.join(' '));
  });

  it('lists what is there, what is missing and what cannot be opened', async () => {
    admin().answers = {
      'credentials.list': () => ({
        credentials: [CREDENTIAL],
        missing: [{ id: 'anthropic', providers: ['anthropic'] }],
        refused: [{ id: 'old', reason: 'wrong key' }],
      }),
    };
    const { out } = await cli(['credential', 'list']);
    assert.match(out, /openai {2}https:\/\/api\.openai\.com {2}openai {3}0123456789ab {2}1,234 {2}never/);
    assert.match(out, /anthropic is not there yet.*bulkhead credential add anthropic/);
    assert.match(out, /old cannot be opened: wrong key/);
  });

  it('sets ceilings, and takes them back', async () => {
    admin().answers = { 'credentials.ceilings': () => ({ ...CREDENTIAL, ceilings: { ...CEILINGS, requests_per_hour: 5000 } }) };
    const { out } = await cli(['credential', 'ceiling', 'openai', '--requests-per-hour', '5000']);
    assert.match(out, /requests an hour {3}5,000/);
    await cli(['credential', 'ceiling', 'openai', '--learned']);
    assert.deepEqual(
      admin().seen.map(({ body }) => body),
      [{ ...CEILINGS, requests_per_hour: 5000 }, CEILINGS],
    );
    for (const args of [[], ['--learned', '--concurrent', '5'], ['--concurrent', '0'], ['--concurrent', 'many']])
      assert.equal((await cli(['credential', 'ceiling', 'openai', ...args])).code, 2);
  });

  it('shows, tries and removes', async () => {
    admin().answers = {
      'credentials.show': () => CREDENTIAL,
      'credentials.remove': () => ({ id: 'openai', removed: true }),
      'credentials.try': () => ({ id: 'openai', works: false, status: null, words: 'no answer' }),
    };
    assert.match((await cli(['credential', 'show', 'openai'])).out, /private addresses {2}refused/);
    assert.match((await cli(['credential', 'remove', 'openai'])).out, /is removed/);
    assert.equal((await cli(['credential', 'try', 'openai'])).code, 1);
  });
});
