import '../core/errors.ts';
import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import fs from 'node:fs';
import type http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { CredentialId } from '../core/ids.ts';
import type { AuthScheme } from '../ipc/messages/vault.ts';
import { makeCertificate, startUpstream, type TestUpstream } from './testing/upstream.ts';
import { bindingTo, startVault, type TestKey, type TestVault } from './testing/vault.ts';

const certificate = makeCertificate('token.test');
const AWS = JSON.stringify({ access_key_id: 'AKIAIOSFODNN7EXAMPLE', secret_access_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' });
const ROLE = 'arn:aws:iam::123456789012:role/bulkhead';
const SESSION_SECRET = 'sessionSecretsessionSecretsessionSecret1';
const SESSION_TOKEN = 'IQoJb3JpZ2luX2VjEXAMPLE/TOKEN+with==';
const ACCESS_TOKEN = 'ya29.c.access-token-of-the-service-account';
const AZURE = { client_id: '11111111-2222-3333-4444-555555555555', client_secret: 'A8~secret.of_azure~+&=%x' };

const assumed = (
  expires = Date.now() + 3_600_000,
  token = SESSION_TOKEN,
): string => `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser><AssumedRoleId>ARO123EXAMPLE123:bulkhead</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/bulkhead/bulkhead</Arn></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>
      <SecretAccessKey>${SESSION_SECRET}</SecretAccessKey>
      <SessionToken>${token}</SessionToken>
      <Expiration>${new Date(expires).toISOString()}</Expiration>
    </Credentials>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</AssumeRoleResponse>`;
const granted = (token = ACCESS_TOKEN, extra: object = {}): string =>
  JSON.stringify({ access_token: token, expires_in: 3599, token_type: 'Bearer', ...extra });

describe('session tokens', { skip: certificate === undefined }, () => {
  const tls = certificate as NonNullable<typeof certificate>;
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  let vault: TestVault;
  let upstream: TestUpstream;
  let key: TestKey;
  let server: https.Server;
  let origin: string;
  let asked: { url: string; headers: http.IncomingHttpHeaders; form: URLSearchParams }[] = [];
  let reply: (response: http.ServerResponse) => void = (response) => void response.end();
  let counter = 0;

  before(async () => {
    upstream = await startUpstream(tls);
    server = https.createServer(tls, (request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        asked.push({ url: request.url ?? '', headers: request.headers, form: new URLSearchParams(text) });
        reply(response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    vault = await startVault();
    key = await vault.newKey();
  });
  after(async () => {
    await vault.drain();
    upstream.close();
    server.close();
    server.closeAllConnections();
    fs.rmSync(vault.folder, { recursive: true });
  });
  beforeEach(() => {
    asked = [];
  });

  const account = (extra: object = {}): string =>
    JSON.stringify({
      type: 'service_account',
      project_id: 'p',
      private_key_id: 'k1',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      client_email: 'bulkhead@p.iam.gserviceaccount.com',
      client_id: '1',
      token_uri: `${origin}/token`,
      universe_domain: 'googleapis.com',
      ...extra,
    });
  const aws = (): AuthScheme => ({
    scheme: 'aws-sigv4',
    service: 'bedrock',
    region: 'eu-west-1',
    role: { arn: ROLE, externalId: 'ext-1', durationSeconds: 3600 },
    tokenUrl: `${origin}/`,
  });
  const google = (): AuthScheme => ({ scheme: 'google-service-account', tokenUrl: `${origin}/token` });
  const azure = (): AuthScheme => ({
    scheme: 'azure-ad',
    tenant: 'contoso.example',
    tokenUrl: `${origin}/contoso.example/oauth2/v2.0/token`,
  });

  /** A credential of its own for each test, so that none has a session yet. */
  async function credentialOf(auth: AuthScheme, secret: string): Promise<CredentialId> {
    const id = `c${++counter}` as CredentialId;
    await vault.put(bindingTo(upstream.origin, { id, auth, ca: tls.cert }), secret);
    return id;
  }
  const call = (credential: CredentialId, path = '/v1/x') => vault.egress({ proof: key.proof, credential, path }, Buffer.from('{"a":1}'));
  const answering = (status: number, body: string) => (response: http.ServerResponse) => void response.writeHead(status).end(body);

  it('of STS: one AssumeRole for many calls, signed with the own keys; requests carry the session', async () => {
    reply = (response) => void setTimeout(() => response.end(assumed()), 50);
    const credential = await credentialOf(aws(), AWS);
    await Promise.all(Array.from({ length: 10 }, () => call(credential)));
    assert.equal(asked.length, 1);
    const [{ url, headers, form }] = asked as [(typeof asked)[0]];
    assert.equal(url, '/');
    assert.deepEqual(Object.fromEntries(form), {
      Action: 'AssumeRole',
      Version: '2011-06-15',
      RoleArn: ROLE,
      RoleSessionName: 'bulkhead',
      DurationSeconds: '3600',
      ExternalId: 'ext-1',
    });
    assert.match(
      headers.authorization ?? '',
      /^AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE\/\d{8}\/eu-west-1\/sts\/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, /,
    );
    const sent = upstream.seen.at(-1)?.headers;
    assert.match(
      sent?.authorization ?? '',
      /Credential=ASIAIOSFODNN7EXAMPLE\/\d{8}\/eu-west-1\/bedrock\/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token, /,
    );
    assert.equal(sent?.['x-amz-security-token'], SESSION_TOKEN);
  });

  it('are no client requests: the journal has one start for the call, none for the token', async () => {
    reply = answering(200, granted());
    const credential = await credentialOf(google(), account());
    await call(credential);
    await vault.admin({ op: 'metrics' });
    const starts = vault.journal.filter((record) => record.k === 'start' && record.credential === credential);
    assert.ok(starts.length <= 1);
    const { credentials } = (await vault.admin({ op: 'credential.list' })) as unknown as {
      credentials: { binding: { id: string }; uses: number }[];
    };
    assert.equal(credentials.find(({ binding }) => binding.id === credential)?.uses, 1);
    assert.match(JSON.stringify(await vault.admin({ op: 'metrics' })), /bulkhead_vault_token_fetches_total.*"labels":\["200"\]/);
  });

  it('of Google: an assertion that the account’s key signed, for the address of the binding', async () => {
    reply = answering(200, granted());
    const credential = await credentialOf(google(), account());
    await Promise.all([call(credential), call(credential)]);
    assert.equal(upstream.seen.at(-1)?.headers.authorization, `Bearer ${ACCESS_TOKEN}`);
    assert.equal(asked.length, 1);
    assert.equal(asked[0]?.form.get('grant_type'), 'urn:ietf:params:oauth:grant-type:jwt-bearer');
    const [header = '', claims = '', signature = ''] = (asked[0]?.form.get('assertion') ?? '').split('.');
    assert.ok(verify('sha256', Buffer.from(`${header}.${claims}`), publicKey, Buffer.from(signature, 'base64url')));
    assert.deepEqual(JSON.parse(Buffer.from(header, 'base64url').toString()), { alg: 'RS256', typ: 'JWT', kid: 'k1' });
    const { iat, exp, ...rest } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, number>;
    assert.equal(Number(exp) - Number(iat), 3600);
    assert.deepEqual(rest, {
      iss: 'bulkhead@p.iam.gserviceaccount.com',
      scope: 'https://www.googleapis.com/auth/cloud-platform',
      aud: `${origin}/token`,
    });
  });

  it('of Entra: client credentials, percent-encoded', async () => {
    reply = answering(200, granted('eyJ0eXAi.azure.token', { ext_expires_in: 3599 }));
    const credential = await credentialOf(azure(), JSON.stringify(AZURE));
    await call(credential);
    assert.equal(upstream.seen.at(-1)?.headers.authorization, 'Bearer eyJ0eXAi.azure.token');
    assert.equal(asked[0]?.url, '/contoso.example/oauth2/v2.0/token');
    assert.deepEqual(Object.fromEntries(asked[0]?.form ?? []), {
      grant_type: 'client_credentials',
      ...AZURE,
      scope: 'https://cognitiveservices.azure.com/.default',
    });
  });

  it('and what is derived from them are overwritten where an answer echoes them (20)', async () => {
    reply = answering(200, granted());
    const credential = await credentialOf(google(), account());
    const answer = await call(credential, '/v1/echo');
    const text = JSON.stringify(answer.head.headers) + answer.body.toString();
    assert.ok(!text.includes(ACCESS_TOKEN) && !text.includes(Buffer.from(ACCESS_TOKEN).toString('base64').slice(0, 30)), text);
    assert.match(text, /Incorrect API key provided: \*{10}/);
  });

  const refusals: readonly (readonly [string, () => AuthScheme, () => string, number, string, string, RegExp])[] = [
    [
      'STS denies the role',
      aws,
      () => AWS,
      403,
      '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:… is not authorized</Message></Error></ErrorResponse>',
      'credential_refused',
      /127\.0\.0\.1:\d+ gives no session token for it: it answered 403 AccessDenied/,
    ],
    ['STS is overloaded', aws, () => AWS, 503, 'busy', 'upstream_error', /answered 503: no session token/],
    [
      'STS answers without a token',
      aws,
      () => AWS,
      200,
      assumed().replace(/<SessionToken>.*<\/SessionToken>/, ''),
      'upstream_invalid',
      /not a session token/,
    ],
    [
      'STS names two credentials',
      aws,
      () => AWS,
      200,
      assumed().replace('</AssumeRoleResult>', '<Credentials></Credentials></AssumeRoleResult>'),
      'upstream_invalid',
      /not a session token/,
    ],
    [
      'STS sends a document type',
      aws,
      () => AWS,
      200,
      `<!DOCTYPE x [<!ENTITY a "b">]>${assumed()}`,
      'upstream_invalid',
      /not a session token/,
    ],
    [
      'STS sends a token that ends a header',
      aws,
      () => AWS,
      200,
      assumed(undefined, 'a\r\nx-evil: 1'),
      'upstream_invalid',
      /not a session token/,
    ],
    ['STS sends one that is over', aws, () => AWS, 200, assumed(Date.now() - 1000), 'upstream_invalid', /not a session token/],
    [
      'STS sends one that never ends',
      aws,
      () => AWS,
      200,
      assumed(Date.now() + 10 * 86_400_000),
      'upstream_invalid',
      /not a session token/,
    ],
    [
      'Google does not know the account',
      google,
      () => account(),
      400,
      '{"error":"invalid_grant","error_description":"Invalid JWT Signature."}',
      'credential_refused',
      /answered 400 invalid_grant/,
    ],
    ['Google answers in words', google, () => account(), 401, 'who are you', 'credential_refused', /answered 401$/],
    ['Google’s answer is cut', google, () => account(), 200, granted().slice(0, -1), 'upstream_invalid', /not a session token/],
    ['the token would end its header', google, () => account(), 200, granted('a\r\nx-evil: 1'), 'upstream_invalid', /not a session token/],
    [
      'the token has no end',
      google,
      () => account(),
      200,
      granted(ACCESS_TOKEN, { expires_in: 0 }),
      'upstream_invalid',
      /not a session token/,
    ],
    [
      'the token is not a bearer',
      google,
      () => account(),
      200,
      granted(ACCESS_TOKEN, { token_type: 'mac' }),
      'upstream_invalid',
      /not a session token/,
    ],
    ['the answer is too long', google, () => account(), 200, granted('x'.repeat(70_000)), 'upstream_invalid', /too long/],
    [
      'Entra does not know the client',
      azure,
      () => JSON.stringify(AZURE),
      401,
      '{"error":"invalid_client","error_codes":[7000215]}',
      'credential_refused',
      /answered 401 invalid_client/,
    ],
  ];
  for (const [name, auth, secret, status, body, code, words] of refusals) {
    it(`${name}: ${code}, and nothing reaches the provider`, async () => {
      reply = answering(status, body);
      const credential = await credentialOf(auth(), secret());
      const before = upstream.seen.length;
      await assert.rejects(
        call(credential),
        (error: Error & { code?: string }) => error.code === code && words.test(error.message.replace(/\.$/, '')),
      );
      assert.equal(upstream.seen.length, before);
    });
  }

  it('a redirect of the token address is not followed (18)', async () => {
    reply = (response) => void response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
    await assert.rejects(call(await credentialOf(google(), account())), { code: 'upstream_redirect' });
    assert.equal(asked.length, 1);
  });

  it('another certificate at the token address ends it before anything is sent', async () => {
    const id = `c${++counter}` as CredentialId;
    const plainUpstream = await startUpstream();
    await vault.put(bindingTo(plainUpstream.origin, { id, auth: google() }), account());
    await assert.rejects(call(id), { code: 'upstream_unreachable' });
    assert.deepEqual([asked.length, plainUpstream.seen.length], [0, 0]);
    plainUpstream.close();
  });

  it('a private token address needs a binding that allows private ones', async () => {
    const id = `c${++counter}` as CredentialId;
    await vault.put(bindingTo('https://api.example', { id, auth: google(), ca: tls.cert, allowPrivate: false }), account());
    await assert.rejects(call(id), { code: 'address_refused' });
    assert.equal(asked.length, 0);
  });

  it('a streamed body is refused for AWS before a role is assumed', async () => {
    reply = answering(200, assumed());
    const credential = await credentialOf(aws(), AWS);
    await assert.rejects(vault.egress({ proof: key.proof, credential, path: '/v1/x' }, [Buffer.from('x')]), {
      code: 'credential_refused',
      message: /AWS signs the whole body/,
    });
    assert.equal(asked.length, 0);
  });

  it('the caller may not set a header that AWS’s signature owns', async () => {
    const credential = await credentialOf({ scheme: 'aws-sigv4', service: 'bedrock', region: 'eu-west-1' }, AWS);
    for (const name of ['x-amz-security-token', 'x-amz-date', 'x-amz-content-sha256', 'authorization']) {
      const headers = [[name, 'x']] as const;
      await assert.rejects(vault.egress({ proof: key.proof, credential, path: '/v1/x', headers }), { code: 'credential_refused' });
    }
  });

  const forms: readonly (readonly [string, AuthScheme, string, RegExp])[] = [
    [
      'an API key for AWS',
      { scheme: 'aws-sigv4', service: 'bedrock', region: 'eu-west-1' },
      'sk-1234567890',
      /not the JSON or the lines of AWS keys/,
    ],
    [
      'AWS keys without their secret',
      { scheme: 'aws-sigv4', service: 'bedrock', region: 'eu-west-1' },
      '{"access_key_id":"AKIAIOSFODNN7EXAMPLE"}',
      /secret_access_key is missing/,
    ],
    ['an API key for Google', { scheme: 'google-service-account' }, 'AIza-1234567890', /not the JSON file of a service account/],
    ['a user’s credentials for Google', { scheme: 'google-service-account' }, '{"type":"authorized_user"}', /type does not have the form/],
    ['a secret without a client for Entra', { scheme: 'azure-ad', tenant: 't' }, '{"client_secret":"x"}', /client_id is missing/],
  ];
  for (const [name, auth, secret, words] of forms) {
    it(`${name}: refused before it is sealed, in words that do not quote it`, async () => {
      const binding = bindingTo('https://api.example', { id: 'wrong' as CredentialId, auth, allowPrivate: false });
      await assert.rejects(vault.put(binding, secret), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'invalid_field');
        assert.match(error.message, words);
        return !error.message.includes('1234567890');
      });
    });
  }

  it('a service account that names another token address is refused', () =>
    assert.rejects(
      vault.put(bindingTo('https://api.example', { id: 'wrong' as CredentialId, auth: { scheme: 'google-service-account' } }), account()),
      { code: 'invalid_field', message: /token_uri must be https:\/\/oauth2\.googleapis\.com\/token/ },
    ));

  it('takes AWS keys as the lines of a credentials file', async () => {
    const lines = '[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n';
    const credential = await credentialOf({ scheme: 'aws-sigv4', service: 'bedrock', region: 'eu-west-1' }, lines);
    await call(credential);
    assert.match(upstream.seen.at(-1)?.headers.authorization ?? '', /^AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE\//);
  });

  it('are bound: another role, region or token address needs the secret again', async () => {
    const credential = await credentialOf(aws(), AWS);
    const binding = bindingTo(upstream.origin, { id: credential, auth: aws(), ca: tls.cert });
    const changes: readonly object[] = [
      { region: 'us-east-1' },
      { role: { arn: `${ROLE}2` } },
      { role: undefined, tokenUrl: undefined },
      { tokenUrl: 'https://evil.example/' },
    ];
    for (const change of changes) {
      const moved = { ...binding, auth: { ...aws(), ...change } as AuthScheme };
      await assert.rejects(vault.admin({ op: 'credential.rebind', binding: moved, at: 1 }), { code: 'credential_refused' });
    }
    await vault.admin({ op: 'credential.rebind', binding: { ...binding, ceilings: { concurrent: 5 } }, at: 1 });
  });

  it('survive a restart as what they were, and prints or stores nothing of them', async () => {
    reply = answering(200, assumed());
    const credential = await credentialOf(aws(), AWS);
    await vault.drain();
    const output = vault.output();
    vault = await startVault({ folder: vault.folder });
    await call(credential);
    assert.equal(upstream.seen.at(-1)?.headers['x-amz-security-token'], SESSION_TOKEN);
    const stored = fs.readFileSync(`${vault.folder}/store.json`, 'utf8');
    for (const text of [SESSION_TOKEN, SESSION_SECRET, ACCESS_TOKEN, 'wJalrXUtnFEMI', 'PRIVATE KEY'])
      assert.ok(!(output + vault.output() + stored).includes(text), text);
  });
});
