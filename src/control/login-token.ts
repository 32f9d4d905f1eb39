import type { Selectable } from 'kysely';
import type { ClaimRole } from '../config/config.ts';
import type { VerifiedToken } from './issuers.ts';
import type { IdentitiesTable } from './session-tables.ts';
import type { UsersTable } from './tenancy-tables.ts';

/** A place that a token's claims name, and the role that they give there. */
export interface ClaimedPlace {
  readonly organization: string;
  readonly team: string;
  readonly role: ClaimRole;
}

/** Who sent a token: a person of this node, and where the token lets the person work. */
export interface TokenPerson {
  readonly user: Selectable<UsersTable>;
  readonly identity: Selectable<IdentitiesTable>;
  /** In the order of the claim. */
  readonly places: readonly ClaimedPlace[];
}

/** A verified token of an issuer, and the person behind it. */
export interface LoginToken {
  readonly token: VerifiedToken;
  readonly person: TokenPerson;
}
