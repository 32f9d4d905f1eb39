import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { keyCheck, open, seal } from './xaes.ts';

const NONCE = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX');

describe('XAES-256-GCM', () => {
  for (const [byte, aad, expected] of [
    [1, '', 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271'],
    [3, 'c2sp.org/XAES-256-GCM', '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d'],
  ] as const) {
    it(`gives the vector of c2sp.org/XAES-256-GCM for key ${byte}`, () => {
      const key = Buffer.alloc(32, byte);
      const sealed = seal(key, Buffer.from('XAES-256-GCM'), aad, NONCE);
      assert.equal(sealed.subarray(24).toString('hex'), expected);
      assert.equal(open(key, sealed, aad).toString(), 'XAES-256-GCM');
    });
  }

  it('opens its own texts of every length, for keys on both sides of the subkey’s carry', () => {
    for (let length = 0; length < 70; length++) {
      const [key, text] = [randomBytes(32), randomBytes(length)];
      assert.deepEqual(open(key, seal(key, text, 'aad'), 'aad'), text);
    }
  });

  it('refuses every changed byte, another key, another aad and a torn text', () => {
    const key = randomBytes(32);
    const sealed = seal(key, Buffer.from('secret'), 'aad');
    for (let i = 0; i < sealed.length; i++) {
      const changed = Buffer.from(sealed);
      changed[i] = (changed[i] as number) ^ 1;
      assert.throws(() => open(key, changed, 'aad'));
    }
    assert.throws(() => open(randomBytes(32), sealed, 'aad'));
    assert.throws(() => open(key, sealed, 'aae'));
    assert.throws(() => open(key, sealed.subarray(0, 39), 'aad'));
  });

  it('the key check tells keys apart', () => {
    assert.notEqual(keyCheck(randomBytes(32)), keyCheck(randomBytes(32)));
  });
});
