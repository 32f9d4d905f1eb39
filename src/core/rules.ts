/** What an owner may use and spend: rules as control signs them and the ledger holds them. Plain data; the engine gives them meaning. */
import type { OwnerRef } from './owner.ts';

export const MEASURES = ['requests', 'tokens', 'input_tokens', 'output_tokens', 'parallel'] as const;
export type Measure = (typeof MEASURES)[number];

/** `observe`: counted and reported, never refused. */
export type RuleMode = 'enforce' | 'observe';

/** So much of a measure in any stretch of `windowMs`, sliding; for `parallel` at any time. */
export interface LimitRule {
  readonly id: string;
  /** `EVERYONE` (`{kind: 'organization', id: '*'}`): counts every request, as for a limit on a model as such. */
  readonly owner: OwnerRef;
  /** Counts only requests for this alias (exact, or a prefix ending in `/*`); absent: all. */
  readonly model?: string | undefined;
  readonly measure: Measure;
  readonly amount: number;
  /** Absent for `parallel`. */
  readonly windowMs?: number | undefined;
  readonly mode: RuleMode;
}

export type BudgetWindow =
  | { readonly kind: 'calendar'; readonly unit: 'hour' | 'day' | 'week' | 'month'; /** IANA name. */ readonly timeZone: string }
  | { readonly kind: 'rolling'; readonly ms: number }
  | { readonly kind: 'total' };

/** More for a time: added to the budget's amount until `until` (Unix milliseconds). */
export interface BudgetRaise {
  readonly picodollars: string;
  readonly until: number;
}

export interface BudgetRule {
  readonly id: string;
  readonly owner: OwnerRef;
  readonly model?: string | undefined;
  /** Counts only calls of this provider. */
  readonly provider?: string | undefined;
  /** Decimal digits. */
  readonly picodollars: string;
  readonly window: BudgetWindow;
  /** `hard` refuses what does not fit; `soft` only alerts. */
  readonly enforcement: 'hard' | 'soft';
  readonly mode: RuleMode;
  /** Percent of the amount at which an alert is raised, once a window. */
  readonly thresholds: readonly number[];
  readonly raises: readonly BudgetRaise[];
}

/** A share of a scarce model's limit that is kept for an owner: others cannot use it while that owner has not used its share up. */
export interface PriorityShare {
  readonly id: string;
  /** The limit that is shared. */
  readonly limit: string;
  readonly owner: OwnerRef;
  /** Percent of the limit. */
  readonly percent: number;
}

/** Everything but the rules of keys, which ride with their rows. */
export interface AdmissionPolicy {
  readonly version: number;
  readonly limits: readonly LimitRule[];
  readonly budgets: readonly BudgetRule[];
  readonly shares: readonly PriorityShare[];
  /** What people call an owner, by `ownerKey`, without its kind: `search`. Sentences say `Team search`. */
  readonly names: Readonly<Record<string, string>>;
  /** What a request costs whose price is unknown: the dearest of its list, or a refusal. */
  readonly unknownPrice: 'dearest' | 'refuse';
}

/** Rules of one key or service account, inside its signed row; `owner` is the key itself. */
export interface KeyRules {
  readonly limits?: readonly Omit<LimitRule, 'owner'>[] | undefined;
  readonly budgets?: readonly Omit<BudgetRule, 'owner'>[] | undefined;
}

/** What is left of the tightest limit of each measure, for the answer's `x-ratelimit-*` headers. */
export interface LimitState {
  readonly measure: Measure;
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until all of it is there again. */
  readonly resetMs: number;
}

/** How much of a limit is used now. */
export interface LimitStatus {
  readonly rule: LimitRule;
  readonly used: number;
  readonly remaining: number;
  readonly resetMs: number;
}

/** How much of a budget is used in its window of now. */
export interface BudgetStatus {
  readonly rule: BudgetRule;
  /** Decimal digits; `reserved` is held for requests under way. */
  readonly spent: string;
  readonly reserved: string;
  /** With the raises that are in force. */
  readonly amount: string;
  /** Unix milliseconds; null: none. */
  readonly windowStart: number | null;
  readonly resetsAt: number | null;
}

/** Why a reservation was refused. `values` fill the sentence of the error table's row. */
export type AdmissionRefusal =
  | {
      readonly code: 'rate_limited';
      readonly values: {
        readonly owner: string;
        readonly limit: number;
        readonly measure: string;
        readonly window: string;
        readonly seconds: number;
        readonly rule: string;
      };
    }
  | { readonly code: 'too_many_parallel_requests'; readonly values: { readonly owner: string; readonly limit: number } }
  | {
      readonly code: 'budget_exceeded';
      readonly values: {
        readonly owner: string;
        /** `$500`, `$0.25`. */
        readonly spent: string;
        readonly budget: string;
        /** `for November` */
        readonly window: string;
        /** '' where all of it was spent; else why there is no room: `, and this request may cost up to $8, more than the $5 left` */
        readonly request: string;
        /** `resets 1 Dec 00:00 Europe/Berlin` or `has no reset` */
        readonly reset: string;
        readonly rule: string;
        /** Seconds until the reset; 0: none. */
        readonly seconds: number;
      };
    }
  | { readonly code: 'price_unknown'; readonly values: { readonly model: string; readonly provider: string } };
