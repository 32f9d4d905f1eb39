import { authorizeAndRecord, type Actor, type AuditEntry, type AuditLog, type Permit } from '../audit/record.ts';
import { may } from '../access/permissions.ts';
import type { Clock } from '../core/clock.ts';
import { isCaller } from './caller.ts';

/** Every act that changes something, and who may do it. An act that is not here is denied. */
const ACTS = {
  'organization.create': ['admin'],
  'organization.update': ['admin'],
  'organization.remove': ['admin'],
  'team.create': ['admin'],
  'team.update': ['admin'],
  'team.remove': ['admin'],
  'project.create': ['admin'],
  'project.update': ['admin'],
  'project.remove': ['admin'],
  'service-account.create': ['admin'],
  'service-account.update': ['admin'],
  'service-account.remove': ['admin'],
  'access-group.create': ['admin'],
  'access-group.update': ['admin'],
  'access-group.remove': ['admin'],
  /** By the system: what follows from the word of an issuer. */
  'user.create': ['admin', 'system'],
  'user.link': ['system'],
  'user.update': ['admin'],
  'user.remove': ['admin'],
  'member.put': ['admin', 'system'],
  'member.remove': ['admin', 'system'],
  'token.create': ['admin'],
  'token.revoke': ['admin'],
  /** A row of minutes for a token of an issuer or a login, and its end before its time. */
  'session.create': ['admin', 'system'],
  'session.end': ['admin', 'system'],
  'key.create': ['admin', 'system'],
  'key.update': ['admin'],
  'key.block': ['admin'],
  'key.unblock': ['admin'],
  /** What follows from a change above: the row of a key anew, or its end. */
  'key.resign': ['system'],
  'key.end': ['system'],
  'key.revoke': ['admin'],
  'key.rotate': ['admin'],
  /** The end of a rotated key's grace time. */
  'key.retire': ['system'],
  'limit.create': ['admin'],
  'limit.update': ['admin'],
  'limit.remove': ['admin'],
  'share.create': ['admin'],
  'share.update': ['admin'],
  'share.remove': ['admin'],
  'budget.create': ['admin'],
  'budget.update': ['admin'],
  'budget.remove': ['admin'],
  'budget.raise': ['admin'],
  'budget-request.create': ['admin'],
  'budget-request.grant': ['admin'],
  'budget-request.deny': ['admin'],
  'credential.put': ['admin'],
  'credential.remove': ['admin'],
  'credential.try': ['admin'],
  'credential.ceilings': ['admin'],
  /** What follows from the operator's file: new hosts of a credential, upstreams without one. */
  'credential.bind': ['system'],
  'config.apply': ['system'],
  'vault.trust': ['system'],
  /** Rows of before an upgrade get their seals, once. A second time without an upgrade is somebody's doing. */
  'rows.seal': ['system'],
  /** A row that the vault did not sign is not taken. */
  'row.refuse': ['system'],
  /** What all tables come to, so that an older database shows. */
  'rows.note': ['system'],
  /** A table is not as this node wrote it. */
  'rows.differ': ['system'],
  /** Tables are counted as they stand: at an upgrade, once, or because an operator looked and takes them. */
  'rows.count': ['system'],
  'rows.accept': ['admin'],
  /** A table of list prices: by hand, or the file that the operator names. */
  'prices.apply': ['admin', 'system'],
  'prices.reset': ['admin'],
  'backup.create': ['admin'],
} as const satisfies Record<string, readonly Actor['kind'][]>;

export type Act = keyof typeof ACTS;

export const ADMIN: Actor = { kind: 'admin', id: 'admin:local' };
export const CONFIG: Actor = { kind: 'system', id: 'system:config' };
export const CONTROL: Actor = { kind: 'system', id: 'system:control' };

const RIGHTS: ReadonlyMap<string, readonly Actor['kind'][]> = new Map(Object.entries(ACTS));

/** People may do what the operator may, as far as their permission for what they asked for reaches; it is judged again here. */
function mayDo(actor: Actor, act: string): boolean {
  const kinds = RIGHTS.get(act) ?? [];
  if (!isCaller(actor)) return kinds.includes(actor.kind);
  return kinds.includes('admin') && may(actor.identity, actor.permission, actor.scope);
}

/** Permit for one particular act: a service that takes it cannot be called with the permit of another. */
export type PermitFor<Name extends Act> = Permit & { readonly act: Name };

/** Gives permits, each one recorded before it is given. Takes a `Caller` for what a person asked for. */
export interface Authority {
  permit<Name extends Act>(actor: Actor, act: Name, target: string, facts?: AuditEntry['facts']): Promise<PermitFor<Name>>;
  /** Records what was asked for in vain. Throws permission_denied. */
  deny(actor: Actor, act: string, target: string): Promise<never>;
}

export const authorityOver = (log: AuditLog, clock: Clock): Authority => ({
  permit: async (actor, act, target, facts = {}) => {
    const named: Actor = { kind: actor.kind, id: actor.id };
    const permit = await authorizeAndRecord({ actor: named, act, target, facts }, clock.now(), () => mayDo(actor, act), log);
    return { ...permit, act };
  },
  deny: async (actor, act, target) => {
    await authorizeAndRecord({ actor: { kind: actor.kind, id: actor.id }, act, target, facts: {} }, clock.now(), () => false, log);
    throw new Error('a denied act was allowed');
  },
});
