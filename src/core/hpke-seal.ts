import { createCipheriv, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { schedule, type Sealed } from './hpke.ts';
import { publicKeyFromRaw, rawPublicKey } from './signing.ts';

/** Seals to the owner of a raw X25519 public key. `ephemeral` is given only by tests with published vectors. */
export function seal(
  recipient: string,
  plaintext: Buffer,
  info: string,
  aad: string,
  ephemeral: KeyObject = generateKeyPairSync('x25519').privateKey,
): Sealed {
  const enc = rawPublicKey(ephemeral);
  const { key, nonce } = schedule(
    ephemeral,
    publicKeyFromRaw(recipient, 'x25519'),
    Buffer.from(enc, 'base64'),
    Buffer.from(recipient, 'base64'),
    info,
  );
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(aad));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  return { enc, ciphertext: ciphertext.toString('base64') };
}
