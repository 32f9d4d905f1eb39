import type { Secret } from '../../core/secret.ts';
import type { AuthScheme, AwsRole, CredentialBinding } from '../../ipc/messages/vault.ts';
import type { Auth } from './auth.ts';
import { readAwsKeys, refuseStreamed } from './aws-keys.ts';
import { assumeRole } from './sts.ts';
import { isTokenUrl, Renewed } from './token.ts';

type Scheme = Extract<AuthScheme, { scheme: 'aws-sigv4' }>;

const PLACE = /^[a-z0-9][a-z0-9-]{0,63}$/;
const ARN = /^arn:aws[a-z-]{0,16}:iam::\d{12}:role\/[A-Za-z0-9+=,.@_/-]{1,576}$/;
const SESSION_NAME = /^[A-Za-z0-9+=,.@_-]{2,64}$/;
const EXTERNAL_ID = /^[A-Za-z0-9+=,.@:/_-]{2,1224}$/;

/** AWS Signature Version 4 over the request as it leaves, with the credential's own keys or with those of the role it assumes. */
export function awsSigV4(binding: CredentialBinding, scheme: Scheme, secret: Secret): Auth {
  const { host } = new URL(binding.origin);
  const { service, region, role } = scheme;
  if (role === undefined) {
    const keys = secret.reveal((bytes) => readAwsKeys(bytes, { service, region }));
    return { inject: (request, body) => keys.sign(request, body, host) };
  }
  const own = secret.reveal((bytes) => readAwsKeys(bytes, { service: 'sts', region }));
  const session = new Renewed(() => assumeRole(binding, scheme, role, own));
  return {
    inject: async (request, body) => {
      refuseStreamed(request);
      return (await session.get()).keys.sign(request, body, host);
    },
  };
}

/** Whether the vault takes the scheme's fields. */
export const isAwsSigV4 = ({ service, region, role, tokenUrl }: Scheme): boolean =>
  PLACE.test(service) && PLACE.test(region) && isTokenUrl(tokenUrl) && (role === undefined ? tokenUrl === undefined : isRole(role));

const isRole = ({ arn, externalId, sessionName, durationSeconds }: AwsRole): boolean =>
  ARN.test(arn) &&
  (externalId === undefined || EXTERNAL_ID.test(externalId)) &&
  (sessionName === undefined || SESSION_NAME.test(sessionName)) &&
  (durationSeconds === undefined || (Number.isSafeInteger(durationSeconds) && durationSeconds >= 900 && durationSeconds <= 43_200));
