import type { SignedText } from '../../access/principal.ts';
import type { ReserveRequest, ReserveTarget } from '../../admission/admission.ts';
import type { CredentialId, OrganizationId, RequestId, TeamId } from '../../core/ids.ts';
import type { DifferenceKind, UsageDimension, UsageFilter } from '../../core/reports.ts';
import type { UsageEvent } from '../../core/usage.ts';

/** What the ledger is asked and told: admission, usage and stored responses by gateways, journals by vaults, reports, rules and prices by control. */

/** A ReserveRequest with its key's rules as JSON: the ledger reads each text once. */
export type ReserveMessage = Omit<ReserveRequest, 'rules'> & { readonly rules?: string | undefined };

/**
 * gateway → ledger, unary. `reserve` answers `{limits?: LimitState[]}` from memory or an error frame (`too_many_parallel_requests`, `rate_limited`, `budget_exceeded`, `price_unknown`,
 * `admission_unavailable`); `adjust` answers `{}`; `account` answers AccountReply once its events are on disk.
 * The first event of a request ends its reservation, so that all attempts of one request go into one call.
 */
export type LedgerCall =
  | { readonly op: 'reserve'; readonly request: ReserveMessage }
  /**
   * The first call of a connection after a lost one: the requests that the gateway still has under way, at most 100,000. Each is held again as it
   * was, past any limit, because it runs already. Replies `{resumed}`. What the sender held and
   * does not name is held until it is reported, or nobody has spoken of it for some minutes.
   */
  | { readonly op: 'resume'; readonly requests: readonly ReserveMessage[] }
  /** `target`: the one that is tried next. */
  | {
      readonly op: 'adjust';
      readonly requestId: RequestId;
      readonly maxInputTokens: number;
      readonly maxOutputTokens: number;
      readonly target?: ReserveTarget;
    }
  /** Ends requests; resent until acknowledged, so the ledger takes every event any number of times. */
  | { readonly op: 'account'; readonly settled: readonly UsageEvent[]; readonly released: readonly RequestId[] }
  | ResponseCall;

/** A response that its client may come back to, by its tenant: the same id of another one is none. */
interface ResponseOf {
  readonly id: string;
  readonly organization: OrganizationId;
  readonly team: TeamId;
}

/** What the ledger may know of a stored response. */
export interface ResponseFacts {
  /** Who keeps what it says; null: we do, sealed in the body beside this. */
  readonly provider: string | null;
}

/**
 * gateway → ledger, unary: stored responses. What they say rides in the frame's body, sealed under a key of their tenant that the ledger never has.
 * Replies: put → `{stored}`, false where the id is another tenant's; get → ResponseReply with the body; remove → `{removed}`.
 */
export type ResponseCall =
  | ({ readonly op: 'response.put'; readonly facts: ResponseFacts; readonly expiresAt: number } & ResponseOf)
  | ({ readonly op: 'response.get' } & ResponseOf)
  | ({ readonly op: 'response.remove' } & ResponseOf);

/** Null: there is none, or no more. */
export interface ResponseReply {
  readonly facts: ResponseFacts | null;
}

/** Events in `rejected` are malformed or not the sender's to report: sending them again changes nothing. */
export interface AccountReply {
  readonly accepted: number;
  readonly rejected: readonly { readonly requestId: string; readonly reason: string }[];
}

/** vault → ledger, unary: journal records in order. The reply `{acked}` names the last offset that is durable. */
export interface JournalCall {
  readonly op: 'journal';
  readonly shard: number;
  /** Generation of the vault process that writes now; records of earlier ones without an end will never get one. */
  readonly generation: string;
  readonly records: readonly JournalRecord[];
}

export type JournalRecord =
  | {
      readonly k: 'start';
      /** Position in the shard's journal; strictly rising over all generations. */
      readonly offset: number;
      readonly generation: string;
      readonly requestId: RequestId;
      readonly attempt: number;
      readonly credential: CredentialId;
      readonly organization: string;
      readonly key: string;
      readonly at: number;
    }
  | {
      readonly k: 'end';
      readonly offset: number;
      readonly generation: string;
      readonly requestId: RequestId;
      readonly attempt: number;
      /** 0: no response head arrived. */
      readonly status: number;
      readonly bytesOut: number;
      readonly bytesIn: number;
      readonly outcome: 'complete' | 'cut' | 'cancelled' | 'refused' | 'timeout';
      readonly at: number;
    };

/** Reply to `journal`. -1: nothing is stored of this shard yet. */
export interface JournalReply {
  readonly acked: number;
}

/** The next of the pages over a stretch of time; `after` is the `next` of the one before, null at the first. */
interface UsagePage {
  readonly from: number;
  readonly to: number;
  readonly filter: UsageFilter;
  readonly limit: number;
  readonly after: string | null;
}

/**
 * control → ledger, unary. Replies: usage.summary → UsageSummaryReply; usage.rows → UsageRowsReply; usage.request →
 * `{rows: UsageRow[]}`, one per attempt; backup → `{file, bytes}` below the ledger's `backups/`; metrics → `{metrics}`.
 * `from` and `to` are Unix milliseconds, [from, to).
 */
export type LedgerAdminCall =
  | {
      readonly op: 'usage.summary';
      readonly by: readonly UsageDimension[];
      readonly from: number;
      readonly to: number;
      readonly filter: UsageFilter;
      readonly limit: number;
      /** IANA name: whose days, weeks and months. */
      readonly timeZone: string;
    }
  | {
      readonly op: 'usage.rows';
      readonly from: number;
      readonly to: number;
      readonly filter: UsageFilter;
      readonly limit: number;
      readonly before: string | null;
    }
  | { readonly op: 'usage.request'; readonly requestId: string }
  /** Pages of an export, oldest first; replies UsageRowsReply. */
  | ({ readonly op: 'usage.export' } & UsagePage)
  /** Days (UTC) of every group that touch [from, to), for FOCUS; replies UsageDaysReply. */
  | ({ readonly op: 'usage.days' } & UsagePage)
  /** Newest first; replies DifferencesReply. `kind` null: all. */
  | {
      readonly op: 'reconciliation.list';
      readonly from: number;
      readonly to: number;
      readonly kind: DifferenceKind | null;
      readonly limit: number;
      readonly before: string | null;
    }
  /** An AdmissionPolicy as JSON under `snapshot`, whole; replies `{version}`. One that is older than what holds, or not the vault's, is refused. */
  | { readonly op: 'admission.apply'; readonly policy: SignedText }
  /** What is used and left of every rule of the owners named (`ownerKey`), or of all that have rules; replies AdmissionStatusReply. */
  | { readonly op: 'admission.status'; readonly owners: readonly string[] | null }
  /** What admission had to say since the alert of this sequence; 0: all that is remembered. Replies AdmissionAlertsReply. */
  | { readonly op: 'admission.alerts'; readonly since: number }
  /** The operator's prices as JSON under `snapshot`, in front of the catalogue; replies `{version}`. */
  | { readonly op: 'prices.apply'; readonly prices: SignedText }
  | { readonly op: 'backup'; readonly fileName: string }
  | { readonly op: 'metrics' };
