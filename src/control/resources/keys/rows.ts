import type { KeyRow } from '../../../access/principal.ts';
import type { KeyView } from '../../../api/keys.ts';
import type { KeyDigest, KeyId, OrganizationId, TeamId } from '../../../core/ids.ts';
import type { Selectable } from 'kysely';
import type { KeysTable } from '../../database.ts';

export type StoredKey = Selectable<KeysTable>;

/** What decides about a key: the part of the row that the vault signs. */
export type KeyFacts = Pick<
  StoredKey,
  'id' | 'digest' | 'version' | 'name' | 'organization' | 'team' | 'expires_at' | 'models' | 'max_parallel'
>;

/** The exact text that is signed. Member order is fixed here. */
export function signableText(key: KeyFacts): string {
  const row: KeyRow = {
    id: key.id as KeyId,
    digest: key.digest as KeyDigest,
    version: key.version,
    name: key.name,
    organization: key.organization as OrganizationId,
    team: key.team as TeamId,
    ...(key.expires_at !== null && { expiresAt: key.expires_at }),
    ...(key.models !== null && { models: JSON.parse(key.models) as string[] }),
    ...(key.max_parallel !== null && { maxParallel: key.max_parallel }),
  };
  return JSON.stringify(row);
}

export const stateOf = ({ state, expires_at }: Pick<StoredKey, 'state' | 'expires_at'>, now: number): KeyView['state'] =>
  state === 'revoked' ? 'revoked' : expires_at !== null && expires_at <= now ? 'expired' : 'active';

const instant = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString());

export const viewOf = (key: StoredKey, now: number): KeyView => ({
  id: key.id,
  name: key.name,
  hint: key.hint,
  organization: key.organization,
  team: key.team,
  state: stateOf(key, now),
  version: key.version,
  created_at: new Date(key.created_at).toISOString(),
  expires_at: instant(key.expires_at),
  revoked_at: instant(key.revoked_at),
  replaced_by: key.replaced_by,
  models: key.models === null ? null : (JSON.parse(key.models) as string[]),
  max_parallel: key.max_parallel,
});
