import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { newRequestId, type CredentialId, type OrganizationId } from '../core/ids.ts';
import type { CredentialBinding } from '../ipc/messages/vault.ts';
import type { JournalRecord } from '../ipc/messages/ledger.ts';
import { makeCertificate, startUpstream, until, type TestUpstream } from './testing/upstream.ts';
import { bindingTo, startVault, temporaryFolder } from './testing/vault.ts';

const SECRET = 'sk-residue-K7f3Qz91LmXw8Rt2';
const folders: string[] = [];
const upstreams: TestUpstream[] = [];
const folder = (): string => {
  folders.push(temporaryFolder());
  return folders.at(-1) as string;
};
const upstream = async (...args: Parameters<typeof startUpstream>): Promise<TestUpstream> => {
  upstreams.push(await startUpstream(...args));
  return upstreams.at(-1) as TestUpstream;
};
after(() => {
  for (const each of upstreams) each.close();
  for (const each of folders) fs.rmSync(each, { recursive: true, force: true });
});

describe('vault process', () => {
  it('says in words why it does not start: wrong root key, none, lost', async () => {
    const at = folder();
    const first = await startVault({ folder: at, rootKey: { kind: 'fd', fd: 6 }, onDescriptor: randomBytes(32) });
    await first.drain();
    await assert.rejects(
      startVault({ folder: at, rootKey: { kind: 'fd', fd: 6 }, onDescriptor: randomBytes(32) }),
      /root key is not the one/,
    );
    await assert.rejects(startVault({ folder: at, rootKey: { kind: 'fd', fd: 6 }, onDescriptor: Buffer.alloc(0) }), /32 bytes/);
    await assert.rejects(startVault({ folder: at }), /is missing/);
  });

  it('goes on after a drain: credentials, keys, revokes', async () => {
    const at = folder();
    const provider = await upstream();
    const first = await startVault({ folder: at });
    await first.put(bindingTo(provider.origin), SECRET);
    const [kept, lost] = [await first.newKey(), await first.newKey()];
    await first.admin({ op: 'revoke', digest: lost.digest });
    await assert.rejects(first.egress({ proof: lost.proof }), { code: 'proof_invalid' }, 'effective for the next request');
    assert.equal(await first.drain(), 0);
    const second = await startVault({ folder: at });
    assert.equal((await second.egress({ proof: kept.proof })).head.status, 200);
    await assert.rejects(second.egress({ proof: lost.proof }), { code: 'proof_invalid' });
    assert.equal((await second.info()).revoked, 1);
    await second.drain();
  });

  it('a revoke survives kill -9 once acknowledged, and a torn line does no harm', async () => {
    const at = folder();
    const first = await startVault({ folder: at });
    const key = await first.newKey();
    await first.admin({ op: 'revoke', digest: key.digest });
    await first.kill();
    fs.appendFileSync(path.join(at, 'revoked'), 'abcdef');
    const second = await startVault({ folder: at });
    assert.equal((await second.info()).revoked, 1);
    const other = await second.newKey();
    await second.admin({ op: 'revoke', digest: other.digest });
    await second.kill();
    const third = await startVault({ folder: at });
    assert.equal((await third.info()).revoked, 2);
    await third.drain();
  });

  it('a blocked key is refused, with whatever row, over a restart, and works again once it is unblocked', async () => {
    const at = folder();
    const provider = await upstream();
    const first = await startVault({ folder: at });
    await first.put(bindingTo(provider.origin), SECRET);
    const [key, other] = [await first.newKey(), await first.newKey()];
    assert.equal((await first.egress({ proof: key.proof })).head.status, 200);
    await first.admin({ op: 'block', digest: key.digest });
    await assert.rejects(first.egress({ proof: key.proof }), { code: 'proof_invalid' });
    assert.equal((await first.egress({ proof: other.proof })).head.status, 200);
    await first.kill();
    const second = await startVault({ folder: at });
    await assert.rejects(second.egress({ proof: key.proof }), { code: 'proof_invalid' });
    await second.admin({ op: 'unblock', digest: key.digest });
    assert.equal((await second.egress({ proof: key.proof })).head.status, 200);
    await second.kill();
    const third = await startVault({ folder: at });
    assert.equal((await third.egress({ proof: key.proof })).head.status, 200);
    await third.drain();
  });

  it('a key has one line however often it is blocked, and a revoke stays whatever is unblocked', async () => {
    const at = folder();
    const vault = await startVault({ folder: at });
    const { digest, proof } = await vault.newKey();
    const text = (): string => fs.readFileSync(path.join(at, 'revoked'), 'latin1');
    for (const op of ['unblock', 'block', 'block', 'unblock', 'unblock', 'block'] as const) await vault.admin({ op, digest });
    assert.equal(text(), `${digest}!`);
    assert.equal((await vault.info()).revoked, 1);
    await vault.admin({ op: 'revoke', digest });
    for (const op of ['unblock', 'block', 'unblock'] as const) await vault.admin({ op, digest });
    assert.equal(text(), `${digest}\n`);
    await assert.rejects(vault.egress({ proof }), { code: 'proof_invalid' });
    for (const op of ['block', 'unblock', 'revoke']) await assert.rejects(vault.admin({ op, digest: 'x' }), { code: 'invalid_field' });
    await vault.drain();
  });

  it('kill -9: every request that the provider saw has a start that reaches the ledger', async () => {
    const at = folder();
    const provider = await upstream();
    const journal: JournalRecord[] = [];
    let away = true;
    const first = await startVault({ folder: at, journal, ledgerIsAway: () => away });
    await first.put(bindingTo(provider.origin), SECRET);
    const key = await first.newKey();
    const ids = Array.from({ length: 64 }, () => newRequestId(Date.now()));
    const ask = (requestId: (typeof ids)[0], i: number) =>
      first
        .egress({ proof: key.proof, requestId, path: i % 2 === 0 ? '/v1/x' : '/v1/events', headers: [['x-client-request-id', requestId]] })
        .catch(() => undefined);
    const calls = ids.map(ask);
    await until(() => provider.seen.length > 40);
    await first.kill();
    await Promise.all(calls);
    assert.equal(journal.length, 0);
    away = false;
    const second = await startVault({ folder: at, journal });
    const started = (): Set<string> => new Set(journal.filter(({ k }) => k === 'start').map(({ requestId }) => requestId));
    await until(() => provider.seen.every(({ headers }) => started().has(String(headers['x-client-request-id']))));
    assert.equal(journal.filter(({ k }) => k === 'start').length, started().size, 'each once');
    assert.ok(journal.every(({ generation }) => generation === `g${first.pid}`));
    await second.drain();
  });

  it('other tenant’s id: a key uses only credentials of its organization or of all', async () => {
    const provider = await upstream();
    const vault = await startVault({ folder: folder() });
    await vault.put(bindingTo(provider.origin, { organization: 'org_B' as OrganizationId }), SECRET);
    const [own, other] = [await vault.newKey('org_B'), await vault.newKey('org_A')];
    assert.equal((await vault.egress({ proof: own.proof })).head.status, 200);
    await assert.rejects(vault.egress({ proof: other.proof }), { code: 'credential_refused' });
    const stolen = { ...other.proof, row: own.proof.row };
    await assert.rejects(vault.egress({ proof: stolen }), { code: 'proof_invalid' });
    await until(() => vault.uses.some(({ uses }) => uses.some(({ organization, refused }) => organization === 'org_A' && refused === 1)));
    const { families } = (await vault.admin({ op: 'metrics' }))['metrics'] as {
      families: { name: string; series: { labels: string[]; values: number[] }[] }[];
    };
    const series = (name: string) => families.find((family) => family.name === name)?.series;
    assert.deepEqual(series('bulkhead_vault_calls_total'), [{ labels: ['complete'], values: [1] }]);
    assert.deepEqual(
      series('bulkhead_vault_refusals_total')?.map(({ labels }) => labels[0]),
      ['credential_refused', 'proof_invalid'],
    );
    assert.equal(vault.uses[0]?.sequence, 1);
    await vault.drain();
  });

  it('an edited store: the credential is refused and reported, the others work', async () => {
    const at = folder();
    const [provider, evil] = [await upstream(), await upstream()];
    const first = await startVault({ folder: at });
    await first.put(bindingTo(provider.origin), SECRET);
    await first.put(bindingTo(provider.origin, { id: 'other' as CredentialId }), SECRET);
    await first.drain();
    const file = path.join(at, 'store.json');
    const content = JSON.parse(fs.readFileSync(file, 'utf8')) as { credentials: Record<string, { binding: { origin: string } }> };
    (content.credentials['openai'] as { binding: { origin: string } }).binding.origin = evil.origin;
    fs.writeFileSync(file, JSON.stringify(content));
    const second = await startVault({ folder: at });
    const { proof } = await second.newKey();
    await assert.rejects(second.egress({ proof }), { code: 'credential_refused' });
    assert.equal((await second.egress({ proof, credential: 'other' as CredentialId })).head.status, 200);
    assert.equal(evil.seen.length, 0);
    assert.match(second.output(), /"event":"credential_refused","credential":"openai"/);
    assert.deepEqual(
      ((await second.admin({ op: 'credential.list' }))['refused'] as { id: string }[]).map(({ id }) => id),
      ['openai'],
    );
    await second.drain();
  });
});

describe('vault administration', () => {
  it('a captured control cannot move a secret: rebind refuses another place', async () => {
    const [provider, evil] = [await upstream(), await upstream()];
    const vault = await startVault({ folder: folder() });
    const binding = bindingTo(provider.origin, { paths: ['/v1/'] });
    await vault.put(binding, SECRET);
    const rebind = (extra: Partial<CredentialBinding>) =>
      vault.admin({ op: 'credential.rebind', binding: { ...binding, ...extra }, at: 5 });
    for (const extra of [
      { origin: evil.origin },
      { auth: { scheme: 'header', name: 'x-k' } },
      { auth: { scheme: 'none' } },
      { proxy: evil.origin },
      { allowPrivate: false },
      { paths: ['/'] },
    ] as const) {
      await assert.rejects(rebind(extra), { code: 'credential_refused' }, JSON.stringify(extra));
    }
    const info = await rebind({ paths: ['/v1/chat/'], ceilings: { concurrent: 2 }, organization: 'org_A' as OrganizationId });
    assert.equal(info['version'], 2);
    const { proof } = await vault.newKey();
    assert.equal((await vault.egress({ proof, path: '/v1/chat/completions' })).head.status, 200);
    assert.equal(provider.seen.at(-1)?.headers.authorization, `Bearer ${SECRET}`);
    await assert.rejects(vault.egress({ proof, path: '/v1/models' }), { code: 'credential_refused' });
    await vault.drain();
  });

  it('takes a secret only sealed for it and for this id, tries it, lists it, removes it', async () => {
    const provider = await upstream();
    const vault = await startVault({ folder: folder() });
    const binding = bindingTo(provider.origin, { auth: { scheme: 'header', name: 'x-api-key' } });
    await assert.rejects(vault.admin({ op: 'credential.put', binding, sealed: null, at: 1 }), { code: 'invalid_field' });
    await assert.rejects(vault.admin({ op: 'credential.put', binding, sealed: { enc: 'AAAA', ciphertext: 'AAAA' }, at: 1 }), {
      code: 'invalid_field',
    });
    const info = await vault.put(binding, SECRET);
    assert.match(info.fingerprint, /^[0-9a-f]{12}$/);
    const tried = await vault.admin({ op: 'credential.try', id: binding.id, method: 'GET', path: '/v1/models', headers: [] });
    assert.deepEqual(tried, { status: 200, bytes: 21 });
    assert.equal(provider.seen.at(-1)?.headers['x-api-key'], SECRET);
    await assert.rejects(vault.admin({ op: 'credential.try', id: binding.id, method: 'GET', path: '/v2/', headers: [] }), {
      code: 'credential_refused',
    });
    const { credentials } = (await vault.admin({ op: 'credential.list' })) as unknown as {
      credentials: { uses: number; lastUsedAt: number }[];
    };
    assert.equal(credentials[0]?.uses, 1);
    await vault.admin({ op: 'credential.remove', id: binding.id });
    await assert.rejects(vault.egress({ proof: (await vault.newKey()).proof }), { code: 'credential_missing' });
    await assert.rejects(vault.admin({ op: 'credential.reveal', id: binding.id }), { code: 'malformed_request' });
    await vault.drain();
  });

  it('works without a secret for an upstream that needs none', async () => {
    const provider = await upstream();
    const vault = await startVault({ folder: folder() });
    await vault.put(bindingTo(provider.origin, { auth: { scheme: 'none' } }));
    assert.equal((await vault.egress({ proof: (await vault.newKey()).proof })).head.status, 200);
    assert.equal(provider.seen[0]?.headers.authorization, undefined);
    await vault.drain();
  });

  it('only shard 0 signs; another shard trusts its key once', async () => {
    const [zero, one] = [await startVault({ folder: folder() }), await startVault({ folder: folder(), index: 1 })];
    const { verifyKey } = await zero.info();
    await assert.rejects(one.newKey(), { code: 'permission_denied' });
    const { proof } = await zero.newKey();
    const provider = await upstream();
    await one.put(bindingTo(provider.origin), SECRET);
    await assert.rejects(one.egress({ proof }), { code: 'proof_invalid' });
    await one.admin({ op: 'trust', verifyKey });
    assert.equal((await one.egress({ proof })).head.status, 200);
    await assert.rejects(one.admin({ op: 'trust', verifyKey: (await one.info()).verifyKey }), { code: 'resource_exists' });
    await assert.rejects(zero.admin({ op: 'trust', verifyKey: (await one.info()).verifyKey }), { code: 'permission_denied' });
    await Promise.all([zero.drain(), one.drain()]);
  });
});

describe('TLS', () => {
  const certificate = makeCertificate('api.example.com');
  const skip = certificate === undefined ? 'the openssl program is missing' : false;

  it('key residue: after 200 requests no copy of the key lies in the vault’s memory', { skip }, async (t) => {
    const provider = await upstream(certificate as { key: string; cert: string });
    const vault = await startVault({ folder: folder() });
    await vault.put(bindingTo(provider.origin, { ca: certificate?.cert as string }), SECRET);
    const { proof } = await vault.newKey();
    for (let round = 0; round < 20; round++)
      await Promise.all(Array.from({ length: 10 }, () => vault.egress({ proof }, Buffer.from('{"model":"x"}'))));
    assert.equal(provider.seen.length, 200);
    assert.ok(provider.seen.every(({ headers }) => headers.authorization === `Bearer ${SECRET}`));
    const copies = copiesInMemory(vault.pid, Buffer.from(SECRET));
    const control = copiesInMemory(vault.pid, Buffer.from('authorization: Bearer '));
    t.diagnostic(`${copies} copies of the key, ${control} of a control text`);
    assert.equal(copies, 0);
    assert.ok(control > 0, 'the scan sees what is there');
    await vault.drain();
  });

  it('refuses a certificate of another authority and one of another host', { skip }, async () => {
    const other = makeCertificate('other.example.com') as { key: string; cert: string };
    const provider = await upstream(other);
    const vault = await startVault({ folder: folder() });
    const { proof } = await vault.newKey();
    await vault.put(bindingTo(provider.origin), SECRET);
    await assert.rejects(vault.egress({ proof }), { code: 'upstream_unreachable' });
    await vault.put(bindingTo(provider.origin.replace('127.0.0.1', 'localhost'), { ca: other.cert }), SECRET);
    await assert.rejects(vault.egress({ proof }), { code: 'upstream_unreachable' });
    assert.equal(provider.seen.length, 0);
    await vault.put(bindingTo(provider.origin, { ca: other.cert }), SECRET);
    assert.equal((await vault.egress({ proof })).head.status, 200);
    await vault.drain();
  });
});

/** How often `needle` occurs in the writable memory of a process. */
function copiesInMemory(pid: number, needle: Buffer): number {
  const memory = fs.openSync(`/proc/${pid}/mem`, 'r');
  let copies = 0;
  for (const line of fs.readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
    if (match === null || line.includes('[v')) continue;
    const [start, end] = [Number.parseInt(match[1] as string, 16), Number.parseInt(match[2] as string, 16)];
    const bytes = Buffer.alloc(Math.min(end - start, 256 * 1024 * 1024));
    let length = 0;
    try {
      length = fs.readSync(memory, bytes, 0, bytes.length, start);
    } catch (error) {
      // Reserved but never touched, or gone since the map was read.
      if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
    }
    for (let at = bytes.indexOf(needle); at !== -1 && at < length; at = bytes.indexOf(needle, at + 1)) copies++;
  }
  fs.closeSync(memory);
  return copies;
}
