import fs from 'node:fs';
import path from 'node:path';
import type { Generated, Kysely } from 'kysely';
import { kyselyOver } from '../store/sqlite/kysely.ts';
import { inTransaction, openWritable, type Migration, type SqliteDatabase } from '../store/sqlite/open.ts';
import { headTables, type HeadSchema } from './head-tables.ts';
import { limitTables, type LimitSchema } from './limit-tables.ts';
import { RowHeads } from './row-heads.ts';
import { sessionTables, type SessionSchema } from './session-tables.ts';
import { sealedTables, tenancyTables, type TenancySchema } from './tenancy-tables.ts';

/** Tables of `control.db`. Times are Unix milliseconds. */
export interface Schema extends LimitSchema, TenancySchema, SessionSchema, HeadSchema {
  readonly keys: KeysTable;
  readonly meta: { readonly name: string; readonly value: string };
}

export interface KeysTable {
  readonly id: string;
  readonly digest: string;
  readonly version: number;
  readonly name: string;
  readonly hint: string;
  readonly organization: string;
  readonly team: string;
  readonly environment: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  /** JSON list as it was asked for, with access groups; null: all that the parents allow. What counts is in `signed_text`. */
  readonly models: string | null;
  readonly max_parallel: number | null;
  /** Its limits and budgets as JSON of `KeyRules`, made from their tables; null: none. */
  readonly rules: string | null;
  readonly project: string | null;
  readonly user: string | null;
  readonly service_account: string | null;
  readonly kind: 'llm' | 'read' | 'admin';
  readonly blocked: 0 | 1;
  /** JSON lists; null: all. */
  readonly endpoints: string | null;
  readonly addresses: string | null;
  /** JSON object of texts. */
  readonly metadata: string | null;
  readonly state: Generated<'active' | 'revoked'>;
  readonly revoked_at: number | null;
  readonly replaced_by: string | null;
  /** The first of the keys that replaced one another down to this one; null: itself. */
  readonly lineage: string | null;
  /** 0 while a vault shard still has to be told of the revoke. */
  readonly revoke_confirmed: Generated<0 | 1>;
  /** The same of a block, or of its end. */
  readonly block_confirmed: Generated<0 | 1>;
  /** The row as the vault signed it. Whatever the columns say, only this counts at gateway and vault. */
  readonly signed_text: string;
  readonly signature: string;
}

export type Database = Kysely<Schema>;

export const DEFAULT_NAME = 'default';

/** Also read by `restore`, which refuses a newer schema before it writes anything. */
export const DATABASE_FILE = 'control.db';

export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    name: 'organizations, teams, keys',
    sql: `
      CREATE TABLE organizations (
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE teams (
        id TEXT PRIMARY KEY, organization TEXT NOT NULL REFERENCES organizations (id), name TEXT NOT NULL,
        created_at INTEGER NOT NULL, UNIQUE (organization, name)
      ) STRICT;
      CREATE TABLE keys (
        id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, name TEXT NOT NULL, hint TEXT NOT NULL,
        organization TEXT NOT NULL REFERENCES organizations (id), team TEXT NOT NULL REFERENCES teams (id),
        environment TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER, models TEXT, max_parallel INTEGER,
        state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'revoked')), revoked_at INTEGER, replaced_by TEXT,
        revoke_confirmed INTEGER NOT NULL DEFAULT 0, signed_text TEXT NOT NULL, signature TEXT NOT NULL
      ) STRICT;
      CREATE INDEX keys_by_team ON keys (organization, team, created_at);
      CREATE INDEX keys_in_grace ON keys (expires_at) WHERE replaced_by IS NOT NULL AND state = 'active';
      CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    `,
  },
  limitTables(2),
  tenancyTables(3),
  sealedTables(4),
  sessionTables(5),
  headTables,
];

/** The control plane's own file, opened once as its only writer. */
export interface ControlStore {
  readonly db: Database;
  readonly heads: RowHeads;
  /** There was no file before this start. */
  readonly isNew: boolean;
  /** Copies the whole file, consistently, while it is in use. */
  copyTo(file: string): void;
}

/** Throws `schema_too_new` where a newer program wrote the file. */
export function openControlStore(folder: string, now: number): ControlStore {
  const isNew = !fs.existsSync(path.join(folder, DATABASE_FILE));
  const at = path.join(folder, DATABASE_FILE);
  const file = openWritable(at, { synchronous: 'full', migrations: MIGRATIONS });
  inTransaction(file, () => insertDefaults(file, now));
  return {
    db: kyselyOver<Schema>(file),
    heads: new RowHeads(file, at),
    isNew,
    copyTo: (target) => void file.prepare('VACUUM INTO ?').run(target),
  };
}

function insertDefaults(file: SqliteDatabase, now: number): void {
  file.prepare('INSERT OR IGNORE INTO organizations (id, name, created_at) VALUES (?, ?, ?)').run(DEFAULT_NAME, DEFAULT_NAME, now);
  file
    .prepare('INSERT OR IGNORE INTO teams (id, organization, name, created_at) VALUES (?, ?, ?, ?)')
    .run(DEFAULT_NAME, DEFAULT_NAME, DEFAULT_NAME, now);
}

export async function readMeta(db: Database, name: string): Promise<string | undefined> {
  return (await db.selectFrom('meta').select('value').where('name', '=', name).executeTakeFirst())?.value;
}

export async function writeMeta(db: Database, name: string, value: string): Promise<void> {
  await db
    .insertInto('meta')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}
