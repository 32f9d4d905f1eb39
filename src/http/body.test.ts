import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, it } from 'node:test';
import zlib from 'node:zlib';
import { JsonScanner } from '../core/json-scan.ts';
import { BulkheadError } from '../core/errors.ts';
import { readBody } from './body.ts';
import { ask, exchange, parseAnswer, startBorder, type Answer, type BorderOptions } from './testing/border.ts';

const codeOf = (answer: Answer | undefined): string =>
  (JSON.parse(answer?.body ?? '{}') as { error?: { code: string } }).error?.code ?? 'none';
const head = (...headers: string[]): string => `POST /v1/x HTTP/1.1\r\nhost: g\r\n${headers.join('\r\n')}\r\n\r\n`;
const post = (body: Buffer | string, ...headers: string[]): Buffer =>
  Buffer.concat([Buffer.from(head(`content-length: ${Buffer.byteLength(body)}`, ...headers)), Buffer.from(body)]);

async function withBorder(options: BorderOptions, use: (port: number) => Promise<void>): Promise<void> {
  const border = await startBorder(options);
  try {
    await use(border.port);
  } finally {
    await border.close();
  }
}

const sizeOf = (answer: Answer): number => (JSON.parse(answer.body) as { bytes: number }).bytes;

describe('request body', () => {
  it('is read whole: by length, chunked, in pieces, empty', () =>
    withBorder({}, async (port) => {
      assert.equal(sizeOf(await ask(port, post('hello'))), 5);
      assert.equal(sizeOf(await ask(port, head('content-length: 6'), 'a', 'bcd', 'ef')), 6);
      assert.equal(sizeOf(await ask(port, head('transfer-encoding: chunked'), '3\r\nabc\r\n', '2\r\nde\r\n0\r\n\r\n')), 5);
      assert.equal(sizeOf(await ask(port, head('content-length: 0'))), 0);
    }));

  it('is refused beyond the limit, before it is sent where its length is known', () =>
    withBorder({ body: { limitBytes: 1000 } }, async (port) => {
      assert.equal(sizeOf(await ask(port, post(Buffer.alloc(1000)))), 1000);
      for (const bytes of [
        head('content-length: 1001'),
        post(Buffer.alloc(1001)),
        head('content-length: 99999999999'),
        head('transfer-encoding: chunked') + `3e9\r\n${'x'.repeat(1001)}\r\n`,
      ]) {
        const answer = await ask(port, bytes);
        assert.deepEqual([answer.status, codeOf(answer)], [413, 'body_too_large']);
      }
    }));

  it('the refusal reaches a client that is still sending, and the connection stays usable when the rest is small', () =>
    withBorder({ body: { limitBytes: 100_000 } }, async (port) => {
      const text = await exchange(port, [head('content-length: 150000'), Buffer.alloc(150_000), post('next')], (received) =>
        received.includes('"next"'),
      );
      assert.match(text, /^HTTP\/1\.1 413 [\s\S]*HTTP\/1\.1 200 [\s\S]*"next"/);
    }));

  it('attack 28: a client that never stops sending is cut off after its refusal, read or unread', { timeout: 4_000 }, async () => {
    const limits = { headBytes: 16_384, headers: 100, connectionsPerAddress: 100, droppedBytes: 100_000 };
    const refusedUnread = async (): Promise<void> => {
      throw new BulkheadError('missing_key');
    };
    const endless = [head('transfer-encoding: chunked'), ...Array.from({ length: 40 }, () => `2710\r\n${'x'.repeat(10_000)}\r\n`)];
    const read = { listener: { limits }, body: { limitBytes: 1000 } };
    await withBorder(read, async (port) => assert.equal(parseAnswer(await exchange(port, endless, () => false))?.status, 413));
    await withBorder({ listener: { limits }, serve: refusedUnread }, async (port) => {
      assert.equal(parseAnswer(await exchange(port, endless, () => false))?.status, 401);
    });
  });

  it('is decoded from gzip, deflate and zstd', () =>
    withBorder({}, async (port) => {
      const body = Buffer.from(JSON.stringify({ text: 'abc'.repeat(1000) }));
      const encoded: readonly (readonly [string, Buffer])[] = [
        ['gzip', zlib.gzipSync(body)],
        ['x-gzip', zlib.gzipSync(body)],
        ['GZIP', zlib.gzipSync(body)],
        ['deflate', zlib.deflateSync(body)],
        ['zstd', zlib.zstdCompressSync(body)],
        ['identity', body],
      ];
      for (const [coding, bytes] of encoded)
        assert.equal(sizeOf(await ask(port, post(bytes, `content-encoding: ${coding}`))), body.length, coding);
    }));

  it('is refused in other codings, and several at once', () =>
    withBorder({}, async (port) => {
      for (const coding of ['br', 'compress', 'gzip, gzip', 'chunked', 'x']) {
        const answer = await ask(port, post(zlib.brotliCompressSync('hello'), `content-encoding: ${coding}`));
        assert.deepEqual([answer.status, codeOf(answer)], [415, 'unsupported_media_type'], coding);
      }
    }));

  it('is refused when it is not what its coding says, or is cut', () =>
    withBorder({}, async (port) => {
      const gzip = zlib.gzipSync('hello '.repeat(1000));
      const zstd = zlib.zstdCompressSync('hello '.repeat(1000));
      const wrong: readonly (readonly [string, Buffer])[] = [
        ['gzip', Buffer.from('plain')],
        ['gzip', gzip.subarray(0, -1)],
        ['zstd', gzip],
        ['zstd', zstd.subarray(0, -1)],
        ['deflate', gzip],
        ['gzip', Buffer.alloc(0)],
        ['zstd', Buffer.alloc(0)],
      ];
      for (const [coding, bytes] of wrong) {
        const answer = await ask(port, post(bytes, `content-encoding: ${coding}`));
        assert.deepEqual([answer.status, codeOf(answer)], [400, 'malformed_request'], `${coding} ${bytes.length}`);
      }
    }));

  it('attack 27: gzip and zstd bombs are stopped at the limit and at the ratio', () =>
    withBorder({ body: { limitBytes: 64_000_000 } }, async (port) => {
      const zeros = Buffer.alloc(30_000_000);
      const bombs: readonly (readonly [string, Buffer])[] = [
        ['gzip', zlib.gzipSync(zeros)],
        ['deflate', zlib.deflateSync(zeros)],
        ['zstd', zlib.zstdCompressSync(zeros)],
      ];
      for (const [coding, bytes] of bombs) {
        assert.ok(bytes.length < 40_000);
        const answer = await ask(port, post(bytes, `content-encoding: ${coding}`));
        assert.deepEqual([answer.status, codeOf(answer)], [413, 'body_too_large'], coding);
      }
      const beyond = zlib.gzipSync(Buffer.alloc(1000, 'x'));
      await withBorder({ body: { limitBytes: 999 } }, async (small) =>
        assert.equal((await ask(small, post(beyond, 'content-encoding: gzip'))).status, 413),
      );
    }));

  it('attack 27: a zstd frame that asks for a large window gets none', () =>
    withBorder({ body: { limitBytes: 64_000_000 } }, async (port) => {
      // The frame header says its window: byte 4 is the descriptor, byte 5 the window of a frame that is not a single segment.
      const frame = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (27 - 10) << 3]), Buffer.alloc(20)]);
      const answer = await ask(port, post(frame, 'content-encoding: zstd'));
      assert.deepEqual([answer.status, codeOf(answer)], [413, 'body_too_large']);
    }));

  it('attack 28: a body that does not come in time is answered 408', () =>
    withBorder({ body: { timeoutMs: 100 } }, async (port) => {
      const answer = await ask(port, head('content-length: 100'), 'abc');
      assert.deepEqual([answer.status, codeOf(answer)], [408, 'request_timeout']);
    }));

  it('attack 28: a body that trickles is answered 408 long before its whole time', () =>
    withBorder({ body: { timeoutMs: 600_000, paceGraceMs: 100 } }, async (port) => {
      const answer = await ask(port, head('content-length: 100000'), 'abc');
      assert.deepEqual([answer.status, codeOf(answer)], [408, 'request_timeout']);
    }));

  it('is scanned while it arrives: what cannot become valid is refused before it is whole', () =>
    withBorder(
      {
        serve: async (requestHead, request, response) => {
          const scanner = new JsonScanner({ depth: 8, keys: 10 }, 'all');
          const body = await readBody(request, requestHead, { limitBytes: 1_000_000, timeoutMs: 10_000, scanner });
          response.end(`${body.length} ${[...scanner.members.keys()].join()}`);
        },
      },
      async (port) => {
        const broken = await ask(port, head('content-length: 500000'), '{"a":1,,');
        assert.deepEqual([broken.status, codeOf(broken)], [400, 'invalid_json']);
        assert.equal(codeOf(await ask(port, post('{"a":1,"a":2}'))), 'json_duplicate_key');
        assert.equal(codeOf(await ask(port, post('{"a":'))), 'invalid_json');
        assert.equal(codeOf(await ask(port, post(''))), 'invalid_json');
        assert.equal(codeOf(await ask(port, post(zlib.gzipSync('[[[[[[[[[1]]]]]]]]]'), 'content-encoding: gzip'))), 'json_too_deep');
        const large = Buffer.from(JSON.stringify({ model: 'x', text: 'é'.repeat(400_000) }));
        const mixed = zlib.gzipSync(large);
        assert.match(await exchange(port, [post(large)], (text) => text.includes('model,text')), /800\d\d\d? model,text/);
        assert.match(
          await exchange(port, [post(mixed, 'content-encoding: gzip')], (text) => /413|model,text/.test(text)),
          /800\d\d\d? model,text/,
        );
      },
    ));

  it('a client that leaves in the middle ends the reading at once', async () => {
    let failed: (error: unknown) => void = () => assert.fail();
    const failure = new Promise<unknown>((resolve) => (failed = resolve));
    await withBorder(
      {
        serve: async (requestHead, request) => {
          await readBody(request, requestHead, { limitBytes: 1000, timeoutMs: 60_000 }).catch(failed);
        },
      },
      async (port) => {
        const socket = net.connect(port, '127.0.0.1', () =>
          socket.write(`${head('content-length: 100')}abc`, () => setTimeout(() => socket.destroy(), 20)),
        );
        const error = await failure;
        assert.ok(error instanceof BulkheadError);
        assert.equal(error.code, 'client_gone');
      },
    );
  });
});
