import path from 'node:path';
import type { Clock } from '../core/clock.ts';
import type { ResponseFacts } from '../ipc/messages/ledger.ts';
import { openWritable, type Migration, type SqliteDatabase, type SqliteStatement } from '../store/sqlite/open.ts';

const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    name: 'responses',
    sql: `
CREATE TABLE responses (
  id TEXT PRIMARY KEY,
  organization TEXT NOT NULL,
  team TEXT NOT NULL,
  facts TEXT NOT NULL,
  sealed BLOB NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX responses_expiry ON responses (expires_at);
`,
  },
];

const FILE_NAME = 'responses.db';
const PRUNE_EVERY_MS = 60_000;
const PRUNE_ROWS = 1_000;

/** A response by whom it belongs to: another tenant's id names nothing. */
export interface ResponseName {
  readonly id: string;
  readonly organization: string;
  readonly team: string;
}

/**
 * Responses that clients may come back to (OpenAI's Responses API), in a file of their own. What a response says is sealed by the gateway under a key that this
 * process never sees. The file is opened on first use: most nodes have none. A power loss may take the last ones, never money.
 */
export class ResponseStore {
  readonly #folder: string;
  readonly #clock: Clock;
  #open: Statements | undefined;
  #prunedAt = 0;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** False: the id belongs to another tenant. */
  put({ id, organization, team }: ResponseName, facts: ResponseFacts, sealed: Uint8Array, expiresAt: number): boolean {
    const { put } = this.#statements();
    const { changes } = put.run(id, organization, team, JSON.stringify(facts), sealed, expiresAt);
    this.#prune();
    return Number(changes) > 0;
  }

  get({ id, organization, team }: ResponseName): { readonly facts: ResponseFacts; readonly sealed: Uint8Array } | undefined {
    const row = this.#statements().get.get(id, organization, team, this.#clock.now()) as
      | { readonly facts: string; readonly sealed: Uint8Array }
      | undefined;
    return row === undefined ? undefined : { facts: JSON.parse(row.facts) as ResponseFacts, sealed: row.sealed };
  }

  remove({ id, organization, team }: ResponseName): boolean {
    return Number(this.#statements().remove.run(id, organization, team).changes) > 0;
  }

  close(): void {
    this.#open?.db.close();
    this.#open = undefined;
  }

  #prune(): void {
    const now = this.#clock.now();
    if (now - this.#prunedAt < PRUNE_EVERY_MS) return;
    this.#prunedAt = now;
    this.#statements().prune.run(now);
  }

  #statements(): Statements {
    this.#open ??= prepare(openWritable(path.join(this.#folder, FILE_NAME), { synchronous: 'normal', migrations: MIGRATIONS }));
    return this.#open;
  }
}

interface Statements {
  readonly db: SqliteDatabase;
  readonly put: SqliteStatement;
  readonly get: SqliteStatement;
  readonly remove: SqliteStatement;
  readonly prune: SqliteStatement;
}

const prepare = (db: SqliteDatabase): Statements => ({
  db,
  put: db.prepare(
    `INSERT INTO responses (id, organization, team, facts, sealed, expires_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET facts = excluded.facts, sealed = excluded.sealed, expires_at = excluded.expires_at
     WHERE organization = excluded.organization AND team = excluded.team`,
  ),
  get: db.prepare('SELECT facts, sealed FROM responses WHERE id = ? AND organization = ? AND team = ? AND expires_at > ?'),
  remove: db.prepare('DELETE FROM responses WHERE id = ? AND organization = ? AND team = ?'),
  prune: db.prepare(
    `DELETE FROM responses WHERE id IN (SELECT id FROM responses WHERE expires_at <= ? ORDER BY expires_at LIMIT ${PRUNE_ROWS})`,
  ),
});
