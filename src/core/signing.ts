import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

/** What a signature is about; the kind is part of the signed bytes, so that a signed row is never taken for a snapshot. */
type SignedKind = 'key' | 'snapshot' | 'grant' | 'row' | 'session' | 'issuer';
interface Signed {
  readonly text: string;
  readonly signature: string;
}

/** SubjectPublicKeyInfo of a raw 32-byte key (RFC 8410) without the key. */
const SPKI = { ed25519: Buffer.from('302a300506032b6570032100', 'hex'), x25519: Buffer.from('302a300506032b656e032100', 'hex') };

const message = (kind: SignedKind, text: string): Buffer => Buffer.from(`bulkhead/${kind}/v1\n${text}`);

/** Ed25519 (RFC 8032) over `bulkhead/<kind>/v1\n` + text; signature in base64. */
export const signText = (privateKey: KeyObject, kind: SignedKind, text: string): Signed => ({
  text,
  signature: sign(null, message(kind, text), privateKey).toString('base64'),
});

export function verifyText(publicKey: KeyObject, kind: SignedKind, signed: Signed): boolean {
  const signature = Buffer.from(signed.signature, 'base64');
  return signature.length === 64 && verify(null, message(kind, signed.text), publicKey, signature);
}

/** Public key from its raw 32 bytes in base64. Throws when they are not 32 bytes. */
export function publicKeyFromRaw(base64: string, curve: keyof typeof SPKI = 'ed25519'): KeyObject {
  const raw = Buffer.from(base64, 'base64');
  if (raw.length !== 32) throw new TypeError('a raw public key has 32 bytes');
  return createPublicKey({ key: Buffer.concat([SPKI[curve], raw]), format: 'der', type: 'spki' });
}

/** The raw 32 bytes, base64, of a public key or of a private key's public half. */
export const rawPublicKey = (key: KeyObject): string =>
  (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
