import { createDecipheriv, createHmac, diffieHellman, type KeyObject } from 'node:crypto';
import { publicKeyFromRaw, rawPublicKey } from './signing.ts';

/**
 * HPKE (RFC 9180), base mode, single shot: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
 * A secret sealed with it passes through every process between the operator's terminal and the vault unread.
 */
const KEM = Buffer.from('KEM\x00\x20', 'latin1');
const SUITE = Buffer.from('HPKE\x00\x20\x00\x01\x00\x02', 'latin1');
const NONE = Buffer.alloc(0);
const TAG_BYTES = 16;

/** Both texts are base64. */
export interface Sealed {
  readonly enc: string;
  readonly ciphertext: string;
}

const hmac = (key: Buffer, ...parts: readonly Buffer[]): Buffer => createHmac('sha256', key).update(Buffer.concat(parts)).digest();

const extract = (suite: Buffer, salt: Buffer, label: string, secret: Buffer): Buffer =>
  hmac(salt, Buffer.from('HPKE-v1'), suite, Buffer.from(label), secret);

/** LabeledExpand for at most 32 bytes: one block of HKDF-Expand. */
const expand = (suite: Buffer, key: Buffer, label: string, info: Buffer, bytes: number): Buffer =>
  hmac(key, Buffer.from([0, bytes]), Buffer.from('HPKE-v1'), suite, Buffer.from(label), info, Buffer.from([1])).subarray(0, bytes);

/** Key and nonce of the single message (RFC 9180 §4.1 and §5.1). */
export function schedule(privateKey: KeyObject, publicKey: KeyObject, enc: Buffer, recipient: Buffer, info: string) {
  const shared = diffieHellman({ privateKey, publicKey });
  const secret = expand(KEM, extract(KEM, NONE, 'eae_prk', shared), 'shared_secret', Buffer.concat([enc, recipient]), 32);
  const hashes = [extract(SUITE, NONE, 'psk_id_hash', NONE), extract(SUITE, NONE, 'info_hash', Buffer.from(info))];
  const context = Buffer.concat([Buffer.from([0]), ...hashes]);
  const scheduled = extract(SUITE, secret, 'secret', NONE);
  return { key: expand(SUITE, scheduled, 'key', context, 32), nonce: expand(SUITE, scheduled, 'base_nonce', context, 12) };
}

/** Opens what `seal` of `hpke-seal.ts` made. Throws when any of key, info, aad or text does not belong together. The caller wipes the result. */
export function open(privateKey: KeyObject, sealed: Sealed, info: string, aad: string): Buffer {
  const recipient = Buffer.from(rawPublicKey(privateKey), 'base64');
  const { key, nonce } = schedule(privateKey, publicKeyFromRaw(sealed.enc, 'x25519'), Buffer.from(sealed.enc, 'base64'), recipient, info);
  const ciphertext = Buffer.from(sealed.ciphertext, 'base64');
  if (ciphertext.length < TAG_BYTES) throw new TypeError('the ciphertext is shorter than its tag');
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(aad));
  decipher.setAuthTag(ciphertext.subarray(-TAG_BYTES));
  const plaintext = decipher.update(ciphertext.subarray(0, -TAG_BYTES));
  decipher.final();
  return plaintext;
}
