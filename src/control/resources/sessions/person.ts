import type { Actor } from '../../../audit/record.ts';
import { newKeyId, newRowId } from '../../../core/ids.ts';
import type { ControlDeps } from '../../deps.ts';
import type { VerifiedToken } from '../../issuers.ts';
import type { ClaimedPlace, TokenPerson } from '../../login-token.ts';
import type { SealedFacts } from '../../row-seals.ts';
import type { IdentitiesTable } from '../../session-tables.ts';
import { findOrganization, findTeam } from '../organizations/service.ts';
import { createUser, findUser, type UserRow } from '../users/service.ts';
import { readClaims, type Claimed } from './claims.ts';
import { followClaims } from './members.ts';
import { found } from './place.ts';

/** What follows from an issuer's word is its act in the log. */
export const actorOf = (issuer: string): Actor => ({ kind: 'system', id: `system:issuer/${issuer}` });

/** Tokens of one subject are worked on one after another: two at once must not make two people. */
const underWay = new Map<string, Promise<unknown>>();

/** Undefined: nobody here, for whatever reason; the reason is in the log. */
export async function personOf(deps: ControlDeps, token: VerifiedToken): Promise<TokenPerson | undefined> {
  const { config, claims } = token;
  const subject = JSON.stringify([claims.iss, claims.sub]);
  const before = underWay.get(subject);
  const own = (before ?? Promise.resolve()).then(() => findOrMake(deps, token));
  const settled = own.catch(() => undefined).finally(() => underWay.get(subject) === settled && underWay.delete(subject));
  underWay.set(subject, settled);
  const found = await own;
  if (typeof found !== 'string') return found;
  deps.log.info('token.refused', { issuer: config.id, reason: found });
  return undefined;
}

async function findOrMake(deps: ControlDeps, token: VerifiedToken): Promise<TokenPerson | string> {
  const { db } = deps;
  const claimed = readClaims(token.config, token.claims);
  const { organization: reference } = claimed;
  const organization = reference === undefined ? undefined : await found(findOrganization(db, reference));
  if (organization === undefined) return 'its claims name no organization that is here';
  const identity = (await knownIdentity(deps, token)) ?? (await newIdentity(deps, token, claimed, organization.id));
  if (typeof identity === 'string') return identity;
  const user = await found(findUser(db, identity.user));
  if (user?.state !== 'active') return 'the person is blocked or removed';
  if (!isOfHome(token, user, organization.id)) return 'the person belongs to another organization';
  const places = await placesOf(deps, organization.id, claimed);
  if (!(await followClaims(deps, actorOf(token.config.id), identity, places))) return 'a row of the roles that its claims gave was edited';
  return { user, identity, places };
}

/** An issuer speaks for the people of the organization that its claims name, and for those of the node where the operator says so. */
const isOfHome = ({ config }: VerifiedToken, user: UserRow, organization: string): boolean =>
  user.organization === null ? config.nodePeople : user.organization === organization;

async function placesOf({ db }: ControlDeps, organization: string, { teams, role }: Claimed): Promise<readonly ClaimedPlace[]> {
  if (role === undefined) return [];
  const places = await Promise.all(
    [...new Set(teams)].map(async (reference) => {
      const team = await found(findTeam(db, organization, reference));
      return team === undefined ? [] : [{ organization, team: team.id, role }];
    }),
  );
  return places.flat();
}

const factsOf = ({ issuer, subject, user, key, created_at }: Omit<IdentitiesTable, 'signature'>): SealedFacts => [
  'identity',
  key,
  issuer,
  subject,
  user,
  created_at,
];

async function knownIdentity({ db, seals }: ControlDeps, { claims }: VerifiedToken): Promise<IdentitiesTable | string | undefined> {
  const row = await db
    .selectFrom('identities')
    .selectAll()
    .where('issuer', '=', claims.iss)
    .where('subject', '=', claims.sub)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return (await seals.holds(factsOf(row), row.signature)) ? row : 'the row of this subject was edited';
}

/** Who comes for the first time: the person of that address, or a new one. */
async function newIdentity(
  deps: ControlDeps,
  token: VerifiedToken,
  { email, name }: Claimed,
  organization: string,
): Promise<IdentitiesTable | string> {
  const { db, seals, authority, clock } = deps;
  const { config, claims } = token;
  if ((await deps.rows.doubted()).length > 0) return 'it is new here, and the database is not as this node wrote it: bulkhead rows';
  if (email === undefined) return 'it names no e-mail address that the issuer verified';
  const known = await found(findUser(db, email));
  if (known === undefined && !config.createPeople) return 'nobody here has its e-mail address';
  if (known !== undefined && !isOfHome(token, known, organization)) return 'its e-mail address belongs to a person of another organization';
  const by = actorOf(config.id);
  const user = known ?? (await newPerson(deps, by, { email, name: name ?? email, organization }));
  if (user === undefined) return 'its e-mail address is taken';
  const facts = { issuer: claims.iss, subject: claims.sub, user: user.id, key: newKeyId(clock.now()), created_at: clock.now() };
  await authority.permit(by, 'user.link', `user/${user.id}`, { issuer: config.id, subject: claims.sub });
  const row = { ...facts, signature: await seals.seal(factsOf(facts)) };
  await db.insertInto('identities').values(row).execute();
  return row;
}

async function newPerson(
  { db, seals, authority, clock }: ControlDeps,
  by: Actor,
  person: Pick<UserRow, 'name' | 'email' | 'organization'>,
): Promise<UserRow | undefined> {
  // Also by somebody whose row was edited, whom nobody finds.
  const taken = await db.selectFrom('users').select('id').where('email', '=', person.email).executeTakeFirst();
  if (taken !== undefined) return undefined;
  const id = newRowId('usr', clock.now());
  const permit = await authority.permit(by, 'user.create', `user/${id}`, { organization: person.organization });
  return createUser({ db, seals }, permit, { id, ...person }, clock.now());
}
