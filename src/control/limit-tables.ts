import type { OwnerKind } from '../core/owner.ts';
import type { Measure, RuleMode } from '../core/rules.ts';
import type { Migration } from '../store/sqlite/open.ts';

/** Tables of limits, budgets, shares and what people ask for. Times are Unix milliseconds, money decimal digits of picodollars. */

/**
 * Who a rule is about, and the chain above as it was when the rule was written, so that parents and children are found by index.
 * `organization` is `*` for the whole node.
 */
export interface OwnerColumns {
  readonly owner_kind: OwnerKind;
  readonly owner_id: string;
  readonly organization: string;
  readonly team: string | null;
  readonly project: string | null;
  readonly user: string | null;
}

export interface LimitsTable extends OwnerColumns {
  readonly id: string;
  readonly model: string | null;
  readonly measure: Measure;
  readonly amount: number;
  /** Null: a limit of what is under way, without a window. */
  readonly window_ms: number | null;
  readonly mode: RuleMode;
  readonly created_at: number;
}

export interface BudgetsTable extends OwnerColumns {
  readonly id: string;
  readonly model: string | null;
  readonly provider: string | null;
  readonly picodollars: string;
  /** `hour`, `day`, `week`, `month`, `total`, or `rolling:<time>`. */
  readonly window: string;
  /** Of a calendar window; null for the others. */
  readonly time_zone: string | null;
  readonly enforcement: 'hard' | 'soft';
  readonly mode: RuleMode;
  /** JSON list of percents. */
  readonly thresholds: string;
  readonly created_at: number;
}

export interface RaisesTable {
  readonly id: string;
  readonly budget: string;
  readonly picodollars: string;
  readonly until: number;
  readonly reason: string;
  /** The request it grants; null: an administrator's own. */
  readonly request: string | null;
  readonly created_at: number;
}

export interface BudgetRequestsTable extends OwnerColumns {
  readonly id: string;
  readonly picodollars: string;
  readonly until: number;
  readonly reason: string;
  readonly state: 'open' | 'granted' | 'denied';
  readonly asked_by: string;
  readonly asked_at: number;
  readonly decided_by: string | null;
  readonly decided_at: number | null;
  readonly answer: string | null;
  /** The budget that was raised. */
  readonly budget: string | null;
  /** The vault's, over all the rest: a request that somebody edited is as if it were not there. */
  readonly signature: string;
}

export interface SharesTable extends OwnerColumns {
  readonly id: string;
  readonly limit_id: string;
  readonly percent: number;
  readonly created_at: number;
}

/** What the ledger said should be looked at. */
export interface AlertsTable {
  /** The ledger's own number: it rises for ever. */
  readonly sequence: number;
  readonly at: number;
  readonly kind: string;
  /** Whose it is, as the rule says; null: the node's. */
  readonly organization: string | null;
  readonly team: string | null;
  readonly user: string | null;
  /** The alert as JSON. */
  readonly alert: string;
}

export interface LimitSchema {
  readonly limits: LimitsTable;
  readonly budgets: BudgetsTable;
  readonly budget_raises: RaisesTable;
  readonly budget_requests: BudgetRequestsTable;
  readonly shares: SharesTable;
  readonly alerts: AlertsTable;
}

const OWNER = 'owner_kind TEXT NOT NULL, owner_id TEXT NOT NULL, organization TEXT NOT NULL, team TEXT, project TEXT, "user" TEXT';

export const limitTables = (version: number): Migration => ({
  version,
  name: 'limits, budgets, shares',
  // `keys.rules` repeats a key's limits and budgets as its signed row has them.
  sql: `
    ALTER TABLE keys ADD COLUMN rules TEXT;
    CREATE TABLE limits (
      id TEXT PRIMARY KEY, ${OWNER}, model TEXT, measure TEXT NOT NULL, amount INTEGER NOT NULL, window_ms INTEGER,
      mode TEXT NOT NULL, created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX limits_by_owner ON limits (owner_kind, owner_id);
    CREATE INDEX limits_by_organization ON limits (organization, team);
    CREATE TABLE budgets (
      id TEXT PRIMARY KEY, ${OWNER}, model TEXT, provider TEXT, picodollars TEXT NOT NULL, window TEXT NOT NULL, time_zone TEXT,
      enforcement TEXT NOT NULL, mode TEXT NOT NULL, thresholds TEXT NOT NULL, created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX budgets_by_owner ON budgets (owner_kind, owner_id);
    CREATE INDEX budgets_by_organization ON budgets (organization, team);
    CREATE TABLE budget_raises (
      id TEXT PRIMARY KEY, budget TEXT NOT NULL REFERENCES budgets (id) ON DELETE CASCADE, picodollars TEXT NOT NULL,
      until INTEGER NOT NULL, reason TEXT NOT NULL, request TEXT, created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX raises_by_budget ON budget_raises (budget, until);
    CREATE TABLE budget_requests (
      id TEXT PRIMARY KEY, ${OWNER}, picodollars TEXT NOT NULL, until INTEGER NOT NULL, reason TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('open', 'granted', 'denied')), asked_by TEXT NOT NULL, asked_at INTEGER NOT NULL,
      decided_by TEXT, decided_at INTEGER, answer TEXT, budget TEXT
    ) STRICT;
    CREATE INDEX requests_by_state ON budget_requests (state, asked_at);
    CREATE TABLE shares (
      id TEXT PRIMARY KEY, limit_id TEXT NOT NULL REFERENCES limits (id) ON DELETE CASCADE, ${OWNER}, percent INTEGER NOT NULL,
      created_at INTEGER NOT NULL, UNIQUE (limit_id, owner_kind, owner_id)
    ) STRICT;
    CREATE TABLE alerts (
      sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, organization TEXT, team TEXT, "user" TEXT, alert TEXT NOT NULL
    ) STRICT;
  `,
});
