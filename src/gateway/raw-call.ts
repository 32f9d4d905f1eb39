import type { Principal } from '../access/principal.ts';
import { BulkheadError } from '../core/errors.ts';
import type { ProviderId } from '../core/ids.ts';
import type { Resolved } from '../routing/model-table.ts';
import { mayUse } from '../routing/model-table.ts';
import type { RawPath } from '../endpoints/endpoint.ts';
import type { Exchange } from './exchange.ts';
import type { Provider } from './policy-store.ts';
import { rawPathBelow } from './raw-path.ts';

/** Stands for the model where a call of `/{provider}/…` names none. */
const NO_MODEL = 'none';

/** Throws path_not_allowed for what the provider's configuration does not open. */
export function checkOpen({ policy, endpoint }: Exchange, raw: RawPath): void {
  const provider = policy.providers.get(raw.provider as ProviderId);
  if (raw.granted === true && provider !== undefined) return;
  if (provider === undefined || !isOpen(provider, endpoint.method, rawPathBelow(provider.policy, raw)))
    throw new BulkheadError('path_not_allowed', { method: endpoint.method, path: raw.path.slice(0, 128), provider: raw.provider });
}

/**
 * The target of a call of `/{provider}/…`: that provider alone. A key that is held to certain models may only call what names one of them, or the path would be a
 * way around. Throws model_not_allowed.
 */
export function resolveRaw(
  { policy }: Exchange,
  raw: RawPath,
  principal: Principal,
  model: string,
): { alias: string; resolved: Resolved<ProviderId> } {
  const named = model === '' ? NO_MODEL : model;
  const alias = `${raw.provider}/${named}`;
  const provider = raw.provider as ProviderId;
  const rule = { alias: `${raw.provider}/`, targets: [{ provider, model: '' }], prefix: true };
  if (raw.granted !== true && !mayUse(principal.key.models, alias, rule)) {
    const models = policy.models.choices(principal.key.models).slice(0, 50).join(', ') || '(none)';
    throw new BulkheadError('model_not_allowed', { model: alias.slice(0, 128), models });
  }
  return { alias, resolved: { rule, targets: [{ provider, model: named }] } };
}

/** `/files` is that path alone, `/files/*` all below it. */
function isOpen({ policy }: Provider, method: string, path: string): boolean {
  return policy.passThrough.some((open) => {
    if (open.method !== method) return false;
    return open.path.endsWith('/*') ? path.startsWith(open.path.slice(0, -1)) && path.length >= open.path.length : path === open.path;
  });
}
