import type { AuthScheme } from '../../ipc/messages.ts';
import { bearer } from './bearer.ts';
import { header } from './header.ts';
import { none } from './none.ts';

/** The text that stands before the secret in the credential's header line; null: no such line. One file per scheme. */
export function headerBefore(auth: AuthScheme): string | null {
  switch (auth.scheme) {
    case 'none':
      return none();
    case 'bearer':
      return bearer();
    case 'header':
      return header(auth);
  }
}
