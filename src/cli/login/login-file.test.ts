import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { readLogin, removeLogin, withLock, writeLogin, type StoredLogin } from './login-file.ts';
import { loginFile } from './login-path.ts';
import { discover } from './issuer.ts';
import { renewalIn } from './session.ts';

const home = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-login-'));
after(() => fs.rmSync(home, { recursive: true }));

const file = path.join(home, 'bulkhead/login.json');
const login: StoredLogin = {
  v: 1,
  control: 'http://127.0.0.1:4101',
  issuer: { url: 'https://login.example.com', client_id: 'cli', scopes: ['openid'], ca: null },
  refresh_token: 'secret',
  team: null,
  email: 'ada@example.com',
  key: 'bh_login_x',
  expires_at: 300_000,
  renewed_at: 0,
};

describe('login file', () => {
  it('is the person’s: below XDG_CONFIG_HOME, else below HOME', () => {
    assert.equal(loginFile({ env: { XDG_CONFIG_HOME: home, HOME: '/x' } }), file);
    assert.equal(loginFile({ env: { HOME: '/home/ada' } }), '/home/ada/.config/bulkhead/login.json');
  });

  it('is written for its owner alone, read back, and gone after a logout', () => {
    assert.equal(readLogin(file), undefined);
    writeLogin(file, login);
    assert.deepEqual([fs.statSync(file).mode & 0o777, fs.statSync(path.dirname(file)).mode & 0o777], [0o600, 0o700]);
    assert.deepEqual(readLogin(file), login);
    removeLogin(file);
    assert.equal(readLogin(file), undefined);
  });

  it('is refused when others may read it, or it is damaged', () => {
    for (const mode of [0o640, 0o604, 0o620]) {
      writeLogin(file, login);
      fs.chmodSync(file, mode);
      assert.throws(() => readLogin(file), { message: /may be read by others/ }, mode.toString(8));
    }
    for (const text of ['', '{', '{"v":2}']) {
      fs.writeFileSync(file, text);
      fs.chmodSync(file, 0o600);
      assert.throws(() => readLogin(file), { message: /is damaged/ });
    }
    removeLogin(file);
  });

  it('is worked on by one program at a time, and by the next after one that died', async () => {
    let [inside, most] = [0, 0];
    const act = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside--;
    };
    await Promise.all([withLock(file, act), withLock(file, act), withLock(file, act).then(() => withLock(file, act))]);
    assert.equal(most, 1);
    await assert.rejects(withLock(file, () => Promise.reject(new Error('failed'))));
    fs.writeFileSync(`${file}.lock`, '');
    const longAgo = new Date(Date.now() - 120_000);
    fs.utimesSync(`${file}.lock`, longAgo, longAgo);
    await withLock(file, act);
    assert.equal(fs.existsSync(`${file}.lock`), false);
  });
});

describe('login', () => {
  it('renews a key when less than two fifths of its life are left', () => {
    assert.deepEqual(
      [0, 179_999, 180_000, 400_000].map((now) => renewalIn(login, now)),
      [180_000, 1, 0, 0],
    );
  });

  it('speaks to an issuer over https alone', () =>
    assert.rejects(discover({ ...login.issuer, url: 'http://127.0.0.1:1' }), { message: /not https/ }));
});
