import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import { newRequestId, type CredentialId } from '../core/ids.ts';
import { startUpstream, until, type TestUpstream } from './testing/upstream.ts';
import { bindingTo, startVault, type TestKey, type TestVault } from './testing/vault.ts';

const SECRET = 'sk-test-0123456789-abcdefghij';
const FAST = { connectMs: 2000, headMs: 250, idleMs: 250 };

describe('egress', () => {
  let vault: TestVault;
  let upstream: TestUpstream;
  let key: TestKey;
  const ends = (requestId: string) => vault.journal.filter((record) => record.k === 'end' && record.requestId === requestId);

  before(async () => {
    upstream = await startUpstream();
    vault = await startVault();
    await vault.put(bindingTo(upstream.origin), SECRET);
    key = await vault.newKey();
  });
  after(async () => {
    await vault.drain();
    upstream.close();
    fs.rmSync(vault.folder, { recursive: true });
  });

  const call = (path: string, extra: object = {}, body = '{"model":"x"}') =>
    vault.egress({ proof: key.proof, path: `/v1/${path}`, ...extra }, Buffer.from(body));

  it('sends the request with the credential, and relays the answer', async () => {
    const answer = await call('chat/completions', {
      headers: [
        ['content-type', 'application/json'],
        ['x-client-request-id', 'req_1'],
      ],
    });
    assert.equal(answer.head.status, 200);
    assert.deepEqual(JSON.parse(answer.body.toString()), { ok: true, bytes: 13 });
    assert.deepEqual(answer.trailers, { bytesIn: answer.body.length, bytesOut: 13 });
    const { headers, body } = upstream.seen.at(-1) as TestUpstream['seen'][0];
    assert.deepEqual(headers, {
      host: new URL(upstream.origin).host,
      'content-type': 'application/json',
      'x-client-request-id': 'req_1',
      'accept-encoding': 'identity',
      'content-length': '13',
      authorization: `Bearer ${SECRET}`,
    });
    assert.equal(body.toString(), '{"model":"x"}');
  });

  it('writes start and end to the journal, and the ledger gets both', async () => {
    const requestId = newRequestId(Date.now());
    await call('chat/completions', { requestId, attempt: 2 });
    await until(() => ends(requestId).length === 1);
    const [start, end] = vault.journal.filter((record) => record.requestId === requestId);
    assert.ok(start?.k === 'start' && start.credential === 'openai' && start.organization === 'org_A' && start.attempt === 2);
    assert.ok(end?.k === 'end' && end.status === 200 && end.outcome === 'complete' && end.bytesOut === 13 && end.bytesIn > 0);
    assert.ok(end.offset > start.offset);
  });

  it('reuses connections, and makes a second attempt only when a reused one was stale', async () => {
    await call('a');
    const before = upstream.connections();
    await call('b');
    assert.equal(upstream.connections(), before);
    // The provider closes the idle connection in the same instant at which the next request leaves.
    upstream.seen.at(-1)?.socket.destroy();
    assert.equal((await call('c')).head.status, 200);
    assert.equal(upstream.seen.filter(({ path }) => path === '/v1/c').length, 1);
  });

  it('resends only after a reused connection closed without a byte, and never one of a fresh connection; a streamed body goes over a fresh one', async (t) => {
    const requests: string[] = [];
    let connections = 0;
    // Answers the first request of each connection; a second one makes it close, as does any request for /v1/die.
    const server = net.createServer((socket) => {
      connections++;
      let count = 0;
      socket.on('error', () => socket.destroy());
      socket.on('data', (chunk: Buffer) => {
        const path = /^(?:GET|POST) (\S+)/.exec(chunk.toString('latin1'))?.[1];
        if (path === undefined) return;
        requests.push(path);
        if (++count > 1 || path === '/v1/die') socket.destroy();
        else setTimeout(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'), 20);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const credential = 'stale' as CredentialId;
    await vault.put(bindingTo(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`, { id: credential }), SECRET);
    await call('1', { credential });
    assert.equal((await call('2', { credential })).body.toString(), 'ok');
    assert.deepEqual([requests, connections], [['/v1/1', '/v1/2', '/v1/2'], 2]);
    // The connection of the second request is idle and stale now.
    assert.equal((await vault.egress({ proof: key.proof, credential, path: '/v1/3' }, [Buffer.from('x')])).body.toString(), 'ok');
    assert.equal(connections, 3);
    await assert.rejects(vault.egress({ proof: key.proof, credential, path: '/v1/die' }, [Buffer.from('x')]), { code: 'upstream_reset' });
    assert.equal(requests.filter((path) => path === '/v1/die').length, 1);
    requests.length = 0;
    await assert.rejects(call('die', { credential }), { code: 'upstream_reset' });
    // Over the stale one, and once over a fresh one.
    assert.equal(requests.filter((path) => path === '/v1/die').length, 2);
  });

  it('relays large bodies both ways and streams of any size within the window', async () => {
    const body = Buffer.alloc(3_000_000, 'y');
    const answer = await vault.egress({ proof: key.proof, path: '/v1/big' }, body);
    assert.equal((JSON.parse(answer.body.toString()) as { bytes: number }).bytes, body.length);
    const flood = await call('flood');
    assert.equal(flood.body.length, 32 * 1024 * 1024);
  });

  it('a reader that does not take the answer pauses the upstream', async () => {
    let got = 0;
    const outgoing = vault.open({ proof: key.proof, path: '/v1/flood' }, Buffer.from('{}'), { onData: (chunk) => (got += chunk.length) });
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(got > 0 && got < 2 * 1024 * 1024, `${got} bytes without credit`);
    outgoing.cancel();
  });

  it('streams a request body of unknown length', async () => {
    const parts = Array.from({ length: 5 }, (_, i) => Buffer.alloc(20_000, String(i)));
    const answer = await vault.egress({ proof: key.proof, path: '/v1/files' }, parts);
    assert.deepEqual(JSON.parse(answer.body.toString()), { ok: true, bytes: 100_000 });
    assert.equal(upstream.seen.at(-1)?.headers['transfer-encoding'], 'chunked');
    assert.deepEqual(upstream.seen.at(-1)?.body, Buffer.concat(parts));
    assert.equal(answer.trailers['bytesOut'], 100_000);
  });

  it('what a captured gateway sends after the end of a body never reaches the provider', async (t) => {
    let got = '';
    const server = net.createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')));
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'), 200);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const credential = 'smuggled' as CredentialId;
    await vault.put(bindingTo(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`, { id: credential }), SECRET);
    const open = (body: 'bounded' | 'streamed') => {
      const { promise: done, resolve } = Promise.withResolvers<void>();
      const call = vault.open({ proof: key.proof, credential, body }, Buffer.alloc(0), { onEnd: () => resolve() });
      return { call, done };
    };
    const streamed = open('streamed');
    streamed.call.send(Buffer.from('one'));
    streamed.call.end();
    const bounded = open('bounded');
    await until(() => got.includes('0\r\n\r\n') && got.includes('content-length: 0'));
    for (const { call } of [streamed, bounded]) call.send(Buffer.from('GET /v1/smuggled HTTP/1.1\r\nhost: x\r\n\r\n'));
    await Promise.all([streamed.done, bounded.done]);
    assert.ok(got.includes('3\r\none\r\n0\r\n\r\n') && !got.includes('smuggled HTTP'), got);
  });

  it('a cancel destroys the upstream connection at once, and the end is journalled', async () => {
    const requestId = newRequestId(Date.now());
    const closed = upstream.closed.count;
    let got = 0;
    const outgoing = vault.open({ proof: key.proof, requestId, path: '/v1/events' }, Buffer.from('{}'), {
      onData: (chunk) => (got += chunk.length),
    });
    await until(() => got > 100);
    outgoing.cancel();
    await until(() => upstream.closed.count > closed);
    await until(() => ends(requestId).length === 1);
    const end = ends(requestId)[0];
    assert.ok(end?.k === 'end' && end.outcome === 'cancelled' && end.bytesIn > 0 && end.status === 200);
  });

  const failures: Readonly<Record<string, readonly [string, string]>> = {
    'redirect (18)': ['redirect', 'upstream_redirect'],
    'compressed answer (27)': ['gzip', 'upstream_invalid'],
    'answer cut in the body': ['cut', 'upstream_reset'],
    'answer cut in the head': ['no-head', 'upstream_reset'],
    'no answer': ['silent', 'upstream_timeout'],
    'stalled answer': ['stalled', 'upstream_timeout'],
  };
  for (const [name, [path, code]] of Object.entries(failures)) {
    it(`${name}: ${code}, no byte of it relayed after the fault, its end journalled`, async () => {
      const requestId = newRequestId(Date.now());
      await assert.rejects(call(path, { requestId, timeouts: FAST }), { code });
      await until(() => ends(requestId).length === 1);
      assert.ok(ends(requestId)[0]?.k === 'end');
    });
  }

  it('a redirect is not followed and its body not shown (18)', async () => {
    const count = upstream.seen.length;
    await assert.rejects(call('redirect'), { code: 'upstream_redirect' });
    assert.equal(upstream.seen.length, count + 1);
  });

  it('an answer that ends with its connection is whole', async () => {
    assert.equal((await call('close-delimited')).body.toString(), 'all of it');
  });

  it('the provider’s echo of the key is overwritten in headers and body, and counted (20)', async () => {
    const answer = await call('echo');
    const text = JSON.stringify(answer.head) + answer.body.toString();
    assert.ok(!text.includes(SECRET) && !text.includes(SECRET.slice(9)));
    assert.ok(
      !text.includes(Buffer.from(SECRET).toString('base64').slice(2, -4)) &&
        !text.includes(Buffer.from(`Bearer ${SECRET}`).toString('base64').slice(12, -4)),
    );
    assert.deepEqual(
      answer.head.headers.find(([name]) => name === 'x-seen'),
      ['x-seen', `Bearer ${'*'.repeat(SECRET.length)}`],
    );
    assert.match(answer.body.toString(), /provided: \*{29}"/);
    await until(() => vault.uses.some(({ uses }) => uses.some(({ echoes }) => echoes >= 3)));
  });

  it('attacks by path and header never reach the provider (12, 13, 14)', async () => {
    const count = upstream.seen.length;
    for (const path of ['http://evil.example/v1/', '//evil.example/v1/', '/v1/../admin', '/v1/%2e%2e/x', '/v1/x\r\nhost: evil', '/v2/x']) {
      await assert.rejects(vault.egress({ proof: key.proof, path }), { code: 'credential_refused' });
    }
    for (const header of [
      ['x-a', 'b\r\nx-evil: 1'],
      ['authorization', 'Bearer x'],
      ['host', 'evil'],
      ['x-api-key', 'x'],
      ['proxy-authorization', 'x'],
    ] as const) {
      await assert.rejects(vault.egress({ proof: key.proof, headers: [header] }), { code: 'credential_refused' });
    }
    assert.equal(upstream.seen.length, count);
  });

  it('frames that are not a call are refused (15)', async () => {
    const good = {
      op: 'egress',
      requestId: newRequestId(1),
      attempt: 1,
      proof: key.proof,
      credential: 'openai',
      method: 'POST',
      path: '/v1/x',
      headers: [],
      body: 'bounded',
      timeouts: FAST,
    };
    const bad: readonly object[] = [
      {},
      { ...good, op: 'reveal' },
      { ...good, requestId: 'x' },
      { ...good, attempt: 0 },
      { ...good, credential: ['openai'] },
      { ...good, headers: [['a']] },
      { ...good, headers: 'x' },
      { ...good, timeouts: { ...FAST, headMs: 1e12 } },
      { ...good, timeouts: undefined },
      { ...good, proof: undefined },
      { ...good, proof: { kind: 'jwt' } },
      { ...good, proof: { kind: 'key', row: 'x', key: 1 } },
    ];
    for (const head of bad) await assert.rejects(vault.gateway.unary(head as never), { code: 'malformed_request' }, JSON.stringify(head));
  });

  it('an origin or base_url that a caller names is not looked at (15)', async () => {
    const { headers } = (await call('x', { origin: 'http://evil.example', base_url: 'http://evil.example' })).head;
    assert.ok(headers.length > 0);
    assert.equal(upstream.seen.at(-1)?.headers.host, new URL(upstream.origin).host);
  });

  it('one attempt leaves once: a repeated id is refused', async () => {
    const requestId = newRequestId(Date.now());
    await call('x', { requestId });
    await assert.rejects(call('x', { requestId }), { code: 'credential_refused' });
    await call('x', { requestId, attempt: 2 });
  });

  it('an unknown credential is said so', async () => {
    await assert.rejects(call('x', { credential: 'nobody' as CredentialId }), { code: 'credential_missing' });
    await assert.rejects(call('x', { credential: '__proto__' as CredentialId }), { code: 'credential_missing' });
  });

  it('the ceiling race: of 50 parallel calls on 3 places, 3 pass; an hour’s count is exact', async () => {
    const binding = bindingTo(upstream.origin, { id: 'narrow' as CredentialId, ceilings: { concurrent: 3 } });
    await vault.put(binding, SECRET);
    const race = async (path: string): Promise<number> => {
      const results = await Promise.allSettled(Array.from({ length: 50 }, () => call(path, { credential: binding.id })));
      for (const result of results)
        if (result.status === 'rejected') assert.equal((result.reason as { code: string }).code, 'ceiling_reached');
      return results.filter(({ status }) => status === 'fulfilled').length;
    };
    assert.equal(await race('slow'), 3);
    assert.equal(await race('slow'), 3, 'places are given back');
    await vault.admin({ op: 'credential.rebind', binding: { ...binding, ceilings: { requestsPerHour: 10 } }, at: 1 });
    assert.equal(await race('x'), 10 - 6);
    await vault.admin({ op: 'credential.rebind', binding: { ...binding, ceilings: { bytesPerHour: 1 } }, at: 1 });
    assert.equal(await race('x'), 0);
  });

  it('does not print or tell the secret anywhere', async () => {
    const told = JSON.stringify([await vault.admin({ op: 'credential.list' }), await vault.info()]) + vault.output();
    assert.ok(!told.includes(SECRET));
    for (const file of fs.readdirSync(vault.folder, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) assert.ok(!fs.readFileSync(`${file.parentPath}/${file.name}`).includes(SECRET), file.name);
    }
  });
});
