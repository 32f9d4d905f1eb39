import '../core/errors.ts';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { BulkheadError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { encodeWithHead, FRAME } from './frame.ts';
import { Link } from './link.ts';
import { isConnectionLost, Peer, PROTOCOL, WINDOW_BYTES, type Hello, type IncomingCall, type PeerHandlers, type Receiver } from './peer.ts';

const hello = (role: string, protocol = PROTOCOL): Hello => ({ protocol, role, index: 0, generation: 'g1', facts: { of: role } });

let folder: string;
let socketPath: string;
const cleanups: (() => unknown)[] = [];

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-peer-'));
  socketPath = path.join(folder, 's');
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  fs.rmSync(folder, { recursive: true });
});

/** Listens with `handlers` and gives the accepted peers. */
async function serve(handlers: PeerHandlers): Promise<Peer[]> {
  const peers: Peer[] = [];
  const server = net.createServer((socket) => peers.push(new Peer(socket, 'accepting', hello('server'), handlers)));
  server.listen(socketPath);
  await once(server, 'listening');
  cleanups.push(() => {
    for (const peer of peers) peer.destroy();
    server.close();
  });
  return peers;
}

function connect(handlers: PeerHandlers = {}): Promise<Peer> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(socketPath);
    const peer: Peer = new Peer(socket, 'connecting', hello('client'), {
      ...handlers,
      onHello: () => resolve(peer),
      onClose: () => {
        handlers.onClose?.();
        reject(new Error('closed before hello'));
      },
    });
    cleanups.push(() => peer.destroy());
  });
}

interface Heard {
  head?: JsonObject;
  chunks: Buffer[];
  trailers?: JsonObject;
  error?: BulkheadError;
}

/** Collects a streamed reply; `done` resolves at its end or error. */
function listen(onChunk: (chunk: Buffer) => void = () => undefined): { receiver: Receiver; heard: Heard; done: Promise<void> } {
  const heard: Heard = { chunks: [] };
  const { promise, resolve } = Promise.withResolvers<void>();
  const receiver: Receiver = {
    onHead: (head) => void (heard.head = head),
    onData: (chunk) => {
      heard.chunks.push(Buffer.from(chunk));
      onChunk(chunk);
    },
    onEnd: (trailers) => {
      heard.trailers = trailers;
      resolve();
    },
    onError: (error) => {
      heard.error = error;
      resolve();
    },
  };
  return { receiver, heard, done: promise };
}

describe('peer', () => {
  it('exchanges hellos with facts', async () => {
    const peers = await serve({});
    const client = await connect();
    assert.deepEqual(client.hello?.facts, { of: 'server' });
    await client.unary({ op: 'x' }).catch(() => undefined);
    assert.equal(peers[0]?.hello?.role, 'client');
  });

  it('answers unary calls with head and body, small and large', async () => {
    await serve({ onCall: (call) => call.reply({ echo: call.head['n'] ?? null }, call.body) });
    const client = await connect();
    for (const size of [0, 10, 16 * 1024, 16 * 1024 + 1, 3_000_000]) {
      const body = Buffer.alloc(size, size % 251);
      const reply = await client.unary({ n: size }, body);
      assert.deepEqual([reply.head, reply.body.equals(body)], [{ echo: size }, true]);
    }
  });

  it('lets the accepting side call on the same connection', async () => {
    const peers = await serve({});
    await connect({ onCall: (call) => call.reply({ pong: true }) });
    assert.deepEqual((await (peers[0] as Peer).unary({ ping: true })).head, { pong: true });
  });

  it('keeps many interleaved streams apart', async () => {
    await serve({
      onCall: (call) => {
        call.sendHead({ n: call.head['n'] as number });
        for (let i = 0; i < 5; i++) setImmediate(() => call.send(Buffer.from(`${call.head['n']}:${i};`)));
        setTimeout(() => call.end({ n: call.head['n'] as number }), 10);
      },
    });
    const client = await connect();
    const streams = Array.from({ length: 64 }, (_, n) => {
      const { receiver, heard, done } = listen();
      client.call({ n }, undefined, receiver);
      return done.then(() => heard);
    });
    for (const [n, heard] of (await Promise.all(streams)).entries()) {
      assert.equal(Buffer.concat(heard.chunks).toString(), [0, 1, 2, 3, 4].map((i) => `${n}:${i};`).join(''));
      assert.deepEqual([heard.head, heard.trailers], [{ n }, { n }]);
    }
    assert.equal(client.active, 0);
  });

  it('stops a sender at the window until the receiver gives bytes back', async () => {
    const chunk = Buffer.alloc(64 * 1024);
    let sent = 0;
    await serve({
      onCall: (call) => {
        const pump = (): void => {
          while (sent < 100) {
            sent++;
            if (!call.send(chunk)) return;
          }
          call.end({});
        };
        call.events = { onWritable: pump };
        call.sendHead({});
        pump();
      },
    });
    const client = await connect();
    const held: number[] = [];
    let release = false;
    const { receiver, heard, done } = listen((bytes) => (release ? call.consumed(bytes.length) : held.push(bytes.length)));
    const call = client.call({}, undefined, receiver);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(sent * chunk.length, WINDOW_BYTES);
    release = true;
    for (const bytes of held) call.consumed(bytes);
    await done;
    assert.equal(Buffer.concat(heard.chunks).length, 100 * chunk.length);
  });

  it('applies the same window to bodies that the caller streams', async () => {
    const got = Promise.withResolvers<number>();
    await serve({
      onCall: (call) => {
        let bytes = 0;
        call.events = {
          onData: (chunk) => {
            bytes += chunk.length;
            call.consumed(chunk.length);
          },
          onEnd: () => {
            got.resolve(bytes);
            call.reply({ bytes });
          },
        };
      },
    });
    const client = await connect();
    const { receiver, heard, done } = listen();
    let left = 50;
    const pump = (): void => {
      while (left > 0) {
        left--;
        if (!call.send(Buffer.alloc(40_000))) return;
      }
      call.end();
    };
    const call = client.call({ body: 'streamed' }, undefined, { ...receiver, onWritable: pump });
    pump();
    await done;
    assert.deepEqual([await got.promise, heard.head], [2_000_000, { bytes: 2_000_000 }]);
  });

  it('tells the responder of a cancel and ignores what it still sends', async () => {
    const cancelled = Promise.withResolvers<void>();
    await serve({
      onCall: (call: IncomingCall) => {
        call.sendHead({});
        call.events = {
          onCancel: () => {
            call.send(Buffer.from('late'));
            call.end({});
            cancelled.resolve();
          },
        };
      },
    });
    const client = await connect();
    const { receiver, heard } = listen();
    const call = client.call({}, undefined, { ...receiver, onHead: () => call.cancel() });
    await cancelled.promise;
    assert.deepEqual([heard.chunks.length, heard.trailers, client.active], [0, undefined, 0]);
  });

  it('carries an error with its code and values', async () => {
    await serve({ onCall: (call) => call.error('unknown_model', { model: 'm', models: 'a, b' }) });
    const client = await connect();
    await assert.rejects(client.unary({}), { code: 'unknown_model', message: 'There is no model m. This key may use: a, b.' });
  });

  it('fails every call under way when the connection is lost', async () => {
    const peers = await serve({ onCall: () => undefined });
    const client = await connect();
    const calls = [client.unary({}), client.unary({})];
    await new Promise((resolve) => setTimeout(resolve, 20));
    peers[0]?.destroy();
    for (const result of await Promise.allSettled(calls)) assert.ok(result.status === 'rejected' && isConnectionLost(result.reason));
    await assert.rejects(client.unary({}), (error) => isConnectionLost(error));
  });

  it('attack: bad frames destroy that connection and no other', async () => {
    const peers = await serve({ onCall: (call) => call.reply({ ok: true }) });
    const bystander = await connect();
    const wire = (role: string): Buffer => encodeWithHead(0, FRAME.hello, JSON.stringify(hello(role)), undefined);
    const attacks: Record<string, Buffer> = {
      'no hello first': encodeWithHead(1, FRAME.call, '{}', undefined),
      'hello of a far version': encodeWithHead(0, FRAME.hello, JSON.stringify(hello('x', PROTOCOL + 2)), undefined),
      'head that is no JSON': Buffer.concat([wire('x'), encodeWithHead(1, FRAME.call, '{', undefined)]),
      'call with an id of the other side': Buffer.concat([wire('x'), encodeWithHead(2, FRAME.call, '{}', undefined)]),
      'length of 4 GiB': Buffer.concat([wire('x'), Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 1])]),
      'random bytes': Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    };
    for (const [name, bytes] of Object.entries(attacks)) {
      const socket = net.connect(socketPath);
      socket.on('error', () => undefined);
      socket.resume();
      socket.write(bytes);
      await once(socket, 'close').catch(() => assert.fail(name));
    }
    assert.deepEqual((await bystander.unary({})).head, { ok: true });
    assert.equal(peers.filter((peer) => !peer.closed).length, 1);
  });

  it('attack: id reuse while a call is under way destroys the connection', async () => {
    const peers = await serve({ onCall: () => undefined });
    const socket = net.connect(socketPath);
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(encodeWithHead(0, FRAME.hello, JSON.stringify(hello('x')), undefined));
    socket.write(encodeWithHead(1, FRAME.call, '{}', undefined));
    socket.write(encodeWithHead(1, FRAME.call, '{}', undefined));
    await once(socket, 'close');
    assert.equal(peers[0]?.closed, true);
  });
});

describe('link', () => {
  it('waits for a listener that comes up later and survives its restart', async () => {
    const link = new Link({ path: socketPath, hello: hello('client'), unavailable: 'vault_unavailable', waitMs: 5000 });
    cleanups.push(() => link.stop());
    const early = link.unary({});
    const peers = await serve({ onCall: (call) => call.reply({ ok: 1 }) });
    assert.deepEqual((await early).head, { ok: 1 });
    peers[0]?.destroy();
    assert.deepEqual(
      (
        await link
          .ready()
          .then((peer) => peer.unary({}))
          .catch(() => link.unary({}))
      ).head,
      { ok: 1 },
    );
  });

  it('rejects with its own code when nobody listens in time', async () => {
    const link = new Link({ path: socketPath, hello: hello('client'), unavailable: 'vault_unavailable', waitMs: 30 });
    cleanups.push(() => link.stop());
    await assert.rejects(link.ready(), { code: 'vault_unavailable' });
  });

  it('after a goaway sends new calls to a new connection and lets old ones end', async () => {
    const held: IncomingCall[] = [];
    const peers = await serve({ onCall: (call) => (call.head['hold'] === true ? void held.push(call) : call.reply({ by: peers.length })) });
    const link = new Link({ path: socketPath, hello: hello('client'), unavailable: 'vault_unavailable', waitMs: 5000 });
    cleanups.push(() => link.stop());
    const old = link.unary({ hold: true });
    while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    peers[0]?.goaway();
    while (link.peer !== undefined) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.deepEqual((await link.unary({})).head, { by: 2 });
    held[0]?.reply({ late: true });
    assert.deepEqual((await old).head, { late: true });
  });
});
