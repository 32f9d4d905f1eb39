import { digestKey } from '../../../access/virtual-key.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { Caller } from '../../caller.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import type { LoginToken } from '../../login-token.ts';
import { findTeam } from '../organizations/service.ts';
import { end } from './end.ts';
import { loginOf, logIn } from './service.ts';

type Names = 'login.options' | 'login.key' | 'login.end';

export const sessionRoutes = (deps: ControlDeps): Handlers<Names> => ({
  'login.options': () =>
    Promise.resolve({
      issuers: deps.issuers.configs.flatMap(({ id, url, clientId, clientScopes, ca }) =>
        clientId === null ? [] : [{ id, url, client_id: clientId, scopes: [...clientScopes], ca }],
      ),
    }),
  'login.key': async ({ body, by }) => {
    const login = tokenOf(by);
    const { user, places } = login.person;
    const home = places[0]?.organization;
    const team = body.team === undefined || home === undefined ? undefined : (await findTeam(deps.db, home, body.team)).id;
    const { key, session } = await logIn(deps, by, login, { team, key: body.key });
    const expires_at = new Date(session.expires_at).toISOString();
    return { key, expires_at, organization: session.organization, team: session.team, user: user.id, email: user.email };
  },
  'login.end': async ({ body, by }) => {
    const { user } = tokenOf(by).person;
    const session = await loginOf(deps.db, digestKey(body.key));
    if (session?.user !== user.id) return { ended: false };
    await end(deps, [session], `user/${user.id}`);
    return { ended: true };
  },
});

/** Only what the issuer said just now can be turned into a key of minutes; a token of this node is good for longer. */
function tokenOf({ token }: Caller): LoginToken {
  if (token === undefined) throw new BulkheadError('token_needed');
  return token;
}
