import type { Identity, RoleGrant } from '../../../access/permissions.ts';
import { may, outranks, visible } from '../../../access/permissions.ts';
import { BulkheadError } from '../../../core/errors.ts';
import { newRowId } from '../../../core/ids.ts';
import type { Caller } from '../../caller.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import { noteWork } from '../keys/note-work.ts';
import { carryOutWork } from '../keys/work.ts';
import { removeRow } from '../organizations/change.ts';
import { findOrganization, findTeam } from '../organizations/service.ts';
import { writeResealed } from '../../sealed-tables.ts';
import { listMembers, listUsers } from './lists.ts';
import {
  createUser,
  findMembership,
  findUser,
  grantsOf,
  memberView,
  membershipAt,
  putMembership,
  refuseTakenEmail,
  removeMembership,
  resealUser,
  userView,
  type UserRow,
} from './service.ts';
import { createToken, findToken, revokeToken, tokensOf, tokenView } from './tokens.ts';

type UserNames = `users.${'list' | 'create' | 'show' | 'update' | 'remove'}`;
type MemberNames = `members.${'list' | 'put' | 'remove'}`;
type TokenNames = `tokens.${'list' | 'create' | 'revoke'}`;

export const userRoutes = (deps: ControlDeps): Handlers<UserNames | MemberNames | TokenNames> => ({
  ...users(deps),
  ...members(deps),
  ...tokens(deps),
});

/**
 * Whoever could act as a person, rename their address or end their access needs power over everything that the person may do.
 * Throws permission_denied.
 */
async function refuseStronger({ db }: ControlDeps, { identity }: Caller, user: UserRow, act: string): Promise<void> {
  if (!outranks(identity, await grantsOf(db, user.id)))
    throw new BulkheadError('permission_denied', { act: `${act} of somebody who may do more` });
}

const users = (deps: ControlDeps): Handlers<UserNames> => ({
  'users.list': async ({ query, by }) => {
    const { rows, next } = await listUsers(deps.db, query, by.identity, visible(by.identity, 'user.read'));
    return { users: rows.map(userView), next };
  },
  'users.show': async ({ id }) => userView(await findUser(deps.db, id)),
  'users.create': async ({ body: { name, email, organization: reference }, by }) => {
    const { db, authority, clock } = deps;
    const organization = reference === undefined ? null : (await findOrganization(db, reference)).id;
    await refuseTakenEmail(db, email);
    const id = newRowId('usr', clock.now());
    const permit = await authority.permit(by, 'user.create', `user/${id}`, { organization });
    return userView(await createUser(deps, permit, { id, name, email, organization }, clock.now()));
  },
  'users.update': async ({ id: reference, body, by }) => {
    const { db, authority } = deps;
    const user = await findUser(db, reference);
    await refuseStronger(deps, by, user, 'change the account');
    const { name, email, state } = body;
    if (email !== undefined && email !== user.email) await refuseTakenEmail(db, email);
    const change = { ...(name !== undefined && { name }), ...(email !== undefined && { email }), ...(state !== undefined && { state }) };
    const permit = await authority.permit(by, 'user.update', `user/${user.id}`, {
      fields: Object.keys(change).join(','),
      state: state ?? null,
    });
    const next = await resealUser(deps, permit, user.id, change);
    const work = await db.transaction().execute(async (transaction) => {
      await writeResealed(transaction, next);
      return state === 'blocked' ? noteWork(transaction, { act: 'block', kind: 'user', target: user.id }) : undefined;
    });
    return { ...userView(await findUser(db, user.id)), keys_changed: work === undefined ? 0 : await carryOutWork(deps, work) };
  },
  'users.remove': async ({ id: reference, by }) => {
    const user = await findUser(deps.db, reference);
    await refuseStronger(deps, by, user, 'remove the account');
    const permit = await deps.authority.permit(by, 'user.remove', `user/${user.id}`);
    return { id: user.id, removed: true, keys_revoked: await removeRow(deps, permit, 'users', user.id) };
  },
});

const members = (deps: ControlDeps): Handlers<MemberNames> => ({
  'members.list': async ({ query, by }) => {
    const { rows, next } = await listMembers(deps.db, query, by.identity, visible(by.identity, 'member.read'));
    return { members: rows.map((row) => memberView(row, row.email)), next };
  },
  'members.put': async ({ body, by }) => {
    const { db, authority, clock } = deps;
    const user = await reachableUser(deps, by.identity, body.user);
    const organization =
      body.organization === undefined && body.team === undefined ? null : (await findOrganization(db, body.organization)).id;
    const team = body.team === undefined || organization === null ? null : (await findTeam(db, organization, body.team)).id;
    const grant = { role: body.role, organization, team };
    const before = await membershipAt(db, { user: user.id, organization, team });
    refuseOwnOrStronger(by.identity, user.id, [grant, ...(before === undefined ? [] : [before])]);
    const id = newRowId('mem', clock.now());
    const permit = await authority.permit(by, 'member.put', `member/${id}`, { user: user.id, ...grant, before: before?.role ?? null });
    const { row, work } = await putMembership(deps, permit, { id, user: user.id, ...grant, created_at: clock.now() });
    return { ...memberView(row, user.email), keys_revoked: await carryOutWork(deps, work) };
  },
  'members.remove': async ({ id, by }) => {
    const row = await findMembership(deps.db, id);
    refuseOwnOrStronger(by.identity, row.user, [row]);
    const { user, role, organization, team } = row;
    const permit = await deps.authority.permit(by, 'member.remove', `member/${id}`, { user, role, organization, team });
    const work = await removeMembership(deps, permit, row, deps.clock.now());
    return { id, removed: true, keys_revoked: await carryOutWork(deps, work) };
  },
});

/** One’s own roles are for others to write, and nobody writes a role above one’s own. Throws permission_denied or invalid_field. */
function refuseOwnOrStronger(identity: Identity, user: string, grants: readonly RoleGrant[]): void {
  if (identity.user === user) throw new BulkheadError('permission_denied', { act: 'change its own role' });
  if (!outranks(identity, grants))
    throw new BulkheadError('permission_denied', { act: `give or take the role ${grants.map(({ role }) => role).join(' or ')} there` });
}

/** A person of another organization is one who does not exist, unless they work here already. Throws resource_missing. */
async function reachableUser({ db }: ControlDeps, identity: Identity, reference: string): Promise<UserRow> {
  const user = await findUser(db, reference);
  const scope = { user: user.id, ...(user.organization !== null && { organization: user.organization }) };
  if (may(identity, 'user.read', scope) || may(identity, 'user.read', {})) return user;
  const places = await db.selectFrom('memberships').select(['organization', 'team']).where('user', '=', user.id).execute();
  const isColleague = places.some(
    ({ organization }) => organization !== null && identity.grants.some((own) => own.organization === organization),
  );
  const isOfHome = identity.grants.some((own) => own.organization !== null && own.organization === user.organization);
  if (isColleague || isOfHome) return user;
  throw new BulkheadError('resource_missing', { resource: 'user', id: reference });
}

const tokens = (deps: ControlDeps): Handlers<TokenNames> => ({
  'tokens.list': async ({ by }) => {
    const rows = await tokensOf(deps.db, by.scope.user ?? '');
    return { tokens: rows.map((row) => tokenView(row, deps.clock.now())) };
  },
  'tokens.create': async ({ body, by }) => {
    const { db, seals, authority, clock } = deps;
    const now = clock.now();
    const user = await findUser(db, by.scope.user ?? '');
    if (by.identity.user !== user.id) await refuseStronger(deps, by, user, 'make a token');
    if (user.state === 'blocked') throw new BulkheadError('invalid_field', { field: 'user', reason: 'this person is blocked' });
    const id = newRowId('tok', now);
    const token = { id, user: user.id, name: body.name, expires_at: expiryOf(body, now) };
    const permit = await authority.permit(by, 'token.create', `token/${id}`, { user: user.id, expires_at: token.expires_at });
    const { text, stored } = await createToken(db, seals, permit, token, now);
    return { token: text, ...tokenView(stored, now) };
  },
  'tokens.revoke': async ({ id, by }) => {
    const token = await findToken(deps.db, id);
    const permit = await deps.authority.permit(by, 'token.revoke', `token/${id}`, { user: token.user });
    return tokenView(await revokeToken(deps.db, permit, id, deps.clock.now()), deps.clock.now());
  },
});

function expiryOf(
  { expires_at, expires_in_seconds }: { readonly expires_at?: string | undefined; readonly expires_in_seconds?: number | undefined },
  now: number,
): number | null {
  if (expires_in_seconds !== undefined) return now + expires_in_seconds * 1000;
  if (expires_at === undefined) return null;
  const end = Date.parse(expires_at);
  if (end <= now) throw new BulkheadError('invalid_field', { field: 'expires_at', reason: 'it is in the past' });
  return end;
}
