import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeKey, tokenOf, type SigningKey } from '../../src/access/testing/tokens.ts';
import { makeCertificate } from '../../src/vault/testing/upstream.ts';

/** An OpenID Connect issuer over HTTPS: discovery, key set, device flow with rotating refresh tokens, revocation. Test code, real protocol. */

const certificate = makeCertificate('issuer.test');
export const hasOpenssl = certificate !== undefined;

export interface OidcIssuer {
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  /** Keys of the set; a test may replace them. */
  keys: SigningKey[];
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** Claims of the person who confirms a device code; undefined: nobody has yet. */
  confirmed: object | undefined;
  /** Subjects that the issuer has removed: nothing is renewed for them. */
  readonly removed: Set<string>;
  readonly refreshTokens: Set<string>;
  /** How it answers instead, by path. */
  readonly instead: Map<string, { readonly status: number; readonly body: string; readonly headers?: Record<string, string> }>;
  /** A token of its first key, in force, for `aud`. */
  token(claims: object): string;
  close(): Promise<void>;
}

export const CLIENT_ID = 'bulkhead-cli';
export const AUDIENCE = 'bulkhead';

export async function startIssuer(): Promise<OidcIssuer> {
  if (certificate === undefined) throw new Error('the openssl program is missing');
  const tls = certificate;
  const server = https.createServer(tls);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const now = (): number => Math.floor(Date.now() / 1000);
  const issuer: OidcIssuer = {
    url,
    ca: tls.cert,
    keys: [makeKey('RS256', 'first')],
    asked: [],
    confirmed: undefined,
    removed: new Set(),
    refreshTokens: new Set(),
    instead: new Map(),
    token: (claims) =>
      tokenOf(issuer.keys[0] as SigningKey, { iss: url, aud: AUDIENCE, iat: now(), exp: now() + 600, email_verified: true, ...claims }),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  server.on('request', (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const at = (request.url ?? '').replace(/\?.*/, '');
      issuer.asked.push(at);
      const other = issuer.instead.get(at);
      const answer = other ?? toJson(answerTo(issuer, at, new URLSearchParams(body)));
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers }).end(answer.body);
    });
  });
  return issuer;
}

interface Reply {
  readonly status: number;
  readonly json: object;
}
const toJson = ({ status, json }: Reply) => ({ status, body: JSON.stringify(json), headers: {} });
const fail = (error: string): Reply => ({ status: 400, json: { error } });

function answerTo(issuer: OidcIssuer, at: string, form: URLSearchParams): Reply {
  const { url } = issuer;
  switch (at) {
    case '/.well-known/openid-configuration':
      return {
        status: 200,
        json: {
          issuer: url,
          jwks_uri: `${url}/keys`,
          token_endpoint: `${url}/token`,
          device_authorization_endpoint: `${url}/device`,
          revocation_endpoint: `${url}/revoke`,
        },
      };
    case '/keys':
      return { status: 200, json: { keys: issuer.keys.map(({ jwk }) => jwk) } };
    case '/device':
      if (form.get('client_id') !== CLIENT_ID) return fail('invalid_client');
      return {
        status: 200,
        json: { device_code: 'device-1', user_code: 'WDJB-MJHT', verification_uri: `${url}/activate`, expires_in: 60, interval: 0.2 },
      };
    case '/token':
      return tokenAnswer(issuer, form);
    case '/revoke':
      issuer.refreshTokens.delete(form.get('token') ?? '');
      return { status: 200, json: {} };
    default:
      return { status: 404, json: {} };
  }
}

function tokenAnswer(issuer: OidcIssuer, form: URLSearchParams): Reply {
  const { confirmed, removed, refreshTokens } = issuer;
  if (form.get('client_id') !== CLIENT_ID) return fail('invalid_client');
  if (form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:device_code') {
    if (form.get('device_code') !== 'device-1') return fail('expired_token');
    return confirmed === undefined ? fail('authorization_pending') : granted(issuer, confirmed);
  }
  const used = form.get('refresh_token') ?? '';
  const subject = (confirmed as { readonly sub?: string } | undefined)?.sub ?? '';
  // Good for one use.
  if (!refreshTokens.delete(used) || confirmed === undefined || removed.has(subject)) return fail('invalid_grant');
  return granted(issuer, confirmed);
}

function granted(issuer: OidcIssuer, claims: object): Reply {
  const refreshToken = `refresh-${crypto.randomUUID()}`;
  issuer.refreshTokens.add(refreshToken);
  return {
    status: 200,
    json: {
      id_token: issuer.token({ aud: CLIENT_ID, ...claims }),
      refresh_token: refreshToken,
      access_token: 'opaque',
      token_type: 'Bearer',
    },
  };
}
