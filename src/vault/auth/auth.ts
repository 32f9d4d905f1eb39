import type { Secret } from '../../core/secret.ts';
import type { EgressCall } from '../../ipc/messages/vault.ts';
import type { EchoForms } from '../scrub.ts';

/** Authentication schemes: how each puts a credential's secret into a request. One file per scheme; `schemes.ts` lists them. */

/** Header lines, CRLF included, that go last into a request's head: text, and secrets that never become text. */
export interface Injection {
  readonly lines: readonly (string | Secret)[];
  /** What its answer may echo. */
  readonly echoes: EchoForms;
}

export type ToAuthorize = Pick<EgressCall, 'method' | 'path' | 'headers' | 'body'>;

/** One open credential's scheme. */
export interface Auth {
  /** Rejects where the request cannot be authorized: `credential_refused`, or what failed on the way to a session token. */
  readonly inject: (request: ToAuthorize, body: Buffer) => Injection | Promise<Injection>;
}
