import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keyCreate } from './keys.ts';

const isAddressBlock = (text: string): boolean => keyCreate.safeParse({ name: 'a', addresses: [text] }).success;

describe('addresses of a key', () => {
  for (const text of ['10.0.0.1', '10.0.0.0/8', '0.0.0.0/0', '::1', '2001:db8::/32', '::/0', '::ffff:10.0.0.0/104']) {
    it(`${text} is one`, () => assert.equal(isAddressBlock(text), true));
  }
  for (const text of [
    '',
    '10.0.0',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/8/8',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    'fe80::1%eth0',
    'localhost',
    ' 10.0.0.1',
  ]) {
    it(`${JSON.stringify(text)} is none`, () => assert.equal(isAddressBlock(text), false));
  }
});
