import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import net from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BulkheadError } from '../core/errors.ts';
import { Cors } from './cors.ts';
import { errorBody, headersForClient, headersForUpstream, writeError, writeJson } from './respond.ts';
import { ResponseWriter } from './response-writer.ts';
import { ask, exchange, parseAnswer, startBorder, type BorderOptions } from './testing/border.ts';

async function withBorder(serve: BorderOptions['serve'], use: (port: number) => Promise<void>): Promise<void> {
  const border = await startBorder(serve === undefined ? {} : { serve });
  try {
    await use(border.port);
  } finally {
    await border.close();
  }
}

const get = (...headers: string[]): string => `GET /v1/x HTTP/1.1\r\nhost: g\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`;

describe('header hygiene', () => {
  it('attack 14: only listed client headers go upstream; keys, cookies, proxy and hop-by-hop headers never', () =>
    withBorder(
      async (_head, request, response) =>
        writeJson(response, 200, { passed: headersForUpstream(request).map((pair) => [...pair]) }, 'req_TEST'),
      async (port) => {
        const hostile = [
          'authorization: Bearer bh_x',
          'x-api-key: k',
          'api-key: k',
          'cookie: a=b',
          'proxy-authorization: x',
          'x-forwarded-for: 1.2.3.4',
          'forwarded: for=x',
          'te: trailers',
          'connection: x-hop',
          'x-hop: 1',
          'host-override: x',
          'x-client-request-id: forged',
          'accept-encoding: gzip',
          'openai-organization: org-other',
          'user-agent: x',
          'range: bytes=0-1',
        ];
        const answer = await ask(
          port,
          get(
            ...hostile,
            'OpenAI-Beta: assistants=v2',
            'anthropic-version: 2023-06-01',
            'anthropic-beta: a',
            'anthropic-beta: b',
            'accept: text/event-stream',
            `idempotency-key: ${'x'.repeat(3000)}`,
          ),
        );
        assert.deepEqual(
          new Map((JSON.parse(answer.body) as { passed: [string, string][] }).passed),
          new Map([
            ['accept', 'text/event-stream'],
            ['openai-beta', 'assistants=v2'],
            ['anthropic-beta', 'a, b'],
            ['anthropic-version', '2023-06-01'],
          ]),
        );
      },
    ));

  it('passes type and retry-after of an upstream, ids and limits under x-upstream-, and nothing else', () => {
    const upstream = [
      ['content-type', 'text/event-stream'],
      ['retry-after', '7'],
      ['x-request-id', 'req_1'],
      ['request-id', 'req_2'],
      ['x-ratelimit-remaining-tokens', '5'],
      ['anthropic-ratelimit-requests-limit', '50'],
      ['openai-processing-ms', '12'],
      ['set-cookie', 'a=b'],
      ['access-control-allow-origin', '*'],
      ['x-bulkhead-request-id', 'forged'],
      ['content-length', '5'],
      ['content-encoding', 'gzip'],
      ['transfer-encoding', 'chunked'],
      ['location', 'http://169.254.169.254/'],
      ['www-authenticate', 'x'],
      ['openai-version', 'a\r\nset-cookie: b'],
    ] as const;
    assert.deepEqual(headersForClient(upstream), [
      ['content-type', 'text/event-stream'],
      ['retry-after', '7'],
      ['x-upstream-request-id', 'req_1, req_2'],
      ['x-upstream-ratelimit-remaining-tokens', '5'],
      ['x-upstream-anthropic-ratelimit-requests-limit', '50'],
      ['x-upstream-openai-processing-ms', '12'],
    ]);
  });

  it('attack 13: a header with a line break is never written', () =>
    withBorder(
      async (_head, _request, response) => writeJson(response, 200, {}, 'req_TEST', [['x-a', 'b\r\nset-cookie: evil']]),
      async (port) => {
        const answer = await ask(port, get());
        assert.equal(answer.status, 500);
        assert.equal(answer.headers['set-cookie'], undefined);
      },
    ));

  it('an error says code, sentence, remedy and request id, and no cause', () => {
    const error = new BulkheadError('body_too_large', { limit: 5 }, { cause: new Error('inner') });
    assert.deepEqual(errorBody(error, 'req_1'), {
      error: {
        message: 'The request body is larger than 5 bytes.',
        type: 'invalid_request_error',
        param: null,
        code: 'body_too_large',
        remedy: 'Send a smaller body, or raise limits.body_bytes in bulkhead.yaml.',
        request_id: 'req_1',
      },
    });
  });

  it('a second answer to one request is not written', () =>
    withBorder(
      async (_head, _request, response) => {
        writeError(response, new BulkheadError('draining'), 'req_1', [['retry-after', '1']]);
        writeJson(response, 200, {}, 'req_2');
      },
      async (port) => {
        const answer = await ask(port, get());
        assert.deepEqual([answer.status, answer.headers['x-bulkhead-request-id'], answer.headers['retry-after']], [503, 'req_1', '1']);
      },
    ));
});

describe('CORS', () => {
  const page = 'https://app.example';
  const preflight = (origin: string, ...headers: string[]): string =>
    `OPTIONS /v1/x HTTP/1.1\r\nhost: g\r\norigin: ${origin}\r\naccess-control-request-method: POST\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`;

  const serveWith =
    (cors: Cors): BorderOptions['serve'] =>
    async (head, request, response) => {
      if (!cors.answerPreflight(request, response, ['GET', 'POST'])) writeJson(response, 200, {}, 'req_TEST', cors.headers(head.origin));
    };
  const askPreflight = async (port: number, bytes: string): Promise<Readonly<Record<string, string>>> => {
    const answer = parseAnswer(await exchange(port, [bytes], (text) => text.includes('\r\n\r\n')));
    assert.equal(answer?.status, 204);
    return answer?.headers ?? {};
  };

  it('answers a preflight of a listed origin, with the headers that its SDK asked for', () =>
    withBorder(serveWith(new Cors([page])), async (port) => {
      const headers = await askPreflight(port, preflight(page, 'access-control-request-headers: authorization, x-stainless-lang'));
      assert.deepEqual(
        [
          headers['access-control-allow-origin'],
          headers['access-control-allow-methods'],
          headers['access-control-allow-headers'],
          headers['vary'],
          headers['access-control-allow-credentials'],
        ],
        [page, 'GET, POST', 'authorization, x-stainless-lang', 'origin', undefined],
      );
    }));

  it('gives other origins nothing: not a neighbour, not a suffix, not null', () =>
    withBorder(serveWith(new Cors([page])), async (port) => {
      for (const origin of [
        'https://evil.example',
        `${page}.evil.example`,
        'http://app.example',
        `${page}:8443`,
        'null',
        'https://APP.example',
      ]) {
        assert.equal((await askPreflight(port, preflight(origin)))['access-control-allow-origin'], undefined, origin);
        const answer = await ask(port, get(`origin: ${origin}`));
        assert.deepEqual([answer.headers['access-control-allow-origin'], answer.headers['vary']], [undefined, 'origin']);
      }
      assert.equal((await ask(port, get(`origin: ${page}`))).headers['access-control-allow-origin'], page);
    }));

  it('allows every origin for *, still without credentials; and none by default', async () => {
    await withBorder(serveWith(new Cors(['*'])), async (port) => {
      const headers = await askPreflight(port, preflight(page, 'access-control-request-headers: a\u0009b, x"'));
      assert.deepEqual(
        [headers['access-control-allow-origin'], headers['access-control-allow-headers'], headers['vary']],
        ['*', 'authorization, content-type, x-api-key', undefined],
      );
    });
    await withBorder(serveWith(new Cors([])), async (port) => {
      assert.equal((await ask(port, get(`origin: ${page}`))).headers['access-control-allow-origin'], undefined);
      assert.equal((await askPreflight(port, preflight(page)))['access-control-allow-origin'], undefined);
    });
  });

  it('passes an OPTIONS that is no preflight on', () =>
    withBorder(serveWith(new Cors(['*'])), async (port) =>
      assert.equal((await ask(port, 'OPTIONS /v1/x HTTP/1.1\r\nhost: g\r\n\r\n')).status, 200),
    ));
});

describe('response writer', () => {
  const chunk = Buffer.alloc(16_384, 'x');

  it('attack 28: a client that reads slowly stops the writing below 256 KB, and gets all of it in the end', async () => {
    let highest = 0;
    let stops = 0;
    await withBorder(
      async (_head, _request, response) => {
        let left = 2_000;
        const pump = (): void => {
          while (left > 0) {
            left--;
            const flows = writer.write(chunk);
            highest = Math.max(highest, writer.buffered);
            if (!flows) return void stops++;
          }
          writer.end();
        };
        const writer = new ResponseWriter(response, { drain: pump, gone: () => assert.fail('gone') });
        writer.head(200, [['content-type', 'text/event-stream']]);
        pump();
      },
      async (port) => {
        const socket = net.connect(port, '127.0.0.1', () => socket.write(get('connection: close')));
        socket.pause();
        while (stops === 0) await sleep(5);
        await sleep(50);
        assert.ok(highest < 256 * 1024, `${highest} buffered`);
        let received = 0;
        socket.on('data', (bytes) => (received += bytes.length)).resume();
        await once(socket, 'close');
        assert.ok(received > 2_000 * chunk.length);
      },
    );
    assert.ok(stops > 1 && highest < 256 * 1024, `${stops} stops, ${highest} buffered`);
  });

  it('attack 28: a client that reads nothing at all is let go', async () => {
    let gone = 0;
    await withBorder(
      async (_head, _request, response) => {
        const writer = new ResponseWriter(response, { drain: () => pump(), gone: () => gone++ }, { stallMs: 100 });
        const pump = (): void => {
          while (writer.write(chunk));
        };
        pump();
      },
      async (port) => {
        const socket = net.connect(port, '127.0.0.1', () => socket.write(get()));
        socket.pause();
        socket.on('error', () => socket.destroy());
        while (gone === 0) await sleep(5);
        socket.destroy();
      },
    );
    assert.equal(gone, 1);
  });

  it('says once that the client left, and drops what is written afterwards', async () => {
    let gone = 0;
    let writer: ResponseWriter | undefined;
    await withBorder(
      async (_head, _request, response) => {
        writer = new ResponseWriter(response, { drain: () => undefined, gone: () => gone++ });
        writer.head(200, []);
        writer.write(Buffer.from('first'));
      },
      async (port) => {
        await exchange(port, [get()], (text) => text.includes('first'));
        while (gone === 0) await sleep(5);
        assert.equal(writer?.gone, true);
        assert.equal(writer?.write(chunk), true);
        writer?.head(200, []);
        writer?.end();
        writer?.abort();
        await sleep(10);
      },
    );
    assert.equal(gone, 1);
  });

  it('does not say so of an answer that ended, and an aborted one has no end', async () => {
    const seen: string[] = [];
    const serve =
      (finish: (writer: ResponseWriter) => void): BorderOptions['serve'] =>
      async (_head, _request, response: ServerResponse) => {
        const writer = new ResponseWriter(response, { drain: () => undefined, gone: () => seen.push('gone') });
        response.once('close', () => seen.push('closed'));
        writer.head(200, []);
        writer.write(Buffer.from('text'));
        setTimeout(() => finish(writer), 20);
      };
    await withBorder(
      serve((writer) => writer.end()),
      async (port) => assert.match(await exchange(port, [get()], (text) => text.endsWith('0\r\n\r\n')), /text\r\n0\r\n\r\n$/),
    );
    assert.deepEqual(seen, ['closed']);
    await withBorder(
      serve((writer) => writer.abort()),
      async (port) => assert.doesNotMatch(await exchange(port, [get()]), /0\r\n\r\n$/),
    );
    assert.deepEqual(seen.slice(1).sort(), ['closed', 'gone']);
  });
});
