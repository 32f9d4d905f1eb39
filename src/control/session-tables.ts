import type { Generated } from 'kysely';
import type { Migration } from '../store/sqlite/open.ts';

/** Rows of callers who come with a token of an issuer. Times are Unix milliseconds. */

/** Who a subject of an issuer is here. `signature`: the vault's, over all the rest; a row that somebody edited is nobody. */
export interface IdentitiesTable {
  readonly issuer: string;
  readonly subject: string;
  readonly user: string;
  /** Under this id of a key the ledger counts what the tokens of this subject use. */
  readonly key: string;
  readonly created_at: number;
  readonly signature: string;
}

/** Roles that an issuer’s claims gave, each once: one that was taken away here is not given again while the claims stay as they are. */
export interface ClaimedMembersTable {
  readonly issuer: string;
  readonly subject: string;
  readonly organization: string;
  readonly team: string;
  /** The membership that was made; null: there was one already, which the claims leave alone. */
  readonly membership: string | null;
  /** The vault's, over all the rest. While one of a subject is edited, nobody is let in by its claims. */
  readonly signature: string;
}

/** What is good for a few minutes instead of a key: a row for a token, or a key of `bulkhead login`. */
export interface SessionsTable {
  readonly digest: string;
  readonly kind: 'token' | 'login';
  readonly issuer: string;
  readonly user: string;
  readonly organization: string;
  readonly team: string;
  readonly expires_at: number;
  /** 1: over before its time, and not every process knows yet. */
  readonly ended: Generated<0 | 1>;
  /** 1: what it may use has changed, so that its row is made anew with the next question. */
  readonly stale: Generated<0 | 1>;
  readonly signed_text: string;
  readonly signature: string;
}

export interface SessionSchema {
  readonly identities: IdentitiesTable;
  readonly claimed_members: ClaimedMembersTable;
  readonly sessions: SessionsTable;
}

export const sessionTables = (version: number): Migration => ({
  version,
  name: 'people of issuers, and their sessions',
  sql: `
    CREATE TABLE identities (
      issuer TEXT NOT NULL, subject TEXT NOT NULL, "user" TEXT NOT NULL REFERENCES users (id), key TEXT NOT NULL UNIQUE,
      created_at INTEGER NOT NULL, signature TEXT NOT NULL, PRIMARY KEY (issuer, subject)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE claimed_members (
      issuer TEXT NOT NULL, subject TEXT NOT NULL, organization TEXT NOT NULL, team TEXT NOT NULL, membership TEXT,
      PRIMARY KEY (issuer, subject, organization, team)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE sessions (
      digest TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('token', 'login')), issuer TEXT NOT NULL,
      "user" TEXT NOT NULL REFERENCES users (id), organization TEXT NOT NULL, team TEXT NOT NULL, expires_at INTEGER NOT NULL,
      ended INTEGER NOT NULL DEFAULT 0, stale INTEGER NOT NULL DEFAULT 0, signed_text TEXT NOT NULL, signature TEXT NOT NULL
    ) STRICT;
    CREATE INDEX sessions_by_end ON sessions (expires_at);
    CREATE INDEX sessions_of_user ON sessions ("user");
    CREATE INDEX sessions_of_team ON sessions (organization, team);
    CREATE INDEX sessions_ended ON sessions (digest) WHERE ended = 1;
  `,
});
