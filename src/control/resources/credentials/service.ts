import type { CredentialTried } from '../../../api/credentials.ts';
import type { BulkheadConfig, ProviderConfig } from '../../../config/config.ts';
import { filled } from '../../../config/provider-settings.ts';
import { defaultConfig } from '../../../config/load.ts';
import { BulkheadError } from '../../../core/errors.ts';
import { isName, type CredentialId, type OrganizationId } from '../../../core/ids.ts';
import type { CredentialBinding, CredentialInfo, SealedSecret } from '../../../ipc/messages/vault.ts';
import { PROVIDER_KINDS } from '../../../providers/registry.ts';
import type { PermitFor } from '../../acts.ts';
import { mergeKept, wantedBindings, type WantedBinding } from '../../bindings.ts';
import type { ControlDeps } from '../../deps.ts';

/** What the file that is in effect is called, for people. */
export const fileName = (config: BulkheadConfig): string => config.file ?? 'bulkhead.yaml';

export const effective = ({ config }: Pick<ControlDeps, 'config'>): BulkheadConfig => config.current ?? defaultConfig();

/** Throws resource_missing where the text is no name: such a credential cannot exist. */
export function credentialId(text: string): CredentialId {
  if (!isName(text)) throw new BulkheadError('resource_missing', { resource: 'credential', id: text.slice(0, 64) });
  return text as CredentialId;
}

/** Throws resource_missing. */
export async function findCredential({ vaults }: Pick<ControlDeps, 'vaults'>, id: CredentialId): Promise<CredentialInfo> {
  const info = await vaults.find(id);
  if (info === undefined) throw new BulkheadError('resource_missing', { resource: 'credential', id });
  return info;
}

/** The binding that the configuration gives a credential. Throws resource_missing where no provider names it. */
function wantedFor(deps: Pick<ControlDeps, 'config' | 'boot'>, id: CredentialId): WantedBinding {
  const wanted = wantedBindings(effective(deps), deps.boot.node.sandboxOrigin).get(id);
  if (wanted === undefined) throw new BulkheadError('resource_missing', { resource: 'provider that uses the credential', id });
  return wanted;
}

/** What the file says without a secret is not changed here. Throws declared_in_file. */
export function refuseDeclared(deps: Pick<ControlDeps, 'config' | 'boot'>, id: CredentialId): void {
  const config = effective(deps);
  const wanted = wantedBindings(config, deps.boot.node.sandboxOrigin).get(id);
  if (wanted?.binding.auth.scheme === 'none')
    throw new BulkheadError('declared_in_file', { resource: 'credential', id, file: fileName(config) });
}

export interface PutInput {
  readonly id: CredentialId;
  readonly sealed: SealedSecret;
  /** Undefined: as before, or all. */
  readonly organization: OrganizationId | undefined;
}

export async function putCredential(
  deps: ControlDeps,
  _permit: PermitFor<'credential.put'>,
  binding: CredentialBinding,
  sealed: SealedSecret,
): Promise<CredentialInfo> {
  return deps.vaults.put(binding, sealed, deps.clock.now());
}

/** The configuration's address with the owner that was asked for, and the ceilings that were set before. */
export async function bindingFor(
  deps: ControlDeps,
  { id, organization }: Pick<PutInput, 'id' | 'organization'>,
): Promise<CredentialBinding> {
  const { binding } = wantedFor(deps, id);
  const present = await deps.vaults.find(id);
  const kept = present === undefined ? binding : mergeKept(binding, present.binding);
  return organization === undefined ? kept : { ...kept, organization };
}

export const removeCredential = ({ vaults }: ControlDeps, permit: PermitFor<'credential.remove'>): Promise<unknown> =>
  vaults.remove(credentialId(permit.target.slice('credential/'.length)));

export const setCeilings = (
  { vaults, clock }: ControlDeps,
  _permit: PermitFor<'credential.ceilings'>,
  binding: CredentialBinding,
): Promise<CredentialInfo> => vaults.rebind(binding, clock.now());

/** Asks the provider something harmless with the credential. */
export async function tryCredential(deps: ControlDeps, _permit: PermitFor<'credential.try'>, id: CredentialId): Promise<CredentialTried> {
  const provider = probed(deps, id);
  const kind = PROVIDER_KINDS.get(provider.kind);
  if (kind === undefined) throw new BulkheadError('internal', {}, { cause: new Error(`no provider kind ${provider.kind}`) });
  const own = new Set(provider.headers.map(([name]) => name));
  const headers = [['accept', 'application/json'] as const, ...kind.headers.filter(([name]) => !own.has(name)), ...provider.headers];
  try {
    const { status } = await deps.vaults.try(id, { method: kind.probe.method, path: probePath(provider, kind.probe.path), headers });
    return { id, status, ...verdict(status) };
  } catch (error) {
    if (!(error instanceof BulkheadError) || !UNANSWERED.has(error.code)) throw error;
    const { message } = new BulkheadError(error.code, { provider: provider.id, credential: id, reason: 'no answer', ...error.values });
    return { id, works: false, status: null, words: message };
  }
}

/** Failures that say something about the provider, not about us. */
const UNANSWERED: ReadonlySet<string> = new Set([
  'upstream_unreachable',
  'upstream_reset',
  'upstream_invalid',
  'upstream_timeout',
  'upstream_redirect',
  'address_refused',
  'ceiling_reached',
  // No session token was given for it.
  'upstream_error',
  'credential_refused',
]);

type Probed = Pick<ProviderConfig, 'id' | 'kind' | 'basePath' | 'headers' | 'settings'>;

function probed(deps: Pick<ControlDeps, 'config' | 'boot'>, id: CredentialId): Probed {
  const provider = effective(deps).providers.find(({ credential }) => credential === id);
  if (provider !== undefined) return provider;
  const [sandbox] = wantedFor(deps, id).providers;
  return { id: (sandbox ?? id) as ProviderConfig['id'], kind: 'sandbox', basePath: '/v1', headers: [], settings: {} };
}

/** Below the base, with the provider's settings in their places. */
const probePath = ({ basePath, settings }: Probed, path: string): string => basePath + filled(path, settings);

function verdict(status: number): Pick<CredentialTried, 'works' | 'words'> {
  if (status >= 200 && status < 300) return { works: true, words: 'the provider took it' };
  if (status === 401) return { works: false, words: 'the provider does not know this key' };
  if (status === 403) return { works: false, words: 'the provider knows the key but allows it nothing here' };
  if (status === 404 || status === 405)
    return { works: true, words: 'the provider answers; it has no list of models, so the key itself was not checked' };
  if (status === 429) return { works: true, words: 'the provider knows the key, which is at a limit or without credit' };
  return {
    works: false,
    words: status >= 500 ? 'the provider has a failure of its own; try again later' : `the provider answered ${status}`,
  };
}
