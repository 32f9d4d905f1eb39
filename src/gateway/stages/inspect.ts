import { BulkheadError } from '../../core/errors.ts';
import type { Deps } from '../deps.ts';
import { pass, type Admitted, type Cleared, type Hit, type Inspected, type Translated } from '../steps.ts';

/** Every guard must let the request pass; one that throws blocks. */
export async function inspectRequest({ decoded }: Admitted, { guards }: Pick<Deps, 'guards'>): Promise<Inspected> {
  for (const guard of guards) {
    const blocked = await guard.inspectRequest(decoded);
    if (blocked !== undefined) throw new BulkheadError('invalid_request', { reason: `Blocked by the guard ${guard.name}: ${blocked}` });
  }
  return pass<Inspected>({ decoded });
}

/** What a cache held is inspected like what a provider sent: the rules may have changed since. */
export async function inspectAnswer({ exchange, answer }: Translated | Hit, { guards }: Pick<Deps, 'guards'>): Promise<Cleared> {
  let cleared = answer;
  for (const guard of guards) cleared = await guard.inspectAnswer(cleared);
  return pass<Cleared>({ exchange, answer: cleared });
}
