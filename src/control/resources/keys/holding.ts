import { may, mayGrant, type Identity } from '../../../access/permissions.ts';
import type { Database } from '../../database.ts';
import { grantsOf } from '../users/service.ts';
import type { StoredKey } from './rows.ts';

export type KeyPower = Pick<StoredKey, 'organization' | 'team' | 'kind'>;

/** A key of the kind `admin` is a role in its team: who could not give that role cannot have the key made. */
export function mayEmpower(identity: Identity, { organization, team, kind }: KeyPower): boolean {
  const place = { organization, team };
  if (kind === 'admin') return mayGrant(identity, { role: 'team_admin', ...place });
  return kind !== 'read' || may(identity, 'usage.read', place) || may(identity, 'key.write', place);
}

/** A person has keys only where they work: in the team, or anywhere in its organization. */
export const worksIn = ({ grants }: Identity, { organization, team }: Pick<KeyPower, 'organization' | 'team'>): boolean =>
  grants.some((grant) => grant.organization === organization && (grant.team === null || grant.team === team));

/** Whether the person that a key belongs to may have it, by the roles of now. */
export async function mayHold(db: Database, key: KeyPower & Pick<StoredKey, 'user'>): Promise<boolean> {
  if (key.user === null) return true;
  const identity = { user: key.user, grants: await grantsOf(db, key.user) };
  return worksIn(identity, key) && mayEmpower(identity, key);
}
