import { isJsonObject } from '../../core/json.ts';
import { Secret } from '../../core/secret.ts';
import type { Injection } from './auth.ts';
import { bearerOf } from './bearer.ts';
import { readFlatJson, wipeFields, type SecretFields } from './secret-fields.ts';
import { refusal, unreadable, type Session, type TokenAnswer } from './token.ts';

const MAX_SECONDS = 86_400;

/** The access token of a successful answer (RFC 6749 §5.1), or throws what its error (§5.2) means. Overwrites the answer. */
export function readAccessToken({ status, body }: TokenAnswer, host: string): Injection & Session {
  if (status !== 200) throw refusal(host, status, errorWord(body));
  const fields = fieldsOf(body, host);
  try {
    const [token, seconds] = [fields.get('access_token'), Number(fields.get('expires_in')?.toString('latin1'))];
    const isBearer = /^bearer$/i.test(fields.get('token_type')?.toString('latin1') ?? '');
    const isToken = token !== undefined && token.length > 0 && token.every((byte) => byte >= 0x21 && byte <= 0x7e);
    if (!isBearer || !isToken || !(seconds > 0 && seconds <= MAX_SECONDS)) throw unreadable(host);
    return { ...bearerOf(Secret.take(token)), expiresAt: Date.now() + seconds * 1000 };
  } finally {
    wipeFields(fields);
  }
}

function fieldsOf(body: Buffer, host: string): SecretFields {
  try {
    return readFlatJson(body);
  } catch {
    // Why it is unreadable would quote what may be half a token.
    throw unreadable(host);
  } finally {
    body.fill(0);
  }
}

/** `error` of an error answer, which holds no secret. */
function errorWord(body: Buffer): string | undefined {
  try {
    const answer: unknown = JSON.parse(body.toString('utf8'));
    const word = isJsonObject(answer) ? answer['error'] : undefined;
    return typeof word === 'string' ? word : undefined;
  } catch {
    // The status alone says enough.
    return undefined;
  }
}
