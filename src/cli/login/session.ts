import { setTimeout as sleep } from 'node:timers/promises';
import type { LoginIssuer, LoginKey } from '../../api/login.ts';
import { adminClient } from '../client.ts';
import { CliFailure } from '../failure.ts';
import { discover, failure, pollDevice, refresh, revoke, startDevice, type DeviceGrant, type IssuerFacts, type Tokens } from './issuer.ts';
import { readLogin, removeLogin, withLock, writeLogin, type StoredLogin } from './login-file.ts';

/** A person's login on this machine: its beginning, its key of minutes, its renewal and its end. */

/** A key is renewed when less than this share of its life is left, so that one that is printed is good for a while. */
const RENEW_SHARE = 0.4;

export interface LoginWish {
  /** Of the admin API. */
  readonly control: string;
  /** Name of an issuer; undefined: the only one. */
  readonly issuer: string | undefined;
  readonly team: string | undefined;
}

/** Called with what the person has to open and confirm, then with the seconds that are left, again and again. */
export interface LoginEvents {
  readonly onCode: (grant: DeviceGrant) => void;
  readonly onWaiting: (secondsLeft: number) => void;
}

export async function logIn(file: string, { control, issuer: name, team }: LoginWish, events: LoginEvents): Promise<StoredLogin> {
  const { issuers } = await adminClient({ url: control, token: () => '-' }).call('login.options');
  const { url, client_id, scopes, ca } = chosen(issuers, name);
  const issuer = { url, client_id, scopes, ca };
  const tokens = await byDevice(issuer, events);
  if (tokens.refreshToken === undefined)
    throw failure(
      'login_issuer',
      `The issuer ${url} gave no refresh token.`,
      'Allow offline_access for this client there; see client_scopes in bulkhead.yaml.',
    );
  const given = await keyFor(control, tokens.idToken, team === undefined ? {} : { team });
  const login = {
    v: 1,
    control,
    issuer,
    refresh_token: tokens.refreshToken,
    team: team ?? null,
    ...stored(given, tokens.idToken),
  } as const;
  await withLock(file, () => Promise.resolve(writeLogin(file, login)));
  return login;
}

function chosen(issuers: readonly LoginIssuer[], name: string | undefined): LoginIssuer {
  const [first, second] = name === undefined ? issuers : issuers.filter(({ id }) => id === name);
  if (first === undefined)
    throw failure(
      'login_unknown',
      name === undefined ? 'Nobody can log in at this node.' : `There is no issuer ${name} to log in at.`,
      'An issuer with a client_id is declared in bulkhead.yaml under issuers.',
    );
  if (second === undefined) return first;
  throw failure('usage', 'There are several issuers.', `Name one: --issuer ${issuers.map(({ id }) => id).join(' | ')}`);
}

async function byDevice(issuer: IssuerFacts, { onCode, onWaiting }: LoginEvents): Promise<Tokens> {
  const endpoints = await discover(issuer);
  const grant = await startDevice(issuer, endpoints);
  onCode(grant);
  const until = performance.now() + grant.expiresInSeconds * 1000;
  let { intervalSeconds } = grant;
  while (performance.now() < until) {
    await sleep(intervalSeconds * 1000);
    const answer = await pollDevice(issuer, endpoints, grant.deviceCode);
    if (typeof answer === 'object') return answer;
    if (answer === 'slow') intervalSeconds += 5;
    onWaiting(Math.max(0, Math.round((until - performance.now()) / 1000)));
  }
  throw failure('login_refused', 'The code was not confirmed in time.', 'Try again: bulkhead login.');
}

const keyFor = (control: string, idToken: string, body: { readonly team?: string; readonly key?: string }): Promise<LoginKey> =>
  adminClient({ url: control, token: () => idToken }).call('login.key', { body });

const stored = ({ key, email, expires_at }: LoginKey, id_token: string) => ({
  key,
  email,
  id_token,
  expires_at: Date.parse(expires_at),
  renewed_at: Date.now(),
});

/** How long until the key should be renewed; 0: now. */
export const renewalIn = ({ expires_at, renewed_at }: StoredLogin, now: number): number =>
  Math.max(0, expires_at - (expires_at - renewed_at) * RENEW_SHARE - now);

/** The login with a key that is good for a while: as it is stored, or renewed by asking the issuer. */
export async function current(file: string): Promise<StoredLogin> {
  const known = needed(file);
  if (isGood(known)) return known;
  return withLock(file, async () => {
    // Another program may have renewed it while this one waited.
    const login = needed(file);
    return isGood(login) ? login : renew(file, login);
  });
}

const isGood = (login: StoredLogin): boolean => login.id_token !== undefined && renewalIn(login, Date.now()) > 0;

/**
 * As whom other commands speak to the admin API: the ID token, and never the key, which programs get that are not to manage anything. `url`:
 * where the command was told to speak; it is sent to no other node than the one it was meant for.
 */
export async function personAt(file: string, url: string | undefined): Promise<{ readonly control: string; readonly token: string }> {
  const { control } = needed(file);
  if (url !== undefined && (!URL.canParse(url) || new URL(url).origin !== new URL(control).origin))
    throw failure(
      'login_elsewhere',
      `The login of this machine is for ${control}.`,
      'Leave --url out, log in there with bulkhead login --url, or name a token with --token-file.',
    );
  const { id_token: token = '' } = await current(file);
  return { control, token };
}

function needed(file: string): StoredLogin {
  const login = readLogin(file);
  if (login !== undefined) return login;
  throw failure('not_logged_in', 'Nobody is logged in here.', 'Log in: bulkhead login.');
}

async function renew(file: string, login: StoredLogin): Promise<StoredLogin> {
  const fresh = await freshTokens(file, login);
  const body = { key: login.key, ...(login.team === null ? {} : { team: login.team }) };
  const renewed = { ...fresh.login, ...stored(await keyFor(login.control, fresh.idToken, body), fresh.idToken) };
  writeLogin(file, renewed);
  return renewed;
}

/** The new refresh token is on disk before anything else is asked: the old one may be spent. */
async function freshTokens(file: string, login: StoredLogin): Promise<{ readonly login: StoredLogin; readonly idToken: string }> {
  try {
    const { idToken, refreshToken } = await refresh(login.issuer, await discover(login.issuer), login.refresh_token);
    const next = { ...login, refresh_token: refreshToken ?? login.refresh_token };
    writeLogin(file, next);
    return { login: next, idToken };
  } catch (error) {
    if (error instanceof CliFailure && error.facts.code === 'login_over') removeLogin(file);
    throw error;
  }
}

export interface LoggedOut {
  readonly email: string;
  /** What could not be told, in words; whatever it is, the key ends within minutes. */
  readonly left: readonly string[];
}

/** Ends the key at the node and the refresh token at the issuer, as far as they can be reached, and forgets both here. */
export async function logOut(file: string): Promise<LoggedOut> {
  return withLock(file, async () => {
    const login = needed(file);
    const left: string[] = [];
    const attempt = (act: Promise<unknown>): Promise<unknown> =>
      act.catch((error: unknown) => left.push(error instanceof CliFailure ? error.message : String(error)));
    const fresh = freshTokens(file, login);
    await attempt(
      fresh.then(({ idToken }) =>
        adminClient({ url: login.control, token: () => idToken }).call('login.end', { body: { key: login.key } }),
      ),
    );
    const newest = await fresh.then(
      ({ login: next }) => next,
      () => login,
    );
    await attempt(discover(login.issuer).then((endpoints) => revoke(login.issuer, endpoints, newest.refresh_token)));
    removeLogin(file);
    return { email: login.email, left };
  });
}
