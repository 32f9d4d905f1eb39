import type { CatalogueRow } from './catalogue/row.ts';
import type { ProviderAuth } from './config.ts';
import type { Complain } from './document.ts';
import { OWN_HEADERS } from './provider-headers.ts';
import { filled, type Settings } from './provider-settings.ts';
import type { ProviderEntry } from './schema.ts';
import { parseUpstreamUrl } from './upstream-url.ts';

interface Where {
  readonly path: readonly string[];
  readonly complain: Complain;
}

/** How the credential is sent: what the file says, else the kind's way, with role and token address where the scheme has them. */
export function resolveAuth(row: CatalogueRow, entry: ProviderEntry, settings: Settings, where: Where): ProviderAuth {
  const base = entry.auth === undefined ? inRegion(row.auth, settings) : asked(row, entry.auth, settings, where);
  refuseStray(entry, base, where);
  const tokenUrl = entry.token_url === undefined ? {} : { tokenUrl: entry.token_url };
  switch (base.scheme) {
    case 'aws-sigv4':
      return { ...base, ...roleOf(entry), ...tokenUrl };
    case 'google-service-account':
    case 'azure-ad':
      return { ...base, ...tokenUrl };
    case 'none':
    case 'bearer':
    case 'header':
      return base;
  }
}

const inRegion = (auth: ProviderAuth, settings: Settings): ProviderAuth =>
  auth.scheme === 'aws-sigv4' ? { ...auth, region: filled(auth.region, settings) } : auth;

function asked(row: CatalogueRow, auth: NonNullable<ProviderEntry['auth']>, settings: Settings, where: Where): ProviderAuth {
  if (auth === 'none' || auth === 'bearer') return { scheme: auth };
  if (auth === 'google') return { scheme: 'google-service-account' };
  if (auth !== 'aws')
    return 'header' in auth ? { scheme: 'header', name: auth.header.toLowerCase() } : { scheme: 'azure-ad', tenant: auth.azure_ad };
  const region = settings['region'];
  if (region === undefined && row.auth.scheme !== 'aws-sigv4')
    where.complain([...where.path, 'auth'], '`auth: aws` needs a region', 'Add `region`, such as eu-central-1.');
  return { scheme: 'aws-sigv4', service: row.auth.scheme === 'aws-sigv4' ? row.auth.service : 'execute-api', region: region ?? '' };
}

const roleOf = ({ role_arn, external_id }: ProviderEntry) =>
  role_arn === undefined ? {} : { role: { arn: role_arn, ...(external_id !== undefined && { externalId: external_id }) } };

/** What the scheme has no use for is a mistake that would go unnoticed. */
function refuseStray(entry: ProviderEntry, { scheme }: ProviderAuth, { path, complain }: Where): void {
  if (entry.role_arn !== undefined && scheme !== 'aws-sigv4')
    complain([...path, 'role_arn'], 'a role, but requests are not signed for AWS', 'Remove it, or say `auth: aws`.');
  if (entry.external_id !== undefined && entry.role_arn === undefined)
    complain([...path, 'external_id'], 'an external id without a role', 'Add `role_arn`, or remove it.');
  if (entry.token_url === undefined) return;
  const fetches = scheme === 'google-service-account' || scheme === 'azure-ad' || (scheme === 'aws-sigv4' && entry.role_arn !== undefined);
  if (!fetches) complain([...path, 'token_url'], 'no tokens are fetched here', 'Remove it.');
  const parsed = parseUpstreamUrl(entry.token_url, entry.private ? 'private' : 'public');
  if (!parsed.ok) complain([...path, 'token_url'], parsed.error.reason.replace('base_url', 'token_url'), parsed.error.remedy);
}

/** A credential may not travel in a header that frames the message. */
export function checkAuth(entry: ProviderEntry, path: readonly string[], complain: Complain): void {
  if (typeof entry.auth !== 'object' || !('header' in entry.auth)) return;
  const name = entry.auth.header.toLowerCase();
  if (OWN_HEADERS.has(name) || name === 'cookie')
    complain(
      [...path, 'header'],
      `the header ${name} cannot carry a credential`,
      'Name the header that the provider’s documentation names, such as x-api-key.',
    );
}
