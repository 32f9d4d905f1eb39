import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';
import { open } from './hpke.ts';
import { seal } from './hpke-seal.ts';
import { rawPublicKey } from './signing.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const x25519 = (raw: string): KeyObject =>
  createPrivateKey({ key: Buffer.concat([hex('302e020100300506032b656e04220420'), hex(raw)]), format: 'der', type: 'pkcs8' });

/** Test vectors published with RFC 9180: mode 0, KEM 0x0020, KDF 0x0001, AEAD 0x0002, first encryption. */
const VECTOR = {
  info: 'Ode on a Grecian Urn',
  aad: 'Count-0',
  ephemeral: '179d4b53b6365c45b600c4163b61d95cbc2f4d9e36f1695558dce265ab8bab11',
  recipient: '497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d',
  recipientPublic: '430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c',
  enc: '6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256',
  plaintext: 'Beauty is truth, truth beauty',
  ciphertext: 'e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a',
};

describe('HPKE', () => {
  it('gives the published vector', () => {
    const recipient = hex(VECTOR.recipientPublic).toString('base64');
    const sealed = seal(recipient, Buffer.from(VECTOR.plaintext), VECTOR.info, VECTOR.aad, x25519(VECTOR.ephemeral));
    assert.equal(Buffer.from(sealed.enc, 'base64').toString('hex'), VECTOR.enc);
    assert.equal(Buffer.from(sealed.ciphertext, 'base64').toString('hex'), VECTOR.ciphertext);
    assert.equal(open(x25519(VECTOR.recipient), sealed, VECTOR.info, VECTOR.aad).toString(), VECTOR.plaintext);
  });

  const { privateKey } = generateKeyPairSync('x25519');
  const sealed = seal(rawPublicKey(privateKey), Buffer.from('sk-secret'), 'info', 'openai');

  it('opens only with the same key, info and aad', () => {
    assert.equal(open(privateKey, sealed, 'info', 'openai').toString(), 'sk-secret');
    assert.throws(() => open(generateKeyPairSync('x25519').privateKey, sealed, 'info', 'openai'));
    assert.throws(() => open(privateKey, sealed, 'info2', 'openai'));
    assert.throws(() => open(privateKey, sealed, 'info', 'anthropic'));
  });

  it('refuses every changed byte, a short text and a point of small order', () => {
    const bytes = Buffer.from(sealed.ciphertext, 'base64');
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i] = (changed[i] as number) ^ 1;
      assert.throws(() => open(privateKey, { ...sealed, ciphertext: changed.toString('base64') }, 'info', 'openai'));
    }
    assert.throws(() => open(privateKey, { ...sealed, ciphertext: bytes.subarray(0, 10).toString('base64') }, 'info', 'openai'));
    assert.throws(() => open(privateKey, { ...sealed, enc: Buffer.alloc(32).toString('base64') }, 'info', 'openai'));
  });
});
