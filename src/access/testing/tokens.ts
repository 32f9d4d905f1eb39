import { constants, createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { IssuerKey } from '../jwt.ts';

/** Test code: an issuer's keys and tokens, the right ones and the wrong ones. */

export interface SigningKey {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly jwk: IssuerKey;
}

function pair(alg: string, bits = 2048): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  if (alg.startsWith('ES')) return generateKeyPairSync('ec', { namedCurve: alg === 'ES256' ? 'P-256' : 'P-384' });
  return alg === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('rsa', { modulusLength: bits });
}

export function makeKey(alg: string, kid: string, { bits = 2048, named = true } = {}): SigningKey {
  const { publicKey, privateKey } = pair(alg, bits);
  const jwk = { ...(publicKey.export({ format: 'jwk' }) as unknown as IssuerKey), kid, use: 'sig', ...(named && { alg }) };
  return { alg, kid, privateKey, publicKey, jwk };
}

export const base64url = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

function signatureOf(alg: string, text: string, key: KeyObject): Buffer {
  const bytes = Buffer.from(text);
  if (alg === 'EdDSA') return sign(null, bytes, key);
  const hash = `sha${alg.slice(2)}`;
  if (alg.startsWith('ES')) return sign(hash, bytes, { key, dsaEncoding: 'ieee-p1363' });
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return sign(hash, bytes, alg.startsWith('PS') ? { key, ...pss } : key);
}

/** `header` is added to `alg` and `kid`; a member that is undefined goes. */
export function tokenOf(key: Pick<SigningKey, 'alg' | 'kid' | 'privateKey'>, claims: object, header: object = {}): string {
  const text = `${base64url({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })}.${base64url(claims)}`;
  return `${text}.${signatureOf(key.alg, text, key.privateKey).toString('base64url')}`;
}

/** The attack: an HMAC whose secret is the issuer's public key, which everybody has. */
export function hmacToken(key: SigningKey, claims: object, secret: string | Buffer): string {
  const text = `${base64url({ alg: 'HS256', kid: key.kid, typ: 'JWT' })}.${base64url(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

export const unsignedToken = (claims: object, alg = 'none', signature = ''): string =>
  `${base64url({ alg, typ: 'JWT' })}.${base64url(claims)}.${signature}`;
