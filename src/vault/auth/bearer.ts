import type { Secret } from '../../core/secret.ts';
import { EchoForms } from '../scrub.ts';
import type { Auth, Injection } from './auth.ts';

/** `Authorization: Bearer <secret>` (RFC 6750 §2.1). */
export function bearer(secret: Secret): Auth {
  const injection = bearerOf(secret);
  return { inject: () => injection };
}

/** The same for a token that was fetched. */
export const bearerOf = (token: Secret): Injection => ({ lines: ['authorization: Bearer ', token, '\r\n'], echoes: new EchoForms(token) });
