import assert from 'node:assert/strict';
import fs from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { hmacToken, makeKey, tokenOf, unsignedToken, type SigningKey } from '../../src/access/testing/tokens.ts';
import { httpRequest, startNode, type HttpAnswer, type RunningNode } from './node.ts';
import { AUDIENCE, CLIENT_ID, hasOpenssl, startIssuer, type OidcIssuer } from './oidc-issuer.ts';

/** Callers with a token of an issuer instead of a key, through real processes, against a real issuer over HTTPS. */

const SKIP = { skip: hasOpenssl ? false : 'SKIPPED: openssl is not installed' };
const indented = (pem: string): string => pem.trim().replaceAll('\n', '\n      ');

export const issuerConfig = (issuer: OidcIssuer, more = ''): string => `issuers:
  company:
    url: ${issuer.url}
    audiences: [${AUDIENCE}]
    client_id: ${CLIENT_ID}
    private: true
    team: { claim: groups, names: { g-search: search, g-ads: ads } }
    role: { claim: roles, names: { lead: team_admin, outside: viewer }, otherwise: member }
    ca: |
      ${indented(issuer.ca)}
${more}`;

const codeOf = ({ body }: HttpAnswer): unknown => (JSON.parse(body) as { error?: { code?: string } }).error?.code;
const seconds = (): number => Math.floor(Date.now() / 1000);

async function until<Value>(find: () => Promise<Value | undefined>): Promise<Value> {
  for (;;) {
    const value = await find();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('callers with a token of an issuer', SKIP, () => {
  let issuer: OidcIssuer;
  let node: RunningNode;

  before(async () => {
    issuer = await startIssuer();
    node = await startNode({
      config: `workers: 2\nvault: { shards: 2 }\n${issuerConfig(issuer)}models:\n  first: sandbox/echo\n  second: sandbox/echo\n`,
    });
    for (const name of ['search', 'ads']) assert.equal((await node.admin('POST', '/admin/v1/teams', { name })).status, 201);
  });

  after(async () => {
    await node.stop();
    await issuer.close();
  });

  const ask = (token: string, model = 'first'): Promise<HttpAnswer> =>
    httpRequest(
      'POST',
      `${node.url}/v1/chat/completions`,
      { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }] }),
    );
  const person = (sub: string, change: object = {}): string =>
    issuer.token({ sub, email: `${sub}@example.com`, groups: ['g-search'], ...change });
  const api = async (token: string, method: string, target: string, body?: unknown) => {
    const answer = await httpRequest(
      method,
      `${node.controlUrl}/admin/v1${target}`,
      { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body === undefined ? undefined : JSON.stringify(body),
    );
    return { status: answer.status, body: JSON.parse(answer.body) as Record<string, unknown> };
  };
  const userOf = async (sub: string): Promise<string> => String((await node.admin('GET', `/admin/v1/users/${sub}@example.com`)).body['id']);

  it('calls a model as a person of the claims’ team, who is made at the first time; every call is the team’s and the person’s', async () => {
    const answer = await ask(person('ada'));
    assert.equal(answer.status, 200, answer.body);
    const user = await userOf('ada');
    const { body } = await node.admin('GET', `/admin/v1/members?user=${user}`);
    const [member, ...others] = body['members'] as readonly Record<string, unknown>[];
    assert.deepEqual([member?.['role'], others.length], ['member', 0]);
    const rows = await until(async () => {
      const found = (await node.admin('GET', `/admin/v1/usage/rows?user=${user}`)).body['rows'] as readonly Record<string, unknown>[];
      return found.length > 0 ? found : undefined;
    });
    assert.equal(rows[0]?.['team'], member?.['team']);
  });

  it('over both workers and both shards, many times, with one question to the issuer and one person', async () => {
    const token = person('grace');
    const before = issuer.asked.length;
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => ask(token, i % 2 === 0 ? 'first' : 'second')));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal(issuer.asked.length, before);
    const { body } = await node.admin('GET', '/admin/v1/users?q=grace');
    assert.equal((body['users'] as unknown[]).length, 1);
  });

  it('is held to the models of the team, at once after a change', async () => {
    const token = person('alan', { groups: ['unknown', 'g-ads', 'g-search'] });
    assert.equal((await ask(token, 'second')).status, 200);
    const { teams } = (await node.admin('GET', '/admin/v1/teams')).body as { teams: { id: string; name: string }[] };
    const ads = teams.find(({ name }) => name === 'ads')?.id ?? '';
    assert.equal((await node.admin('PATCH', `/admin/v1/teams/${ads}`, { models: ['first'] })).status, 200);
    assert.equal((await ask(token, 'first')).status, 200);
    const refused = await ask(token, 'second');
    assert.deepEqual([refused.status, codeOf(refused)], [403, 'model_not_allowed']);
  });

  const attacker = makeKey('RS256', 'first');
  const base = (): object => ({
    iss: issuer.url,
    sub: 'eve',
    aud: AUDIENCE,
    exp: seconds() + 600,
    iat: seconds(),
    email: 'eve@example.com',
    email_verified: true,
    groups: ['g-search'],
  });
  const first = (): SigningKey => issuer.keys[0] as SigningKey;
  const attacks: Readonly<Record<string, () => string>> = {
    'alg none': () => unsignedToken(base(), 'none', 'AAAA'),
    'HS256 keyed with the RSA public key': () => hmacToken(first(), base(), first().publicKey.export({ format: 'pem', type: 'spki' })),
    'kid is a path': () => tokenOf({ ...attacker, kid: '../../../../dev/null' }, base()),
    'jku leads elsewhere': () => tokenOf(attacker, base(), { jku: `${issuer.url}/evil` }),
    'jwk brings its own key': () => tokenOf(attacker, base(), { jwk: attacker.jwk }),
    'wrong aud': () => tokenOf(first(), { ...base(), aud: 'another-program' }),
    'aud of the login client': () => tokenOf(first(), { ...base(), aud: CLIENT_ID }),
    'wrong iss': () => tokenOf(first(), { ...base(), iss: 'https://127.0.0.1:1' }),
    expired: () => tokenOf(first(), { ...base(), exp: seconds() - 60 }),
  };
  for (const [name, make] of Object.entries(attacks)) {
    it(`attack 35: ${name} → 401, the answer for a key that does not exist`, async () => {
      const [answer, unknown] = [await ask(make()), await ask('bh_live_nobody')];
      assert.deepEqual([answer.status, codeOf(answer)], [401, 'invalid_key']);
      const words = ({ body }: HttpAnswer): string => body.replaceAll(/req_[0-9A-Z]{26}/g, '');
      assert.equal(words(answer), words(unknown));
      assert.equal((await api(make(), 'GET', '/keys')).status, name === 'aud of the login client' ? 200 : 401);
      assert.deepEqual(
        issuer.asked.filter((at) => at === '/evil'),
        [],
      );
    });
  }

  it('attack 35: a token whose first 20 characters, and whole payload, are those of one that is cached → 401', async () => {
    const right = person('ada');
    assert.equal((await ask(right)).status, 200);
    const forged = right.replace(/[^.]*$/, tokenOf(attacker, {}).split('.')[2] ?? '');
    assert.equal(right.slice(0, 200), forged.slice(0, 200));
    const answer = await ask(forged);
    assert.deepEqual([answer.status, codeOf(answer)], [401, 'invalid_key']);
    assert.equal((await ask(right)).status, 200);
  });

  it('tokens that name unknown keys do not make the node ask the issuer again and again', async () => {
    const before = issuer.asked.filter((at) => at === '/keys').length;
    const stranger = makeKey('ES256', 'stranger');
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => ask(tokenOf(stranger, { ...base(), jti: String(i) }))));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [401]);
    assert.ok(issuer.asked.filter((at) => at === '/keys').length - before <= 1);
  });

  it('nobody without a verified address, a known team or a role of one who works there', async () => {
    for (const change of [
      { email_verified: false },
      { email_verified: 'true' },
      { email: undefined },
      { groups: ['g-unknown'] },
      { groups: 'constructor' },
      { roles: ['outside'] },
    ]) {
      const answer = await ask(person(`nobody-${JSON.stringify(change).length}`, change));
      assert.deepEqual([answer.status, codeOf(answer)], [401, 'invalid_key'], JSON.stringify(change));
    }
  });

  it('does not become somebody of another organization, or of the node, by that person’s address', async () => {
    assert.equal((await node.admin('POST', '/admin/v1/users', { name: 'root', email: 'root@example.com' })).status, 201);
    assert.equal((await node.admin('PUT', '/admin/v1/members', { user: 'root@example.com', role: 'platform_admin' })).status, 200);
    assert.equal((await node.admin('POST', '/admin/v1/organizations', { name: 'other' })).status, 201);
    assert.equal(
      (await node.admin('POST', '/admin/v1/users', { name: 'bob', email: 'bob@example.com', organization: 'other' })).status,
      201,
    );
    for (const sub of ['root', 'bob']) {
      assert.equal((await ask(person(sub))).status, 401, sub);
      assert.equal((await api(person(sub), 'GET', '/keys')).status, 401, sub);
    }
  });

  it('is the person on the admin API too, with the person’s roles and no others', async () => {
    const [member, lead] = [person('mary'), person('lena', { roles: ['lead'] })];
    assert.equal((await api(member, 'POST', '/keys', { name: 'mine', team: 'search' })).status, 201);
    const denied = await api(member, 'GET', '/usage/rows');
    assert.equal(denied.status, 403);
    assert.equal((await api(lead, 'POST', '/projects', { name: 'p', team: 'search' })).status, 201);
    assert.equal((await api(member, 'POST', '/projects', { name: 'q', team: 'search' })).status, 403);
    assert.equal((await api(lead, 'POST', '/organizations', { name: 'mine' })).status, 403);
  });

  it('removal: a person who is blocked is refused at once, with this token and the next, on every worker', async () => {
    const token = person('carl');
    assert.equal((await ask(token)).status, 200);
    assert.equal((await node.admin('PATCH', '/admin/v1/users/carl@example.com', { state: 'blocked' })).status, 200);
    for (let i = 0; i < 6; i++) assert.equal((await ask(token)).status, 401);
    assert.equal((await ask(person('carl', { jti: 'next' }))).status, 401);
    assert.equal((await api(token, 'GET', '/keys')).status, 401);
  });

  it('removal: a membership that is taken away stays away, whatever the claims say', async () => {
    const token = person('dora');
    assert.equal((await ask(token)).status, 200);
    const { body } = await node.admin('GET', `/admin/v1/members?user=${await userOf('dora')}`);
    const [member] = body['members'] as readonly { readonly id: string }[];
    assert.equal((await node.admin('DELETE', `/admin/v1/members/${member?.id}`)).status, 200);
    for (let i = 0; i < 6; i++) assert.equal((await ask(token)).status, 401);
    assert.equal((await ask(person('dora', { jti: 'next' }))).status, 401);
  });

  it('removal: who leaves a group at the issuer loses the role that it gave', async () => {
    const token = person('erik', { groups: ['g-search'] });
    assert.equal((await ask(token)).status, 200);
    assert.equal((await ask(person('erik', { groups: ['g-ads'] }))).status, 200);
    const { body } = await node.admin('GET', `/admin/v1/members?user=${await userOf('erik')}`);
    assert.equal((body['members'] as unknown[]).length, 1);
    // The session of before was of the group that is gone.
    assert.equal((await ask(token)).status, 401);
  });

  it('a removed person is not made again', async () => {
    assert.equal((await ask(person('fred'))).status, 200);
    assert.equal((await node.admin('DELETE', '/admin/v1/users/fred@example.com')).status, 200);
    assert.equal((await ask(person('fred', { jti: 'next' }))).status, 401);
  });

  it('removal: a team that is removed takes its sessions along', async () => {
    const token = person('gina', { groups: ['g-ads'] });
    assert.equal((await ask(token)).status, 200);
    const { teams } = (await node.admin('GET', '/admin/v1/teams')).body as { teams: { id: string; name: string }[] };
    assert.equal((await node.admin('DELETE', `/admin/v1/teams/${teams.find(({ name }) => name === 'ads')?.id}`)).status, 200);
    for (let i = 0; i < 6; i++) assert.equal((await ask(token)).status, 401);
  });

  it('the doctor says of the issuer whether it answers, and with which keys', async () => {
    const { body } = await node.admin('GET', '/admin/v1/doctor');
    const [found] = body['issuers'] as readonly { readonly reachable: boolean; readonly fetched_at: string; readonly keys: object[] }[];
    assert.equal(found?.reachable, true);
    assert.ok(Date.parse(found.fetched_at) > Date.now() - 300_000);
    assert.deepEqual(found.keys, [{ kid: 'first', kty: 'RSA', alg: 'RS256' }]);
    const [check] = (body['checks'] as { name: string; status: string; message: string }[]).filter(({ name }) => name === 'issuer company');
    assert.equal(check?.status, 'ok');
    assert.match(check.message, /answers, one key \(first\), fetched/);
  });

  /** Writes into control's database as somebody would who got at the file. */
  const edit = (sql: string, subject: string): void => {
    const db = new DatabaseSync(`${node.dataDir}/control/control.db`);
    assert.equal(db.prepare(sql).run(subject).changes, 1);
    db.close();
  };

  it('a row of what claims gave that was edited: nobody comes in by it, and it is reported', async () => {
    const token = person('ines');
    assert.equal((await ask(token)).status, 200);
    edit(`UPDATE claimed_members SET membership = (SELECT id FROM memberships ORDER BY id LIMIT 1) WHERE subject = ?`, 'ines');
    assert.equal((await ask(person('ines', { jti: 'next' }))).status, 401);
    await until(async () => (await refusals()).some((target) => target === 'claimed-role/ines') || undefined);
    assert.equal((await node.admin('POST', '/admin/v1/rows/accept')).body['state'], 'ok');
  });

  const refusals = async (): Promise<readonly unknown[]> => {
    const { body } = await node.admin('GET', '/admin/v1/audit?limit=1000');
    return (body['entries'] as { act?: string; target?: string }[]).flatMap(({ act, target }) => (act === 'row.refuse' ? [target] : []));
  };

  it('a row of what claims gave that was taken away: they give nothing again, and nobody new comes in', async () => {
    assert.equal((await ask(person('hugo'))).status, 200);
    assert.equal((await ask(person('jona'))).status, 200);
    const { body } = await node.admin('GET', `/admin/v1/members?user=${await userOf('jona')}`);
    const [member] = body['members'] as readonly { readonly id: string }[];
    assert.equal((await node.admin('DELETE', `/admin/v1/members/${member?.id}`)).status, 200);
    edit(`DELETE FROM claimed_members WHERE subject = ?`, 'jona');
    assert.equal((await ask(person('jona', { jti: 'next' }))).status, 401);
    assert.equal((await ask(person('kira'))).status, 401);
    assert.equal((await node.admin('GET', '/admin/v1/users/kira@example.com')).status, 404);
    assert.equal((await ask(person('erik', { groups: ['g-search'], jti: 'known' }))).status, 401, 'what a new group would give waits too');
    assert.equal((await ask(person('hugo', { jti: 'known' }))).status, 200, 'who was here goes on');
    assert.equal((await node.admin('POST', '/admin/v1/rows/accept')).body['state'], 'ok');
    assert.equal((await ask(person('kira', { jti: 'next' }))).status, 200);
  });

  it('a session ends by its own row, and control is asked for the next', async () => {
    const text = fs.readFileSync(node.configFile, 'utf8');
    fs.writeFileSync(node.configFile, text.replace('private: true', 'private: true\n    session_seconds: 10'));
    await until(async () => (node.output().match(/"event":"issuer.fetched"/g)?.length ?? 0) >= 2 || undefined);
    const token = person('hedy');
    assert.equal((await ask(token)).status, 200);
    const user = await userOf('hedy');
    assert.equal((await node.admin('PATCH', `/admin/v1/users/${user}`, { name: 'Hedy' })).status, 200);
    const until10 = Date.now() + 11_000;
    while (Date.now() < until10) {
      assert.equal((await ask(token)).status, 200);
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    const log = fs.readFileSync(`${node.dataDir}/auditor/control.log`, 'utf8');
    assert.ok(log.split('\n').filter((line) => line.includes('session.create') && line.includes(user)).length >= 2);
  });
});
