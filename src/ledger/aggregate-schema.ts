import type { Migration } from '../store/sqlite/open.ts';

/**
 * Sums of calls by hour and by day (UTC), kept in the very transaction that changes the rows. Texts lie once in `usage_group`, so that
 * an hour of a group is a row of small numbers. `report_fact`: `built` once the aggregates hold all rows, `labels_built`
 * once those of end users and tags do, `rows_since` and `hours_since` where retention has cut and `days_until` where daily sums
 * end, as Unix milliseconds. `difference`: where the two reports of a call do not agree.
 *
 * Column names are those of `sums.ts`; a test compares.
 */
const SUMS = `
  requests INTEGER NOT NULL, open INTEGER NOT NULL, unconfirmed INTEGER NOT NULL, unmatched INTEGER NOT NULL, unpriced INTEGER NOT NULL,
  estimated INTEGER NOT NULL, failed INTEGER NOT NULL, input INTEGER NOT NULL, output INTEGER NOT NULL, cached_input INTEGER NOT NULL,
  cache_write INTEGER NOT NULL, reasoning INTEGER NOT NULL, audio INTEGER NOT NULL, micro INTEGER NOT NULL, rest INTEGER NOT NULL,
  latency INTEGER NOT NULL, first_byte INTEGER NOT NULL, first_bytes INTEGER NOT NULL`;

const AGGREGATES = `
CREATE TABLE usage_group (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  organization TEXT NOT NULL,
  team TEXT NOT NULL,
  project TEXT NOT NULL,
  key TEXT NOT NULL,
  user TEXT NOT NULL,
  end_user TEXT NOT NULL,
  tag TEXT NOT NULL,
  model TEXT NOT NULL,
  alias TEXT NOT NULL,
  provider TEXT NOT NULL,
  credential TEXT NOT NULL,
  outcome TEXT NOT NULL,
  UNIQUE (kind, key, model, alias, outcome, organization, team, project, user, end_user, tag, provider, credential)
) STRICT;
CREATE TABLE usage_hour (hour INTEGER NOT NULL, group_id INTEGER NOT NULL, ${SUMS}, PRIMARY KEY (hour, group_id)) STRICT, WITHOUT ROWID;
CREATE TABLE usage_day (day INTEGER NOT NULL, group_id INTEGER NOT NULL, ${SUMS}, PRIMARY KEY (day, group_id)) STRICT, WITHOUT ROWID;
CREATE TABLE report_fact (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE difference (
  request_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  kind TEXT NOT NULL,
  reported INTEGER,
  journal INTEGER,
  found_at INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  resolved_at INTEGER,
  PRIMARY KEY (request_id, attempt, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX difference_time ON difference (found_at);
`;

export const AGGREGATE_MIGRATION: Omit<Migration, 'version'> = { name: 'aggregates, retention and differences', sql: AGGREGATES };

/**
 * Sums of whole hours, days and months that are over, packed (`blocks.ts`): level 0, 1, 2. A period of `usage_block` has a row for each kind
 * of block, or none at all. `block_due`: periods that were changed after they were packed, and when.
 *
 * `group_page`: what the groups' texts are, packed by column (`group-pages.ts`), as numbers of `group_text`.
 *
 * Groups by end user and by tag keep all the other columns apart from here on: those of rows that are still there are made again.
 */
const BLOCKS = `
CREATE TABLE usage_block (
  level INTEGER NOT NULL,
  period INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  head BLOB NOT NULL,
  tail BLOB NOT NULL,
  PRIMARY KEY (level, period, kind)
) STRICT;
CREATE TABLE block_due (level INTEGER NOT NULL, period INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (level, period)) STRICT, WITHOUT ROWID;
CREATE TABLE group_text (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE group_page (first INTEGER NOT NULL, place INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (first, place)) STRICT;
DELETE FROM usage_hour WHERE hour >= coalesce((SELECT value / 3600000 FROM report_fact WHERE name = 'rows_since'), 0)
  AND group_id IN (SELECT id FROM usage_group WHERE kind > 0);
DELETE FROM usage_day WHERE day >= coalesce((SELECT value / 86400000 FROM report_fact WHERE name = 'rows_since'), 0)
  AND group_id IN (SELECT id FROM usage_group WHERE kind > 0);
`;

/** Finds the few groups of a person or an end user among all. */
const GROUP_INDEXES = `
CREATE INDEX usage_group_user ON usage_group (user) WHERE user <> '';
CREATE INDEX usage_group_end_user ON usage_group (end_user) WHERE end_user <> '';
`;

export const GROUP_INDEX_MIGRATION: Omit<Migration, 'version'> = { name: 'groups by person and end user', sql: GROUP_INDEXES };
export const BLOCK_MIGRATION: Omit<Migration, 'version'> = { name: 'packed sums, and wider groups of labels', sql: BLOCKS };
