import https from 'node:https';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { CliFailure, systemCode } from '../failure.ts';
import { proxyFor, tunnel } from './proxy.ts';

/** The issuer as this program speaks to it: discovery, the device flow (RFC 8628), refreshed and revoked tokens. Over HTTPS, bounded, no redirect. */

const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/** What the node says of an issuer. */
export interface IssuerFacts {
  readonly url: string;
  readonly client_id: string;
  readonly scopes: readonly string[];
  readonly ca: string | null;
}

export interface Endpoints {
  readonly token: string;
  readonly device: string | undefined;
  readonly revocation: string | undefined;
}

export interface DeviceGrant {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  /** With the code in it; undefined: the issuer gives none. */
  readonly completeUri: string | undefined;
  readonly expiresInSeconds: number;
  readonly intervalSeconds: number;
}

export interface Tokens {
  readonly idToken: string;
  /** Undefined: the one before stays, or there is none. */
  readonly refreshToken: string | undefined;
}

export async function discover({ url, ca }: IssuerFacts): Promise<Endpoints> {
  const { status, body } = await ask(`${url.replace(/\/$/, '')}/.well-known/openid-configuration`, ca);
  const text = (name: string): string | undefined => (typeof body[name] === 'string' ? body[name] : undefined);
  const token = text('token_endpoint');
  if (status !== 200 || text('issuer') !== url || token === undefined)
    throw failure('login_issuer', `The issuer ${url} does not describe itself as one.`, 'Check `url` of that issuer in bulkhead.yaml.');
  return { token, device: text('device_authorization_endpoint'), revocation: text('revocation_endpoint') };
}

/** RFC 8628 §3.1. */
export async function startDevice(facts: IssuerFacts, { device }: Endpoints): Promise<DeviceGrant> {
  if (device === undefined)
    throw failure('login_issuer', `The issuer ${facts.url} has no device flow.`, 'Allow it there for this client, or use a virtual key.');
  const { status, body } = await ask(device, facts.ca, { client_id: facts.client_id, scope: facts.scopes.join(' ') });
  const { device_code: deviceCode, user_code: userCode, verification_uri: uri, verification_uri_complete: complete } = body;
  if (status !== 200 || typeof deviceCode !== 'string' || typeof userCode !== 'string' || typeof uri !== 'string')
    throw refused(facts.url, status, body);
  return {
    deviceCode,
    userCode,
    verificationUri: uri,
    completeUri: typeof complete === 'string' ? complete : undefined,
    expiresInSeconds: bounded(body['expires_in'], 600, 1800),
    intervalSeconds: bounded(body['interval'], 5, 60),
  };
}

const bounded = (value: unknown, usual: number, most: number): number =>
  typeof value === 'number' && value > 0 ? Math.min(value, most) : usual;

/** RFC 8628 §3.4 and §3.5. `pending`: ask again; `slow`: and later. */
export async function pollDevice(facts: IssuerFacts, { token }: Endpoints, deviceCode: string): Promise<Tokens | 'pending' | 'slow'> {
  const { status, body } = await ask(token, facts.ca, {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: deviceCode,
    client_id: facts.client_id,
  });
  if (status === 200) return tokensIn(facts, body);
  if (body['error'] === 'authorization_pending') return 'pending';
  if (body['error'] === 'slow_down') return 'slow';
  throw refused(facts.url, status, body);
}

/** Throws login_over where the issuer takes the refresh token no more: it was revoked, or its person is gone. */
export async function refresh(facts: IssuerFacts, { token }: Endpoints, refreshToken: string): Promise<Tokens> {
  const { status, body } = await ask(token, facts.ca, {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: facts.client_id,
    scope: facts.scopes.join(' '),
  });
  if (status === 200) return tokensIn(facts, body);
  if (body['error'] === 'invalid_grant')
    throw failure('login_over', `The issuer ${facts.url} does not renew this login any more.`, 'Log in again: bulkhead login.');
  throw refused(facts.url, status, body);
}

/** RFC 7009. An issuer without the endpoint ends the token by itself. */
export async function revoke(facts: IssuerFacts, { revocation }: Endpoints, refreshToken: string): Promise<void> {
  if (revocation === undefined) return;
  const { status, body } = await ask(revocation, facts.ca, {
    token: refreshToken,
    token_type_hint: 'refresh_token',
    client_id: facts.client_id,
  });
  if (status !== 200) throw refused(facts.url, status, body);
}

function tokensIn({ url }: IssuerFacts, body: JsonObject): Tokens {
  const { id_token: idToken, refresh_token: refreshToken } = body;
  if (typeof idToken !== 'string')
    throw failure(
      'login_issuer',
      `The issuer ${url} gave no ID token.`,
      'The client’s scopes must hold openid; see client_scopes in bulkhead.yaml.',
    );
  return { idToken, refreshToken: typeof refreshToken === 'string' ? refreshToken : undefined };
}

function refused(url: string, status: number, { error }: JsonObject): CliFailure {
  // Of the answer only its code: the rest is text of whoever answers there.
  const word = typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) ? error : String(status);
  return failure('login_refused', `The issuer ${url} refused: ${word}.`, REMEDIES[word] ?? 'Try again: bulkhead login.');
}

const REMEDIES: Readonly<Record<string, string>> = {
  access_denied: 'The login was declined there. Try again: bulkhead login.',
  expired_token: 'The code was not confirmed in time. Try again: bulkhead login.',
  invalid_client: 'Check client_id of that issuer in bulkhead.yaml; it must be a public client.',
  unauthorized_client: 'Allow the device flow for that client at the issuer.',
};

export const failure = (code: string, message: string, remedy: string, cause?: unknown): CliFailure =>
  new CliFailure({ code, message, remedy }, { cause });

interface Answer {
  readonly status: number;
  readonly body: JsonObject;
}

/** A form is posted; without one the address is read. An answer that is no JSON object is an empty one. */
async function ask(address: string, ca: string | null, form?: Readonly<Record<string, string>>): Promise<Answer> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'https:')
    throw failure('login_issuer', 'The issuer names an address that is not https.', 'Ask who runs the issuer.');
  const text = form === undefined ? undefined : new URLSearchParams(form).toString();
  const posted =
    text === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(text) };
  const options: https.RequestOptions = {
    method: text === undefined ? 'GET' : 'POST',
    headers: { accept: 'application/json', connection: 'close', ...posted },
    timeout: TIMEOUT_MS,
    ...(await way(url, ca).catch((cause: Error) => {
      throw unreachable(url, cause);
    })),
  };
  return send(url, options, text);
}

/** Straight, or through the proxy that the environment names. An issuer with an authority of its own is believed by that alone. */
async function way(url: URL, ca: string | null): Promise<https.RequestOptions> {
  const secure = { minVersion: 'TLSv1.2' as const, ...(ca === null ? {} : { ca }) };
  const proxy = proxyFor(url, process.env);
  if (proxy === undefined) return { agent: false, ...secure };
  return { agent: new https.Agent({ socket: await tunnel(proxy, url, TIMEOUT_MS), ...secure }) };
}

function send(url: URL, options: https.RequestOptions, text: string | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = https.request(url, options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) request.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: objectIn(Buffer.concat(chunks).toString('utf8')) }));
      response.on('error', (cause) => reject(unreachable(url, cause)));
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', (cause) => reject(unreachable(url, cause)));
    request.end(text);
  });
}

const unreachable = (url: URL, cause: Error): CliFailure =>
  failure(
    'issuer_unreachable',
    `The issuer at ${url.host} cannot be reached: ${systemCode(cause) ?? cause.message}.`,
    'Check the connection, and HTTPS_PROXY and NO_PROXY where there is a proxy; a certificate of your own goes into `ca` of that issuer in bulkhead.yaml.',
    cause,
  );

function objectIn(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    // Not JSON: its status says enough.
    return {};
  }
}
