import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ResponseParser } from './response.ts';

interface Read {
  status: number;
  headers: Record<string, string>;
  body: string;
  ended: 'reusable' | 'single' | undefined;
  whole: boolean;
}

/** Parses `text` in pieces of `size` bytes, then closes. */
function read(text: string, size = Infinity): Read {
  const result: Read = { status: 0, headers: {}, body: '', ended: undefined, whole: false };
  const parser = new ResponseParser(
    {
      onHead: (status, headers) => Object.assign(result, { status, headers: Object.fromEntries(headers) }),
      onBody: (bytes) => (result.body += bytes.toString('latin1')),
      onWhole: (reusable) => (result.ended = reusable ? 'reusable' : 'single'),
    },
    () => undefined,
  );
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size));
  const before = result.ended;
  result.whole = parser.close();
  if (before !== undefined) result.ended = before;
  return result;
}

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}transfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n\r\n5;ext="a"\r\nhello\r\n6\r\n world\r\n0\r\nx-trailer: 1\r\n\r\n`;

describe('response parser', () => {
  const cases: Readonly<Record<string, readonly [string, Partial<Read>]>> = {
    'content-length': [`${OK}content-length: 5\r\n\r\nhello`, { status: 200, body: 'hello', ended: 'reusable' }],
    'chunked with extension and trailer': [
      CHUNKED,
      { body: 'hello world', ended: 'reusable', headers: { 'content-type': 'text/event-stream' } },
    ],
    'empty body': [
      `${OK}Content-Length: 0\r\nX-A:  b c \r\n\r\n`,
      { body: '', ended: 'reusable', headers: { 'content-length': '0', 'x-a': 'b c' } },
    ],
    'no content': ['HTTP/1.1 204 No Content\r\n\r\n', { status: 204, ended: 'reusable' }],
    'interim answers': [
      `HTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 100\r\n\r\n${OK}content-length: 1\r\n\r\nx`,
      { status: 200, body: 'x' },
    ],
    'connection: close': [`${OK}connection: close\r\ncontent-length: 1\r\n\r\nx`, { ended: 'single', headers: { 'content-length': '1' } }],
    'HTTP/1.0 until close': ['HTTP/1.0 200 OK\r\n\r\nall of it', { body: 'all of it', ended: 'single', whole: true }],
    'HTTP/1.1 until close': [`${OK}\r\nall of it`, { body: 'all of it', ended: 'single', whole: true }],
    'hop-by-hop headers': [
      `${OK}connection: x-hop\r\nx-hop: 1\r\nkeep-alive: 5\r\nproxy-a: 1\r\nset-cookie: a\r\nx-b: 2\r\ncontent-length: 0\r\n\r\n`,
      { headers: { 'x-b': '2', 'content-length': '0' } },
    ],
    'bytes after the end': [`${OK}content-length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n`, { body: 'x', ended: 'single' }],
    'an error status': ['HTTP/1.1 429 Too Many\r\nretry-after: 3\r\ncontent-length: 2\r\n\r\n{}', { status: 429, body: '{}' }],
  };
  for (const [name, [text, expected]] of Object.entries(cases)) {
    it(`reads ${name}, cut anywhere`, () => {
      for (const size of [1, 2, 3, 7, 16, Infinity]) {
        const result = read(text, size);
        // Surplus bytes are seen only if they come with the end; those that come later kill the idle connection.
        const { ended, ...rest } = expected;
        for (const [field, value] of Object.entries(rest)) assert.deepEqual(result[field as keyof Read], value, `${field} at ${size}`);
        if (ended !== undefined && (size === Infinity || name !== 'bytes after the end')) assert.equal(result.ended, ended);
      }
    });
  }

  const invalid: Readonly<Record<string, string>> = {
    'CL and TE (1)': `${OK}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`,
    'two CL (2)': `${OK}content-length: 1\r\ncontent-length: 1\r\n\r\nx`,
    'CL list': `${OK}content-length: 1, 1\r\n\r\nx`,
    'CL sign': `${OK}content-length: +1\r\n\r\nx`,
    'CL hex': `${OK}content-length: 0x1\r\n\r\nx`,
    'CL huge': `${OK}content-length: 99999999999999999999\r\n\r\nx`,
    'TE xchunked (3)': `${OK}transfer-encoding: xchunked\r\n\r\n`,
    'TE list (3)': `${OK}transfer-encoding: chunked, identity\r\n\r\n`,
    'two TE': `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n`,
    'TE in HTTP/1.0': 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
    'space before colon (3)': `${OK}content-length : 1\r\n\r\nx`,
    'obs-fold (4)': `${OK}x-a: 1\r\n b\r\n\r\n`,
    'bare LF (4)': `${OK}x-a: 1\nx-b: 2\r\n\r\n`,
    'bare CR (4)': `${OK}x-a: 1\rx-b: 2\r\n\r\n`,
    'NUL (4)': `${OK}x-a: 1\0\r\n\r\n`,
    'bad chunk size (5)': `${OK}transfer-encoding: chunked\r\n\r\nxyz\r\n`,
    'negative chunk size': `${OK}transfer-encoding: chunked\r\n\r\n-1\r\n`,
    'LF-only chunk (5)': `${OK}transfer-encoding: chunked\r\n\r\n1\nx\n0\n\n`,
    'missing CRLF after chunk': `${OK}transfer-encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n`,
    'huge chunk size': `${OK}transfer-encoding: chunked\r\n\r\n1ffffffff\r\n`,
    'huge chunk extension (6)': `${OK}transfer-encoding: chunked\r\n\r\n1;${'a'.repeat(300)}\r\nx\r\n`,
    'huge trailers': `${OK}transfer-encoding: chunked\r\n\r\n0\r\n${`x-a: ${'b'.repeat(200)}\r\n`.repeat(60)}\r\n`,
    'huge head (7)': `${OK}x-a: ${'b'.repeat(70_000)}\r\n\r\n`,
    'too many headers (7)': `${OK}${'x-a: b\r\n'.repeat(257)}\r\n`,
    'switching protocols': 'HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n',
    'endless interim answers': 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(6),
    'HTTP/2.0': 'HTTP/2.0 200 OK\r\n\r\n',
    'no status': 'HTTP/1.1 OK\r\n\r\n',
    'not HTTP': 'SSH-2.0-x\r\n\r\n',
    'gzip bomb: compressed although identity was asked (27)': `${OK}content-encoding: gzip\r\ncontent-length: 1\r\n\r\nx`,
  };
  for (const [name, text] of Object.entries(invalid)) {
    it(`refuses ${name}, cut anywhere`, () => {
      for (const size of [1, 13, Infinity]) assert.throws(() => read(text, size), { code: 'upstream_invalid' });
    });
  }

  it('a hostile response head cannot make the parser back-track', () => {
    // A parser that tries again from each byte needs billions of steps for one of these.
    const name = 'a'.repeat(60_000);
    const blanks = ' '.repeat(60_000);
    const lines = [`${name}\x01`, `${name}\x01: b`, `x-a: ${name}\x01`, `x-a:${blanks}\x01`, `x-a:${blanks}b${blanks.slice(0, 3)}\x01`];
    for (const line of lines) {
      const before = process.cpuUsage().user;
      assert.throws(() => read(`${OK}${line}\r\n\r\n`), { code: 'upstream_invalid' });
      assert.ok(process.cpuUsage(undefined).user - before < 1_000_000, `${line.slice(0, 8)}… was refused at once`);
    }
    assert.equal(read(`${OK}x-a:${' '.repeat(30_000)}b${' '.repeat(30_000)}\r\ncontent-length: 0\r\n\r\n`).headers['x-a'], 'b');
  });

  it('refuses every redirect (18)', () => {
    for (const status of [300, 301, 302, 303, 304, 307, 308]) {
      assert.throws(() => read(`HTTP/1.1 ${status} Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n`), {
        code: 'upstream_redirect',
      });
    }
  });

  it('an answer that is cut is not whole, at every byte', () => {
    for (let length = 0; length < CHUNKED.length; length++) assert.equal(read(CHUNKED.slice(0, length)).whole, false, `at ${length}`);
    assert.equal(read(`${OK}content-length: 5\r\n\r\nhell`).whole, false);
  });

  it('gives the chunks of one read as one', () => {
    let bodies = 0;
    const parser = new ResponseParser({ onHead: () => undefined, onBody: () => bodies++, onWhole: () => undefined }, () => undefined);
    parser.push(Buffer.from(CHUNKED));
    assert.equal(bodies, 1);
  });
});
