import { BulkheadError, type ErrorCode } from '../core/errors.ts';
import type { Outcome } from '../core/usage.ts';
import { isConnectionLost } from '../ipc/peer.ts';
import type { WireError } from '../wire/protocol.ts';

/** What a client may be told of anything that was thrown: a row of the table, never a cause. */
export function asBulkheadError(error: unknown): BulkheadError {
  if (error instanceof BulkheadError) return isConnectionLost(error) ? new BulkheadError('vault_unavailable', {}, { cause: error }) : error;
  return new BulkheadError('internal', {}, { cause: error });
}

/** A refusal of our own in the neutral form; the remedy is part of the message, because few clients show more. */
export function wireError(error: BulkheadError): WireError {
  const { status, kind } = error.row;
  const param = error.values['param'];
  return {
    status,
    kind,
    code: error.code,
    message: `${error.message} ${error.remedy}`,
    param: typeof param === 'string' && param !== '' ? param : null,
  };
}

const OUTCOMES: ReadonlyMap<ErrorCode, Outcome> = new Map<ErrorCode, Outcome>([
  ['upstream_timeout', 'timeout'],
  ['upstream_reset', 'upstream_cut'],
  ['client_gone', 'cancelled'],
  ['request_timeout', 'client_error'],
  ['internal', 'internal'],
]);

/** How an attempt ended that failed with this error. */
export function outcomeOf(error: BulkheadError): Outcome {
  // Whether a call that was under way reached its provider, only the vault's journal knows.
  if (isConnectionLost(error)) return 'unconfirmed';
  return OUTCOMES.get(error.code) ?? (error.row.kind === 'invalid_request' ? 'client_error' : 'upstream_error');
}
