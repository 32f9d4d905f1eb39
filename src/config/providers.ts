import { isName, type CredentialId, type ProviderId } from '../core/ids.ts';
import { ALWAYS_SHOWN, BUILT_IN_KINDS, rowOf } from './catalogue/catalogue.ts';
import type { CatalogueRow } from './catalogue/row.ts';
import type { ProviderConfig } from './config.ts';
import type { Complain } from './document.ts';
import { SANDBOX } from './sandbox.ts';
import { checkAuth, resolveAuth } from './provider-auth.ts';
import { resolveHeaders } from './provider-headers.ts';
import { filled, resolveSettings, type Settings } from './provider-settings.ts';
import type { ConfigFile, ProviderEntry } from './schema.ts';
import { isProxyUrl, parseUpstreamUrl } from './upstream-url.ts';

/** Declared providers in the file's order, then the built-in ones that the file does not change. */
export function resolveProviders(entries: ConfigFile['providers'], complain: Complain): readonly ProviderConfig[] {
  const declared = Object.entries(entries).map(([name, entry]) => resolveProvider(name, entry, complain));
  const builtIn = BUILT_IN_KINDS.filter((kind) => !Object.hasOwn(entries, kind) && !isClaimed(kind, entries)).map((kind) => ({
    ...resolveProvider(kind, { kind, private: false, headers: {}, pass_through: [] }, complain),
    declared: false,
    dormant: !ALWAYS_SHOWN.has(kind),
  }));
  return [...declared, ...builtIn];
}

/** A credential that the file uses elsewhere is not a built-in provider's too: it would be bound to the wrong one of them. */
const isClaimed = (kind: string, entries: ConfigFile['providers']): boolean =>
  !ALWAYS_SHOWN.has(kind) && Object.values(entries).some(({ credential }) => credential === kind);

/** First segments of the gateway's own endpoints: a provider of that name could never be reached by its own paths. */
const OWN_PATHS: ReadonlySet<string> = new Set(['v1', 'v1beta', 'v2', 'health']);

function resolveProvider(name: string, entry: ProviderEntry, complain: Complain): ProviderConfig {
  const path = ['providers', name];
  if (name === SANDBOX)
    complain(
      path,
      'the name sandbox belongs to the built-in provider',
      'Choose another name, or turn the built-in one off with `sandbox: false` and still choose another name.',
    );
  if (OWN_PATHS.has(name))
    complain(path, `/${name}/… is the gateway’s own`, 'Choose another name: /<name>/… reaches a provider’s own paths.');
  const row = rowOf(entry.kind);
  const settings = resolveSettings(row, entry, path, complain);
  const auth = resolveAuth(row, entry, settings, { path, complain });
  if (auth.scheme === 'none' && entry.credential !== undefined) {
    complain([...path, 'credential'], 'a credential is named, but none is sent', 'Remove it, or say with `auth` how it is sent.');
  }
  checkAuth(entry, [...path, 'auth'], complain);
  checkCa(entry, [...path, 'ca'], complain);
  if (entry.proxy !== undefined && !isProxyUrl(entry.proxy)) {
    complain([...path, 'proxy'], 'not a proxy address', 'Write it like http://proxy.internal:3128, without user and path.');
  }
  const upstream = upstreamOf({ row, entry, settings, path }, complain);
  return {
    id: asProviderId(name),
    kind: variantOf(row, settings),
    declared: true,
    dormant: false,
    ...upstream,
    auth,
    credential: asCredentialId(entry.credential ?? name),
    headers: resolveHeaders(entry, path, complain),
    ca: entry.ca ?? null,
    proxy: entry.proxy?.replace(/\/$/, '') ?? null,
    priceList: entry.price_list ?? usualList(row, upstream.allowPrivate) ?? name,
    settings,
    passThrough: entry.pass_through.map(passThroughRule),
  };
}

/**
 * Nobody is paid for a model on one's own machine. A kind of own server at a public address is somebody's service: its price is unknown
 * until it is named, and so never nothing by accident.
 */
const usualList = ({ place, priceList }: CatalogueRow, isPrivate: boolean): string | null =>
  place === 'own' && !isPrivate ? null : priceList;

/** The same vendor by other paths, where a setting says so. */
const variantOf = ({ kind, variants }: CatalogueRow, settings: Settings): string =>
  (variants === undefined ? undefined : variants.kinds[settings[variants.setting] ?? '']) ?? kind;

function passThroughRule(text: string): ProviderConfig['passThrough'][number] {
  const space = text.indexOf(' ');
  return { method: text.slice(0, space), path: text.slice(space + 1) };
}

interface Place {
  readonly row: CatalogueRow;
  readonly entry: ProviderEntry;
  readonly settings: Settings;
  readonly path: readonly string[];
}

type Upstream = Pick<ProviderConfig, 'origin' | 'basePath' | 'allowPrivate'>;

function upstreamOf({ row, entry, settings, path }: Place, complain: Complain): Upstream {
  const usual = row.regions?.[settings['region'] ?? ''] ?? row.baseUrl;
  const text = entry.base_url ?? (usual === null ? null : filled(usual, settings));
  const isOwn = row.place === 'own' && entry.base_url === undefined;
  // Naming a kind of own server without an address names its usual one, on this machine; any other address is said to be private in so many words.
  const allowPrivate = entry.private || isOwn;
  if (text === null) {
    complain(
      path,
      `${path.join('.')}.base_url is missing`,
      row.remark ?? `A provider of kind ${row.kind} needs its address, such as https://api.example.com/v1.`,
    );
    return { origin: '', basePath: '', allowPrivate };
  }
  const parsed = parseUpstreamUrl(text, allowPrivate ? 'private' : 'public');
  if (parsed.ok) return { ...parsed.value, allowPrivate };
  // A setting that is missing or wrong was told where it stands.
  if (!text.includes('{')) complain([...path, 'base_url'], parsed.error.reason, parsed.error.remedy);
  return { origin: '', basePath: '', allowPrivate };
}

export function checkCa(entry: Pick<ProviderEntry, 'ca'>, path: readonly string[], complain: Complain): void {
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
