import { createHash, createHmac } from 'node:crypto';
import type { Secret } from '../../core/secret.ts';
import { percentEncoded } from './percent.ts';

/** AWS Signature Version 4 (AWS General Reference, "Create a signed AWS API request"), without S3's exceptions. Pure. */

export interface SigningScope {
  readonly region: string;
  readonly service: string;
}

export interface RequestToSign {
  readonly method: string;
  /** As it is sent, with its query. Already encoded: every service but S3 encodes it once more for the signature. */
  readonly path: string;
  /** Those that are signed, lower-case names. A secret's value is hashed without becoming text. */
  readonly headers: readonly (readonly [string, string | Secret])[];
  /** SHA-256 of the body, hexadecimal. */
  readonly bodyDigest: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

/** `20150830T123600Z` */
export const amzDate = (now: number): string => new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '');

export const sha256Hex = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** The key of one day (`20150830`). The caller overwrites it. */
export function signingKey(secret: Secret, day: string, { region, service }: SigningScope): Buffer {
  const first = secret.reveal((plain) => {
    const prefixed = Buffer.concat([Buffer.from('AWS4'), plain]);
    const key = hmac(prefixed, day);
    prefixed.fill(0);
    return key;
  });
  return [region, service, 'aws4_request'].reduce((key, part) => {
    const next = hmac(key, part);
    key.fill(0);
    return next;
  }, first);
}

/** The value of `Authorization`. `at` is the value of `x-amz-date`, `key` that day's. */
export function authorization(
  request: RequestToSign,
  accessKeyId: string,
  key: Secret,
  at: string,
  { region, service }: SigningScope,
): string {
  const scope = `${at.slice(0, 8)}/${region}/${service}/aws4_request`;
  const headers = canonicalHeaders(request.headers);
  const names = headers.map(({ name }) => name).join(';');
  const toSign = [ALGORITHM, at, scope, canonicalDigest(request, headers, names)].join('\n');
  const signature = key.reveal((bytes) => hmac(bytes, toSign)).toString('hex');
  return `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
}

interface CanonicalHeader {
  readonly name: string;
  readonly values: readonly (string | Secret)[];
}

/** Sorted by name; a name that comes more than once has all its values, in the order sent. */
function canonicalHeaders(headers: RequestToSign['headers']): readonly CanonicalHeader[] {
  const byName = new Map<string, (string | Secret)[]>();
  for (const [name, value] of headers) {
    const clean = typeof value === 'string' ? value.trim().replaceAll(/ {2,}/g, ' ') : value;
    const present = byName.get(name);
    if (present === undefined) byName.set(name, [clean]);
    else present.push(clean);
  }
  return Array.from(byName, ([name, values]) => ({ name, values })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** SHA-256 of the canonical request, fed piece by piece, so that a session token is never part of a string. */
function canonicalDigest({ method, path, bodyDigest }: RequestToSign, headers: readonly CanonicalHeader[], names: string): string {
  const mark = path.indexOf('?');
  const [bare, query] = mark === -1 ? [path, ''] : [path.slice(0, mark), path.slice(mark + 1)];
  const hash = createHash('sha256').update(`${method}\n${canonicalPath(bare)}\n${canonicalQuery(query)}\n`);
  for (const { name, values } of headers) {
    hash.update(`${name}:`);
    values.forEach((value, i) => {
      if (i > 0) hash.update(',');
      if (typeof value === 'string') hash.update(value);
      else value.reveal((bytes) => void hash.update(bytes));
    });
    hash.update('\n');
  }
  return hash.update(`\n${names}\n${bodyDigest}`).digest('hex');
}

const canonicalPath = (path: string): string => path.split('/').map(percentEncoded).join('/');

/** Names and values decoded once, encoded once, sorted by name and then by value. Throws `URIError` on a broken escape. */
function canonicalQuery(query: string): string {
  const pairs = query.split('&').filter((pair) => pair !== '');
  const encoded = pairs.map((pair) => {
    const mark = pair.indexOf('=');
    const [name, value] = mark === -1 ? [pair, ''] : [pair.slice(0, mark), pair.slice(mark + 1)];
    return [name, value].map((text) => percentEncoded(decodeURIComponent(text))) as [string, string];
  });
  encoded.sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : x > y ? 1 : 0) : a < b ? -1 : 1));
  return encoded.map((pair) => pair.join('=')).join('&');
}
