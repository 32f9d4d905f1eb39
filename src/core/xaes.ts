import { createCipheriv, createDecipheriv, createHmac, randomBytes, type KeyObject } from 'node:crypto';

type Key = KeyObject | Buffer;
const NONCE_BYTES = 24;
const TAG_BYTES = 16;

/** XAES-256-GCM (c2sp.org/XAES-256-GCM): AES-256-CMAC of the nonce's first half makes a key for AES-256-GCM with its second half. */
function derivedKey(key: Key, nonce: Buffer): Buffer {
  const aes = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  const first = aes.update(Buffer.alloc(16));
  const subkey = Buffer.from(first.map((byte, i) => (byte << 1) | ((first[i + 1] ?? 0) >> 7)));
  if ((first[0] as number) >> 7) (subkey[15] as number) ^= 0x87;
  const blocks = Buffer.concat([1, 2].flatMap((counter) => [Buffer.from([0, counter, 0x58, 0]), nonce.subarray(0, 12)]));
  return aes.update(blocks.map((byte, i) => byte ^ (subkey[i % 16] as number)));
}

/** nonce ‖ ciphertext ‖ tag. A random 192-bit nonce needs no counter. */
export function seal(key: Key, plaintext: Buffer, aad: string, nonce = randomBytes(NONCE_BYTES)): Buffer {
  const once = derivedKey(key, nonce);
  const cipher = createCipheriv('aes-256-gcm', once, nonce.subarray(12)).setAAD(Buffer.from(aad));
  once.fill(0);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** Throws unless key, aad and every byte of `sealed` belong together. The caller wipes the result. */
export function open(key: Key, sealed: Buffer, aad: string): Buffer {
  try {
    const once = derivedKey(key, sealed.subarray(0, NONCE_BYTES));
    const decipher = createDecipheriv('aes-256-gcm', once, sealed.subarray(12, NONCE_BYTES), { authTagLength: TAG_BYTES });
    once.fill(0);
    decipher.setAAD(Buffer.from(aad)).setAuthTag(sealed.subarray(NONCE_BYTES).subarray(-TAG_BYTES));
    const plaintext = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
    decipher.final();
    return plaintext;
  } catch (cause) {
    throw new Error('a sealed text was changed, or is opened where it does not belong', { cause });
  }
}

/** XAES-256-GCM does not commit to its key: 32 bytes that tell the right key from any other. */
export const keyCheck = (key: Key): string => createHmac('sha256', key).update('bulkhead/key-check/v1').digest('base64');
