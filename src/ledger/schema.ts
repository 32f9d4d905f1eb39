import type { Migration } from '../store/sqlite/open.ts';
import { AGGREGATE_MIGRATION, BLOCK_MIGRATION, GROUP_INDEX_MIGRATION } from './aggregate-schema.ts';

/**
 * One row per call that reached a provider. The two sources write into columns of their own (`journal_…` is the vault's),
 * so that any order and repetition of their messages ends in the same row.
 */
const USAGE = `
CREATE TABLE usage (
  request_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'usage-first', 'confirmed', 'unconfirmed', 'unmatched')),
  organization TEXT NOT NULL,
  team TEXT NOT NULL,
  key TEXT NOT NULL,
  credential TEXT NOT NULL,
  provider TEXT NOT NULL,
  alias TEXT NOT NULL,
  model TEXT NOT NULL,
  price_list TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  stream INTEGER NOT NULL,
  status INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  input INTEGER NOT NULL,
  output INTEGER NOT NULL,
  cached_input INTEGER NOT NULL,
  cache_write INTEGER NOT NULL,
  cache_write_1h INTEGER NOT NULL,
  reasoning INTEGER NOT NULL,
  input_audio INTEGER NOT NULL,
  output_audio INTEGER NOT NULL,
  picodollars INTEGER NOT NULL CHECK (picodollars >= 0),
  price_version TEXT NOT NULL,
  price_known INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  disputed INTEGER NOT NULL,
  proof TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  latency_ms INTEGER NOT NULL,
  first_byte_ms INTEGER,
  bytes_in INTEGER NOT NULL,
  bytes_out INTEGER NOT NULL,
  reported INTEGER NOT NULL,
  expired INTEGER NOT NULL,
  due_at INTEGER,
  max_input INTEGER,
  max_output INTEGER,
  shard INTEGER,
  generation TEXT,
  journal_started_at INTEGER,
  journal_ended_at INTEGER,
  journal_status INTEGER,
  journal_outcome TEXT,
  journal_bytes_in INTEGER,
  journal_bytes_out INTEGER,
  PRIMARY KEY (request_id, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_time ON usage (started_at);
CREATE INDEX usage_due ON usage (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX usage_open ON usage (shard, generation) WHERE state = 'open';
CREATE TABLE journal (
  shard INTEGER PRIMARY KEY,
  generation TEXT NOT NULL,
  position INTEGER NOT NULL
) STRICT;
`;

/**
 * Who else a call belongs to, as the gateway said: '' for nobody. `tags` and `units` are JSON text, '' when there are none;
 * `price_detail` is what the price was made of.
 */
const OWNERS = `
ALTER TABLE usage ADD COLUMN project TEXT NOT NULL DEFAULT '';
ALTER TABLE usage ADD COLUMN user TEXT NOT NULL DEFAULT '';
ALTER TABLE usage ADD COLUMN end_user TEXT NOT NULL DEFAULT '';
ALTER TABLE usage ADD COLUMN tags TEXT NOT NULL DEFAULT '';
ALTER TABLE usage ADD COLUMN units TEXT NOT NULL DEFAULT '';
ALTER TABLE usage ADD COLUMN tier TEXT NOT NULL DEFAULT '';
ALTER TABLE usage ADD COLUMN price_detail TEXT NOT NULL DEFAULT '';
`;

/**
 * The last transactions by number, and what each changed of charges that memory had counted otherwise: tells whoever reads the file
 * which of it memory has heard of. `batch`: it wrote what the main thread handed over.
 */
const CHANGES = `
CREATE TABLE charge_change (seq INTEGER PRIMARY KEY, batch INTEGER NOT NULL, changes TEXT NOT NULL) STRICT;
`;

/** Keys that took the place of others, by the first of them, as the rows of keys that reserved said. */
const LINEAGES = `
CREATE TABLE key_lineage (key TEXT PRIMARY KEY, first TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX key_lineage_first ON key_lineage (first);
`;

export const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: 'usage and journal', sql: USAGE },
  { version: 2, name: 'owners, units and prices of a call', sql: OWNERS },
  { version: 3, ...AGGREGATE_MIGRATION },
  { version: 4, name: 'changes of charges', sql: CHANGES },
  { version: 5, ...BLOCK_MIGRATION },
  { version: 6, name: 'lineages of keys', sql: LINEAGES },
  { version: 7, ...GROUP_INDEX_MIGRATION },
];

export const DATABASE_FILE = 'ledger.db';
