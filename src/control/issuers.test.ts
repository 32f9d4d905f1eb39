import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, it } from 'node:test';
import { makeKey, tokenOf, type SigningKey } from '../access/testing/tokens.ts';
import type { IssuerConfig } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { BulkheadError } from '../core/errors.ts';
import { signText } from '../core/signing.ts';
import type { IssuerPlace } from '../ipc/messages/vault.ts';
import { createLogger } from '../telemetry/log.ts';
import { Issuers } from './issuers.ts';

/** What control knows of issuers, with a vault that answers as the test says and a clock that stands still. */

const { privateKey } = generateKeyPairSync('ed25519');
const URL_ = 'https://login.example.com';
const first = makeKey('ES256', 'first');
const second = makeKey('ES256', 'second');

const configOf = (more = ''): readonly IssuerConfig[] => {
  const text = `version: 1\nissuers:\n  a: { url: "${URL_}", audiences: [bulkhead], client_id: cli ${more} }\n`;
  const loaded = loadConfig(text, 'bulkhead.yaml');
  assert.ok(loaded.ok);
  return loaded.value.issuers;
};

interface World {
  readonly issuers: Issuers;
  readonly fetched: IssuerPlace[];
  keys: readonly SigningKey[] | undefined;
  now: number;
}

const worlds: Issuers[] = [];

function world(): World {
  const state = { now: 1_800_000_000_000, keys: [first] as readonly SigningKey[] | undefined };
  const fetched: IssuerPlace[] = [];
  const issuers = new Issuers({
    clock: { now: () => self.now, monotonic: () => self.now },
    log: createLogger({ role: 'control', index: 0, write: (_, done) => done(null) }),
    vaults: {
      fetchIssuer: async (place) => {
        fetched.push(place);
        if (self.keys === undefined)
          throw new BulkheadError('upstream_unreachable', { provider: 'login.example.com', reason: 'ECONNREFUSED' });
        const text = {
          issuer: place.issuer,
          audiences: place.audiences,
          keys: self.keys.map(({ jwk }) => jwk),
          fetchedAt: self.now,
          expiresAt: self.now + 600_000,
        };
        return signText(privateKey, 'issuer', JSON.stringify(text));
      },
    },
  });
  const self: World = Object.assign(state, { issuers, fetched });
  worlds.push(issuers);
  return self;
}

const token = (key: SigningKey, { now }: World, change: object = {}): string =>
  tokenOf(key, { iss: URL_, sub: 'ada', aud: 'bulkhead', exp: now / 1000 + 600, ...change });
const isTaken = async (own: World, text: string, who: 'callers' | 'people' = 'callers'): Promise<boolean> =>
  (await own.issuers.verify(text, who)) !== undefined;

describe('issuers', () => {
  afterEach(() => worlds.splice(0).forEach((issuers) => issuers.stop()));

  it('nobody is wrong before the configuration is known', async () => {
    const own = world();
    await assert.rejects(own.issuers.verify(token(first, own), 'callers'), { code: 'issuer_unavailable' });
    own.issuers.apply([]);
    assert.equal(await isTaken(own, token(first, own)), false);
  });

  it('asks the vault with what the configuration says, once for all who wait', async () => {
    const own = world();
    own.issuers.apply(configOf(', private: true'));
    const text = token(first, own);
    assert.deepEqual(await Promise.all([isTaken(own, text), isTaken(own, text), isTaken(own, text)]), [true, true, true]);
    assert.deepEqual(own.fetched, [{ issuer: URL_, audiences: ['bulkhead'], allowPrivate: true }]);
  });

  it('a new key of the issuer is found at the first token that names it', async () => {
    const own = world();
    own.issuers.apply(configOf());
    assert.equal(await isTaken(own, token(first, own)), true);
    own.keys = [second];
    own.now += 30_000;
    assert.equal(await isTaken(own, token(second, own)), true);
    assert.equal(await isTaken(own, token(first, own)), false);
  });

  it('tokens that name unknown keys make the issuer be asked once in half a minute, however many they are', async () => {
    const own = world();
    own.issuers.apply(configOf());
    assert.equal(await isTaken(own, token(first, own)), true);
    for (let i = 0; i < 50; i++) assert.equal(await isTaken(own, token(makeKey('EdDSA', `k${i}`), own)), false);
    assert.equal(own.fetched.length, 1);
    own.now += 30_000;
    const strangers = Array.from({ length: 20 }, (_, i) => token(makeKey('EdDSA', `k${i}`), own));
    await Promise.all(strangers.map((text) => isTaken(own, text)));
    assert.equal(own.fetched.length, 2);
  });

  it('an issuer that is away: its keys are good until their time, then nobody is wrong', async () => {
    const own = world();
    own.issuers.apply(configOf());
    assert.equal(await isTaken(own, token(first, own)), true);
    own.keys = undefined;
    own.now += 599_999;
    assert.equal(await isTaken(own, token(first, own)), true);
    own.now += 1;
    await assert.rejects(own.issuers.verify(token(first, own), 'callers'), { code: 'issuer_unavailable' });
  });

  it('a token for the client that logs people in is the person’s on the admin API, and no caller’s', async () => {
    const own = world();
    own.issuers.apply(configOf());
    const text = token(first, own, { aud: 'cli' });
    assert.deepEqual([await isTaken(own, text, 'people'), await isTaken(own, text)], [true, false]);
  });

  it('an issuer that the file names no more is nobody’s', async () => {
    const own = world();
    own.issuers.apply(configOf());
    assert.equal(await isTaken(own, token(first, own)), true);
    own.issuers.apply([]);
    assert.equal(await isTaken(own, token(first, own)), false);
    own.issuers.apply(configOf());
    assert.equal(await isTaken(own, token(first, own)), true);
    assert.equal(own.fetched.length, 2);
  });
});
