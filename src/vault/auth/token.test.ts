import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isTokenUrl, Renewed } from './token.ts';

describe('sessions that are renewed', () => {
  const MINUTE = 60_000;

  it('are fetched once for all callers, and again five minutes before their end', async () => {
    let [now, fetches] = [0, 0];
    const session = new Renewed(
      () => Promise.resolve({ expiresAt: now + 60 * MINUTE, number: ++fetches }),
      () => now,
    );
    const both = await Promise.all([session.get(), session.get(), session.get()]);
    assert.deepEqual(
      both.map(({ number }) => number),
      [1, 1, 1],
    );
    now = 55 * MINUTE - 1;
    assert.equal((await session.get()).number, 1);
    now = 55 * MINUTE;
    assert.deepEqual(
      (await Promise.all([session.get(), session.get()])).map(({ number }) => number),
      [2, 2],
    );
  });

  it('of less than ten minutes are renewed at half their life', async () => {
    let [now, fetches] = [0, 0];
    const session = new Renewed(
      () => Promise.resolve({ expiresAt: now + MINUTE, number: ++fetches }),
      () => now,
    );
    await session.get();
    now = 29_000;
    assert.equal((await session.get()).number, 1);
    now = 30_000;
    assert.equal((await session.get()).number, 2);
  });

  it('a failure is told to all who wait and for one second, and then tried again', async () => {
    let [now, fetches] = [0, 0];
    const session = new Renewed<{ expiresAt: number }>(
      () => Promise.reject(new Error(`failure ${++fetches}`)),
      () => now,
    );
    const all = await Promise.allSettled([session.get(), session.get()]);
    assert.ok(all.every((each) => each.status === 'rejected' && (each.reason as Error).message === 'failure 1'));
    now = 999;
    await assert.rejects(async () => session.get(), /failure 1/);
    now = 1000;
    await assert.rejects(async () => session.get(), /failure 2/);
  });

  it('a session that still holds is used while its renewal fails, and not in its last half minute', async () => {
    let [now, works] = [0, true];
    const session = new Renewed(
      () => (works ? Promise.resolve({ expiresAt: 60 * MINUTE }) : Promise.reject(new Error('away'))),
      () => now,
    );
    await session.get();
    works = false;
    now = 56 * MINUTE;
    assert.equal((await session.get()).expiresAt, 60 * MINUTE);
    now = 60 * MINUTE - 29_000;
    await assert.rejects(async () => session.get(), /away/);
  });

  it('come only from a plain https address', () => {
    for (const url of ['https://oauth2.googleapis.com/token', 'https://sts.internal:8443/', 'https://127.0.0.1:8443/a/b'])
      assert.ok(isTokenUrl(url), url);
    for (const url of [
      'http://a.example/token',
      'https://a.example',
      'https://u:p@a.example/',
      'https://a.example/?q',
      'https://a.example/#f',
      'https://A.example/',
      'https://a.example/../b',
      'ftp://a.example/',
      '',
    ])
      assert.ok(!isTokenUrl(url), url);
  });
});
