import type { CeilingsBody, CredentialView } from '../../../api/credentials.ts';
import type { CredentialBinding, CredentialInfo } from '../../../ipc/messages/vault.ts';

function authWords({ auth }: CredentialBinding): string {
  switch (auth.scheme) {
    case 'none':
      return 'none';
    case 'bearer':
      return 'authorization: Bearer';
    case 'header':
      return `header ${auth.name}`;
    case 'aws-sigv4':
      return `AWS signature for ${auth.service} in ${auth.region}${auth.role === undefined ? '' : ` as ${auth.role.arn}`}`;
    case 'google-service-account':
      return 'access tokens of a Google service account';
    case 'azure-ad':
      return `access tokens of the Entra tenant ${auth.tenant}`;
  }
}

export const viewOfCredential = (
  { binding, version, fingerprint, createdAt, lastUsedAt, uses }: CredentialInfo,
  shard: number,
  providers: readonly string[],
): CredentialView => ({
  id: binding.id,
  providers: [...providers],
  organization: binding.organization,
  origin: binding.origin,
  paths: [...binding.paths],
  auth: authWords(binding),
  private: binding.allowPrivate,
  proxy: binding.proxy ?? null,
  extra_ca: binding.ca !== undefined,
  ceilings: ceilingsView(binding),
  shard,
  version,
  fingerprint,
  created_at: new Date(createdAt).toISOString(),
  last_used_at: lastUsedAt === null ? null : new Date(lastUsedAt).toISOString(),
  uses,
});

const ceilingsView = ({ ceilings }: CredentialBinding): CeilingsBody => ({
  requests_per_hour: ceilings?.requestsPerHour ?? null,
  concurrent: ceilings?.concurrent ?? null,
  bytes_per_hour: ceilings?.bytesPerHour ?? null,
});

export function withCeilings(
  binding: CredentialBinding,
  { requests_per_hour, concurrent, bytes_per_hour }: CeilingsBody,
): CredentialBinding {
  const { ceilings: _, ...bare } = binding;
  const ceilings = {
    ...(requests_per_hour !== null && { requestsPerHour: requests_per_hour }),
    ...(concurrent !== null && { concurrent }),
    ...(bytes_per_hour !== null && { bytesPerHour: bytes_per_hour }),
  };
  return Object.keys(ceilings).length === 0 ? bare : { ...bare, ceilings };
}
