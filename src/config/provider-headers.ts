import type { ProviderConfig } from './config.ts';
import type { Complain } from './document.ts';
import type { ProviderEntry } from './schema.ts';

/** Headers that frame a message or a connection: the vault writes them itself. */
export const OWN_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'content-type',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'accept-encoding',
  'content-encoding',
]);

/** Headers that carry a secret: those are credentials. */
const SECRET_HEADER = /^(?:authorization|proxy-authorization|cookie|x-api-key|api-key|x-goog-api-key|.*(?:token|secret|password).*)$/;

/** Extra headers with lower-case names, none of them a secret or the connection's. */
export function resolveHeaders(entry: ProviderEntry, path: readonly string[], complain: Complain): ProviderConfig['headers'] {
  const seen = new Set<string>();
  return Object.entries(entry.headers).map(([written, value]) => {
    const name = written.toLowerCase();
    const place = [...path, 'headers', written];
    if (seen.has(name)) complain(place, `the header ${name} is named twice`, 'Keep one of the two.');
    seen.add(name);
    if (SECRET_HEADER.test(name))
      complain(
        place,
        `the header ${name} carries a secret`,
        'Add the secret with bulkhead credential add, and name the header under `auth`.',
      );
    if (OWN_HEADERS.has(name)) complain(place, `the header ${name} belongs to the connection`, 'Remove it; Bulkhead writes it.');
    if (!/^[\t\x20-\x7e]*$/.test(value))
      complain(place, `the value of ${name} holds a character that no header may hold`, 'Use printable ASCII on one line.');
    return [name, value.trim()] as const;
  });
}
