import { BulkheadError } from '../../core/errors.ts';
import type { Target } from '../../routing/model-table.ts';
import type { ProviderId } from '../../core/ids.ts';
import { codecFor } from '../../wire/registry.ts';
import type { ForwardEndpoint } from '../../endpoints/endpoint.ts';
import type { RoutedTarget } from '../exchange.ts';
import type { Policy } from '../policy-store.ts';
import { pass, type Missed, type Routed } from '../steps.ts';

/** The targets that can be reached through this endpoint, in the policy's order. Throws endpoint_not_supported. */
export function route({ decoded }: Missed): Routed {
  const { exchange, resolved, alias } = decoded;
  const targets = resolved.targets.flatMap((target) => eligible(exchange.endpoint, exchange.policy, target));
  const [first, ...others] = targets;
  if (first === undefined) throw new BulkheadError('endpoint_not_supported', { model: alias.slice(0, 128), path: exchange.endpoint.path });
  return pass<Routed>({ decoded, targets: [first, ...others] });
}

function eligible(endpoint: ForwardEndpoint, policy: Policy, { provider: id, model }: Target<ProviderId>): RoutedTarget[] {
  const provider = policy.providers.get(id);
  const operation = provider?.kind.operations[endpoint.operation];
  if (provider === undefined || operation === undefined) return [];
  const speaks =
    operation.protocol === endpoint.protocol || (codecFor(operation.protocol) !== undefined && codecFor(endpoint.protocol) !== undefined);
  return speaks ? [{ provider, model }] : [];
}
