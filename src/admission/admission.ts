import type { KeyId, OrganizationId, RequestId, TeamId } from '../core/ids.ts';
import type { Result } from '../core/result.ts';
import type { AdmissionRefusal, KeyRules, LimitState } from '../core/rules.ts';
import type { Units, UsageEvent } from '../core/usage.ts';

/** Where a request may go. */
export interface ReserveTarget {
  readonly provider: string;
  readonly model: string;
  /** The model behind that name, where the operator says so: what it is priced as. */
  readonly baseModel?: string | undefined;
  readonly priceList: string;
}

/** What a request may cost at most, taken before its first upstream byte. */
export interface ReserveRequest {
  readonly requestId: RequestId;
  readonly key: KeyId;
  readonly organization: OrganizationId;
  readonly team: TeamId;
  readonly alias: string;
  /** Upper bounds; budgets and token limits build on them. */
  readonly maxInputTokens: number;
  readonly maxOutputTokens: number;
  /** What is not counted in tokens, at most: for models that are priced by it. */
  readonly maxUnits?: Units | undefined;
  /** What token limits hold instead, where the client set no bound: the bound of the model would fill most limits by itself. Settling takes what it was. */
  readonly likelyOutputTokens?: number | undefined;
  /** Requests of this key in flight over all workers; absent: no limit. */
  readonly maxParallel?: number | undefined;
  /** The first of the keys that this one replaced: limits and budgets of the key are theirs together. Absent: itself. */
  readonly lineage?: KeyId | undefined;
  readonly project?: string | undefined;
  readonly user?: string | undefined;
  readonly endUser?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Rules of the key's own row. */
  readonly rules?: KeyRules | undefined;
  /** Where the request may go, for the price of the dearest; absent: nothing is priced, because nobody has a budget. */
  readonly targets?: readonly ReserveTarget[] | undefined;
}

/** A place held for a request, and the process that holds it. */
export interface Reservation extends ReserveRequest {
  readonly owner: string;
  /** Unix milliseconds at which it was granted. */
  readonly at: number;
  /** True: it holds money of a hard budget, so that it must be on disk before it is answered. */
  readonly hard: boolean;
}

/**
 * The one place that reserves, adjusts, settles and releases, for all gateway workers (architecture.md §4).
 * Every operation is idempotent by request id. A second engine lives in the conformance suite.
 */
export interface Admission {
  /**
   * Undefined: no rule touched the request. A refusal has taken nothing of any rule.
   * Throws `permission_denied` for a request that another owner holds, or held when it was abandoned with something still open.
   */
  reserve(owner: string, request: ReserveRequest): Result<readonly LimitState[] | undefined, AdmissionRefusal>;
  /** Moves the reservation to the target that is really tried. */
  adjust(requestId: RequestId, maxInputTokens: number, maxOutputTokens: number, target?: ReserveTarget): void;
  /**
   * The request ended after reaching a provider: its attempts are reported together, so that the first event ends it.
   * `picodollars` is the price of the event's row.
   */
  settle(event: UsageEvent, picodollars: bigint): void;
  /** The request ended without reaching a provider: all that it held goes back. */
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
