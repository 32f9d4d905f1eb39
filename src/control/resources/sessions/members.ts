import type { Actor } from '../../../audit/record.ts';
import { newRowId } from '../../../core/ids.ts';
import type { Database } from '../../database.ts';
import type { ControlDeps } from '../../deps.ts';
import type { ClaimedPlace } from '../../login-token.ts';
import { sealed } from '../../sealed-tables.ts';
import type { ClaimedMembersTable, IdentitiesTable } from '../../session-tables.ts';
import { carryOutWork } from '../keys/work.ts';
import { findMembership, membershipAt, putMembership, removeMembership } from '../users/service.ts';
import { found } from './place.ts';

/**
 * Roles that follow an issuer’s claims: given when a claim first names a team, changed and taken away with it. A role that was there before is
 * left alone, and one that an administrator took away stays away. Where the row that says so may be missing, nothing is given. False: somebody
 * edited what was given; then nothing follows from the claims.
 */
export async function followClaims(
  deps: ControlDeps,
  by: Actor,
  identity: IdentitiesTable,
  places: readonly ClaimedPlace[],
): Promise<boolean> {
  const given = await givenTo(deps.db, identity);
  // Without plugins they come as they stand.
  if ((await givenTo(deps.db.withoutPlugins(), identity)).length !== given.length) return false;
  const mayGive = (await deps.rows.doubted()).length === 0;
  for (const row of given) {
    const place = places.find((each) => isAt(each, row));
    if (place === undefined) await withdraw(deps, by, row);
    else if (mayGive) await update(deps, by, row, place);
  }
  const more = mayGive ? places.filter((place) => !given.some((row) => isAt(place, row))) : [];
  for (const place of more) await give(deps, by, identity, place);
  return true;
}

const givenTo = (db: Database, { issuer, subject }: IdentitiesTable): Promise<readonly ClaimedMembersTable[]> =>
  db.selectFrom('claimed_members').selectAll().where('issuer', '=', issuer).where('subject', '=', subject).execute();

type Place = Pick<ClaimedPlace, 'organization' | 'team'>;
const isAt = (place: Place, row: Place): boolean => place.organization === row.organization && place.team === row.team;

async function give(deps: ControlDeps, by: Actor, { issuer, subject, user }: IdentitiesTable, place: ClaimedPlace): Promise<void> {
  const { organization, team } = place;
  const before = await membershipAt(deps.db, { user, organization, team });
  const membership = before === undefined ? await put(deps, by, user, place) : null;
  const row = await sealed(deps.seals, 'claimed_members', { issuer, subject, organization, team, membership });
  await deps.db.insertInto('claimed_members').values(row).execute();
}

/** Instead of the role that the person had there. */
async function put(deps: ControlDeps, by: Actor, user: string, { organization, team, role }: ClaimedPlace): Promise<string> {
  const { authority, clock } = deps;
  const id = newRowId('mem', clock.now());
  const permit = await authority.permit(by, 'member.put', `member/${id}`, { user, role, organization, team });
  const { work } = await putMembership(deps, permit, { id, user, role, organization, team, created_at: clock.now() });
  await carryOutWork(deps, work);
  return id;
}

/** The membership that the claims made, if nobody has replaced it or taken it away. */
const own = async ({ db }: ControlDeps, { membership }: ClaimedMembersTable) =>
  membership === null ? undefined : found(findMembership(db, membership));

async function update(deps: ControlDeps, by: Actor, row: ClaimedMembersTable, place: ClaimedPlace): Promise<void> {
  const held = await own(deps, row);
  if (held === undefined || held.role === place.role) return;
  const membership = await put(deps, by, held.user, place);
  const { signature } = await sealed(deps.seals, 'claimed_members', { ...row, membership });
  await deps.db
    .updateTable('claimed_members')
    .set({ membership, signature })
    .where('issuer', '=', row.issuer)
    .where('subject', '=', row.subject)
    .where('organization', '=', row.organization)
    .where('team', '=', row.team)
    .execute();
}

async function withdraw(deps: ControlDeps, by: Actor, row: ClaimedMembersTable): Promise<void> {
  const { db, authority, clock } = deps;
  const held = await own(deps, row);
  if (held !== undefined) {
    const { user, role, organization, team } = held;
    const permit = await authority.permit(by, 'member.remove', `member/${held.id}`, { user, role, organization, team });
    await carryOutWork(deps, await removeMembership(deps, permit, held, clock.now()));
  }
  await db
    .deleteFrom('claimed_members')
    .where('issuer', '=', row.issuer)
    .where('subject', '=', row.subject)
    .where('organization', '=', row.organization)
    .where('team', '=', row.team)
    .execute();
}
