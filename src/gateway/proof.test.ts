import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KeyRow, Principal, SignedText } from '../access/principal.ts';
import { proofJson, proofOf } from './proof.ts';

const signed: SignedText = { text: '{"id":"key_1","name":"a\\"b"}', signature: 'AAA=' };
const issuer: SignedText = { text: '{"issuer":"https://login.example.com"}', signature: 'BBB=' };
const principal = (more: Partial<Principal>): Principal => ({ key: {} as KeyRow, signed, signedJson: JSON.stringify(signed), ...more });

describe('proof', () => {
  for (const [name, who, presented, expected] of [
    ['a key', principal({}), 'bh_live_"odd"', { kind: 'key', row: signed, key: 'bh_live_"odd"' }],
    ['a token', principal({ issuer, issuerJson: JSON.stringify(issuer) }), 'a.b.c', { kind: 'jwt', row: signed, issuer, token: 'a.b.c' }],
  ] as const)
    it(`of ${name} is the same as an object and as JSON`, () => {
      assert.deepEqual(proofOf(who, presented), expected);
      assert.deepEqual(JSON.parse(proofJson(who, presented)), expected);
    });
});
