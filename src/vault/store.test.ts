import assert from 'node:assert/strict';
import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, it } from 'node:test';
import type { CredentialId, OrganizationId } from '../core/ids.ts';
import { rawPublicKey } from '../core/signing.ts';
import type { AuthScheme } from '../ipc/messages/vault.ts';
import { associatedData } from './credential.ts';
import { Store } from './store.ts';
import { bindingTo, temporaryFolder } from './testing/vault.ts';

interface Edited {
  head: string;
  check: string;
  keys: Record<string, Record<string, unknown>>;
  credentials: Record<string, { binding: Record<string, unknown>; version: number; createdAt: number; secret: string }>;
}

const root = createSecretKey(randomBytes(32));
const folders: string[] = [];
const SECRET = 'sk-0123456789abcdef';
const one = bindingTo('https://api.one.example', {
  id: 'one' as CredentialId,
  organization: 'org_A' as OrganizationId,
  allowPrivate: false,
});
const two = bindingTo('https://api.two.example', {
  id: 'two' as CredentialId,
  organization: 'org_A' as OrganizationId,
  allowPrivate: false,
});

function newStore(): { folder: string; store: Store } {
  const folder = temporaryFolder();
  folders.push(folder);
  return { folder, store: new Store(folder, root) };
}
const open = (folder: string): Store => new Store(folder, root);
function edit(folder: string, change: (file: Edited) => void): void {
  const file = path.join(folder, 'store.json');
  const content = JSON.parse(fs.readFileSync(file, 'utf8')) as Edited;
  change(content);
  fs.writeFileSync(file, JSON.stringify(content));
}
/** Sealed text with the lowest bit of one byte changed; to set a byte to a given value leaves one text in 256 as it was. */
function flipped(sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64');
  bytes[30] = (bytes[30] as number) ^ 1;
  return bytes.toString('base64');
}
const secretOf = (store: Store, id: string): string => store.find(id).secret.reveal((bytes) => bytes.toString());

describe('sealed store', () => {
  afterEach(() => folders.splice(0).forEach((folder) => fs.rmSync(folder, { recursive: true })));

  it('keeps credentials and keys over a restart, and nothing of them in clear', () => {
    const { folder, store } = newStore();
    const plain = Buffer.from(SECRET);
    store.put(one, plain, 1);
    assert.ok(
      plain.every((byte) => byte === 0),
      'the given secret is overwritten',
    );
    store.put(two, Buffer.from(`${SECRET}2`), 2);
    const again = open(folder);
    assert.equal(secretOf(again, 'one'), SECRET);
    assert.equal(secretOf(again, 'two'), `${SECRET}2`);
    assert.equal(rawPublicKey(again.signing), rawPublicKey(store.signing));
    assert.equal(rawPublicKey(again.sealing), rawPublicKey(store.sealing));
    assert.match(again.find('one').info.fingerprint, /^[0-9a-f]{12}$/);
    assert.equal(fs.statSync(path.join(folder, 'store.json')).mode & 0o777, 0o600);
    assert.ok(!fs.readFileSync(path.join(folder, 'store.json'), 'utf8').includes(SECRET));
  });

  it('a record that was sealed before there were further schemes has the same associated data', () => {
    const digest = (auth: string): string =>
      createHash('sha256').update(`["https://api.one.example",["/v1/"],${auth},false,null,null,null,null,null]`).digest('hex');
    const aad = (auth: AuthScheme): string => associatedData({ ...one, auth }, 3);
    assert.equal(aad({ scheme: 'none' }), `bh1|org_A|credential|one|3|${digest('["none",null]')}`);
    assert.equal(aad({ scheme: 'bearer' }), `bh1|org_A|credential|one|3|${digest('["bearer",null]')}`);
    assert.equal(aad({ scheme: 'header', name: 'x-api-key' }), `bh1|org_A|credential|one|3|${digest('["header","x-api-key"]')}`);
  });

  it('every field of the further schemes is part of it, in whatever order it is written', () => {
    const role = { arn: 'arn:aws:iam::123456789012:role/r', externalId: 'ex', sessionName: 'se', durationSeconds: 900 };
    const whole = { scheme: 'aws-sigv4', service: 'bedrock', region: 'eu-west-1', role, tokenUrl: 'https://sts.internal/' } as const;
    const aad = (auth: AuthScheme): string => associatedData({ ...one, auth }, 1);
    const changes: readonly AuthScheme[] = [
      { ...whole, service: 'sts' },
      { ...whole, region: 'us-east-1' },
      { ...whole, tokenUrl: 'https://evil.example/' },
      { scheme: 'aws-sigv4', service: 'bedrock', region: 'eu-west-1' },
      ...Object.keys(role).map((name) => ({ ...whole, role: { ...role, [name]: 'other' } })),
      { scheme: 'google-service-account' },
      { scheme: 'google-service-account', scope: 's' },
      { scheme: 'google-service-account', tokenUrl: 'https://evil.example/' },
      { scheme: 'azure-ad', tenant: 't' },
      { scheme: 'azure-ad', tenant: 'u' },
    ];
    assert.equal(new Set([whole, ...changes].map(aad)).size, changes.length + 1);
    const { scheme, ...fields } = whole;
    assert.equal(aad({ ...fields, role: Object.fromEntries(Object.entries(role).reverse()) as typeof role, scheme }), aad(whole));
  });

  const edits: Readonly<Record<string, (file: Edited) => void>> = {
    'wrong host: another origin': ({ credentials }) =>
      void ((credentials['one'] as Edited['credentials'][string]).binding['origin'] = 'https://evil.example'),
    'another organization': ({ credentials, keys }) => {
      keys['org_B'] = keys['org_A'] as Record<string, unknown>;
      (credentials['one'] as Edited['credentials'][string]).binding['organization'] = 'org_B';
    },
    'every organization': ({ credentials }) => void ((credentials['one'] as Edited['credentials'][string]).binding['organization'] = '*'),
    'wider paths': ({ credentials }) => void ((credentials['one'] as Edited['credentials'][string]).binding['paths'] = ['/']),
    'another header for the key': ({ credentials }) =>
      void ((credentials['one'] as Edited['credentials'][string]).binding['auth'] = { scheme: 'header', name: 'x-evil' }),
    'private addresses': ({ credentials }) => void ((credentials['one'] as Edited['credentials'][string]).binding['allowPrivate'] = true),
    'a proxy': ({ credentials }) =>
      void ((credentials['one'] as Edited['credentials'][string]).binding['proxy'] = 'http://evil.example:3128'),
    'another authority': ({ credentials }) =>
      void ((credentials['one'] as Edited['credentials'][string]).binding['ca'] = '-----BEGIN CERTIFICATE-----'),
    'higher ceilings': ({ credentials }) =>
      void ((credentials['one'] as Edited['credentials'][string]).binding['ceilings'] = { requestsPerHour: 1e9 }),
    'another version': ({ credentials }) => void (credentials['one'] as Edited['credentials'][string]).version++,
    'sealed-blob swap: another credential’s secret': ({ credentials }) =>
      void ((credentials['one'] as Edited['credentials'][string]).secret = (credentials['two'] as Edited['credentials'][string]).secret),
    'its record under another id': ({ credentials }) => void (credentials['one'] = credentials['two'] as Edited['credentials'][string]),
    'a lost record': ({ credentials }) => void delete credentials['one'],
    'a changed byte of the secret': ({ credentials }) => {
      const record = credentials['one'] as Edited['credentials'][string];
      record.secret = flipped(record.secret);
    },
  };
  for (const [name, change] of Object.entries(edits)) {
    it(`${name}: that credential is refused and reported, the other works`, () => {
      const { folder, store } = newStore();
      store.put(one, Buffer.from(SECRET), 1);
      store.put(two, Buffer.from(SECRET), 1);
      edit(folder, change);
      const again = open(folder);
      assert.throws(() => again.find('one'), { code: 'credential_refused' });
      assert.deepEqual([...again.refused.keys()], ['one']);
      assert.equal(secretOf(again, 'two'), SECRET);
      again.remove('one');
      assert.throws(() => open(folder).find('one'), { code: 'credential_missing' });
    });
  }

  it('old record: the return of an earlier version is refused', () => {
    const { folder, store } = newStore();
    store.put(one, Buffer.from(SECRET), 1);
    const old = (JSON.parse(fs.readFileSync(path.join(folder, 'store.json'), 'utf8')) as Edited).credentials['one'];
    store.put(one, Buffer.from(`${SECRET}-new`), 2);
    edit(folder, ({ credentials }) => void (credentials['one'] = old as Edited['credentials'][string]));
    assert.throws(() => open(folder).find('one'), { code: 'credential_refused' });
  });

  it('a data key of another organization or generation opens nothing', () => {
    const { folder, store } = newStore();
    store.put(one, Buffer.from(SECRET), 1);
    store.put({ ...two, organization: 'org_B' as OrganizationId }, Buffer.from(SECRET), 1);
    edit(folder, ({ keys }) => void (keys['org_A'] = keys['org_B'] as Record<string, unknown>));
    assert.deepEqual([...open(folder).refused.keys()], ['one']);
    edit(folder, ({ keys }) => void ((keys['org_B'] as Record<string, unknown>)['generation'] = 2));
    assert.deepEqual([...open(folder).refused.keys()].sort(), ['one', 'two']);
  });

  it('does not start with a wrong root key or an edited head', () => {
    const { folder } = newStore();
    assert.throws(() => new Store(folder, createSecretKey(randomBytes(32))), /root key is not the one/);
    edit(folder, (file) => void (file.head = flipped(file.head)));
    assert.throws(() => open(folder), /sealed text was changed/);
  });

  it('pins a trusted key once', () => {
    const { folder, store } = newStore();
    const [first, second] = [newStore().store, newStore().store].map((other) => rawPublicKey(other.signing)) as [string, string];
    store.trust(first);
    store.trust(first);
    assert.throws(() => store.trust(second), { code: 'resource_exists' });
    assert.equal(rawPublicKey(open(folder).trusted), first);
  });

  it('refuses bindings and secrets that could mean more than they say', () => {
    const { store } = newStore();
    const bad: readonly object[] = [
      { id: 'Bad Name' },
      { id: '../x' },
      { organization: 'a|b' },
      { organization: '' },
      { origin: 'https://api.one.example/path' },
      { origin: 'https://user@api.one.example' },
      { origin: 'http://api.one.example' },
      { origin: 'ftp://api.one.example' },
      { paths: [] },
      { paths: ['v1/'] },
      { paths: ['/v1/../'] },
      { auth: { scheme: 'header', name: 'host' } },
      { auth: { scheme: 'header', name: 'x-a\r\nx-b' } },
      { auth: { scheme: 'sigv9' } },
      { proxy: 'socks://x' },
      { ca: 'nonsense' },
      { ceilings: { requestsPerHour: 0 } },
      { ceilings: { concurrent: 1.5 } },
    ];
    for (const wrong of bad)
      assert.throws(() => store.put({ ...one, ...wrong }, Buffer.from(SECRET), 1), { code: 'invalid_field' }, JSON.stringify(wrong));
    for (const secret of ['', 'a b', 'a\r\nhost: evil', 'ä', 'a\0', 'x'.repeat(8193)]) {
      assert.throws(() => store.put(one, Buffer.from(secret), 1), { code: 'invalid_field' });
    }
  });
});
