import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import type { Secret } from '../../core/secret.ts';
import type { AuthScheme, CredentialBinding } from '../../ipc/messages/vault.ts';
import type { Auth, Injection } from './auth.ts';
import { readAccessToken } from './oauth.ts';
import { formBody } from './percent.ts';
import { invalidSecret, plainField, secretField, withFields } from './secret-form.ts';
import { hostOf, isTokenUrl, postForm, Renewed, type Session } from './token.ts';

type Scheme = Extract<AuthScheme, { scheme: 'google-service-account' }>;

const TOKEN_URL = 'https://oauth2.googleapis.com/token';
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const SCOPES = /^[\x21\x23-\x5b\x5d-\x7e]{1,512}(?: [\x21\x23-\x5b\x5d-\x7e]{1,512}){0,15}$/;
const JWT_SECONDS = 3600;
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const MIN_BITS = 2048;

/** A Google service account: a signed assertion (RFC 7523) is exchanged for an access token of about an hour. */
export function googleServiceAccount(binding: CredentialBinding, scheme: Scheme, secret: Secret): Auth {
  const session = new Renewed(() => fetchToken(binding, scheme, secret));
  return { inject: () => session.get() };
}

/** Whether the vault takes the scheme's fields. */
export const isGoogleServiceAccount = ({ scope, tokenUrl }: Scheme): boolean =>
  (scope === undefined || SCOPES.test(scope)) && isTokenUrl(tokenUrl);

async function fetchToken(
  binding: CredentialBinding,
  { scope = SCOPE, tokenUrl = TOKEN_URL }: Scheme,
  secret: Secret,
): Promise<Injection & Session> {
  const assertion = secret.reveal((bytes) => withAccount(bytes, tokenUrl, (account) => assertionOf(account, scope, tokenUrl)));
  const body = formBody([
    ['grant_type', GRANT],
    ['assertion', assertion],
  ]);
  assertion.fill(0);
  return readAccessToken(await postForm(binding, TOKEN_URL, body), hostOf(tokenUrl));
}

interface Account {
  readonly email: string;
  readonly keyId: string;
  readonly key: KeyObject;
}

/** Throws `invalid_field` unless the bytes are the JSON file of a service account whose tokens come from the binding's address. */
export const checkServiceAccount = ({ tokenUrl = TOKEN_URL }: Scheme, secret: Buffer): void =>
  withAccount(secret, tokenUrl, () => undefined);

function withAccount<T>(secret: Buffer, tokenUrl: string, use: (account: Account) => T): T {
  return withFields(secret, 'the JSON file of a service account', (fields) => {
    plainField(fields, 'type', /^service_account$/);
    const email = plainField(fields, 'client_email', /^[A-Za-z0-9._%+@-]{3,320}$/);
    const keyId = plainField(fields, 'private_key_id', /^[A-Za-z0-9_-]{1,128}$/);
    // The secret may not choose where its assertion goes: only the binding does, and the assertion names it as its audience.
    if (plainField(fields, 'token_uri', /^[\x21-\x7e]{1,2048}$/) !== tokenUrl)
      throw invalidSecret(`token_uri must be ${tokenUrl}, or the provider’s configuration must name another`);
    return use({ email, keyId, key: privateKey(secretField(fields, 'private_key', /[\n\r\x20-\x7e]/)) });
  });
}

function privateKey(pem: Buffer): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // OpenSSL's words would say which part of the key is wrong.
    throw invalidSecret('private_key is not a private key in PEM');
  }
  if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_BITS)
    throw invalidSecret(`private_key is not an RSA key of at least ${MIN_BITS} bits`);
  return key;
}

/** JWS compact serialisation (RFC 7515), RS256. */
function assertionOf({ email, keyId, key }: Account, scope: string, audience: string): Buffer {
  const iat = Math.floor(Date.now() / 1000);
  const header = { alg: 'RS256', typ: 'JWT', kid: keyId };
  const claims = { iss: email, scope, aud: audience, iat, exp: iat + JWT_SECONDS };
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return Buffer.from(`${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`);
}
