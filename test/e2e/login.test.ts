import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { httpRequest, startNode, type HttpAnswer, type RunningNode } from './node.ts';
import { AUDIENCE, CLIENT_ID, hasOpenssl, startIssuer, type OidcIssuer } from './oidc-issuer.ts';

/** `bulkhead login` as a person uses it: the device flow at a real issuer, a key of seconds, its renewal, and its end. */

const CLI = fileURLToPath(new URL('../../src/main/cli.ts', import.meta.url));
const SKIP = { skip: hasOpenssl ? false : 'SKIPPED: openssl is not installed' };
/** The least that the configuration allows: what takes five minutes in earnest takes ten seconds here. */
const SESSION_SECONDS = 10;

interface Program {
  readonly child: ChildProcess;
  readonly ended: Promise<number>;
  out(): string;
  err(): string;
}

describe('bulkhead login', SKIP, () => {
  let issuer: OidcIssuer;
  let node: RunningNode;
  let home: string;
  const programs: ChildProcess[] = [];

  before(async () => {
    issuer = await startIssuer();
    home = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-home-'));
    const ca = issuer.ca.trim().replaceAll('\n', '\n      ');
    const config = `issuers:
  company:
    url: ${issuer.url}
    audiences: [${AUDIENCE}]
    client_id: ${CLIENT_ID}
    private: true
    session_seconds: ${SESSION_SECONDS}
    ca: |
      ${ca}
`;
    node = await startNode({ config: `workers: 2\n${config}models:\n  first: sandbox/echo\n` });
  });

  afterEach(() => {
    for (const child of programs.splice(0)) child.kill('SIGKILL');
    issuer.removed.clear();
  });

  after(async () => {
    await node.stop();
    await issuer.close();
    fs.rmSync(home, { recursive: true });
  });

  const file = (): string => path.join(home, 'bulkhead/login.json');
  const start = (args: readonly string[]): Program => {
    const child = spawn(process.execPath, [CLI, ...args], {
      env: { PATH: process.env['PATH'], HOME: home, XDG_CONFIG_HOME: home, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    programs.push(child);
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    return { child, ended: new Promise((resolve) => child.on('close', (code) => resolve(code ?? 128))), out: () => out, err: () => err };
  };
  const ended = async (args: readonly string[]) => {
    const program = start(args);
    return { code: await program.ended, out: program.out(), err: program.err() };
  };
  const until = async (holds: () => unknown): Promise<void> => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  /** Logs a person in as people do: the command shows a code, the person confirms it elsewhere. */
  const logIn = async (sub: string, ...more: readonly string[]): Promise<Program> => {
    issuer.confirmed = undefined;
    const program = start(['login', '--url', node.controlUrl, ...more]);
    await until(() => program.err().includes('WDJB-MJHT'));
    assert.match(program.err(), new RegExp(`Open ${issuer.url}/activate\n`));
    issuer.confirmed = { sub, email: `${sub}@example.com`, nonce: crypto.randomUUID() };
    await until(() => program.out().includes('Logged in') || program.child.exitCode !== null);
    return program;
  };
  const ask = (key: string): Promise<HttpAnswer> =>
    httpRequest(
      'POST',
      `${node.url}/v1/chat/completions`,
      { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      JSON.stringify({ model: 'first', messages: [{ role: 'user', content: 'hello' }] }),
    );
  const key = async (): Promise<string> => (await ended(['login', 'key'])).out.trim();

  it('shows a code, waits for the person, and gives a key that works; the file is the person’s alone', async () => {
    const program = await logIn('ada');
    assert.equal(await program.ended, 0, program.err());
    assert.match(program.out(), /Logged in as ada@example\.com\./);
    assert.equal(fs.statSync(file()).mode & 0o777, 0o600);
    const text = await key();
    assert.match(text, /^bh_login_[0-9A-Za-z]{36}$/);
    assert.equal((await ask(text)).status, 200);
    assert.doesNotMatch(program.out() + program.err(), /refresh-|bh_login_/);
  });

  it('other commands are the person’s, with the roles of the person and no others, and at no other node', async () => {
    const none = ['--data', path.join(home, 'none')];
    const made = await ended(['key', 'create', '--name', 'own', ...none, '--json']);
    assert.equal(made.code, 0, made.err);
    const { user } = JSON.parse(made.out) as { user: string | null };
    assert.match(user ?? '', /^usr_/);
    const listed = await ended(['key', 'list', ...none, '--json']);
    assert.deepEqual(
      (JSON.parse(listed.out) as { keys: { name: string }[] }).keys.map(({ name }) => name),
      ['own'],
    );
    const denied = await ended(['org', 'create', 'mine', ...none]);
    assert.match(denied.err, /permission_denied/);
    const log = fs.readFileSync(path.join(node.dataDir, 'auditor/control.log'), 'utf8');
    assert.ok(log.split('\n').some((line) => line.includes('"key.create"') && line.includes(`user:${user}`)));
    const elsewhere = await ended(['key', 'list', ...none, '--url', 'http://127.0.0.1:1']);
    assert.match(elsewhere.err, /The login of this machine is for http/);
    assert.match((await ended(['key', 'list', '--login', '--token-file', 'x'])).err, /Give --login or --token-file/);
    // The key itself opens nothing there: programs get it that are not to manage anything.
    const answer = await httpRequest('GET', `${node.controlUrl}/admin/v1/keys`, { authorization: `Bearer ${await key()}` });
    assert.equal(answer.status, 401);
  });

  it('other commands end with the login: an ID token is taken as long as its key, and a removed person gets no other', async () => {
    await (
      await logIn('rosa')
    ).ended;
    const none = ['--data', path.join(home, 'none')];
    const { id_token: idToken } = JSON.parse(fs.readFileSync(file(), 'utf8')) as { id_token: string };
    const list = async (): Promise<string> => {
      const answer = await httpRequest('GET', `${node.controlUrl}/admin/v1/keys`, { authorization: `Bearer ${idToken}` });
      return `${answer.status} ${String((JSON.parse(answer.body) as { error?: { code?: string } }).error?.code)}`;
    };
    assert.equal(await list(), '200 undefined');
    issuer.removed.add('rosa');
    await until(async () => (await list()) === '401 login_not_fresh');
    const over = await ended(['key', 'list', ...none]);
    assert.notEqual(over.code, 0);
    assert.match(over.err, /does not renew this login any more[^]*Log in again: bulkhead login/);
    assert.match((await ended(['key', 'list', '--login', ...none])).err, /Nobody is logged in here/);
    await (
      await logIn('ada')
    ).ended;
  });

  it('the node never sees the refresh token, and it stands in no file but the person’s', async () => {
    const { refresh_token: token } = JSON.parse(fs.readFileSync(file(), 'utf8')) as { refresh_token: string };
    assert.match(token, /^refresh-/);
    const found = fs
      .readdirSync(node.dataDir, { recursive: true, encoding: 'utf8' })
      .map((name) => path.join(node.dataDir, name))
      .filter((each) => fs.statSync(each).isFile() && fs.readFileSync(each).includes(token));
    assert.deepEqual(found, []);
  });

  it('the same key goes on living while it is renewed, by programs that do not know of each other, and ends where it is not', async () => {
    const first = await key();
    await new Promise((resolve) => setTimeout(resolve, SESSION_SECONDS * 700));
    const renewed = await Promise.all([key(), key(), key()]);
    assert.deepEqual([...new Set(renewed)], [first]);
    await new Promise((resolve) => setTimeout(resolve, SESSION_SECONDS * 500));
    assert.equal((await ask(first)).status, 200);
    await new Promise((resolve) => setTimeout(resolve, SESSION_SECONDS * 700));
    assert.equal((await ask(first)).status, 401);
    // The login itself is not over.
    assert.equal(await key(), first);
    assert.equal((await ask(first)).status, 200);
  });

  it('removal at the issuer: the key ends by itself, and no further one is given', async () => {
    const program = await logIn('grace', '--keep');
    const text = await key();
    assert.equal((await ask(text)).status, 200);
    issuer.removed.add('grace');
    const since = Date.now();
    await until(async () => (await ask(text)).status === 401);
    assert.ok(Date.now() - since <= (SESSION_SECONDS + 3) * 1000);
    await program.ended;
    assert.match(program.err(), /The login is over: .*does not renew this login any more/);
    const refused = await ended(['login', 'key']);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /Nobody is logged in here/);
    assert.equal(fs.existsSync(file()), false);
  });

  it('removal here: a person who is blocked loses the key at once, and gets no other', async () => {
    await (
      await logIn('alan')
    ).ended;
    const text = await key();
    assert.equal((await ask(text)).status, 200);
    assert.equal((await node.admin('PATCH', '/admin/v1/users/alan@example.com', { state: 'blocked' })).status, 200);
    for (let i = 0; i < 6; i++) assert.equal((await ask(text)).status, 401);
    const again = await logIn('alan');
    assert.equal(await again.ended, 1);
    assert.match(again.err(), /admin_token_invalid/);
  });

  it('runs a program with the key in its environment, keeps the key alive meanwhile, and ends as the program ends', async () => {
    await (
      await logIn('mary')
    ).ended;
    const script = `
      const ask = () => fetch('${node.url}/v1/models', { headers: { authorization: 'Bearer ' + process.env.OPENAI_API_KEY } }).then((r) => r.status);
      const first = await ask();
      await new Promise((resolve) => setTimeout(resolve, ${SESSION_SECONDS * 1500}));
      console.log(first, await ask(), process.env.ANTHROPIC_BASE_URL);
      process.exit(7);`;
    const { code, out, err } = await ended([
      'login',
      'run',
      '--gateway',
      node.url,
      '--',
      process.execPath,
      '--input-type=module',
      '-e',
      script,
    ]);
    assert.equal(code, 7, err);
    assert.equal(out.trim(), `200 200 ${node.url}`);
    assert.equal((await ended(['login', 'run', '--', 'no-such-program'])).code, 2);
  });

  it('logout ends the key at the node, the refresh token at the issuer, and the file', async () => {
    await (
      await logIn('lena')
    ).ended;
    const text = await key();
    assert.equal((await ask(text)).status, 200);
    const before = new Set(issuer.refreshTokens);
    const { code, out, err } = await ended(['logout']);
    assert.equal(code, 0, err);
    assert.equal(out, 'lena@example.com is logged out here.\n');
    assert.equal((await ask(text)).status, 401);
    assert.equal(fs.existsSync(file()), false);
    assert.ok([...issuer.refreshTokens].every((token) => before.has(token)));
    assert.match((await ended(['logout'])).err, /Nobody is logged in here/);
  });

  it('refuses a file that others may read, an ID token that is not fresh, and a personal token', async () => {
    await (
      await logIn('nina')
    ).ended;
    fs.chmodSync(file(), 0o644);
    assert.match((await ended(['login', 'key'])).err, /may be read by others/);
    const post = async (bearer: string) => {
      const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
      const answer = await httpRequest('POST', `${node.controlUrl}/admin/v1/login`, headers, '{}');
      return [answer.status, (JSON.parse(answer.body) as { error?: { code?: string } }).error?.code];
    };
    const now = Math.floor(Date.now() / 1000);
    const stale = issuer.token({ aud: CLIENT_ID, sub: 'nina', email: 'nina@example.com', iat: now - SESSION_SECONDS, exp: now + 3600 });
    assert.deepEqual(await post(stale), [401, 'login_not_fresh']);
    const undated = issuer.token({ aud: CLIENT_ID, sub: 'nina', email: 'nina@example.com', iat: undefined });
    assert.deepEqual(await post(undated), [401, 'login_not_fresh']);
    const { body } = await node.admin('POST', '/admin/v1/tokens', { name: 'p', user: 'nina@example.com' });
    assert.deepEqual(await post(String(body['token'])), [403, 'token_needed']);
  });

  it('does not make a key of its own choosing one, nor another’s login', async () => {
    const idToken = (sub: string): string => issuer.token({ aud: CLIENT_ID, sub, email: `${sub}@example.com`, jti: crypto.randomUUID() });
    const post = async (sub: string, body: object): Promise<string> => {
      const headers = { authorization: `Bearer ${idToken(sub)}`, 'content-type': 'application/json' };
      const answer = await httpRequest('POST', `${node.controlUrl}/admin/v1/login`, headers, JSON.stringify(body));
      return String((JSON.parse(answer.body) as { key?: string }).key);
    };
    const own = await post('olga', {});
    assert.equal(await post('olga', { key: own }), own);
    assert.notEqual(await post('pete', { key: own }), own);
    const virtual = await node.newKey();
    assert.notEqual(await post('olga', { key: virtual }), virtual);
  });
});
