import { isName, type CredentialId, type ProviderId } from '../core/ids.ts';
import type { ProviderAuth, ProviderConfig } from './config.ts';
import type { Complain } from './document.ts';
import { BUILT_IN_KINDS, KIND_DEFAULTS, SANDBOX } from './kinds.ts';
import type { ConfigFile, ProviderEntry } from './schema.ts';
import { isProxyUrl, parseUpstreamUrl } from './upstream-url.ts';

/** Declared providers in the file's order, then the built-in ones that the file does not change. */
export function resolveProviders(entries: ConfigFile['providers'], complain: Complain): readonly ProviderConfig[] {
  const declared = Object.entries(entries).map(([name, entry]) => resolveProvider(name, entry, complain));
  const builtIn = BUILT_IN_KINDS.filter((kind) => !Object.hasOwn(entries, kind)).map((kind) => ({
    ...resolveProvider(kind, { kind, private: false, headers: {} }, complain),
    declared: false,
  }));
  return [...declared, ...builtIn];
}

function resolveProvider(name: string, entry: ProviderEntry, complain: Complain): ProviderConfig {
  const path = ['providers', name];
  if (name === SANDBOX)
    complain(
      path,
      'the name sandbox belongs to the built-in provider',
      'Choose another name, or turn the built-in one off with `sandbox: false` and still choose another name.',
    );
  const defaults = KIND_DEFAULTS[entry.kind];
  const auth = entry.auth === undefined ? defaults.auth : authScheme(entry.auth);
  if (auth.scheme === 'none' && entry.credential !== undefined) {
    complain([...path, 'credential'], 'a credential is named, but `auth: none` sends none', 'Remove one of the two.');
  }
  checkAuth(entry, [...path, 'auth'], complain);
  checkCa(entry, [...path, 'ca'], complain);
  if (entry.proxy !== undefined && !isProxyUrl(entry.proxy)) {
    complain([...path, 'proxy'], 'not a proxy address', 'Write it like http://proxy.internal:3128, without user and path.');
  }
  return {
    id: asProviderId(name),
    kind: entry.kind,
    declared: true,
    ...upstreamOf(entry, path, complain),
    auth,
    credential: asCredentialId(entry.credential ?? name),
    allowPrivate: entry.private,
    headers: resolveHeaders(entry, path, complain),
    ca: entry.ca ?? null,
    proxy: entry.proxy?.replace(/\/$/, '') ?? null,
    priceList: entry.price_list ?? defaults.priceList ?? name,
  };
}

function upstreamOf(entry: ProviderEntry, path: readonly string[], complain: Complain): Pick<ProviderConfig, 'origin' | 'basePath'> {
  const nowhere = { origin: '', basePath: '' };
  const text = entry.base_url ?? KIND_DEFAULTS[entry.kind].baseUrl;
  if (text === null) {
    complain(
      path,
      `${path.join('.')}.base_url is missing`,
      'A provider of kind openai-compatible needs its address, such as https://api.example.com/v1.',
    );
    return nowhere;
  }
  const parsed = parseUpstreamUrl(text, entry.private ? 'private' : 'public');
  if (parsed.ok) return parsed.value;
  complain([...path, 'base_url'], parsed.error.reason, parsed.error.remedy);
  return nowhere;
}

function authScheme(auth: NonNullable<ProviderEntry['auth']>): ProviderAuth {
  if (auth === 'none' || auth === 'bearer') return { scheme: auth };
  return { scheme: 'header', name: auth.header.toLowerCase() };
}

/** Headers that frame a message or a connection: the vault writes them itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
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

function checkAuth(entry: ProviderEntry, path: readonly string[], complain: Complain): void {
  if (typeof entry.auth !== 'object') return;
  const name = entry.auth.header.toLowerCase();
  if (OWN_HEADERS.has(name) || name === 'cookie')
    complain(
      [...path, 'header'],
      `the header ${name} cannot carry a credential`,
      'Name the header that the provider’s documentation names, such as x-api-key.',
    );
}

function resolveHeaders(entry: ProviderEntry, path: readonly string[], complain: Complain): ProviderConfig['headers'] {
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

function checkCa(entry: ProviderEntry, path: readonly string[], complain: Complain): void {
  if (entry.ca === undefined) return;
  const bare = entry.ca.replace(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g, '');
  if (bare === entry.ca || bare.trim() !== '')
    complain(
      path,
      'not PEM certificates',
      'Paste the text from BEGIN CERTIFICATE to END CERTIFICATE as a block: `ca: |`. A path is not read here.',
    );
}

export const asProviderId = (name: string): ProviderId => checkedName(name) as ProviderId;
const asCredentialId = (name: string): CredentialId => checkedName(name) as CredentialId;

/** The schema's pattern and `isName` say the same; this holds them together. */
function checkedName(name: string): string {
  if (!isName(name)) throw new Error('a name passed the schema that is none');
  return name;
}
