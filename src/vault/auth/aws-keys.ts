import { BulkheadError } from '../../core/error.ts';
import { Secret } from '../../core/secret.ts';
import { EchoForms } from '../scrub.ts';
import type { Injection, ToAuthorize } from './auth.ts';
import { plainField, secretField, withFields } from './secret-form.ts';
import { amzDate, authorization, sha256Hex, signingKey, type SigningScope } from './sigv4.ts';

/** One pair of AWS keys, its session token if it has one, and the signing key of the day. */

const KEY_CHARACTER = /[A-Za-z0-9/+=]/;
const WHAT = 'the JSON or the lines of AWS keys';

interface Today {
  readonly day: string;
  readonly key: Secret;
  readonly echoes: EchoForms;
}

export class AwsKeys {
  readonly #id: string;
  readonly #secret: Secret;
  readonly #token: Secret | undefined;
  readonly #scope: SigningScope;
  #today: Today | undefined;

  /** Takes the bytes and overwrites them. */
  constructor(id: string, secret: Buffer, token: Buffer | undefined, scope: SigningScope) {
    this.#id = id;
    this.#secret = Secret.take(secret);
    this.#token = token === undefined ? undefined : Secret.take(token);
    this.#scope = scope;
  }

  /** Header lines that authorize exactly this request, now. `content-type` and AWS's own headers are signed along. */
  sign(request: ToAuthorize, body: Buffer, host: string): Injection {
    refuseStreamed(request);
    const [at, bodyDigest] = [amzDate(Date.now()), sha256Hex(body)];
    const { key, echoes } = this.#keyOf(at.slice(0, 8));
    const token = this.#token === undefined ? [] : [['x-amz-security-token', this.#token] as const];
    const own = [['x-amz-date', at] as const, ['x-amz-content-sha256', bodyDigest] as const, ...token];
    const theirs = request.headers.filter(([name]) => name === 'content-type' || name.startsWith('x-amzn-'));
    const { method, path } = request;
    const headers = [['host', host] as const, ...theirs, ...own];
    const value = authorization({ method, path, headers, bodyDigest }, this.#id, key, at, this.#scope);
    return { lines: [...own.flatMap(([name, text]) => [`${name}: `, text, '\r\n']), `authorization: ${value}\r\n`], echoes };
  }

  /** The signing key of one day, and all that an answer may echo then. */
  #keyOf(day: string): Today {
    if (this.#today?.day === day) return this.#today;
    const key = Secret.take(signingKey(this.#secret, day, this.#scope));
    const echoes = new EchoForms(this.#secret, key, ...(this.#token === undefined ? [] : [this.#token]));
    return (this.#today = { day, key, echoes });
  }
}

/** Before anything is fetched for a request that cannot be signed. */
export function refuseStreamed({ body }: ToAuthorize): void {
  if (body === 'streamed')
    throw new BulkheadError('credential_refused', { reason: 'AWS signs the whole body, so a streamed one cannot be sent with it' });
}

/** Throws `invalid_field` unless the bytes are `{access_key_id, secret_access_key, session_token?}` or the lines of a credentials file. */
export function readAwsKeys(secret: Buffer, scope: SigningScope): AwsKeys {
  return withFields(secret, WHAT, (fields) => {
    const prefix = fields.has('aws_access_key_id') ? 'aws_' : '';
    const id = plainField(fields, `${prefix}access_key_id`, /^[A-Z0-9]{16,128}$/);
    const key = secretField(fields, `${prefix}secret_access_key`, KEY_CHARACTER);
    const hasToken = fields.has(`${prefix}session_token`);
    const token = hasToken ? secretField(fields, `${prefix}session_token`, KEY_CHARACTER) : undefined;
    return new AwsKeys(id, key, token, scope);
  });
}
