import { BulkheadError } from '../../core/error.ts';
import type { Secret } from '../../core/secret.ts';
import type { AuthScheme, CredentialBinding } from '../../ipc/messages/vault.ts';
import type { Auth } from './auth.ts';
import { readAwsKeys } from './aws-keys.ts';
import { awsSigV4, isAwsSigV4 } from './aws-sigv4.ts';
import { azureAd, checkClient, isAzureAd } from './azure-ad.ts';
import { bearer } from './bearer.ts';
import { checkServiceAccount, googleServiceAccount, isGoogleServiceAccount } from './google-service-account.ts';
import { checkHeaderSecret, header, isHeaderForKeys } from './header.ts';
import { none } from './none.ts';

/** The largest secret, and the largest session token, that a request's head has room for. */
const MAX_SECRET_BYTES = 8192;

/** The scheme of an open credential. `secret` stays the credential's. Throws `invalid_field` for a secret that is not of its form. */
export function openAuth(binding: CredentialBinding, secret: Secret): Auth {
  const { auth } = binding;
  switch (auth.scheme) {
    case 'none':
      return none();
    case 'bearer':
      return bearer(secret);
    case 'header':
      return header(auth, secret);
    case 'aws-sigv4':
      return awsSigV4(binding, auth, secret);
    case 'google-service-account':
      return googleServiceAccount(binding, auth, secret);
    case 'azure-ad':
      return azureAd(binding, auth, secret);
  }
}

/** Whether the vault takes a scheme with these fields. The gateway's and control's word for it is not enough. */
export function isScheme(auth: AuthScheme): boolean {
  switch (auth.scheme) {
    case 'none':
    case 'bearer':
      return true;
    case 'header':
      return isHeaderForKeys(auth.name);
    case 'aws-sigv4':
      return isAwsSigV4(auth);
    case 'google-service-account':
      return isGoogleServiceAccount(auth);
    case 'azure-ad':
      return isAzureAd(auth);
    default:
      return false;
  }
}

/** Throws `invalid_field` unless the secret has the form that its scheme needs. */
export function checkSecret(auth: AuthScheme, secret: Buffer): void {
  if (secret.length > MAX_SECRET_BYTES)
    throw new BulkheadError('invalid_field', { field: 'secret', reason: `it has more than ${MAX_SECRET_BYTES} bytes` });
  switch (auth.scheme) {
    case 'none':
      return;
    case 'bearer':
    case 'header':
      return checkHeaderSecret(secret);
    case 'aws-sigv4':
      return void readAwsKeys(secret, auth);
    case 'google-service-account':
      return checkServiceAccount(auth, secret);
    case 'azure-ad':
      return checkClient(secret);
  }
}

/**
 * A scheme as it is authenticated with its credential: every field, in one order. The first three schemes are spelt as they were
 * when there were no others, so that credentials sealed then still open.
 */
export function canonicalScheme(auth: AuthScheme): readonly unknown[] {
  if (auth.scheme === 'none' || auth.scheme === 'bearer') return [auth.scheme, null];
  return auth.scheme === 'header' ? [auth.scheme, auth.name] : [auth.scheme, 2, sorted(auth)];
}

const sorted = (fields: object): readonly unknown[] =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]: [string, unknown]) => [name, typeof value === 'object' && value !== null ? sorted(value) : value] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
