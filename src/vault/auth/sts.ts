import type { AwsRole, CredentialBinding } from '../../ipc/messages/vault.ts';
import { AwsKeys } from './aws-keys.ts';
import { formBody } from './percent.ts';
import type { SigningScope } from './sigv4.ts';
import { hostOf, postForm, refusal, unreadable, type Session, type TokenAnswer } from './token.ts';

/** AssumeRole of AWS STS, API version 2011-06-15. */

const DEFAULT_SECONDS = 3600;
/** Clocks may differ by this much before an expiry counts as absurd. */
const SKEW_MS = 900_000;

export interface RoleSession extends Session {
  readonly keys: AwsKeys;
}

const stsUrl = (region: string): string => `https://sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`;

/** Session credentials of a role, for requests in `scope`. `own` signs for STS. Rejects with `credential_refused` or `upstream_*`. */
export async function assumeRole(
  binding: CredentialBinding,
  scope: SigningScope & { readonly tokenUrl?: string },
  role: AwsRole,
  own: AwsKeys,
): Promise<RoleSession> {
  const { arn, externalId, sessionName = 'bulkhead', durationSeconds = DEFAULT_SECONDS } = role;
  const url = stsUrl(scope.region);
  const host = hostOf(scope.tokenUrl ?? url);
  const body = formBody([
    ['Action', 'AssumeRole'],
    ['Version', '2011-06-15'],
    ['RoleArn', arn],
    ['RoleSessionName', sessionName],
    ['DurationSeconds', String(durationSeconds)],
    ...(externalId === undefined ? [] : [['ExternalId', externalId] as const]),
  ]);
  const answer = await postForm(binding, url, body, (request) => own.sign(request, body, host));
  try {
    return readSession(answer, host, scope, durationSeconds);
  } finally {
    answer.body.fill(0);
  }
}

function readSession({ status, body }: TokenAnswer, host: string, scope: SigningScope, seconds: number): RoleSession {
  if (status !== 200) throw refusal(host, status, element(body, 'Code')?.toString('latin1'));
  const result = body.includes('<!') ? undefined : element(body, 'AssumeRoleResponse');
  const credentials = result && element(result, 'Credentials');
  const [id, secret, token, expiration] = ['AccessKeyId', 'SecretAccessKey', 'SessionToken', 'Expiration'].map(
    (name) => credentials && element(credentials, name),
  );
  const expiresAt = Date.parse(expiration?.toString('latin1') ?? '');
  const isPlain = (bytes: Buffer | undefined): bytes is Buffer =>
    bytes !== undefined && bytes.length > 0 && bytes.every((byte) => /[A-Za-z0-9/+=]/.test(String.fromCharCode(byte)));
  const isWhole = isPlain(id) && isPlain(secret) && isPlain(token) && /^[A-Z0-9]{16,128}$/.test(id.toString('latin1'));
  const left = expiresAt - Date.now();
  if (!isWhole || !(left > 0 && left <= seconds * 1000 + SKEW_MS)) throw unreadable(host);
  return { keys: new AwsKeys(id.toString('latin1'), Buffer.from(secret), Buffer.from(token), scope), expiresAt };
}

/** The content of the one element of this name; undefined where there is none or more than one. */
function element(xml: Buffer, name: string): Buffer | undefined {
  const open = xml.indexOf(`<${name}`);
  const start = xml.indexOf('>', open) + 1;
  const end = xml.indexOf(`</${name}>`, start);
  // Attributes are allowed (`xmlns`); a longer name that begins like this one is not it.
  const isOne = open !== -1 && start > 0 && end !== -1 && /[\s>]/.test(String.fromCharCode(xml[open + name.length + 1] ?? 0));
  return isOne && xml.indexOf(`<${name}`, open + 1) === -1 ? xml.subarray(start, end) : undefined;
}
