import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, exchange, parseAnswer, startBorder, type BorderOptions } from './testing/border.ts';
import { selfSigned } from './testing/certificate.ts';
import { createListener } from './listener.ts';
import { trustedProxies } from './client-address.ts';

const GET = 'GET /v1/models HTTP/1.1\r\nhost: gateway\r\n\r\n';
const LIMITS = { headBytes: 16_384, headers: 100, connectionsPerAddress: 100 };
const codeOf = (body: string): string => (JSON.parse(body) as { error: { code: string } }).error.code;

async function withBorder(options: BorderOptions, use: (border: Awaited<ReturnType<typeof startBorder>>) => Promise<void>): Promise<void> {
  const border = await startBorder(options);
  try {
    await use(border);
  } finally {
    await border.close();
  }
}

/** Opens a connection and waits until the server has it. */
async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

describe('listener', () => {
  it('attack 28: slowloris is answered 408 when the head takes too long', () =>
    withBorder({ listener: { timeouts: { requestHeadMs: 300, requestMs: 30_000, keepAliveMs: 75_000 } } }, async ({ port, refused }) => {
      const answer = parseAnswer(await exchange(port, ['GET / HTTP/1.1\r\nhost: g\r\nx-a: ']));
      assert.deepEqual([answer?.status, codeOf(answer?.body ?? '')], [408, 'request_timeout']);
      assert.equal(refused[0]?.error.code, 'request_timeout');
    }));

  it('does not cut an answer that takes longer than the request may', () =>
    withBorder(
      {
        listener: { timeouts: { requestHeadMs: 100, requestMs: 100, keepAliveMs: 100 } },
        serve: async (_head, _request, response) => {
          response.write('first ');
          // Longer than the head, request and backstop limits together with the interval at which they are checked.
          await sleep(3_500);
          response.end('last');
        },
      },
      async ({ port }) => assert.match(await exchange(port, [GET], (text) => text.includes('last')), /first[\s\S]*last/),
    ));

  it('attack 28: an address has so many connections and no more; closed ones count no longer', () =>
    withBorder({ listener: { limits: { ...LIMITS, connectionsPerAddress: 3 } } }, async ({ port, listener, refused }) => {
      const held = [await connect(port), await connect(port), await connect(port)];
      while (listener.connections < 3) await sleep(5);
      const answer = await ask(port, GET);
      assert.deepEqual([answer.status, codeOf(answer.body)], [429, 'too_many_connections']);
      assert.equal(refused.length, 1);
      held[0]?.destroy();
      while (listener.connections > 2) await sleep(5);
      assert.equal((await ask(port, GET)).status, 200);
      for (const socket of held) socket.destroy();
    }));

  it('does not count connections of trusted proxies', () =>
    withBorder(
      { listener: { limits: { ...LIMITS, connectionsPerAddress: 1 }, proxies: trustedProxies(['127.0.0.0/8']) } },
      async ({ port, listener }) => {
        const held = await connect(port);
        while (listener.connections < 1) await sleep(5);
        assert.equal((await ask(port, GET)).status, 200);
        held.destroy();
      },
    ));

  it('takes the words of a refusal from its caller', () =>
    withBorder({ listener: { refusalBody: (error, requestId) => ({ own: error.code, requestId }) } }, async ({ port }) => {
      const body = JSON.parse((await ask(port, 'nonsense\r\n\r\n')).body) as { own: string; requestId: string };
      assert.deepEqual([body.own, body.requestId.length], ['malformed_request', 30]);
    }));

  it('a malformed request behind one that is being answered closes the connection and is never taken for its answer', () =>
    withBorder({ serve: () => sleep(100_000, undefined, { ref: false }) }, async ({ port }) => {
      assert.equal(await exchange(port, [GET, 'nonsense\r\n\r\n']), '');
    }));

  it('answers 100 Continue only after the head was checked', () =>
    withBorder({}, async ({ port }) => {
      const head = (path: string): string => `POST ${path} HTTP/1.1\r\nhost: g\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n`;
      const good = await exchange(port, [head('/v1/x'), 'hello']);
      assert.match(good, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 [\s\S]*hello/);
      const bad = await exchange(port, [head('/v1/../x')]);
      assert.match(bad, /^HTTP\/1\.1 404 /);
    }));

  it('keeps connections for load balancers and serves pipelined requests in order', () =>
    withBorder({}, async ({ port }) => {
      const text = await exchange(port, [GET + GET.replace('models', 'other')], (received) => received.includes('/v1/other'));
      assert.ok(text.indexOf('/v1/models') < text.indexOf('/v1/other'));
      assert.match(text, /keep-alive: timeout=75/i);
    }));

  it('an answer written after its client left hurts nobody', () =>
    withBorder(
      {
        serve: async (_head, _request, response) => {
          response.write('first');
          await new Promise((resolve) => response.once('close', resolve));
          response.write('late');
          response.end('later');
        },
      },
      async ({ port, listener }) => {
        await exchange(port, [GET], (text) => text.includes('first'));
        while (listener.active > 0) await sleep(5);
        await sleep(10);
      },
    ));

  it('a write behind the end breaks that answer at most', () =>
    withBorder(
      {
        serve: async (_head, _request, response) => {
          response.end('whole');
          response.write('late');
        },
      },
      async ({ port, listener }) => {
        await exchange(port, [GET]);
        while (listener.active > 0) await sleep(5);
      },
    ));

  it('rejects when the descriptor cannot be listened on', async () => {
    const listener = createListener({
      fd: 987_654,
      limits: LIMITS,
      timeouts: { requestHeadMs: 1, requestMs: 1, keepAliveMs: 1 },
      onRequest: () => assert.fail(),
    });
    await assert.rejects(listener.listening);
  });
});

describe('listener, TLS', () => {
  const request = (port: number, ca: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const call = https.get({ port, host: '127.0.0.1', ca, path: '/v1/models', agent: false }, (response) => {
        const { subject } = (response.socket as TLSSocket).getPeerCertificate();
        response.resume().on('end', () => resolve(`${response.statusCode} ${String(subject.CN)}`));
      });
      call.on('error', reject);
    });

  it('serves by the pair it was given, takes a new one, and keeps the old one when the new does not fit', async () => {
    const [first, second] = [selfSigned('first.test'), selfSigned('second.test')];
    await withBorder({ listener: { tls: first } }, async ({ port, listener }) => {
      assert.equal(await request(port, first.cert), '200 first.test');
      assert.throws(() => listener.reloadTls({ cert: second.cert, key: first.key }));
      assert.throws(() => listener.reloadTls({ cert: 'nonsense', key: first.key }));
      assert.equal(await request(port, first.cert), '200 first.test');
      listener.reloadTls(second);
      assert.equal(await request(port, second.cert), '200 second.test');
      await assert.rejects(request(port, first.cert));
    });
  });

  it('closes on plain HTTP without a word, and goes on serving', async () => {
    const pair = selfSigned('gateway.test');
    await withBorder({ listener: { tls: pair } }, async ({ port }) => {
      assert.equal(await exchange(port, [GET]), '');
      assert.equal(await request(port, pair.cert), '200 gateway.test');
    });
  });

  it('attack 28: counts connections by address too, and closes those beyond before the handshake', async () => {
    const pair = selfSigned('gateway.test');
    await withBorder({ listener: { tls: pair, limits: { ...LIMITS, connectionsPerAddress: 1 } } }, async ({ port, listener, refused }) => {
      const held = await connect(port);
      while (listener.connections < 1) await sleep(5);
      await assert.rejects(request(port, pair.cert));
      assert.equal(refused[0]?.error.code, 'too_many_connections');
      held.destroy();
      while (listener.connections > 0) await sleep(5);
      assert.equal(await request(port, pair.cert), '200 gateway.test');
    });
  });

  it('drains open connections', async () => {
    const pair = selfSigned('gateway.test');
    const border = await startBorder({ listener: { tls: pair } });
    const agent = new https.Agent({ keepAlive: true, ca: pair.cert });
    await new Promise((resolve) =>
      https.get({ port: border.port, host: '127.0.0.1', agent }, (response) => response.resume().on('end', resolve)),
    );
    await border.listener.drain(60_000);
    assert.equal(border.listener.connections, 0);
    agent.destroy();
  });
});

describe('listener, drain', () => {
  it('finishes what is under way, answers what still comes with connection: close, then resolves', async () => {
    let release = (): void => assert.fail();
    const border = await startBorder({
      serve: async (head, _request, response) => {
        if (head.path === '/stream') response.write('begun ');
        if (head.path !== '/late') await new Promise<void>((resolve) => (release = resolve));
        response.end('whole');
      },
    });
    const stream = exchange(border.port, ['GET /stream HTTP/1.1\r\nhost: g\r\n\r\n'], (text) => text.endsWith('0\r\n\r\n'));
    const idle = await connect(border.port);
    let late = '';
    idle.on('data', (chunk) => (late += chunk.toString()));
    while (border.listener.active < 1 || border.listener.connections < 2) await sleep(5);

    const drained = border.listener.drain(60_000, 500);
    idle.write('GET /late HTTP/1.1\r\nhost: g\r\n\r\n');
    await new Promise((resolve) => idle.once('close', resolve));
    assert.match(late, /connection: close[\s\S]*whole/i);
    await assert.rejects(connectOnce(border.port));
    release();
    assert.match(await stream, /begun[\s\S]*whole/);
    await drained;
    assert.deepEqual([border.listener.active, border.listener.connections], [0, 0]);
  });

  it('closes idle and unused connections after the linger, and everything after the grace', async () => {
    const border = await startBorder({ serve: () => sleep(100_000, undefined, { ref: false }) });
    const stuck = exchange(border.port, [GET]);
    const unused = await connect(border.port);
    const unusedClosed = new Promise((resolve) => unused.once('close', resolve));
    while (border.listener.active < 1) await sleep(5);
    const drained = border.listener.drain(600, 10);
    await unusedClosed;
    assert.equal(border.listener.active, 1);
    await drained;
    assert.equal(await stuck, '');
  });

  it('does not wait for a connection that was never used, plain or before its handshake', { timeout: 10_000 }, async () => {
    for (const tls of [{}, { tls: selfSigned('gateway.test') }]) {
      const border = await startBorder({ listener: tls });
      const unused = await connect(border.port);
      while (border.listener.connections < 1) await sleep(5);
      await border.listener.drain(60_000, 10);
      unused.destroy();
    }
  });

  it('a keep-alive client that goes on sending during a drain loses no request', async () => {
    const border = await startBorder();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    const one = (): Promise<number | string> =>
      new Promise((resolve) => {
        const call = http.get({ port: border.port, host: '127.0.0.1', path: '/v1/models', agent }, (response) =>
          response.resume().on('end', () => resolve(response.statusCode ?? 0)),
        );
        call.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      });
    for (let i = 0; i < 8; i++) assert.equal(await one(), 200);
    const drained = border.listener.drain(60_000, 1_000);
    const results = await Promise.all(Array.from({ length: 4 }, one));
    // Those that found an open connection were answered; a new connection is refused, since nobody else listens here.
    for (const result of results) assert.ok(result === 200 || result === 'ECONNREFUSED', String(result));
    assert.ok(results.includes(200));
    await drained;
    agent.destroy();
  });
});

const connectOnce = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(void socket.destroy()));
    socket.on('error', reject);
  });
