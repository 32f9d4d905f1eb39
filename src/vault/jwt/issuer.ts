import { usable, type IssuerKey, type IssuerText } from '../../access/jwt.ts';
import { BulkheadError } from '../../core/error.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import type { IssuerPlace, EgressHead } from '../../ipc/messages/vault.ts';
import { ask } from '../auth/token.ts';
import { none } from '../auth/none.ts';
import { Pool } from '../pool.ts';

/**
 * An issuer's keys, fetched by the vault's own transport: checked address, TLS, no redirect, bounded. Nothing that a caller sends has a
 * part in where they come from; the configuration names the issuer, and the issuer its key set.
 */

const TIMEOUTS = { connectMs: 5000, headMs: 10_000, idleMs: 10_000 };
const MAX_ANSWER_BYTES = 256 * 1024;
const MAX_KEYS = 32;
const MAX_AUDIENCES = 16;
const MAX_URL_CHARS = 512;
/** How long a fetched text is taken: as its issuer says, within these. */
const LEAST_LIFE_SECONDS = 300;
const LONGEST_LIFE_SECONDS = 3600;

const WELL_KNOWN = '/.well-known/openid-configuration';

/** Rejects with `invalid_field`, `address_refused` or an `upstream_*` error that names the host. */
export async function fetchIssuer(place: IssuerPlace, now: () => number = Date.now): Promise<IssuerText> {
  const { issuer, audiences } = place;
  const url = issuerUrl(place);
  const { body: discovery } = await get(place, new URL(issuer.replace(/\/$/, '') + WELL_KNOWN), url.host);
  // OpenID Connect Discovery §4.3: else one issuer could speak for another.
  if (discovery['issuer'] !== issuer) throw invalid(url.host, 'its discovery document is of another issuer');
  const { body, lifeSeconds } = await get(place, keySetUrl(discovery['jwks_uri'], url.host), url.host);
  const listed = Array.isArray(body['keys']) ? (body['keys'] as readonly unknown[]) : [];
  const keys = listed.flatMap(verifying).slice(0, MAX_KEYS);
  if (keys.length === 0) throw invalid(url.host, 'its key set has no key that verifies tokens');
  const fetchedAt = now();
  return { issuer, audiences, keys, fetchedAt, expiresAt: fetchedAt + lifeSeconds * 1000 };
}

/** Control may be captured: what it names is taken only in exactly this form. */
function issuerUrl({ issuer, audiences, allowPrivate, proxy, ca }: IssuerPlace): URL {
  const url = typeof issuer === 'string' && issuer.length <= MAX_URL_CHARS ? URL.parse(issuer) : null;
  const isPlain = url?.protocol === 'https:' && url.username === '' && url.password === '' && !/[?#]/.test(issuer);
  const named = Array.isArray(audiences) && audiences.length > 0 && audiences.length <= MAX_AUDIENCES;
  const texts = named && audiences.every((each) => typeof each === 'string' && each !== '' && each.length <= MAX_URL_CHARS);
  const rest = typeof allowPrivate === 'boolean' && [proxy, ca].every((each) => each === undefined || typeof each === 'string');
  if (url === null || !isPlain || !texts || !rest) throw new BulkheadError('invalid_field', { field: 'issuer', reason: 'it is not one' });
  return url;
}

function keySetUrl(named: unknown, host: string): URL {
  const url = typeof named === 'string' && named.length <= MAX_URL_CHARS ? URL.parse(named) : null;
  if (url?.protocol === 'https:' && url.username === '' && url.password === '') return url;
  throw invalid(host, 'its discovery document names no key set over HTTPS');
}

async function get({ issuer, allowPrivate, proxy, ca }: IssuerPlace, url: URL, host: string) {
  // What the operator allowed is this issuer: a document from it must not reach another host of the private network.
  const isOwn = url.origin === new URL(issuer).origin;
  const extra = { ...(proxy !== undefined && { proxy }), ...(ca !== undefined && { ca }) };
  const pool = new Pool({ origin: url.origin, allowPrivate: allowPrivate && isOwn, ...extra });
  const headers = [['accept', 'application/json'] as const];
  const request = { method: 'GET', path: url.pathname + url.search, headers, body: 'bounded', timeouts: TIMEOUTS } as const;
  try {
    const upstream = { pool, auth: none(), info: { uses: 0, lastUsedAt: null } };
    const answer = await ask(request, Buffer.alloc(0), upstream, MAX_ANSWER_BYTES);
    if (answer.status !== 200) throw invalid(host, `it answered ${answer.status}`);
    return { body: objectIn(answer.body, host), lifeSeconds: lifeOf(answer.headers) };
  } catch (cause) {
    if (!(cause instanceof BulkheadError)) throw cause;
    throw new BulkheadError(cause.code, { provider: host, ...cause.values }, { cause });
  } finally {
    pool.retire();
  }
}

function objectIn(bytes: Buffer, host: string): JsonObject {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (isJsonObject(value)) return value;
  } catch (cause) {
    throw invalid(host, 'it is not JSON', cause);
  }
  throw invalid(host, 'it is not a JSON object');
}

const invalid = (provider: string, reason: string, cause?: unknown): BulkheadError =>
  new BulkheadError('upstream_invalid', { provider, reason }, { cause });

/** RFC 9111 §5.2.2.1. */
function lifeOf(headers: EgressHead['headers']): number {
  const control = headers.find(([name]) => name === 'cache-control')?.[1] ?? '';
  const seconds = Number(/(?:^|[\s,])max-age="?(\d{1,9})/i.exec(control)?.[1] ?? 0);
  return Math.min(LONGEST_LIFE_SECONDS, Math.max(LEAST_LIFE_SECONDS, seconds));
}

const MEMBERS = ['kty', 'kid', 'alg', 'n', 'e', 'crv', 'x', 'y'] as const;

/** Of a key of the set only its public members, and only where it is for verifying signatures and can. */
function verifying(listed: unknown): readonly IssuerKey[] {
  if (!isJsonObject(listed)) return [];
  const { use, key_ops: operations } = listed;
  if (use !== undefined && use !== 'sig') return [];
  if (Array.isArray(operations) && !operations.includes('verify')) return [];
  const members = MEMBERS.flatMap((name) => (typeof listed[name] === 'string' ? [[name, listed[name]] as const] : []));
  const key = Object.fromEntries(members) as unknown as IssuerKey;
  return usable(key).length === 1 ? [key] : [];
}
