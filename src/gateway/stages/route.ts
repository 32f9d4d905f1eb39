import { BulkheadError } from '../../core/errors.ts';
import { eligibleFor } from '../eligible.ts';
import { pass, type Missed, type Routed } from '../steps.ts';

/** The targets that can be reached through this endpoint, in the policy's order. Throws endpoint_not_supported. */
export function route({ decoded }: Missed): Routed {
  const { exchange, alias, pinned } = decoded;
  const able = eligibleFor(decoded).targets;
  const targets = pinned === undefined ? able : able.filter(({ provider }) => provider.policy.id === pinned);
  if (able.length > 0 && targets.length === 0 && pinned !== undefined)
    throw new BulkheadError('response_elsewhere', { provider: pinned, model: alias.slice(0, 128) });
  const [first, ...others] = targets;
  if (first === undefined) throw new BulkheadError('endpoint_not_supported', { model: alias.slice(0, 128), path: exchange.endpoint.path });
  return pass<Routed>({ decoded, targets: [first, ...others] });
}
