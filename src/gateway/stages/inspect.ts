import { BulkheadError } from '../../core/errors.ts';
import type { Answer } from '../answer.ts';
import type { Deps } from '../deps.ts';
import type { Exchange } from '../exchange.ts';
import type { Guard } from '../guard.ts';
import { pass, type Admitted, type Cleared, type Decoded, type Hit, type Inspected, type Translated } from '../steps.ts';

/** Every guard must let the request pass; one that throws blocks. */
export function inspectRequest({ decoded }: Admitted, { guards }: Pick<Deps, 'guards'>): Inspected | Promise<Inspected> {
  return guards.length === 0 ? pass<Inspected>({ decoded }) : passGuards(decoded, guards);
}

async function passGuards(decoded: Decoded, guards: readonly Guard[]): Promise<Inspected> {
  for (const guard of guards) {
    const blocked = await guard.inspectRequest(decoded);
    if (blocked !== undefined) throw new BulkheadError('invalid_request', { reason: `Blocked by the guard ${guard.name}: ${blocked}` });
  }
  return pass<Inspected>({ decoded });
}

/** What a cache held is inspected like what a provider sent: the rules may have changed since. */
export function inspectAnswer({ exchange, answer }: Translated | Hit, { guards }: Pick<Deps, 'guards'>): Cleared | Promise<Cleared> {
  return guards.length === 0 ? pass<Cleared>({ exchange, answer }) : clear(exchange, answer, guards);
}

async function clear(exchange: Exchange, answer: Answer, guards: readonly Guard[]): Promise<Cleared> {
  let cleared = answer;
  for (const guard of guards) cleared = await guard.inspectAnswer(cleared);
  return pass<Cleared>({ exchange, answer: cleared });
}
