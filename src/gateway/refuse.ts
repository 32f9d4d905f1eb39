import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BulkheadError } from '../core/errors.ts';
import type { RequestId } from '../core/ids.ts';
import { NATIVE } from '../wire/native.ts';
import type { WireError } from '../wire/protocol.ts';
import { writeJson } from '../http/respond.ts';
import type { Deps } from './deps.ts';
import type { Exchange } from './exchange.ts';
import { asBulkheadError, wireError } from './failure.ts';
import { limitHeaders, refusedBy, retryHeaders } from './limit-headers.ts';

/** Ends an exchange with a refusal in the client's own protocol. Once bytes are out, only breaking off tells the client. */
export function refuse(exchange: Exchange, thrown: unknown, { log, metrics }: Pick<Deps, 'log' | 'metrics'>): void {
  const error = asBulkheadError(thrown);
  const { response, id, endpoint } = exchange;
  exchange.refusedWith = error.code;
  metrics.refused(error.code);
  if (error.code === 'internal') log.error('request.failed', { request_id: id, cause: causeOf(thrown) });
  if (response.headersSent) return void response.destroy();
  const body = NATIVE[endpoint.protocol].errors.encodeError(told(error, id), id);
  exchange.markFirstByte();
  closeIfUnread(exchange.request, response);
  writeJson(response, error.row.status, body, id, [
    ['x-bulkhead-overhead-ms', exchange.overheadMs.toFixed(3)],
    ...(exchange.attempts.length === 0 ? [] : ([['x-bulkhead-attempts', String(exchange.attempts.length)]] as const)),
    ...(error.row.status === 503 ? ([['retry-after', '1']] as const) : []),
    ...retryHeaders(error),
    ...limitHeaders([...(exchange.limits ?? []), ...refusedBy(error)], endpoint.protocol, exchange.startedAt),
  ]);
}

/** Who is held up by a limit or a budget asks about it, and few clients show more than the sentence. */
function told(error: BulkheadError, id: RequestId): WireError {
  const { kind } = error.row;
  const wire = wireError(error);
  return kind === 'rate_limit' || kind === 'budget' ? { ...wire, message: `${wire.message} Request ${id}` } : wire;
}

/**
 * A client that waits for `100 Continue` may now leave its body out, so where the next request starts is unknown. An announced body
 * without that is read and dropped by Node.
 */
export function closeIfUnread(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.expect !== undefined && !request.complete) response.shouldKeepAlive = false;
}

/** For the log alone. Stacks hold file names and our own words, never request text. */
function causeOf(thrown: unknown): string {
  const cause: unknown = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
