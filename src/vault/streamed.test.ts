import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { CredentialId } from '../core/ids.ts';
import type { EgressCall } from '../ipc/messages/vault.ts';
import { WINDOW_BYTES, type OutgoingCall } from '../ipc/peer.ts';
import { until } from './testing/upstream.ts';
import { bindingTo, startVault, type TestKey, type TestVault } from './testing/vault.ts';

const SECRET = 'sk-test-0123456789-abcdefghij';
const BODY = randomBytes(20 * 1024 * 1024);
const DIGEST = createHash('sha256').update(BODY).digest('hex');

interface Sent {
  readonly outgoing: OutgoingCall;
  /** Status and body of the answer, or the code of the error. */
  readonly ended: Promise<string>;
  given(): number;
}

describe('streamed request bodies', () => {
  let vault: TestVault;
  let key: TestKey;
  let server: http.Server;
  const heads: http.IncomingHttpHeaders[] = [];
  let closed = 0;
  /** Set: the upstream reads nothing. */
  let held: http.IncomingMessage | undefined;

  const answer = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    heads.push(request.headers);
    request.on('error', () => response.destroy());
    request.on('close', () => closed++);
    if (request.url === '/v1/early') {
      // Answers before it has read the body, then takes the rest and drops it, as servers do that want their answer to be read.
      response.writeHead(413, { 'content-type': 'application/json' }).end('{"error":"too large"}');
      return void request.resume();
    }
    if (request.url === '/v1/held') return void (held = request.pause());
    const hash = createHash('sha256');
    request.on('data', (chunk: Buffer) => void hash.update(chunk));
    request.on('end', () => response.end(hash.digest('hex')));
  };

  before(async () => {
    server = http.createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    vault = await startVault();
    await vault.put(bindingTo(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`), SECRET);
    key = await vault.newKey();
  });
  after(async () => {
    await vault.drain();
    server.close();
    server.closeAllConnections();
    fs.rmSync(vault.folder, { recursive: true });
  });

  /** Sends `body` in pieces of 48 KiB as fast as credit allows, and no faster. */
  function send(call: Partial<EgressCall>, body: Buffer = BODY): Sent {
    const { promise: ended, resolve } = Promise.withResolvers<string>();
    let [status, text, at] = [0, '', 0];
    const more = (): void => {
      while (at < body.length) {
        const piece = body.subarray(at, (at += 48 * 1024));
        if (!outgoing.send(piece)) return;
      }
      outgoing.end();
    };
    const outgoing = vault.open({ proof: key.proof, body: 'streamed', ...call }, Buffer.alloc(0), {
      onHead: (head) => (status = head['status'] as number),
      onData: (chunk) => {
        text += chunk.toString();
        outgoing.consumed(chunk.length);
      },
      onWritable: more,
      onEnd: () => resolve(`${status} ${text}`),
      onError: ({ code }) => resolve(code),
    });
    more();
    return { outgoing, ended, given: () => Math.min(at, body.length) };
  }

  it('of unknown length leave in chunks, whole', async () => {
    assert.equal(await send({ path: '/v1/files' }).ended, `200 ${DIGEST}`);
    const head = heads.at(-1);
    assert.deepEqual(
      [head?.['transfer-encoding'], head?.['content-length'], head?.authorization],
      ['chunked', undefined, `Bearer ${SECRET}`],
    );
  });

  it('of announced length leave with content-length, by every method that has a body', async () => {
    for (const method of ['POST', 'PUT', 'PATCH'] as const) {
      assert.equal(await send({ path: '/v1/files', method, bodyLength: BODY.length }).ended, `200 ${DIGEST}`);
      const head = heads.at(-1);
      assert.deepEqual([head?.['transfer-encoding'], head?.['content-length']], [undefined, String(BODY.length)]);
    }
    const empty = createHash('sha256').digest('hex');
    assert.equal(await send({ path: '/v1/files', method: 'DELETE', bodyLength: 0 }, Buffer.alloc(0)).ended, `200 ${empty}`);
  });

  it('that are shorter or longer than announced never make a second request: the connection ends', async () => {
    const before = closed;
    assert.equal(await send({ path: '/v1/files', bodyLength: 10 }, Buffer.from('123456789')).ended, 'malformed_request');
    assert.equal(
      await send({ path: '/v1/files', bodyLength: 3 }, Buffer.from('123POST /v1/other HTTP/1.1\r\n\r\n')).ended,
      'malformed_request',
    );
    await until(() => closed >= before + 2);
    for (const bodyLength of [-1, 1.5, '3', 2 ** 60])
      assert.equal(await send({ path: '/v1/files', bodyLength: bodyLength as number }, Buffer.from('123')).ended, 'malformed_request');
    const bounded = vault.egress({ proof: key.proof, bodyLength: 3 }, Buffer.from('123'));
    await assert.rejects(bounded, { code: 'malformed_request' });
  });

  it('wait for an upstream that does not read, and go on when it does', async () => {
    const sent = send({ path: '/v1/held' });
    await until(() => held !== undefined);
    let seen = -1;
    await until(async () => {
      const last = seen;
      seen = sent.given();
      await new Promise((resolve) => setTimeout(resolve, 150));
      return sent.given() === last;
    });
    // The kernel's buffers on both sides and one window, but not the body.
    assert.ok(seen < BODY.length && seen >= WINDOW_BYTES, `${seen} bytes given`);
    const hash = createHash('sha256');
    held?.on('data', (chunk: Buffer) => void hash.update(chunk)).resume();
    await new Promise((resolve) => held?.once('end', resolve));
    assert.equal(hash.digest('hex'), DIGEST);
    sent.outgoing.cancel();
    held = undefined;
  });

  it('that are cancelled midway close the upstream connection, and the journal says so', async () => {
    const before = closed;
    const sent = send({ path: '/v1/held' });
    await until(() => held !== undefined && sent.given() > WINDOW_BYTES);
    sent.outgoing.cancel();
    held?.resume();
    held = undefined;
    await until(() => closed > before);
    await until(() =>
      vault.journal.some((record) => record.k === 'end' && record.outcome === 'cancelled' && record.bytesOut < BODY.length),
    );
  });

  it('that the upstream refuses early bring its answer at once', async () => {
    assert.equal(await send({ path: '/v1/early' }).ended, '413 {"error":"too large"}');
    assert.equal(await send({ path: '/v1/early', bodyLength: BODY.length }).ended, '413 {"error":"too large"}');
    assert.equal(await send({ path: '/v1/files' }).ended, `200 ${DIGEST}`);
  });

  it('answers to HEAD end with their head, and the connection is used again', async () => {
    let connections = 0;
    const heading = net.createServer((socket) => {
      connections++;
      socket.on('error', () => socket.destroy());
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\netag: "x"\r\n\r\n'));
    });
    await new Promise<void>((resolve) => heading.listen(0, '127.0.0.1', resolve));
    const credential = 'heading' as CredentialId;
    await vault.put(bindingTo(`http://127.0.0.1:${(heading.address() as net.AddressInfo).port}`, { id: credential }), SECRET);
    for (let i = 0; i < 2; i++) {
      const { head, body } = await vault.egress({ proof: key.proof, credential, method: 'HEAD', path: '/v1/files/1' });
      assert.deepEqual([head.status, body.length, Object.fromEntries(head.headers)['content-length']], [200, 0, '1000']);
    }
    assert.equal(connections, 1);
    heading.close();
  });
});
