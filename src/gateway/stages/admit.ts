import { BulkheadError } from '../../core/errors.ts';
import type { LimitState } from '../../core/rules.ts';
import { isConnectionLost } from '../../ipc/peer.ts';
import { connected, type Deps } from '../deps.ts';
import { reserveCall } from '../live-reservations.ts';
import { reserveRequest } from '../reserve-call.ts';
import { pass, type Admitted, type Decoded } from '../steps.ts';

/**
 * Reserves with the ledger before a byte may leave. Throws rate_limited, too_many_parallel_requests, budget_exceeded, price_unknown
 * or admission_unavailable.
 */
export async function admit(decoded: Decoded, deps: Pick<Deps, 'ledger' | 'outbox' | 'reservations'>): Promise<Admitted> {
  const { ledger, outbox, reservations } = deps;
  // An end that cannot be kept until the ledger has it would be lost money.
  if (outbox.isFull) throw new BulkheadError('admission_unavailable');
  const { exchange } = decoded;
  const call = reserveCall(reserveRequest(decoded));
  // A lost connection may have lost the answer, not the reservation: the same id is asked again, once.
  for (let tries = 1; ; tries++) {
    try {
      const peer = connected(ledger);
      const { head } = await (peer instanceof Promise ? await peer : peer).unary(call);
      reservations.granted(exchange.id, call);
      exchange.limits = head['limits'] as unknown as readonly LimitState[] | undefined;
      return pass<Admitted>({ decoded });
    } catch (error) {
      if (!isConnectionLost(error)) throw error;
      if (tries < 2) continue;
      outbox.release(exchange.id);
      throw new BulkheadError('admission_unavailable', {}, { cause: error });
    }
  }
}
