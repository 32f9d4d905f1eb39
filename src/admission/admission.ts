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

/**
 * The one place that reserves, adjusts, settles and releases, for all gateway workers (architecture.md §4).
 * Every operation is idempotent by request id. A second engine lives in the conformance suite.
 */
export interface Admission {
  reserve(owner: string, request: ReserveRequest): Result<void, Refusal>;
  /** Moves the reservation to the target that is really tried. */
  adjust(requestId: RequestId, maxInputTokens: number, maxOutputTokens: number): void;
  /** The request ended after reaching a provider. */
  settle(event: UsageEvent): void;
  /** The request ended without reaching a provider. */
  release(requestId: RequestId): void;
  /** A gateway worker is gone: its reservations end. Returns the request ids. */
  abandon(owner: string): readonly RequestId[];
}
