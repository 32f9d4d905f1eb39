import type { BulkheadConfig, ProviderConfig } from '../config/config.ts';
import type { CredentialId } from '../core/ids.ts';
import type { CredentialBinding, CredentialInfo } from '../ipc/messages/vault.ts';
import { SANDBOX } from './snapshot.ts';

/** What a credential is to be bound to, by the operator's configuration. */
export interface WantedBinding {
  readonly binding: CredentialBinding;
  readonly providers: readonly string[];
  /** Providers that name this credential but another origin or way to send it: it is not bound to them. */
  readonly left: readonly string[];
}

/**
 * `put` stores a binding without a secret; `rebind` narrows the binding of a secret; `remove` takes one away that has no secret.
 * `stale`: the secret is bound elsewhere than the configuration says, and only whoever knows it may move it (the vault refuses
 * anything else). Its providers are left out of the policy until it is added again.
 */
export interface BindingStep {
  readonly kind: 'put' | 'rebind' | 'remove' | 'stale';
  readonly binding: CredentialBinding;
}

/** All credentials that the configuration names, each with its binding. Those without a secret have scheme `none`. */
export function wantedBindings(config: BulkheadConfig, sandboxOrigin: string | null): ReadonlyMap<CredentialId, WantedBinding> {
  const wanted = new Map<CredentialId, WantedBinding>();
  for (const provider of config.providers) {
    const present = wanted.get(provider.credential);
    wanted.set(provider.credential, present === undefined ? firstUse(provider) : furtherUse(present, provider));
  }
  if (sandboxOrigin !== null) {
    const id = SANDBOX as CredentialId;
    const binding = {
      id,
      organization: '*' as const,
      origin: sandboxOrigin,
      paths: ['/v1/'],
      auth: { scheme: 'none' as const },
      allowPrivate: true,
    };
    wanted.set(id, { binding, providers: [SANDBOX], left: [] });
  }
  return wanted;
}

function firstUse(provider: ProviderConfig): WantedBinding {
  const { credential, origin, basePath, auth, allowPrivate, proxy, ca } = provider;
  const binding: CredentialBinding = {
    id: credential,
    organization: '*',
    origin,
    paths: [`${basePath}/`],
    auth,
    allowPrivate,
    ...(proxy !== null && { proxy }),
    ...(ca !== null && { ca }),
  };
  return { binding, providers: [provider.id], left: [] };
}

/** A second provider may add paths on the same host; it can never add a host. */
function furtherUse(present: WantedBinding, provider: ProviderConfig): WantedBinding {
  const own = firstUse(provider).binding;
  if (!sameWay(own, present.binding)) return { ...present, left: [...present.left, provider.id] };
  const paths = [...new Set([...present.binding.paths, ...own.paths])];
  return { ...present, binding: { ...present.binding, paths }, providers: [...present.providers, provider.id] };
}

/** What must be told to the vault so that it holds what the configuration says. Ceilings and organizations stay as they are. */
export function bindingSteps(wanted: ReadonlyMap<CredentialId, WantedBinding>, present: readonly CredentialInfo[]): readonly BindingStep[] {
  const byId = new Map(present.map(({ binding }) => [binding.id, binding]));
  const steps = [...wanted.values()].flatMap(({ binding }) => stepFor(binding, byId.get(binding.id)));
  // Without a secret nothing is lost, and an address that nobody configures must not stay reachable.
  const unwanted = present.filter(({ binding }) => binding.auth.scheme === 'none' && !wanted.has(binding.id));
  return [...steps, ...unwanted.map(({ binding }) => ({ kind: 'remove' as const, binding }))];
}

function stepFor(binding: CredentialBinding, found: CredentialBinding | undefined): readonly BindingStep[] {
  const wantsSecret = binding.auth.scheme !== 'none';
  if (found === undefined) return wantsSecret ? [] : [{ kind: 'put', binding }];
  const merged = mergeKept(binding, found);
  if (sameBinding(merged, found)) return [];
  const hasSecret = found.auth.scheme !== 'none';
  if (wantsSecret && !hasSecret) return [{ kind: 'remove', binding: found }];
  if (!wantsSecret) return [{ kind: 'put', binding: merged }];
  return [{ kind: sameWay(merged, found) && isNarrower(merged, found) ? 'rebind' : 'stale', binding: merged }];
}

/** The configuration's binding with what the API set: organization and ceilings. */
export const mergeKept = (binding: CredentialBinding, found: CredentialBinding): CredentialBinding => ({
  ...binding,
  organization: found.organization,
  ...(found.ceilings !== undefined && { ceilings: found.ceilings }),
});

/** True where a secret goes to the same place in the same way; paths and owners aside. */
const sameWay = (a: CredentialBinding, b: CredentialBinding): boolean => sameBinding({ ...a, ...aside(b) }, b);

const aside = ({ paths, organization, ceilings }: CredentialBinding): Partial<CredentialBinding> => ({
  paths,
  organization,
  ...(ceilings && { ceilings }),
});

const isNarrower = (a: CredentialBinding, b: CredentialBinding): boolean =>
  a.paths.every((path) => b.paths.some((each) => path.startsWith(each)));

const sameBinding = (a: CredentialBinding, b: CredentialBinding): boolean => canonical(a) === canonical(b);

const canonical = ({ id, organization, origin, paths, auth, allowPrivate, proxy, ca, ceilings }: CredentialBinding): string =>
  JSON.stringify([
    id,
    organization,
    origin,
    [...paths].sort(),
    inOrder(auth),
    allowPrivate,
    proxy ?? null,
    ca ?? null,
    [ceilings?.requestsPerHour ?? null, ceilings?.concurrent ?? null, ceilings?.bytesPerHour ?? null],
  ]);

/** Members by name at every depth, so that two ways of writing the same are the same text. */
const inOrder = (value: unknown): unknown =>
  typeof value === 'object' && value !== null
    ? Object.entries(value)
        .filter(([, inner]) => inner !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, inner]) => [name, inOrder(inner)])
    : value;
