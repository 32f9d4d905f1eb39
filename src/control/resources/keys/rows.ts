import type { Selectable } from 'kysely';
import type { ModelSet } from '../../../access/model-set.ts';
import type { KeyRow, SignedText } from '../../../access/principal.ts';
import type { KeyView } from '../../../api/keys.ts';
import type { KeyDigest, KeyId, OrganizationId, TeamId } from '../../../core/ids.ts';
import { ownerKey, type OwnerRef } from '../../../core/owner.ts';
import type { KeyRules } from '../../../core/rules.ts';
import type { Database, KeysTable } from '../../database.ts';
import { ownerNames } from '../../owners.ts';

export type StoredKey = Selectable<KeysTable>;

/** What somebody decides about a key. */
export type KeyWish = Pick<
  StoredKey,
  | 'name'
  | 'organization'
  | 'team'
  | 'project'
  | 'user'
  | 'service_account'
  | 'kind'
  | 'expires_at'
  | 'models'
  | 'max_parallel'
  | 'endpoints'
  | 'addresses'
  | 'rules'
  | 'metadata'
  | 'lineage'
>;

/** What decides about a key: the part of the row that the vault signs. */
export type KeyFacts = KeyWish & Pick<StoredKey, 'id' | 'digest' | 'version' | 'blocked'>;

/** The exact text that is signed. `models`: what the key may use, its wish within what its parents allow. Member order is fixed here. */
export function signableText(key: KeyFacts, models: ModelSet): string {
  const row: KeyRow = {
    id: key.id as KeyId,
    digest: key.digest as KeyDigest,
    version: key.version,
    name: key.name,
    organization: key.organization as OrganizationId,
    team: key.team as TeamId,
    ...(key.expires_at !== null && { expiresAt: key.expires_at }),
    ...(models !== undefined && { models }),
    ...(models !== undefined && JSON.stringify(models) !== key.models && { wanted: listOf(key.models) }),
    ...(key.max_parallel !== null && { maxParallel: key.max_parallel }),
    ...(key.project !== null && { project: key.project }),
    ...(key.user !== null && { user: key.user }),
    ...(key.service_account !== null && { serviceAccount: key.service_account }),
    ...(key.kind !== 'llm' && { kind: key.kind }),
    ...(key.blocked === 1 && { blocked: true as const }),
    ...(key.endpoints !== null && { endpoints: JSON.parse(key.endpoints) as string[] }),
    ...(key.addresses !== null && { addresses: JSON.parse(key.addresses) as string[] }),
    ...(key.rules !== null && { rules: JSON.parse(key.rules) as KeyRules }),
    ...(key.metadata !== null && { metadata: JSON.parse(key.metadata) as Record<string, string> }),
    ...(key.lineage !== null && { lineage: key.lineage as KeyId }),
  };
  return JSON.stringify(row);
}

const listOf = (json: string | null): readonly string[] | null => (json === null ? null : (JSON.parse(json) as string[]));

export const signedOf = ({ signed_text, signature }: StoredKey): SignedText => ({ text: signed_text, signature });

/** Whether the columns say what the signed text says: else somebody edited them, and signing them anew would make that true. */
export function agreesWithSigned(key: StoredKey): boolean {
  const { models } = JSON.parse(key.signed_text) as KeyRow;
  return signableText(key, models) === key.signed_text;
}

export function stateOf(
  { state, expires_at, blocked }: Pick<StoredKey, 'state' | 'expires_at' | 'blocked'>,
  now: number,
): KeyView['state'] {
  if (state === 'revoked') return 'revoked';
  if (expires_at !== null && expires_at <= now) return 'expired';
  return blocked === 1 ? 'blocked' : 'active';
}

const instant = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString());
const mutable = (json: string | null): string[] | null => (json === null ? null : (JSON.parse(json) as string[]));

/** `names`: of its owners, as `ownerNames` tells them. */
const viewOf = (key: StoredKey, now: number, names: Readonly<Record<string, string>>): KeyView => ({
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
  models: allowedModels(key),
  max_parallel: key.max_parallel,
  project: key.project,
  user: key.user,
  service_account: key.service_account,
  kind: key.kind,
  endpoints: mutable(key.endpoints),
  addresses: mutable(key.addresses),
  metadata: key.metadata === null ? {} : (JSON.parse(key.metadata) as Record<string, string>),
  organization_name: names[ownerKey({ kind: 'organization', id: key.organization })] ?? key.organization,
  team_name: names[ownerKey({ kind: 'team', id: key.team })] ?? key.team,
  project_name: key.project === null ? null : (names[ownerKey({ kind: 'project', id: key.project })] ?? key.project),
  user_name: key.user === null ? null : (names[ownerKey({ kind: 'user', id: key.user })] ?? key.user),
});

export async function viewsOf(db: Database, keys: readonly StoredKey[], now: number): Promise<KeyView[]> {
  const names = await ownerNames(db, keys.flatMap(ownersOf));
  return keys.map((key) => viewOf(key, now, names));
}

const ownersOf = ({ organization, team, project, user }: StoredKey): readonly OwnerRef[] => [
  { kind: 'organization', id: organization },
  { kind: 'team', id: team },
  ...(project === null ? [] : [{ kind: 'project', id: project } as const]),
  ...(user === null ? [] : [{ kind: 'user', id: user } as const]),
];

/** What the key may use now, which is what was signed. */
function allowedModels({ signed_text }: StoredKey): string[] | null {
  try {
    const { models } = JSON.parse(signed_text) as KeyRow;
    return models === undefined ? null : [...models];
  } catch {
    // Somebody edited the row, and no gateway takes it: one such row must not hide all others from a list.
    return [];
  }
}
