import { may } from '../../../access/permissions.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { Database } from '../../database.ts';
import type { ClaimedPlace } from '../../login-token.ts';
import { grantsOf } from '../users/service.ts';

/** Who may have a key of their own in a team may call models there with a token: the roles of the node decide, not the claims. */
export const mayWork = async (db: Database, user: string, { organization, team }: Omit<ClaimedPlace, 'role'>): Promise<boolean> =>
  may({ user, grants: await grantsOf(db, user) }, 'key.write', { organization, team, user });

/** Undefined where there is none. */
export const found = <Row>(finding: Promise<Row>): Promise<Row | undefined> =>
  finding.catch((error: unknown) => {
    if (error instanceof BulkheadError && error.code === 'resource_missing') return undefined;
    throw error;
  });
