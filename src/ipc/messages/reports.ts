/** What control asks the ledger for people: usage, sums, differences, and what is used and left of every rule. */
import type { DifferenceKind, UsageDimension } from '../../core/reports.ts';
import type { BudgetStatus, LimitStatus } from '../../core/rules.ts';
import type { TokenUsage } from '../../core/usage.ts';

export interface Difference {
  readonly requestId: string;
  readonly attempt: number;
  readonly kind: DifferenceKind;
  /** What the gateway reported: bytes, or tokens for the kinds that end in `_tokens`; null where it reported nothing. */
  readonly reported: number | null;
  /** Bytes by the vault's count; null where it wrote nothing. */
  readonly journal: number | null;
  readonly foundAt: number;
  readonly startedAt: number;
  /** When the missing report came after all; null: it stands. */
  readonly resolvedAt: number | null;
}

export interface DifferencesReply {
  readonly rows: readonly Difference[];
  /** Goes into `before` for the next page; null: this was the last. */
  readonly next: string | null;
}

/** What proves a row: `open` and `unconfirmed` have the vault's word alone, `usage-first` and `unmatched` the gateway's alone. */
const ROW_STATES = ['open', 'usage-first', 'confirmed', 'unconfirmed', 'unmatched'] as const;
export type RowState = (typeof ROW_STATES)[number];

/** What somebody should look at. `sequence` rises over restarts of the ledger as well; the last 1,000 are remembered, in memory. */
export type AdmissionAlert = {
  readonly sequence: number;
  /** Unix milliseconds. */
  readonly at: number;
} & (
  | {
      readonly kind: 'budget.threshold';
      readonly rule: string;
      /** As `ownerKey` writes it. */
      readonly owner: string;
      readonly percent: number;
      /** Decimal digits. */
      readonly spent: string;
      readonly amount: string;
      readonly enforcement: 'hard' | 'soft';
    }
  /** A rule that only observes would have refused; at most once a minute for each rule. */
  | { readonly kind: 'rule.observed'; readonly code: string; readonly rule: string; readonly owner: string }
  /** Reservations of a gateway that did not come back were given up. */
  | { readonly kind: 'reservations.released'; readonly count: number }
  | { readonly kind: 'policy.refused'; readonly code: string }
);

export interface AdmissionAlertsReply {
  readonly alerts: readonly AdmissionAlert[];
  /** Goes into `since` of the next call. */
  readonly next: number;
}

export interface AdmissionStatusReply {
  readonly version: number;
  readonly limits: readonly LimitStatus[];
  readonly budgets: readonly BudgetStatus[];
}

/** Sums over the calls that share the asked dimensions. */
export interface UsageSummaryRow {
  /** By dimension name; `day` is `2026-11-23`, `week` its Monday, `month` `2026-11`, `hour` is `2026-11-23T14:00+01:00` (`Z` in UTC), all in the zone asked for. */
  readonly dimensions: Readonly<Partial<Record<UsageDimension, string>>>;
  /** Calls that reached a provider, those under way included. */
  readonly requests: number;
  readonly open: number;
  readonly unconfirmed: number;
  readonly unmatched: number;
  /** Calls whose price the table does not know; they are charged like the dearest model of their list. */
  readonly unpriced: number;
  readonly estimated: number;
  /** Calls with an outcome other than `ok`, unconfirmed ones aside. */
  readonly failed: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
  readonly audioTokens: number;
  /** Decimal digits. */
  readonly picodollars: string;
  readonly latencyMsTotal: number;
  readonly firstByteMsTotal: number;
  /** Calls that have a first byte, for the mean. */
  readonly firstBytes: number;
}

export interface UsageSummaryReply {
  readonly rows: readonly UsageSummaryRow[];
  /** True: there are more groups than `limit`; those with the highest cost are here. */
  readonly truncated: boolean;
  /** Before this moment (Unix milliseconds), whole days of UTC are counted where they begin; null: everything is exact. */
  readonly wholeDaysBefore: number | null;
  /** Before this moment, nothing is known of what was asked: it needs rows that retention has deleted. Null: nothing is missing. */
  readonly nothingBefore: number | null;
}

/** One day (UTC) of one group of calls. */
export interface UsageDay extends UsageSummaryRow {
  /** Unix milliseconds at which it begins. */
  readonly day: number;
}

export interface UsageDaysReply {
  readonly days: readonly UsageDay[];
  readonly next: string | null;
}

/** One call to a provider. Texts are '' where the side that knows them has not reported. */
export interface UsageRow {
  readonly requestId: string;
  readonly attempt: number;
  readonly state: RowState;
  readonly organization: string;
  readonly team: string;
  readonly key: string;
  readonly project: string;
  readonly user: string;
  readonly endUser: string;
  readonly tags: readonly string[];
  readonly credential: string;
  readonly provider: string;
  readonly alias: string;
  readonly model: string;
  readonly endpoint: string;
  readonly stream: boolean;
  readonly status: number;
  readonly outcome: string;
  readonly usage: TokenUsage;
  /** Decimal digits. */
  readonly picodollars: string;
  readonly priceVersion: string;
  readonly priceKnown: boolean;
  /** What the price was made of; '' where nobody wrote it down. */
  readonly priceDetail: string;
  readonly estimated: boolean;
  /** True: gateway and vault name different owners; the vault's are shown. */
  readonly disputed: boolean;
  readonly proof: string;
  readonly startedAt: number;
  readonly latencyMs: number;
  readonly firstByteMs: number | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** The vault's own count; null until its record arrived. */
  readonly upstreamBytesIn: number | null;
  readonly upstreamBytesOut: number | null;
  readonly upstreamOutcome: string | null;
}

export interface UsageRowsReply {
  /** Newest first. */
  readonly rows: readonly UsageRow[];
  /** Goes into `before` for the next page; null: this was the last. */
  readonly next: string | null;
}
