import { createHash } from 'node:crypto';
import { BulkheadError } from '../core/error.ts';
import { Secret } from '../core/secret.ts';
import type { CredentialBinding, CredentialInfo } from '../ipc/messages/vault.ts';
import { canonicalScheme, isScheme, openAuth } from './auth/schemes.ts';
import { isPlainPath } from './bind.ts';
import { Pool } from './pool.ts';

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const ORGANIZATION = /^(?:\*|[A-Za-z0-9][A-Za-z0-9._-]{0,63})$/;

export type Credential = ReturnType<typeof openCredential>;

/** An open credential: its binding and use, its secret at rest, its connections. Takes the secret and overwrites it. */
export function openCredential(facts: Pick<CredentialInfo, 'binding' | 'version' | 'createdAt' | 'fingerprint'>, plain: Buffer) {
  const { binding } = facts;
  const secret = Secret.take(plain);
  const info = { ...facts, lastUsedAt: null as number | null, uses: 0 };
  return { binding, info, secret, auth: openAuth(binding, secret), pool: new Pool(binding) };
}

/** Associated data of a record (security.md §4): it opens only as this credential of this organization, bound to exactly this. */
export function associatedData({ id, organization, ...bound }: CredentialBinding, version: number): string {
  const { origin, paths, auth, allowPrivate, proxy = null, ca = null, ceilings = {} } = bound;
  const { requestsPerHour = null, concurrent = null, bytesPerHour = null } = ceilings;
  const scheme = canonicalScheme(auth);
  const canonical = JSON.stringify([origin, paths, scheme, allowPrivate, proxy, ca, requestsPerHour, concurrent, bytesPerHour]);
  return `bh1|${organization}|credential|${id}|${version}|${createHash('sha256').update(canonical).digest('hex')}`;
}

/** Throws `invalid_field` for a binding that could mean more than it says. */
export function checkBinding(binding: CredentialBinding): void {
  const { id, organization, origin, paths, auth, allowPrivate, proxy, ca, ceilings = {} } = binding;
  const isOrigin = (text: string, protocols: RegExp): boolean => URL.parse(text)?.origin === text && protocols.test(text);
  const isCount = (value: unknown): boolean => value === undefined || (Number.isSafeInteger(value) && (value as number) > 0);
  const wrong = [
    ['id', NAME.test(id)],
    ['organization', ORGANIZATION.test(organization)],
    // A key never crosses a network in clear: plain HTTP only to what the operator named as private.
    ['origin', isOrigin(origin, /^https:/) || (isOrigin(origin, /^http:/) && (allowPrivate || auth.scheme === 'none'))],
    ['paths', Array.isArray(paths) && paths.length > 0 && paths.every((path) => typeof path === 'string' && isPlainPath(path))],
    ['auth', isScheme(auth)],
    ['allowPrivate', typeof allowPrivate === 'boolean'],
    ['proxy', proxy === undefined || isOrigin(proxy, /^http:/)],
    ['ca', ca === undefined || ca.trimStart().startsWith('-----BEGIN CERTIFICATE-----')],
    ['ceilings', isCount(ceilings.requestsPerHour) && isCount(ceilings.concurrent) && isCount(ceilings.bytesPerHour)],
  ].find(([, right]) => right !== true);
  if (wrong !== undefined) throw new BulkheadError('invalid_field', { field: String(wrong[0]), reason: 'it is not one the vault takes' });
}
