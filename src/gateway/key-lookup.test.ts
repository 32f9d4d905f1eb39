import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { digestKey } from '../access/virtual-key.ts';
import type { Principal, SignedText } from '../access/principal.ts';
import { BulkheadError } from '../core/errors.ts';
import type { KeyDigest } from '../core/ids.ts';
import { signText } from '../core/signing.ts';
import { KeyCache } from './key-cache.ts';
import { KeyLookup } from './key-lookup.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const rowOf = (digest: KeyDigest): SignedText => signText(privateKey, 'key', JSON.stringify({ id: 'key_1', digest }));

interface Table {
  readonly lookup: KeyLookup;
  readonly cache: KeyCache;
  readonly rows: Map<KeyDigest, SignedText>;
  readonly waiting: (() => void)[];
  asked: number;
  now: number;
}

/** A source that answers when told to. */
function table(options: { readonly held?: true; readonly maxKeys?: number; readonly maxUnknown?: number } = {}): Table {
  const state = { asked: 0, now: 0 };
  const rows = new Map<KeyDigest, SignedText>();
  const waiting: (() => void)[] = [];
  const cache = new KeyCache({
    clock: { now: () => state.now, monotonic: () => state.now },
    maxKeys: options.maxKeys ?? 100,
    maxUnknown: options.maxUnknown ?? 100,
    unknownMs: 1000,
    maxRevoked: 100,
  });
  const lookup = new KeyLookup({
    cache,
    verifyKey: () => publicKey,
    onForged: () => undefined,
    source: {
      resolve: async (digest) => {
        state.asked++;
        const row = rows.get(digest);
        if (options.held === true) await new Promise<void>((resolve) => waiting.push(resolve));
        return row;
      },
      resolveToken: async () => undefined,
    },
  });
  return Object.assign(state, { lookup, cache, rows, waiting });
}

describe('key lookup', () => {
  it('a revoke wins over an answer that is under way', async () => {
    const keys = table({ held: true });
    const digest = digestKey('a');
    keys.rows.set(digest, rowOf(digest));
    const asking = keys.lookup.find(digest);
    keys.lookup.revoke(digest);
    keys.waiting[0]?.();
    assert.equal(await asking, undefined);
    assert.equal(keys.lookup.find(digest), undefined);
  });

  it('an answer from before a change is not cached', async () => {
    const keys = table({ held: true });
    const digest = digestKey('a');
    keys.rows.set(digest, rowOf(digest));
    const asking = keys.lookup.find(digest);
    keys.lookup.forget(digest);
    keys.waiting[0]?.();
    await asking;
    assert.equal(keys.cache.size, 0);
    void keys.lookup.find(digest);
    assert.equal(keys.asked, 2);
  });

  it('unknown keys are remembered shortly and within a bound', async () => {
    const keys = table({ maxUnknown: 2 });
    const digests = ['a', 'b', 'c'].map(digestKey);
    for (const digest of digests) await keys.lookup.find(digest);
    await keys.lookup.find(digests[2] as KeyDigest);
    assert.equal(keys.asked, 3);
    await keys.lookup.find(digests[0] as KeyDigest);
    assert.equal(keys.asked, 4);
    keys.now = 2000;
    await keys.lookup.find(digests[2] as KeyDigest);
    assert.equal(keys.asked, 5);
  });

  it('a new key stays in a full cache whose keys are all in use', async () => {
    const keys = table({ maxKeys: 2 });
    const digests = ['a', 'b', 'c'].map(digestKey);
    for (const digest of digests) keys.rows.set(digest, rowOf(digest));
    const [a, b, c] = digests as [KeyDigest, KeyDigest, KeyDigest];
    for (const digest of [a, b, a, b, c, c]) await keys.lookup.find(digest);
    assert.equal(keys.asked, 3);
    assert.equal(keys.cache.size, 2);
  });

  it('a key that was not used lately leaves a full cache', async () => {
    const keys = table({ maxKeys: 2 });
    const digests = ['a', 'b', 'c'].map(digestKey);
    for (const digest of digests) keys.rows.set(digest, rowOf(digest));
    const [a, b, c] = digests as [KeyDigest, KeyDigest, KeyDigest];
    for (const digest of [a, b, a, c, a]) await keys.lookup.find(digest);
    assert.equal(keys.asked, 3);
    await keys.lookup.find(b);
    assert.equal(keys.asked, 4);
  });

  it('guessers cannot pile up questions without end', () => {
    const keys = table({ held: true });
    assert.throws(
      () => {
        for (let i = 0; i < 1000; i++) void keys.lookup.find(digestKey(String(i)));
      },
      { code: 'key_lookup_unavailable' },
    );
    assert.ok(keys.asked <= 256);
  });

  it('a lookup that fails is asked again by the next', async () => {
    let fails = true;
    const cache = new KeyCache({ clock: { now: () => 0, monotonic: () => 0 }, maxKeys: 9, maxUnknown: 9, unknownMs: 9, maxRevoked: 9 });
    const digest = digestKey('a');
    const lookup = new KeyLookup({
      cache,
      verifyKey: () => publicKey,
      onForged: () => undefined,
      source: { resolve: async () => (fails ? Promise.reject(new Error('away')) : rowOf(digest)), resolveToken: async () => undefined },
    });
    await assert.rejects(Promise.resolve(lookup.find(digest)));
    fails = false;
    assert.equal((await lookup.find(digest))?.key.digest, digest);
  });

  describe('while control is away', () => {
    /** A source that answers, or is away. */
    function away(): Table & { isAway: boolean; readonly forged: KeyDigest[] } {
      const keys = Object.assign(table(), { isAway: false, forged: [] as KeyDigest[] });
      const lookup = new KeyLookup({
        cache: keys.cache,
        verifyKey: () => publicKey,
        onForged: (digest) => void keys.forged.push(digest),
        source: {
          resolve: async (digest) => {
            keys.asked++;
            if (keys.isAway) throw new BulkheadError('key_lookup_unavailable');
            return keys.rows.get(digest);
          },
          resolveToken: async () => undefined,
        },
      });
      return Object.assign(keys, { lookup });
    }
    const digest = digestKey('a');

    it('what was known before it came back and went again goes on, asked for once', async () => {
      const keys = away();
      keys.rows.set(digest, rowOf(digest));
      const known = await keys.lookup.find(digest);
      keys.isAway = true;
      keys.lookup.doubtAll();
      assert.equal(await keys.lookup.find(digest), known);
      assert.equal(keys.lookup.find(digest), known);
      assert.equal(keys.asked, 2);
      await assert.rejects(Promise.resolve(keys.lookup.find(digestKey('b'))), { code: 'key_lookup_unavailable' });
    });

    it('its word counts as soon as it answers', async () => {
      const keys = away();
      keys.rows.set(digest, rowOf(digest));
      await keys.lookup.find(digest);
      keys.lookup.doubtAll();
      keys.rows.delete(digest);
      assert.equal(await keys.lookup.find(digest), undefined);
      keys.now = 2000;
      keys.isAway = true;
      await assert.rejects(Promise.resolve(keys.lookup.find(digest)), { code: 'key_lookup_unavailable' });
    });

    it('what was revoked or changed since is not what was known', async () => {
      for (const act of ['revoke', 'forget'] as const) {
        const keys = away();
        keys.rows.set(digest, rowOf(digest));
        await keys.lookup.find(digest);
        keys.isAway = true;
        keys.lookup.doubtAll();
        const asking = Promise.resolve(keys.lookup.find(digest));
        keys.lookup[act](digest);
        for (const found of [asking, keys.lookup.find(digest)]) {
          if (act === 'revoke') assert.equal(await found, undefined);
          else await assert.rejects(Promise.resolve(found), { code: 'key_lookup_unavailable' });
        }
      }
    });

    it('a return in the middle of a question that fails shuts nobody out who was known', async () => {
      const keys = away();
      keys.rows.set(digest, rowOf(digest));
      const known = await keys.lookup.find(digest);
      keys.isAway = true;
      keys.lookup.doubtAll();
      const asking = [Promise.resolve(keys.lookup.find(digest)), Promise.resolve(keys.lookup.find(digest))];
      keys.lookup.doubtAll();
      assert.deepEqual(await Promise.all(asking), [known, known]);
    });

    it('too many questions at once keep nobody out who was known', async () => {
      const keys = table({ held: true });
      keys.rows.set(digest, rowOf(digest));
      const asking = keys.lookup.find(digest);
      keys.waiting[0]?.();
      const known = await asking;
      keys.lookup.doubtAll();
      for (let i = 0; i < 256; i++) void keys.lookup.find(digestKey(String(i)));
      assert.equal(keys.lookup.find(digest), known);
    });

    it('a row that another worker asked for is here too, verified when it is used', async () => {
      const keys = away();
      keys.isAway = true;
      keys.lookup.offer(digest, rowOf(digest));
      const found = keys.lookup.find(digest);
      assert.equal((found as Principal).key.digest, digest);
      assert.equal(keys.lookup.find(digest), found);
      assert.equal(keys.asked, 0);
    });

    it('an offered row that the vault did not sign, or of another key, opens nothing', async () => {
      const keys = away();
      for (const row of [{ ...rowOf(digest), signature: rowOf(digestKey('b')).signature }, rowOf(digestKey('b'))]) {
        keys.lookup.offer(digest, row);
        assert.equal(await keys.lookup.find(digest), undefined);
        keys.now += 2000;
      }
      assert.deepEqual([keys.forged, keys.asked], [[digest, digest], 2]);
    });

    it('an offered row goes on too when control came back and went again before its first use', async () => {
      const keys = away();
      keys.isAway = true;
      keys.lookup.offer(digest, rowOf(digest));
      keys.lookup.doubtAll();
      assert.equal((await keys.lookup.find(digest))?.key.digest, digest);
      assert.equal(keys.asked, 1);
      const forged = away();
      forged.isAway = true;
      forged.lookup.offer(digest, rowOf(digestKey('b')));
      forged.lookup.doubtAll();
      await assert.rejects(Promise.resolve(forged.lookup.find(digest)), { code: 'key_lookup_unavailable' });
    });

    it('an offered row is gone with a change, a revoke, and the word of control', async () => {
      for (const act of ['revoke', 'forget', 'doubtAll'] as const) {
        const keys = away();
        keys.lookup.offer(digest, rowOf(digest));
        keys.lookup[act](digest);
        assert.equal(await keys.lookup.find(digest), undefined);
      }
      const keys = away();
      keys.lookup.revoke(digest);
      keys.lookup.offer(digest, rowOf(digest));
      assert.equal(await keys.lookup.find(digest), undefined);
    });
  });

  describe('tokens of an issuer', () => {
    const TOKEN = 'e30.e30.AA';
    const digest = digestKey(TOKEN);
    const issuer = signText(privateKey, 'issuer', '{"issuer":"https://login.example.com"}');
    const rowText = (of = digest): string => JSON.stringify({ id: 'key_1', digest: of, session: { issuer: 'i', subject: 's' } });

    function tokens(row: SignedText | undefined): { readonly lookup: KeyLookup; readonly seen: string[]; forged: number } {
      const state = { seen: [] as string[], forged: 0 };
      const clock = { now: () => 0, monotonic: () => 0 };
      const lookup = new KeyLookup({
        cache: new KeyCache({ clock, maxKeys: 2, maxUnknown: 2, unknownMs: 1000, maxRevoked: 2 }),
        verifyKey: () => publicKey,
        onForged: () => void state.forged++,
        source: {
          resolve: async () => assert.fail('a token is not asked for as a key'),
          resolveToken: async (token) => {
            state.seen.push(token);
            return row === undefined ? undefined : { row, issuer };
          },
        },
      });
      return Object.assign(state, { lookup });
    }

    it('are asked for by their whole text, once, and kept by the digest of it with the issuer’s keys for the vault', async () => {
      const { lookup, seen } = tokens(signText(privateKey, 'session', rowText()));
      const [first, second] = await Promise.all([lookup.find(digest, TOKEN), lookup.find(digest, TOKEN)]);
      assert.equal(first, second);
      assert.equal(lookup.find(digest, TOKEN), first);
      assert.deepEqual([seen, first?.issuer, first?.issuerJson], [[TOKEN], issuer, JSON.stringify(issuer)]);
    });

    it('a row of another token, of another kind, or that the vault did not sign, is nobody’s', async () => {
      for (const row of [
        signText(privateKey, 'session', rowText(digestKey('e30.e30.AB'))),
        signText(privateKey, 'key', rowText()),
        { text: rowText(), signature: signText(privateKey, 'session', '{}').signature },
      ]) {
        const world = tokens(row);
        assert.equal(await world.lookup.find(digest, TOKEN), undefined);
        assert.equal(world.forged, 1);
      }
    });

    it('nobody’s token is remembered for a moment, and not more of them than may be', async () => {
      const { lookup, seen } = tokens(undefined);
      const ask = async (token: string): Promise<unknown> => lookup.find(digestKey(token), token);
      for (let i = 0; i < 3; i++) assert.equal(await ask('a.a.a'), undefined);
      assert.deepEqual(seen, ['a.a.a']);
      for (const token of ['b.b.b', 'c.c.c', 'a.a.a']) await ask(token);
      assert.deepEqual(seen, ['a.a.a', 'b.b.b', 'c.c.c', 'a.a.a']);
    });

    it('a revoked one is nobody’s, whatever control says of it then', async () => {
      const { lookup } = tokens(signText(privateKey, 'session', rowText()));
      assert.ok((await lookup.find(digest, TOKEN)) !== undefined);
      lookup.revoke(digest);
      assert.equal(await lookup.find(digest, TOKEN), undefined);
    });
  });
});
