import { endOf, isFor } from '../../../access/jwt.ts';
import type { KeyRow, SessionFacts, SignedSession, SignedText } from '../../../access/principal.ts';
import { digestKey, isWellFormed, newVirtualKey } from '../../../access/virtual-key.ts';
import type { Actor } from '../../../audit/record.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { KeyDigest, KeyId, OrganizationId, TeamId } from '../../../core/ids.ts';
import { CONTROL, type PermitFor } from '../../acts.ts';
import type { Database } from '../../database.ts';
import type { ControlDeps } from '../../deps.ts';
import type { VerifiedToken } from '../../issuers.ts';
import type { ClaimedPlace, LoginToken, TokenPerson } from '../../login-token.ts';
import { ModelScopes } from '../../model-scope.ts';
import type { SessionsTable } from '../../session-tables.ts';
import { findUser } from '../users/service.ts';
import type { Session } from './end.ts';
import { actorOf, personOf } from './person.ts';
import { mayWork } from './place.ts';

/** Rows of minutes: for a token that a caller sends with each request, and for the key of a login. */

/** The environment of login keys, so that people and scanners tell them from others: `bh_login_…`. */
const ENVIRONMENT = 'login';

/**
 * The person behind a token that was sent to the control port; undefined: nobody. One that is for the login's client alone is good for as long
 * as the key that it gives: so a removal at the issuer ends both. Throws login_not_fresh.
 */
export async function personBehind(deps: ControlDeps, text: string): Promise<LoginToken | undefined> {
  const token = await deps.issuers.verify(text, 'people');
  if (token !== undefined && !isFor(token.claims, token.config.audiences) && loginEnd(token) <= deps.clock.now())
    throw new BulkheadError('login_not_fresh');
  const person = token === undefined ? undefined : await personOf(deps, token);
  return token === undefined || person === undefined ? undefined : { token, person };
}

/** The row for a token that a caller presented to a gateway. Undefined: it proves nobody who may call models. */
export async function resolveToken(deps: ControlDeps, text: string): Promise<SignedSession | undefined> {
  const token = await deps.issuers.verify(text, 'callers');
  const person = token === undefined ? undefined : await personOf(deps, token);
  if (token === undefined || person === undefined) return undefined;
  const place = await firstPlace(deps, person);
  if (place === undefined) return undefined;
  const digest = digestKey(text);
  const now = deps.clock.now();
  const known = await liveSession(deps.db, digest, now);
  if (known?.ended === 1) return undefined;
  const isSame = known?.stale === 0 && known.team === place.team && known.user === person.user.id;
  if (isSame) return { row: signedOf(known), issuer: token.signed };
  const expiresAt = Math.min(now + token.config.sessionMs, endOf(token.claims), token.keysUntil);
  const facts = { digest, kind: 'token', ...factsOf(token, person, place), expires_at: expiresAt } as const;
  const by = actorOf(token.config.id);
  const permit = await deps.authority.permit(by, 'session.create', `session/${digest}`, auditFacts(facts));
  return { row: signedOf(await writeSession(deps, permit, facts)), issuer: token.signed };
}

const liveSession = (db: Database, digest: string, now: number): Promise<Session | undefined> =>
  db.selectFrom('sessions').selectAll().where('digest', '=', digest).where('expires_at', '>', now).executeTakeFirst();

const signedOf = ({ signed_text: text, signature }: Pick<Session, 'signed_text' | 'signature'>): SignedText => ({ text, signature });

/** The first place of the claims where the person's roles reach: a role that was taken away here counts, whatever the claims say. */
async function firstPlace({ db }: ControlDeps, { user, places }: TokenPerson, wanted?: string): Promise<ClaimedPlace | undefined> {
  for (const place of places) {
    if ((wanted === undefined || wanted === place.team) && (await mayWork(db, user.id, place))) return place;
  }
  return undefined;
}

interface Facts extends Pick<SessionsTable, 'digest' | 'kind' | 'issuer' | 'user' | 'organization' | 'team' | 'expires_at'> {
  readonly key: string;
  readonly name: string;
  readonly session: SessionFacts;
}

const factsOf = ({ claims }: VerifiedToken, { user, identity }: TokenPerson, { organization, team }: ClaimedPlace) => ({
  issuer: claims.iss,
  user: user.id,
  name: user.email,
  organization,
  team,
  key: identity.key,
  session: { issuer: claims.iss, subject: claims.sub },
});

const auditFacts = ({ kind, issuer, user, team, expires_at }: Facts) => ({ kind, issuer, user, team, expires_at });

/** Throws changed_meanwhile where person, role or models changed while the vault signed: whoever ended sessions then did not see this one. */
async function writeSession({ db, vaults, clock }: ControlDeps, _permit: PermitFor<'session.create'>, facts: Facts): Promise<Session> {
  const { digest, kind, issuer, user, organization, team, expires_at } = facts;
  const at = { organization, team, project: null };
  const version = clock.now();
  const text = rowText(facts, await new ModelScopes(db).of(at), version);
  const { text: signed_text, signature } = await vaults.sign(kind === 'token' ? 'session' : 'key', text);
  const row: Session = { digest, kind, issuer, user, organization, team, expires_at, ended: 0, stale: 0, signed_text, signature };
  await db.transaction().execute(async (transaction) => {
    const before = await transaction.selectFrom('sessions').select('ended').where('digest', '=', digest).executeTakeFirst();
    const current = rowText(facts, await new ModelScopes(transaction).of(at), version) === text;
    const { state } = await findUser(transaction, user);
    if (!current || before?.ended === 1 || state !== 'active' || !(await mayWork(transaction, user, facts)))
      throw new BulkheadError('changed_meanwhile', { resource: 'session of', id: user });
    await transaction.deleteFrom('sessions').where('digest', '=', digest).execute();
    await transaction.insertInto('sessions').values(row).execute();
  });
  return row;
}

/** Like a key's row, with the person's and team's own limits and no others. Versions rise with time. */
function rowText(facts: Facts, models: readonly string[] | undefined, version: number): string {
  const row: KeyRow = {
    id: facts.key as KeyId,
    digest: facts.digest as KeyDigest,
    version,
    name: facts.name,
    organization: facts.organization as OrganizationId,
    team: facts.team as TeamId,
    expiresAt: facts.expires_at,
    ...(models !== undefined && { models }),
    user: facts.user,
    session: facts.session,
  };
  return JSON.stringify(row);
}

/** Unix milliseconds until which the issuer's word that was given at `iat` counts. */
const loginEnd = ({ claims: { iat }, config: { sessionMs } }: VerifiedToken): number =>
  typeof iat === 'number' ? iat * 1000 + sessionMs : 0;

export interface LoginWish {
  /** Id; undefined: the first that the claims name. */
  readonly team?: string | undefined;
  /** The key that the person has already; it goes on living. */
  readonly key?: string | undefined;
}

export interface Login {
  readonly key: string;
  readonly session: Session;
}

/**
 * A key that lives as long after the ID token was issued as the issuer's word is good for: to go on, the program asks the issuer for a new
 * one, and an issuer that removed the person gives none. Throws login_not_fresh or login_no_team.
 */
export async function logIn(deps: ControlDeps, by: Actor, { token, person }: LoginToken, wish: LoginWish): Promise<Login> {
  const now = deps.clock.now();
  const expiresAt = Math.min(loginEnd(token), now + token.config.sessionMs, endOf(token.claims));
  if (expiresAt <= now) throw new BulkheadError('login_not_fresh');
  const place = await firstPlace(deps, person, wish.team);
  if (place === undefined) throw new BulkheadError('login_no_team', { team: wish.team ?? 'any team that the issuer names' });
  const key = (await ownKey(deps.db, person, wish.key)) ?? newVirtualKey(ENVIRONMENT);
  const facts = { digest: digestKey(key), kind: 'login', ...factsOf(token, person, place), expires_at: expiresAt } as const;
  const permit = await deps.authority.permit(by, 'session.create', `session/${facts.digest}`, auditFacts(facts));
  const session = await writeSession(deps, permit, facts);
  await deps.gateways.tell({ op: 'key.changed', digest: facts.digest }, TELL_MS);
  return { key, session };
}

/** Workers that do not hear of it in time ask by themselves when the row they have ends. */
const TELL_MS = 1000;

/** A key that is not this person's login is not made one: else somebody could choose what their key is. */
async function ownKey(db: Database, { user, identity }: TokenPerson, key: string | undefined): Promise<string | undefined> {
  if (key === undefined || !isWellFormed(key)) return undefined;
  const session = await loginOf(db, digestKey(key));
  const isOwn = session?.user === user.id && session.issuer === identity.issuer && session.ended === 0;
  return isOwn ? key : undefined;
}

export const loginOf = (db: Database, digest: string): Promise<Session | undefined> =>
  db.selectFrom('sessions').selectAll().where('digest', '=', digest).where('kind', '=', 'login').executeTakeFirst();

/** The row of a login's key; undefined: there is none, or it is over. */
export async function resolveLogin(deps: ControlDeps, digest: KeyDigest): Promise<SignedText | undefined> {
  const session = await liveSession(deps.db, digest, deps.clock.now());
  if (session?.kind !== 'login' || session.ended === 1) return undefined;
  return session.stale === 0 ? signedOf(session) : signedAnew(deps, session);
}

/** With what its place may use now. Only what the vault signed before is signed again: else an edit of the row would become true. */
async function signedAnew(deps: ControlDeps, session: Session): Promise<SignedText | undefined> {
  const row = JSON.parse(session.signed_text) as KeyRow;
  const { digest, user = '', organization, team, expiresAt = 0 } = row;
  if (digest !== session.digest || !(await deps.seals.holdsKey(signedOf(session))) || row.session === undefined) return undefined;
  const place = { user, organization, team, issuer: row.session.issuer, expires_at: expiresAt };
  const facts = { digest, kind: 'login', ...place, key: row.id, name: row.name, session: row.session } as const;
  if (!(await mayWork(deps.db, user, facts))) return undefined;
  const permit = await deps.authority.permit(CONTROL, 'session.create', `session/${digest}`, auditFacts(facts));
  return signedOf(await writeSession(deps, permit, facts));
}
