import { BulkheadError } from '../core/error.ts';
import type { CredentialBinding, EgressCall } from '../ipc/messages/vault.ts';

/**
 * What a call may ask for with a credential. Everything is refused that could mean another host, another path or another
 * message to the provider than to this file: nothing is repaired.
 */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);
const MAX_HEADERS = 64;
const MAX_HEAD_BYTES = 32 * 1024;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]{1,128}$/;
/** Visible ASCII, obs-text and inner blanks (RFC 9110 §5.5): no CR, LF, NUL. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
const PATH = /^\/[A-Za-z0-9\-._~!$&'()*+,=:@%/]*$/;
/** Dots, empty segments, and encodings of dot, backslash, `;` or a control character: other readers may see another path. */
const AMBIGUOUS = /\/\.(?:\/|$)|\.\.|\/\/|%(?:2e|3b|5c|[01][0-9a-f]|7f|25)/i;
const QUERY = /^[\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]*$/;
/** The vault's own, the connection's, and every name under which a provider takes a key. */
const FORBIDDEN = new Set(
  `host connection content-length transfer-encoding upgrade te trailer expect keep-alive accept-encoding cookie
  authorization x-api-key api-key x-goog-api-key`.split(/\s+/),
);
export const isForbiddenHeader = (name: string): boolean => FORBIDDEN.has(name) || name.startsWith('proxy-');

type Asked = Pick<EgressCall, 'method' | 'path' | 'headers'>;

const refuse = (reason: string): never => {
  throw new BulkheadError('credential_refused', { reason });
};

const isBelow = (path: string, prefix: string): boolean => path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);

/** True for an origin-form path (RFC 9112 §3.2.1) that every reader takes for the same one. */
export const isPlainPath = (path: string): boolean => PATH.test(path) && !AMBIGUOUS.test(path) && !/%2f/i.test(path);

/** Throws unless the call stays within what the credential is bound to. `prefix` is a further bound, from a service grant. */
export function checkRequest(call: Asked, { paths, auth }: CredentialBinding, prefix = '/'): void {
  if (!METHODS.has(call.method)) refuse('the method is not allowed');
  const [path = '', ...query] = call.path.split('?');
  // Names of models hold slashes (ARNs): read either way, the path must be plain, and what is bound stands before them.
  const isPlain = isPlainPath(path.replace(/%2f/gi, '/')) && QUERY.test(query.join('?'));
  if (!isPlain || !isBelow(path, prefix) || !paths.some((each) => isBelow(path, each)))
    refuse('the path is not a plain one below those it is bound to');
  if (call.headers.length > MAX_HEADERS) refuse('there are too many headers');
  let bytes = call.path.length;
  for (const [name, value] of call.headers) {
    if (!TOKEN.test(name) || !VALUE.test(value)) refuse('a header is not well-formed');
    const isOfScheme = auth.scheme === 'header' ? name === auth.name : auth.scheme === 'aws-sigv4' && name.startsWith('x-amz-');
    if (isForbiddenHeader(name) || isOfScheme) refuse(`the header ${name} is not the caller’s to set`);
    bytes += name.length + value.length;
  }
  if (bytes > MAX_HEAD_BYTES) refuse('the head is too large');
}
