import { BulkheadError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { LedgerCall } from '../../ipc/messages.ts';
import { isConnectionLost } from '../../ipc/peer.ts';
import { connected, type Deps } from '../deps.ts';
import { pass, type Admitted, type Decoded } from '../steps.ts';

/** Taken where the client set no bound: what current models write at most. */
const MOST_OUTPUT_TOKENS = 128_000;

/** The ledger takes no larger bound. */
const LEDGER_BOUND = 1_000_000_000;

/** A token is at least one byte, so the bytes bound the input. */
export const maxInputTokens = (decoded: Decoded): number => decoded.body.bytes.length;
export const maxOutputTokens = (decoded: Decoded): number => Math.min(decoded.body.maxOutputTokens ?? MOST_OUTPUT_TOKENS, LEDGER_BOUND);

/** Reserves with the ledger before a byte may leave. Throws too_many_parallel_requests or admission_unavailable. */
export async function admit(decoded: Decoded, { ledger, outbox }: Pick<Deps, 'ledger' | 'outbox'>): Promise<Admitted> {
  // An end that cannot be kept until the ledger has it would be lost money.
  if (outbox.isFull) throw new BulkheadError('admission_unavailable');
  const call = reservation(decoded) as unknown as JsonObject;
  // A lost connection may have lost the answer, not the reservation: the same id is asked again, once.
  for (let tries = 1; ; tries++) {
    try {
      const peer = connected(ledger);
      await (peer instanceof Promise ? await peer : peer).unary(call);
      return pass<Admitted>({ decoded });
    } catch (error) {
      if (!isConnectionLost(error)) throw error;
      if (tries < 2) continue;
      outbox.release(decoded.exchange.id);
      throw new BulkheadError('admission_unavailable', {}, { cause: error });
    }
  }
}

function reservation(decoded: Decoded): LedgerCall {
  const { key } = decoded.principal;
  return {
    op: 'reserve',
    request: {
      requestId: decoded.exchange.id,
      key: key.id,
      organization: key.organization,
      team: key.team,
      alias: decoded.alias,
      maxInputTokens: maxInputTokens(decoded),
      maxOutputTokens: maxOutputTokens(decoded),
      ...(key.maxParallel === undefined ? {} : { maxParallel: key.maxParallel }),
    },
  };
}
