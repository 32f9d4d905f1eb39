import { authorizeAndRecord, type Actor, type AuditEntry, type AuditLog, type Permit } from '../audit/record.ts';
import type { Clock } from '../core/clock.ts';

/** Every act that changes something, and who may do it. An act that is not here is denied. */
const ACTS = {
  'organization.create': ['admin'],
  'team.create': ['admin'],
  'key.create': ['admin', 'system'],
  'key.revoke': ['admin'],
  'key.rotate': ['admin'],
  /** The end of a rotated key's grace time. */
  'key.retire': ['system'],
  'credential.put': ['admin'],
  'credential.remove': ['admin'],
  'credential.try': ['admin'],
  'credential.ceilings': ['admin'],
  /** What follows from the operator's file: new hosts of a credential, upstreams without one. */
  'credential.bind': ['system'],
  'config.apply': ['system'],
  'vault.trust': ['system'],
  'backup.create': ['admin'],
} as const satisfies Record<string, readonly Actor['kind'][]>;

export type Act = keyof typeof ACTS;

export const ADMIN: Actor = { kind: 'admin', id: 'admin:local' };
export const CONFIG: Actor = { kind: 'system', id: 'system:config' };
export const CONTROL: Actor = { kind: 'system', id: 'system:control' };

const RIGHTS: ReadonlyMap<string, readonly Actor['kind'][]> = new Map(Object.entries(ACTS));

const mayDo = (actor: Actor, act: string): boolean => RIGHTS.get(act)?.includes(actor.kind) ?? false;

/** Permit for one particular act: a service that takes it cannot be called with the permit of another. */
export type PermitFor<Name extends Act> = Permit & { readonly act: Name };

/** Gives permits, each one recorded before it is given. */
export interface Authority {
  permit<Name extends Act>(actor: Actor, act: Name, target: string, facts?: AuditEntry['facts']): Promise<PermitFor<Name>>;
}

export const authorityOver = (log: AuditLog, clock: Clock): Authority => ({
  permit: async (actor, act, target, facts = {}) => {
    const permit = await authorizeAndRecord({ actor, act, target, facts }, clock.now(), mayDo, log);
    return { ...permit, act };
  },
});
