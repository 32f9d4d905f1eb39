import type { ClaimPath, IssuerConfig } from './config.ts';
import type { Complain } from './document.ts';
import type { IssuerEntry } from './issuer-schema.ts';
import { checkCa } from './providers.ts';
import { isProxyUrl, parseUpstreamUrl } from './upstream-url.ts';

/** What the file says of issuers, in the program's own terms. */
export function resolveIssuers(entries: Readonly<Record<string, IssuerEntry>>, complain: Complain): readonly IssuerConfig[] {
  const urls = new Set<string>();
  return Object.entries(entries).map(([id, entry]) => {
    const path = ['issuers', id];
    checkUrl(entry, [...path, 'url'], complain);
    if (urls.has(entry.url)) complain([...path, 'url'], 'another issuer has this url', 'Declare each issuer once, with all its audiences.');
    urls.add(entry.url);
    checkCa(entry, [...path, 'ca'], complain);
    if (entry.proxy !== undefined && !isProxyUrl(entry.proxy))
      complain([...path, 'proxy'], 'not a proxy address', 'Write it like http://proxy.internal:3128, without user and path.');
    return resolveIssuer(id, entry);
  });
}

function resolveIssuer(id: string, entry: IssuerEntry): IssuerConfig {
  const { organization, team, role } = entry;
  return {
    id,
    url: entry.url,
    audiences: entry.audiences,
    clientId: entry.client_id ?? null,
    clientScopes: entry.client_scopes,
    organization: typeof organization === 'string' ? { fixed: organization } : byClaim(organization),
    team: typeof team === 'string' ? { fixed: team } : byClaim(team),
    role: typeof role === 'string' ? { fixed: role } : { claim: pathOf(role.claim), names: role.names, otherwise: role.otherwise ?? null },
    email: pathOf(entry.email),
    trustEmail: entry.trust_email,
    createPeople: entry.people === 'create',
    nodePeople: entry.node_people,
    sessionMs: entry.session_seconds * 1000,
    allowPrivate: entry.private,
    ca: entry.ca ?? null,
    proxy: entry.proxy?.replace(/\/$/, '') ?? null,
  };
}

const pathOf = (claim: string | readonly string[]): ClaimPath => (typeof claim === 'string' ? [claim] : claim);

const byClaim = ({
  claim,
  names,
}: {
  readonly claim: string | readonly string[];
  readonly names?: Readonly<Record<string, string>> | undefined;
}) => ({
  claim: pathOf(claim),
  names: names ?? null,
});

function checkUrl({ url, private: isPrivate }: IssuerEntry, path: readonly string[], complain: Complain): void {
  const remedy = 'Write it as the issuer’s tokens name it, such as https://login.example.com/realms/main.';
  if (!url.startsWith('https://')) return complain(path, 'an issuer is reached over https', remedy);
  const parsed = parseUpstreamUrl(url, isPrivate ? 'private' : 'public');
  if (parsed.ok) return;
  const { reason } = parsed.error;
  const isInside = /private network/.test(reason);
  complain(path, reason.replace('base_url', 'url'), isInside ? 'Add `private: true` to this issuer if that is meant.' : remedy);
}
