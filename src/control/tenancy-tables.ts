import type { Generated } from 'kysely';
import type { Role } from '../access/permissions.ts';
import type { Migration } from '../store/sqlite/open.ts';

/** Rows of who a key belongs to and of who may do what. Times are Unix milliseconds; lists are JSON; null models: all that the parent may use. */

/** `signature`: the vault's, over all that decides; '' for what was removed. A row that somebody edited is as if it were not there. */
interface Sealed {
  readonly signature: Generated<string>;
}

interface Removable extends Sealed {
  /** Set for what was removed: the row stays, because usage and keys of the past name it. */
  readonly removed_at: Generated<number | null>;
}

export interface OrganizationsTable extends Removable {
  readonly id: string;
  readonly name: string;
  readonly created_at: number;
  readonly models: Generated<string | null>;
}

export interface TeamsTable extends Removable {
  readonly id: string;
  readonly organization: string;
  readonly name: string;
  readonly created_at: number;
  readonly models: Generated<string | null>;
  readonly keys_per_member: Generated<number>;
}

export interface ProjectsTable extends Removable {
  readonly id: string;
  readonly organization: string;
  readonly team: string;
  readonly name: string;
  readonly created_at: number;
  readonly models: string | null;
}

export interface ServiceAccountsTable extends Removable {
  readonly id: string;
  readonly organization: string;
  readonly team: string;
  readonly name: string;
  readonly created_at: number;
}

export interface UsersTable extends Removable {
  readonly id: string;
  readonly name: string;
  /** Lower case. */
  readonly email: string;
  /** Whose administrators manage the person; null: those of the node. */
  readonly organization: string | null;
  readonly state: 'active' | 'blocked';
  readonly created_at: number;
}

/** `signature`: the vault's, over all the rest. A row that someone edited gives nobody anything. */
export interface MembershipsTable {
  readonly id: string;
  readonly user: string;
  readonly organization: string | null;
  readonly team: string | null;
  readonly role: Role;
  readonly created_at: number;
  readonly signature: string;
}

/** As a membership. Without `signature` once it is revoked. */
export interface TokensTable {
  readonly id: string;
  readonly digest: string;
  readonly user: string;
  readonly name: string;
  readonly hint: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
  readonly signature: string;
}

export interface AccessGroupsTable extends Sealed {
  readonly id: string;
  readonly name: string;
  readonly models: string;
  readonly created_at: number;
}

/** Who names an access group, so that a change of the group finds them without reading every key. */
interface GroupUsesTable {
  readonly access_group: string;
  readonly kind: 'organization' | 'team' | 'project' | 'key';
  readonly id: string;
}

/** Work on many keys that must end even if this process does not live to do it. */
export interface KeyWorkTable {
  readonly id: Generated<number>;
  /** `recheck`: ends keys that their person may not have by the roles of now. */
  readonly act: 'resign' | 'cut' | 'revoke' | 'block' | 'recheck';
  readonly kind: KeyOwnerKind;
  readonly target: string;
}
export type KeyOwnerKind = 'organization' | 'team' | 'project' | 'user' | 'service_account' | 'access_group';

/** There is a row while rows of before this schema have no seal yet. */
interface UnsealedTable {
  readonly since: number;
}

export interface TenancySchema {
  readonly organizations: OrganizationsTable;
  readonly teams: TeamsTable;
  readonly projects: ProjectsTable;
  readonly service_accounts: ServiceAccountsTable;
  readonly users: UsersTable;
  readonly memberships: MembershipsTable;
  readonly tokens: TokensTable;
  readonly access_groups: AccessGroupsTable;
  readonly group_uses: GroupUsesTable;
  readonly key_work: KeyWorkTable;
  readonly unsealed: UnsealedTable;
}

const place = 'organization TEXT NOT NULL REFERENCES organizations (id), team TEXT NOT NULL REFERENCES teams (id)';

const PLACES_AND_PEOPLE = `
    ALTER TABLE organizations ADD COLUMN models TEXT;
    ALTER TABLE organizations ADD COLUMN removed_at INTEGER;
    ALTER TABLE teams ADD COLUMN models TEXT;
    ALTER TABLE teams ADD COLUMN keys_per_member INTEGER NOT NULL DEFAULT 10;
    ALTER TABLE teams ADD COLUMN removed_at INTEGER;
    CREATE TABLE projects (
      id TEXT PRIMARY KEY, ${place}, name TEXT NOT NULL, created_at INTEGER NOT NULL, models TEXT, removed_at INTEGER,
      UNIQUE (team, name)
    ) STRICT;
    CREATE TABLE service_accounts (
      id TEXT PRIMARY KEY, ${place}, name TEXT NOT NULL, created_at INTEGER NOT NULL, removed_at INTEGER, UNIQUE (team, name)
    ) STRICT;
    CREATE TABLE users (
      id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, organization TEXT REFERENCES organizations (id),
      state TEXT NOT NULL CHECK (state IN ('active', 'blocked')), created_at INTEGER NOT NULL, removed_at INTEGER
    ) STRICT;
    CREATE INDEX users_by_organization ON users (organization, id);
    CREATE TABLE memberships (
      id TEXT PRIMARY KEY, "user" TEXT NOT NULL REFERENCES users (id), organization TEXT REFERENCES organizations (id),
      team TEXT REFERENCES teams (id), role TEXT NOT NULL, created_at INTEGER NOT NULL, signature TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX memberships_by_user ON memberships ("user", coalesce(organization, ''), coalesce(team, ''));
    CREATE INDEX memberships_by_place ON memberships (organization, team, id);
    CREATE TABLE tokens (
      id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, "user" TEXT NOT NULL REFERENCES users (id), name TEXT NOT NULL,
      hint TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER, revoked_at INTEGER, signature TEXT NOT NULL
    ) STRICT;
    CREATE INDEX tokens_by_user ON tokens ("user", id);
    CREATE TABLE access_groups (
      id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, models TEXT NOT NULL, created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE group_uses (
      access_group TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (access_group, kind, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX group_uses_by_user ON group_uses (kind, id);
`;

/**
 * Each list of keys is read off one of the indexes in its own order, so that a page costs the same however many keys there are.
 * `keys_with_models_…`: those that a parent that shrinks may cut.
 */
const KEYS = `
    CREATE TABLE key_work (id INTEGER PRIMARY KEY, act TEXT NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL) STRICT;
    ALTER TABLE keys ADD COLUMN project TEXT REFERENCES projects (id);
    ALTER TABLE keys ADD COLUMN "user" TEXT REFERENCES users (id);
    ALTER TABLE keys ADD COLUMN service_account TEXT REFERENCES service_accounts (id);
    ALTER TABLE keys ADD COLUMN kind TEXT NOT NULL DEFAULT 'llm';
    ALTER TABLE keys ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE keys ADD COLUMN endpoints TEXT;
    ALTER TABLE keys ADD COLUMN addresses TEXT;
    ALTER TABLE keys ADD COLUMN metadata TEXT;
    DROP INDEX keys_by_team;
    CREATE INDEX keys_of_organization ON keys (organization, id);
    CREATE INDEX keys_of_team ON keys (team, id);
    CREATE INDEX keys_of_project ON keys (project, id) WHERE project IS NOT NULL;
    CREATE INDEX keys_of_user ON keys ("user", id) WHERE "user" IS NOT NULL;
    CREATE INDEX keys_of_service_account ON keys (service_account, id) WHERE service_account IS NOT NULL;
    CREATE INDEX keys_by_name ON keys (name, id);
    CREATE INDEX keys_of_organization_by_name ON keys (organization, name, id);
    CREATE INDEX keys_of_team_by_name ON keys (team, name, id);
    CREATE INDEX keys_revoked ON keys (id) WHERE state = 'revoked';
    CREATE INDEX keys_unconfirmed ON keys (id) WHERE state = 'revoked' AND revoke_confirmed = 0;
    CREATE INDEX keys_with_models_of_organization ON keys (organization, id) WHERE models IS NOT NULL AND state = 'active';
    CREATE INDEX keys_with_models_of_team ON keys (team, id) WHERE models IS NOT NULL AND state = 'active';
    CREATE INDEX keys_with_models_of_project ON keys (project, id) WHERE models IS NOT NULL AND state = 'active';
`;

export const tenancyTables = (version: number): Migration => ({
  version,
  name: 'projects, people, access groups',
  sql: PLACES_AND_PEOPLE + KEYS,
});

/**
 * `keys.lineage`: the first key of those that replaced one another, whose limits and budgets they share; null: itself.
 * `keys.block_confirmed`: 0 while a vault shard still has to be told that the key is blocked, or is no more.
 */
const SEALS = `
    ALTER TABLE organizations ADD COLUMN signature TEXT NOT NULL DEFAULT '';
    ALTER TABLE teams ADD COLUMN signature TEXT NOT NULL DEFAULT '';
    ALTER TABLE projects ADD COLUMN signature TEXT NOT NULL DEFAULT '';
    ALTER TABLE service_accounts ADD COLUMN signature TEXT NOT NULL DEFAULT '';
    ALTER TABLE users ADD COLUMN signature TEXT NOT NULL DEFAULT '';
    ALTER TABLE access_groups ADD COLUMN signature TEXT NOT NULL DEFAULT '';
    CREATE TABLE unsealed (since INTEGER NOT NULL) STRICT;
    INSERT INTO unsealed (since) VALUES (0);
    ALTER TABLE keys ADD COLUMN lineage TEXT;
    ALTER TABLE keys ADD COLUMN block_confirmed INTEGER NOT NULL DEFAULT 1;
    UPDATE keys SET block_confirmed = 0 WHERE blocked = 1;
    CREATE INDEX keys_of_lineage ON keys (lineage) WHERE lineage IS NOT NULL;
    CREATE INDEX keys_block_unconfirmed ON keys (id) WHERE block_confirmed = 0 AND state = 'active';
`;

export const sealedTables = (version: number): Migration => ({
  version,
  name: 'seals of organizations, people and access groups; lineages of keys',
  sql: SEALS,
});
