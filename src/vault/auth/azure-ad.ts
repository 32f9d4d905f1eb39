import type { Secret } from '../../core/secret.ts';
import type { AuthScheme, CredentialBinding } from '../../ipc/messages/vault.ts';
import type { Auth, Injection } from './auth.ts';
import { readAccessToken } from './oauth.ts';
import { formBody } from './percent.ts';
import { plainField, secretField, withFields } from './secret-form.ts';
import type { SecretFields } from './secret-fields.ts';
import { hostOf, isTokenUrl, postForm, Renewed, type Session } from './token.ts';

type Scheme = Extract<AuthScheme, { scheme: 'azure-ad' }>;

const SCOPE = 'https://cognitiveservices.azure.com/.default';
/** A tenant's id or one of its domains. */
const TENANT = /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/;

/** Microsoft Entra ID: client credentials (RFC 6749 §4.4) are exchanged for an access token of about an hour. */
export function azureAd(binding: CredentialBinding, scheme: Scheme, secret: Secret): Auth {
  const session = new Renewed(() => fetchToken(binding, scheme, secret));
  return { inject: () => session.get() };
}

/** Whether the vault takes the scheme's fields. */
export const isAzureAd = ({ tenant, scope, tokenUrl }: Scheme): boolean =>
  TENANT.test(tenant) && (scope === undefined || /^[\x21-\x7e]{1,512}$/.test(scope)) && isTokenUrl(tokenUrl);

async function fetchToken(
  binding: CredentialBinding,
  { tenant, scope = SCOPE, tokenUrl }: Scheme,
  secret: Secret,
): Promise<Injection & Session> {
  const vendorUrl = `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`;
  const body = secret.reveal((bytes) =>
    withClient(bytes, (id, password) =>
      formBody([
        ['grant_type', 'client_credentials'],
        ['client_id', id],
        ['client_secret', password],
        ['scope', scope],
      ]),
    ),
  );
  return readAccessToken(await postForm(binding, vendorUrl, body), hostOf(tokenUrl ?? vendorUrl));
}

/** Throws `invalid_field` unless the bytes are `{client_id, client_secret}`. */
export const checkClient = (secret: Buffer): void => withClient(secret, () => undefined);

const withClient = <T>(secret: Buffer, use: (id: string, password: Buffer) => T): T =>
  withFields(secret, 'the JSON of a client id and secret', (fields: SecretFields) =>
    use(plainField(fields, 'client_id', /^[A-Za-z0-9-]{1,128}$/), secretField(fields, 'client_secret', /[\x21-\x7e]/)),
  );
