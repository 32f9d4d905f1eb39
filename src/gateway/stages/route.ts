import { BulkheadError } from '../../core/errors.ts';
import type { Target } from '../../routing/model-table.ts';
import type { ProviderId } from '../../core/ids.ts';
import { operationFor } from '../../providers/operation-for.ts';
import { canTranslate } from '../../wire/registry.ts';
import { rawPathBelow } from '../raw-path.ts';
import type { Head } from '../../http/head.ts';
import type { Exchange, RoutedTarget } from '../exchange.ts';
import { pass, type Decoded, type Missed, type Routed } from '../steps.ts';

/** The targets that can be reached through this endpoint, in the policy's order. Throws endpoint_not_supported. */
export function route({ decoded }: Missed): Routed {
  const { exchange, alias, pinned } = decoded;
  const able = targetsOf(decoded);
  const targets = pinned === undefined ? able : able.filter(({ provider }) => provider.policy.id === pinned);
  if (able.length > 0 && targets.length === 0 && pinned !== undefined)
    throw new BulkheadError('response_elsewhere', { provider: pinned, model: alias.slice(0, 128) });
  const [first, ...others] = targets;
  if (first === undefined) throw new BulkheadError('endpoint_not_supported', { model: alias.slice(0, 128), path: exchange.endpoint.path });
  return pass<Routed>({ decoded, targets: [first, ...others] });
}

/** Those of the model's targets that this endpoint can reach. */
export const targetsOf = ({ exchange, resolved }: Decoded): readonly RoutedTarget[] =>
  resolved.targets.flatMap((target) => eligible(exchange, target));

function eligible({ endpoint, policy, raw, head }: Exchange, { provider: id, model }: Target<ProviderId>): RoutedTarget[] {
  const provider = policy.providers.get(id);
  if (provider === undefined) return [];
  if (raw !== undefined)
    return [{ provider, model, operation: { protocol: 'raw', path: withQuery(rawPathBelow(provider.policy, raw), head) } }];
  const operation = operationFor(provider.kind.operations[endpoint.operation] ?? [], { protocol: endpoint.protocol, model }, canTranslate);
  return operation === undefined ? [] : [{ provider, model, operation }];
}

const withQuery = (path: string, { query }: Head): string => (query === '' ? path : `${path}?${query}`);
