import type { Actor } from '../audit/record.ts';
import type { Identity, Permission, Scope } from '../access/permissions.ts';
import type { LoginToken } from './login-token.ts';

/** Who is behind a request to the control port. */
export interface Known {
  readonly actor: Actor;
  readonly identity: Identity;
  /** By which the person came, where it was a token of an issuer. */
  readonly token?: LoginToken;
}

/** Who asks for one operation, and for what place it was asked. Passed on as the actor of what follows, so that the log says who it was. */
export interface Caller extends Actor {
  readonly identity: Identity;
  readonly permission: Permission;
  readonly scope: Scope;
  readonly token?: LoginToken;
}

export const isCaller = (actor: Actor): actor is Caller => 'identity' in actor && 'permission' in actor && 'scope' in actor;

/** The node's own token: whoever has it is its operator. */
export const OPERATOR: Known = {
  actor: { kind: 'admin', id: 'admin:local' },
  identity: { user: null, grants: [{ role: 'platform_admin', organization: null, team: null }] },
};
