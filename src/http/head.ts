import type { IncomingMessage } from 'node:http';
import { BulkheadError } from '../core/errors.ts';
import { clientAddress, type TrustedProxies } from './client-address.ts';

/**
 * What a request's head says, after everything that two readers could understand differently was refused: sent-twice headers,
 * odd targets and paths, odd hosts (security.md §8, 8–12). Nothing is repaired or normalised.
 */
export interface Head {
  readonly method: string;
  /** As sent: no dot segments, no empty segments, printable ASCII. */
  readonly path: string;
  /** Without the `?`; empty if there is none. */
  readonly query: string;
  /** What could be a virtual key, in the order `authorization: Bearer`, `x-api-key`, `api-key`, `x-goog-api-key`, each value once. */
  readonly keys: readonly string[];
  /** Lower case without parameters; empty if there is none. */
  readonly contentType: string;
  /** Lower case; empty if there is none or it is `identity`. */
  readonly contentEncoding: string;
  /** Undefined: not announced (chunked, or no body). */
  readonly contentLength: number | undefined;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  readonly clientAddress: string;
  /** Empty if there is none. */
  readonly origin: string;
}

export interface HeadRules {
  /** Most header lines. */
  readonly headers: number;
  /** Bytes of the whole head, for the error's words; the listener enforces it. */
  readonly headBytes: number;
  readonly proxies: TrustedProxies;
  /** Path prefixes behind which `%2F` is part of a name (`/v1/models/`). Elsewhere an encoded slash is refused. */
  readonly encodedSlashBehind?: readonly string[];
}

/** Each with a bit of its own. */
const ONCE: ReadonlyMap<string, number> = new Map(
  [
    'host',
    'authorization',
    'x-api-key',
    'api-key',
    'x-goog-api-key',
    'content-type',
    'content-length',
    'content-encoding',
    'transfer-encoding',
    'expect',
    'origin',
    'cookie',
    'anthropic-version',
    'idempotency-key',
    'x-bulkhead-user',
  ].map((name, place) => [name, 1 << place]),
);

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;
/** RFC 3986 pchar and `/`, without `;`: some readers cut parameters off at it, others do not. */
const PATH = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,=:@/]|%[0-9A-Fa-f]{2})*$/;
const QUERY = /^[\x21-\x7e]*$/;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;
/** Encoded: dot, backslash, semicolon, percent, C0 controls, DEL. */
const ENCODED_TRICK = /%(?:2e|5c|3b|25|[01][0-9a-f]|7f)/i;
const ENCODED_SLASH = /%2f/i;

/** Throws bad_target, unknown_endpoint, duplicate_header, bad_host, head_too_large, malformed_request or unsupported_media_type. */
export function checkHead(request: IncomingMessage, rules: HeadRules): Head {
  const { rawHeaders, headers, method = '', url = '' } = request;
  if (rawHeaders.length / 2 > rules.headers) throw new BulkheadError('head_too_large', { limit: rules.headBytes });
  refuseDuplicates(rawHeaders);
  checkHost(request);
  const { path, query } = checkTarget(method, url, rules.encodedSlashBehind ?? []);
  checkFraming(request);
  return {
    method,
    path,
    query,
    keys: keysIn(headers),
    contentType: mediaType(headers['content-type'] ?? ''),
    contentEncoding: contentEncoding(headers['content-encoding']),
    contentLength: headers['content-length'] === undefined ? undefined : Number(headers['content-length']),
    expectsContinue: headers.expect !== undefined,
    clientAddress: clientAddress(request.socket.remoteAddress, joined(headers['x-forwarded-for']), rules.proxies),
    origin: headers.origin ?? '',
  };
}

/** Refuses a body that does not say it is JSON. Throws unsupported_media_type. */
export function checkJsonType(head: Pick<Head, 'contentType'>): void {
  if (head.contentType !== 'application/json' && !/^application\/[a-z0-9.-]+\+json$/.test(head.contentType)) {
    throw new BulkheadError('unsupported_media_type', { type: head.contentType === '' ? '(none)' : head.contentType.slice(0, 100) });
  }
}

function refuseDuplicates(rawHeaders: readonly string[]): void {
  let seen = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase();
    const bit = ONCE.get(name) ?? 0;
    if ((seen & bit) !== 0) throw new BulkheadError('duplicate_header', { name });
    seen |= bit;
  }
}

/** RFC 9112 §3.2: HTTP/1.1 must have a Host; a wrong one is refused even where no one routes by it (BadHost, security.md §1). */
function checkHost({ headers, httpVersion }: IncomingMessage): void {
  if (headers.host === undefined && httpVersion === '1.0') return;
  if (headers.host === undefined || !HOST.test(headers.host)) throw new BulkheadError('bad_host');
}

function checkTarget(method: string, url: string, encodedSlashBehind: readonly string[]): { path: string; query: string } {
  if (!url.startsWith('/') || url.includes('#')) throw new BulkheadError('bad_target');
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  const query = mark === -1 ? '' : url.slice(mark + 1);
  const isPlain = PATH.test(path) && !path.includes('//') && !(path.includes('/.') && DOT_SEGMENT.test(path)) && QUERY.test(query);
  if (!isPlain || (path.includes('%') && !isPlainlyEncoded(path, encodedSlashBehind)))
    throw new BulkheadError('unknown_endpoint', { method, path: path.slice(0, 200) });
  return { path, query };
}

function isPlainlyEncoded(path: string, slashBehind: readonly string[]): boolean {
  if (ENCODED_TRICK.test(path)) return false;
  return !ENCODED_SLASH.test(path) || slashBehind.some((prefix) => path.startsWith(prefix));
}

const mediaType = (value: string): string => (value === 'application/json' ? value : (value.split(';', 1)[0]?.trim().toLowerCase() ?? ''));

/** Node refuses what is ambiguous about lengths; what it lets through and we do not speak is refused here. */
function checkFraming({ headers, httpVersion }: IncomingMessage): void {
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || httpVersion === '1.0')) {
    throw new BulkheadError('malformed_request', { reason: 'the only transfer coding is chunked, in HTTP/1.1' });
  }
  // h2c is an offer that HTTP/1.1 servers may pass over (RFC 9110 §7.8), and some client libraries always make it.
  if (headers.upgrade !== undefined && headers.upgrade.toLowerCase() !== 'h2c') {
    throw new BulkheadError('malformed_request', { reason: 'there is no upgrade to another protocol' });
  }
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
    throw new BulkheadError('malformed_request', { reason: 'the only expectation is 100-continue' });
  }
}

function keysIn(headers: IncomingMessage['headers']): readonly string[] {
  const { authorization } = headers;
  const bearer = authorization === undefined ? undefined : /^bearer +([^\s]+)$/i.exec(authorization)?.[1];
  const keys: string[] = [];
  for (const key of [bearer, joined(headers['x-api-key']), joined(headers['api-key']), joined(headers['x-goog-api-key'])])
    if (key !== undefined && key !== '' && !keys.includes(key)) keys.push(key);
  return keys;
}

function contentEncoding(value: string | undefined): string {
  const coding = (value ?? '').trim().toLowerCase();
  return coding === 'identity' ? '' : coding;
}

const joined = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value.join(', ') : value);
