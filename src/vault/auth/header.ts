import { BulkheadError } from '../../core/error.ts';
import type { Secret } from '../../core/secret.ts';
import { isForbiddenHeader } from '../bind.ts';
import { EchoForms } from '../scrub.ts';
import type { Auth } from './auth.ts';

const NAME = /^[a-z][a-z0-9-]{0,63}$/;

/** `<name>: <secret>`, such as `x-api-key`. */
export function header({ name }: { readonly name: string }, secret: Secret): Auth {
  const injection = { lines: [`${name}: `, secret, '\r\n'], echoes: new EchoForms(secret) };
  return { inject: () => injection };
}

/** A name a provider may want its key under, but none of those that frame the message. */
export const isHeaderForKeys = (name: string): boolean =>
  NAME.test(name) && (!isForbiddenHeader(name) || /^(?:authorization|x-api-key|api-key|x-goog-api-key)$/.test(name));

/** Visible ASCII only: anything else could end the header line that carries it. */
export function checkHeaderSecret(secret: Buffer): void {
  if (secret.length > 0 && secret.every((byte) => byte >= 0x21 && byte <= 0x7e)) return;
  throw new BulkheadError('invalid_field', { field: 'secret', reason: 'it must be visible ASCII without blanks' });
}
