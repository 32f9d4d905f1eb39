import type { Migration } from '../store/sqlite/open.ts';

/** The schema that brought the heads, and the seals of claimed roles and of requests for more. */
export const ROWS_COUNTED_SINCE = 6;

/** How many rows each table has and what they sum up to; see `RowHeads`. */
interface HeadsTable {
  readonly name: string;
  /** JSON of a `Head`. */
  readonly state: string;
}

export interface HeadSchema {
  readonly heads: HeadsTable;
}

export const headTables: Migration = {
  version: ROWS_COUNTED_SINCE,
  name: 'heads of tables; seals of claimed roles and requests',
  // The number in `unsealed` says whose rows get seals now: an unsealed row of another table stays refused.
  sql: `
    CREATE TABLE heads (name TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT;
    ALTER TABLE claimed_members ADD COLUMN signature TEXT NOT NULL DEFAULT '';
    ALTER TABLE budget_requests ADD COLUMN signature TEXT NOT NULL DEFAULT '';
    INSERT INTO unsealed (since) VALUES (${ROWS_COUNTED_SINCE});
  `,
};
