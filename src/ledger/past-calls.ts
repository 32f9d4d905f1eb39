import path from 'node:path';
import type { PastCall } from '../admission/past.ts';
import type { Logger } from '../telemetry/log.ts';
import { openReadable } from '../store/sqlite/open.ts';
import { DATABASE_FILE } from './schema.ts';

/** Limits have longer windows, but nobody looks at a node that stood still for so long. */
const REACH_MS = 32 * 86_400_000;
/** The newest ones: what a start may take some tenths of a second for. */
const MAX_CALLS = 100_000;

const SELECT = `
  SELECT u.organization, u.team, u.project, u.key, u.user, u.end_user, u.tags, u.alias, u.attempt, u.started_at, u.input, u.output,
    coalesce(l.first, u.key) AS rule_owner
  FROM usage u LEFT JOIN key_lineage l ON l.key = u.key
  WHERE u.started_at >= ? AND u.started_at < ? AND u.state <> 'open' ORDER BY u.started_at DESC LIMIT ?`;

/**
 * Calls that began before this process did, oldest first, so that a restart gives nobody a new minute or a new day. Those under way are not among them:
 * their gateways name them again.
 */
export function readPastCalls(folder: string, start: number, log: Logger, most = MAX_CALLS): readonly PastCall[] {
  const db = openReadable(path.join(folder, DATABASE_FILE));
  try {
    const calls = db
      .prepare(SELECT)
      .all(start - REACH_MS, start, most)
      .map((row) => callOf(row))
      .reverse();
    if (calls.length === most) log.warn('limits.partly_restored', { count: calls.length, reason: 'older calls do not count any more' });
    else if (calls.length > 0) log.info('limits.restored', { count: calls.length });
    return calls;
  } catch (error) {
    // Budgets are held all the same: they ask for their own sums. Limits begin anew, as they would without any rows.
    log.error('limits.not_restored', { reason: error instanceof Error ? error.message : String(error) });
    return [];
  } finally {
    db.close();
  }
}

const nobody = (value: unknown): string | undefined => (value === '' ? undefined : String(value));

const callOf = (row: Readonly<Record<string, unknown>>): PastCall => ({
  organization: String(row['organization']),
  team: String(row['team']),
  project: nobody(row['project']),
  key: String(row['key']),
  user: nobody(row['user']),
  endUser: nobody(row['end_user']),
  tags: row['tags'] === '' ? undefined : (JSON.parse(String(row['tags'])) as readonly string[]),
  ruleOwner: String(row['rule_owner']),
  alias: String(row['alias']),
  startedAt: Number(row['started_at']),
  isRequest: Number(row['attempt']) === 1,
  usage: { input: Number(row['input']), output: Number(row['output']) },
});
