import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { digestKey, isPersonalToken, isWellFormed, keyHint, newPersonalToken, newVirtualKey, VIRTUAL_KEY_PATTERN } from './virtual-key.ts';

describe('virtual key', () => {
  it('has the published shape and a checksum that holds', () => {
    const key = newVirtualKey('live');
    assert.match(key, /^bh_live_[0-9A-Za-z]{36}$/);
    assert.equal(isWellFormed(key), true);
  });

  it('keeps its checksum for ever: a key made by hand from the published rule', () => {
    const body = `bh_live_${'0'.repeat(30)}`;
    const all = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    let value = crc32Bitwise(body);
    const digits = Array.from({ length: 6 }, () => {
      const digit = all[value % 62] as string;
      value = Math.floor(value / 62);
      return digit;
    });
    assert.equal(isWellFormed(body + digits.reverse().join('')), true);
  });

  it('a change of any single character is seen', () => {
    const key = newVirtualKey('dev');
    for (let i = 0; i < key.length; i++) {
      const changed = key.slice(0, i) + (key[i] === 'a' ? 'b' : 'a') + key.slice(i + 1);
      assert.equal(isWellFormed(changed), false, `position ${i}`);
    }
  });

  for (const text of [
    '',
    'bh_',
    'bh_live_',
    'sk-proj-abc',
    `bh_LIVE_${'0'.repeat(36)}`,
    `bh_live_${'0'.repeat(35)}`,
    `bh_live_${'0'.repeat(36)}\n`,
  ]) {
    it(`${JSON.stringify(text)} is not well-formed`, () => assert.equal(isWellFormed(text), false));
  }

  for (const environment of ['', 'Live', 'a_b', 'x'.repeat(13), 'a\nb']) {
    it(`refuses the environment ${JSON.stringify(environment)}`, () => assert.throws(() => newVirtualKey(environment), RangeError));
  }

  it('uses all 62 digits and never repeats', () => {
    const keys = Array.from({ length: 500 }, () => newVirtualKey());
    assert.equal(new Set(keys).size, keys.length);
    assert.equal(new Set(keys.flatMap((key) => key.slice(8, 38).split(''))).size, 62);
  });

  it('digest is SHA-256 of the whole text', () => {
    const key = newVirtualKey();
    assert.equal(digestKey(key), createHash('sha256').update(key).digest('hex'));
    assert.notEqual(digestKey(key), digestKey(key.slice(0, -1)));
  });

  it('leaked keys are found offline in a text, look-alikes are told apart', () => {
    const real = newVirtualKey('prod1');
    const text = `API_KEY="${real}" and bh_prod1_${'A'.repeat(36)}; https://x/?k=${real}&y`;
    const hits = text.match(VIRTUAL_KEY_PATTERN) ?? [];
    assert.equal(hits.length, 3);
    assert.deepEqual(hits.filter(isWellFormed), [real, real]);
  });

  it('the hint shows environment and last four characters only', () => {
    const key = newVirtualKey();
    assert.equal(keyHint(key), `bh_live_…${key.slice(-4)}`);
  });
});

/** CRC-32 (ISO 3309) by its definition, so that the test does not lean on the same library. */
function crc32Bitwise(text: string): number {
  let crc = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

describe('personal token', () => {
  it('has its own shape and a checksum, and is never taken for a virtual key', () => {
    const token = newPersonalToken();
    assert.match(token, /^bhu_[0-9A-Za-z]{36}$/);
    assert.deepEqual([isPersonalToken(token), isWellFormed(token), isPersonalToken(newVirtualKey())], [true, false, false]);
    const changed = token.slice(0, 10) + (token[10] === 'a' ? 'b' : 'a') + token.slice(11);
    assert.equal(isPersonalToken(changed), false);
  });
});
