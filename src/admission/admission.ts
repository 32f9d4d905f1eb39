import type { KeyId, OrganizationId, RequestId, TeamId } from '../core/ids.ts';
import type { Result } from '../core/result.ts';
import type { UsageEvent } from '../core/usage.ts';

/** What a request may cost at most, taken before its first upstream byte. */
export interface ReserveRequest {
  readonly requestId: RequestId;
  readonly key: KeyId;
  readonly organization: OrganizationId;
  readonly team: TeamId;
  readonly alias: string;
  /** Upper bounds; issue-wide budgets and token limits build on them. */
  readonly maxInputTokens: number;
  readonly maxOutputTokens: number;
  /** Requests of this key in flight over all workers; absent: no limit. */
  readonly maxParallel?: number;
}

export interface Refusal {
  readonly code: 'too_many_parallel_requests';
  readonly values: Readonly<Record<string, string | number>>;
}

/** A place held for a request, and the process that holds it. */
export interface Reservation extends ReserveRequest {
  readonly owner: string;
}

/**
 * The one place that reserves, adjusts, settles and releases, for all gateway workers (architecture.md §4).
 * Every operation is idempotent by request id. A second engine lives in the conformance suite.
 */
export interface Admission {
  /** Throws `permission_denied` for a request that another owner holds. */
  reserve(owner: string, request: ReserveRequest): Result<void, Refusal>;
  /** Moves the reservation to the target that is really tried. */
  adjust(requestId: RequestId, maxInputTokens: number, maxOutputTokens: number): void;
  /** The request ended after reaching a provider: its attempts are reported together, so that the first event ends it. */
  settle(event: UsageEvent): void;
  /** The request ended without reaching a provider. */
  release(requestId: RequestId): void;
  /** A gateway worker is gone: its reservations end. Returns the request ids. */
  abandon(owner: string): readonly RequestId[];
  /** The live reservation of a request. */
  reservation(requestId: RequestId): Reservation | undefined;
  /** Requests of a key that hold a place now. */
  inFlight(key: KeyId): number;
  /** Requests that hold a place now, over all keys. */
  readonly size: number;
}
