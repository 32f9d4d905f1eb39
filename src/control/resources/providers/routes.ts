import type { ModelView } from '../../../api/node.ts';
import type { BulkheadConfig } from '../../../config/config.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import { SANDBOX } from '../../snapshot.ts';
import { effective, fileName } from '../credentials/service.ts';

type Names = 'providers.list' | 'providers.change' | 'providers.remove' | 'models.list' | 'models.change' | 'models.remove';

const BUILT_IN = 'built-in';

/** Providers and models come from the operator's file alone; what can be done here is to look at them. */
export function providerRoutes(deps: ControlDeps): Handlers<Names> {
  const refuse =
    (resource: 'provider' | 'model') =>
    ({ id }: { readonly id: string }) => {
      const config = effective(deps);
      const known = resource === 'provider' ? providerIds(deps, config) : config.models.map(({ alias }) => alias);
      if (!known.includes(id)) return Promise.reject(new BulkheadError('resource_missing', { resource, id }));
      return Promise.reject(new BulkheadError('declared_in_file', { resource, id, file: fileName(config) }));
    };
  return {
    'providers.list': async () => ({ providers: await listProviders(deps) }),
    'providers.change': refuse('provider'),
    'providers.remove': refuse('provider'),
    'models.list': () => Promise.resolve({ models: listModels(effective(deps), deps.config.unserved.asleep) }),
    'models.change': refuse('model'),
    'models.remove': refuse('model'),
  };
}

const providerIds = ({ boot }: ControlDeps, config: BulkheadConfig): readonly string[] => [
  ...config.providers.map(({ id }) => id),
  ...(boot.node.sandboxOrigin === null ? [] : [SANDBOX]),
];

async function listProviders(deps: ControlDeps) {
  const config = effective(deps);
  const present = await presentCredentials(deps);
  const has = (id: string): boolean | null => present?.has(id) ?? null;
  const { asleep } = deps.config.unserved;
  const listed = config.providers
    .filter(({ id }) => !asleep.has(id))
    .map((provider) => ({
      id: provider.id as string,
      kind: provider.kind,
      source: provider.declared ? fileName(config) : BUILT_IN,
      base_url: provider.origin + provider.basePath,
      credential: provider.credential as string,
      credential_present: has(provider.credential),
      private: provider.allowPrivate,
      price_list: provider.priceList,
    }));
  const { sandboxOrigin } = deps.boot.node;
  if (sandboxOrigin === null) return listed;
  const sandbox = {
    id: SANDBOX,
    kind: SANDBOX,
    source: BUILT_IN,
    base_url: `${sandboxOrigin}/v1`,
    credential: SANDBOX,
    credential_present: has(SANDBOX),
    private: true,
    price_list: SANDBOX,
  };
  return [...listed, sandbox];
}

/** Undefined: the vault does not answer, and the list is of use all the same. */
async function presentCredentials({ vaults, log }: ControlDeps): Promise<ReadonlySet<string> | undefined> {
  try {
    return new Set((await vaults.listAll()).flatMap(({ credentials }) => credentials.map(({ binding }): string => binding.id)));
  } catch (error) {
    log.warn('vault.unanswered', { reason: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

/** An alias whose every target sleeps is none that a client could ask for. */
const listModels = (config: BulkheadConfig, asleep: ReadonlySet<string>): ModelView[] =>
  config.models
    .filter(({ targets }) => targets.some(({ provider }) => !asleep.has(provider)))
    .map(({ alias, prefix, declared, targets }) => ({
      alias,
      prefix,
      source: declared ? fileName(config) : BUILT_IN,
      targets: targets.map(({ provider, model }) => ({ provider: provider as string, model })),
    }));
