/**
 * Tokens of an OpenID Connect issuer: JSON Web Tokens (RFC 7519) in compact form, read and verified with `node:crypto` alone (RFC 8725).
 *
 * Control and the vault both call this, each for itself. Which key verifies, and how, comes from the issuer's key set and never from the
 * token: its `jku`, `x5u`, `jwk` and `x5c` are not read, its `kid` only picks among the keys that are here already.
 */
import { constants, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../core/json.ts';

/** Whether the clocks of issuer and node may differ so far. */
export const LEEWAY_MS = 30_000;
const MAX_TOKEN_CHARS = 8192;
const MAX_KID_CHARS = 256;
const MAX_SUBJECT_CHARS = 255;
const MAX_AUDIENCES = 32;

/** Types that say of a token that it is not for us to take (RFC 8725 §3.11) are all but these; a token need not name one. */
const TYPES: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt']);

interface Algorithm {
  readonly kty: 'RSA' | 'EC' | 'OKP';
  readonly crv?: string;
  /** Null: the signature scheme's own. */
  readonly hash: string | null;
  readonly pss?: true;
}

/** Signatures by a private key and nothing else: `none` and HMAC (where a public key could pass for the secret) do not exist here. */
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map<string, Algorithm>([
  ['RS256', { kty: 'RSA', hash: 'sha256' }],
  ['RS384', { kty: 'RSA', hash: 'sha384' }],
  ['RS512', { kty: 'RSA', hash: 'sha512' }],
  ['PS256', { kty: 'RSA', hash: 'sha256', pss: true }],
  ['PS384', { kty: 'RSA', hash: 'sha384', pss: true }],
  ['PS512', { kty: 'RSA', hash: 'sha512', pss: true }],
  ['ES256', { kty: 'EC', crv: 'P-256', hash: 'sha256' }],
  ['ES384', { kty: 'EC', crv: 'P-384', hash: 'sha384' }],
  ['EdDSA', { kty: 'OKP', crv: 'Ed25519', hash: null }],
]);

/** A public key of an issuer: only what verifies, as it stood in its key set (RFC 7517). */
export interface IssuerKey {
  readonly kty: 'RSA' | 'EC' | 'OKP';
  readonly kid?: string;
  /** Absent: any algorithm of its type. */
  readonly alg?: string;
  readonly n?: string;
  readonly e?: string;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
}

/** An issuer as the vault fetched and signed it: a text of kind `issuer`. */
export interface IssuerText {
  /** Exactly as tokens name it in `iss`. */
  readonly issuer: string;
  /** A token is taken when it is meant for one of these. */
  readonly audiences: readonly string[];
  readonly keys: readonly IssuerKey[];
  /** Unix milliseconds. */
  readonly fetchedAt: number;
  readonly expiresAt: number;
}

/** What a token says that is needed to judge it; not verified yet. */
export interface ParsedToken {
  readonly alg: string;
  readonly kid: string | undefined;
  readonly claims: Claims;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

export interface Claims extends JsonObject {
  readonly iss: string;
  readonly sub: string;
  /** Seconds. */
  readonly exp: number;
}

/** Undefined: not a token that could ever be taken. */
export function parseToken(text: string): ParsedToken | undefined {
  if (text.length > MAX_TOKEN_CHARS) return undefined;
  const parts = text.split('.');
  const [head, payload, signature] = parts.map(bytesOf);
  if (parts.length !== 3 || head === undefined || payload === undefined || signature === undefined || signature.length === 0)
    return undefined;
  const header = objectIn(head);
  const claims = objectIn(payload);
  if (header === undefined || claims === undefined || !isClaims(claims)) return undefined;
  const { alg, kid, typ } = header;
  // An extension that must be understood is none that is (RFC 7515 §4.1.11).
  if (typeof alg !== 'string' || !ALGORITHMS.has(alg) || Object.hasOwn(header, 'crit')) return undefined;
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID_CHARS)) return undefined;
  if (typ !== undefined && (typeof typ !== 'string' || !TYPES.has(typ.toLowerCase()))) return undefined;
  return { alg, kid, claims, signed: Buffer.from(text.slice(0, text.lastIndexOf('.')), 'latin1'), signature };
}

/** Unpadded base64url in its one canonical spelling (RFC 7515 §2), so that one token has one text. */
function bytesOf(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return bytes.toString('base64url') === part ? bytes : undefined;
}

function objectIn(bytes: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    // Whatever is wrong with a token, the answer is the same.
    return undefined;
  }
}

const isTime = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value >= 0 && value < 1e11;

function isClaims(claims: JsonObject): claims is Claims {
  const { iss, sub, exp, nbf, iat } = claims;
  return (
    typeof iss === 'string' &&
    typeof sub === 'string' &&
    sub.length > 0 &&
    sub.length <= MAX_SUBJECT_CHARS &&
    isTime(exp) &&
    [nbf, iat].every((time) => time === undefined || isTime(time))
  );
}

/** A key that can be asked to verify, made once from an `IssuerKey`. */
interface UsableKey {
  readonly kid: string | undefined;
  readonly alg: string | undefined;
  readonly kty: string;
  readonly crv: string | undefined;
  readonly key: KeyObject;
}

/** An issuer's text, read once, for any number of tokens. */
export interface Issuer {
  readonly text: IssuerText;
  readonly keys: readonly UsableKey[];
}

/** Throws where the text is not one that the vault would have signed. */
export const readIssuer = (text: string): Issuer => {
  const read = JSON.parse(text) as IssuerText;
  return { text: read, keys: read.keys.flatMap(usable) };
};

/** None for a key that is weak or of no known form: an issuer may publish keys for others too. */
export function usable({ kty, kid, alg, n, e, crv, x, y }: IssuerKey): readonly UsableKey[] {
  try {
    const members = Object.entries({ kty, n, e, crv, x, y }).filter(([, value]) => value !== undefined);
    const key = createPublicKey({ key: Object.fromEntries(members), format: 'jwk' });
    const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
    // A large modulus or exponent makes each verification dear; whoever publishes one does not choose what it costs here.
    const strong = kty !== 'RSA' || (modulusLength >= 2048 && modulusLength <= 8192 && publicExponent >= 3n && publicExponent < 2n ** 33n);
    return strong ? [{ kid, alg, kty, crv, key }] : [];
  } catch {
    // Node takes no such key: then no token can be signed with it either.
    return [];
  }
}

/** The one key that may have signed: by `kid` and by what the algorithm needs. A token without `kid` needs a set that leaves no choice. */
function keyFor(keys: Issuer['keys'], { kid, alg }: ParsedToken, { kty, crv }: Algorithm): KeyObject | undefined {
  const fitting = keys.filter(
    (key) =>
      key.kty === kty && (crv === undefined || key.crv === crv) && (key.alg ?? alg) === alg && (kid === undefined || key.kid === kid),
  );
  return fitting.length === 1 ? fitting[0]?.key : undefined;
}

/** Whether a token that is not verified names a key that the issuer did not have when it was asked. */
export const namesUnknownKey = ({ keys }: Issuer, { kid }: ParsedToken): boolean =>
  kid === undefined ? keys.length === 0 : keys.every((key) => key.kid !== kid);

/** `now`: Unix milliseconds. True only for a token of this issuer, for one of its audiences, in force, and signed by one of its keys. */
export function holds(issuer: Issuer, token: ParsedToken, now: number, audiences = issuer.text.audiences): boolean {
  const { claims } = token;
  const algorithm = ALGORITHMS.get(token.alg);
  if (algorithm === undefined || claims.iss !== issuer.text.issuer || issuer.text.expiresAt <= now) return false;
  if (endOf(claims) <= now || !begun(claims, now) || !isFor(claims, audiences)) return false;
  const key = keyFor(issuer.keys, token, algorithm);
  return key !== undefined && isSignedBy(key, algorithm, token);
}

/** Unix milliseconds from which on the token is not taken. */
export const endOf = ({ exp }: Claims): number => exp * 1000 + LEEWAY_MS;

const begun = ({ nbf, iat }: Claims, now: number): boolean =>
  [nbf, iat].every((time) => typeof time !== 'number' || time * 1000 <= now + LEEWAY_MS);

/** Whether the token is meant for one of these. */
export function isFor({ aud }: Claims, audiences: readonly string[]): boolean {
  const named: unknown[] = Array.isArray(aud) ? aud.slice(0, MAX_AUDIENCES) : [aud];
  return named.some((each) => typeof each === 'string' && audiences.includes(each));
}

function isSignedBy(key: KeyObject, { hash, pss, kty }: Algorithm, { signed, signature }: ParsedToken): boolean {
  const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST } = constants;
  const rsa = { padding: pss === true ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING, saltLength: RSA_PSS_SALTLEN_DIGEST };
  const form = kty === 'RSA' ? (pss === true ? rsa : { padding: rsa.padding }) : kty === 'EC' ? { dsaEncoding: 'ieee-p1363' as const } : {};
  return verify(hash, signed, { key, ...form }, signature);
}
