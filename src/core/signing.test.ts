import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { publicKeyFromRaw, rawPublicKey, signText, verifyText } from './signing.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const publicKey = publicKeyFromRaw(rawPublicKey(privateKey));

describe('signing', () => {
  it('verifies what it signed, from the raw public key', () => {
    assert.ok(verifyText(publicKey, 'key', signText(privateKey, 'key', '{"a":"ü"}')));
  });

  it('refuses another text, another kind, another key and a torn signature', () => {
    const signed = signText(privateKey, 'key', 'text');
    const other = generateKeyPairSync('ed25519').publicKey;
    assert.equal(verifyText(publicKey, 'key', { ...signed, text: 'text ' }), false);
    assert.equal(verifyText(publicKey, 'snapshot', signed), false);
    assert.equal(verifyText(other, 'key', signed), false);
    assert.equal(verifyText(publicKey, 'key', { ...signed, signature: signed.signature.slice(0, 40) }), false);
    assert.equal(verifyText(publicKey, 'key', { ...signed, signature: '' }), false);
  });

  it('takes only raw keys of 32 bytes', () => {
    assert.throws(() => publicKeyFromRaw(Buffer.alloc(31).toString('base64')));
    assert.equal(rawPublicKey(publicKey), rawPublicKey(privateKey));
  });
});
