import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import zlib from 'node:zlib';
import { startReplayUpstream, type ReplayUpstream } from '../replay/upstream.ts';
import { httpRequest, startNode, type RunningNode } from './node.ts';

/** What a whole node refuses at its border, byte for byte as an attacker would send it (families of the security model, §8). */

interface Refusal {
  readonly name: string;
  /** The raw request; `KEY` stands for a valid virtual key, `HOST` for the right Host value. */
  readonly raw: string | Buffer;
  readonly status: number | readonly number[];
  readonly code: string;
}

const post = (body: string, extra = '', target = '/v1/chat/completions'): string =>
  `POST ${target} HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer KEY\r\nContent-Type: application/json\r\n${extra}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const get = (target: string, extra = ''): string => `GET ${target} HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer KEY\r\n${extra}\r\n`;
const chat = (inner: string): string => `{"model":"sandbox","messages":[{"role":"user","content":${inner}}]}`;
const gzipped = (body: string): Buffer => zlib.gzipSync(body);

function compressed(body: Buffer): Buffer {
  const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer KEY\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

const REFUSALS: readonly Refusal[] = [
  {
    name: '1: content-length and transfer-encoding together',
    raw: post('{}', 'Transfer-Encoding: chunked\r\n'),
    status: 400,
    code: 'malformed_request',
  },
  { name: '2: duplicate content-length', raw: post('{}', 'Content-Length: 2\r\n'), status: 400, code: 'malformed_request' },
  {
    name: '3: an unknown transfer-encoding',
    raw: 'POST /v1/chat/completions HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: xchunked\r\n\r\n',
    status: 400,
    code: 'malformed_request',
  },
  { name: '4: a folded header', raw: get('/v1/models', 'X-A: 1\r\n folded\r\n'), status: 400, code: 'malformed_request' },
  {
    name: '5: a bad chunk size',
    raw: 'POST /v1/chat/completions HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer KEY\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n',
    status: 400,
    code: 'malformed_request',
  },
  { name: '7: a head over its bound', raw: get('/v1/models', `X-A: ${'a'.repeat(20_000)}\r\n`), status: 431, code: 'head_too_large' },
  { name: '7: too many headers', raw: get('/v1/models', 'A: b\r\n'.repeat(150)), status: 431, code: 'head_too_large' },
  { name: '8: two Host headers', raw: get('/v1/models', 'Host: other\r\n'), status: 400, code: 'duplicate_header' },
  {
    name: '9: a Host with a path',
    raw: 'GET /v1/models HTTP/1.1\r\nHost: a/?x=\r\nAuthorization: Bearer KEY\r\n\r\n',
    status: 400,
    code: 'bad_host',
  },
  { name: '10: an absolute-form target', raw: get('http://other.example/v1/models'), status: 400, code: 'bad_target' },
  { name: '11: two Authorization headers', raw: get('/v1/models', 'Authorization: Bearer x\r\n'), status: 400, code: 'duplicate_header' },
  { name: '12: dots in the path', raw: get('/v1/../v1/models'), status: [400, 404], code: '' },
  { name: '12: encoded dots in the path', raw: get('/v1/%2e%2e/models'), status: [400, 404], code: '' },
  { name: '12: two slashes', raw: get('//v1/models'), status: [400, 404], code: '' },
  { name: '12: a semicolon in the path', raw: get('/v1/models;x'), status: [400, 404], code: '' },
  {
    name: '22: a duplicate key',
    raw: post('{"model":"sandbox","model":"sandbox","messages":[]}'),
    status: 400,
    code: 'json_duplicate_key',
  },
  {
    name: '22: a duplicate key deep inside',
    raw: post(chat('[{"type":"text","text":"a","text":"b"}]')),
    status: 400,
    code: 'json_duplicate_key',
  },
  {
    name: '22: a duplicate key in escapes',
    raw: post('{"model":"sandbox","m\\u006fdel":"x","messages":[]}'),
    status: 400,
    code: 'json_duplicate_key',
  },
  { name: '23: depth 65', raw: post(chat('['.repeat(63) + ']'.repeat(63))), status: 400, code: 'json_too_deep' },
  { name: '23: depth 100,000', raw: post(chat('['.repeat(100_000) + ']'.repeat(100_000))), status: 400, code: 'json_too_deep' },
  { name: '25: a lone surrogate', raw: post(chat('"\\ud800"')), status: 400, code: 'invalid_json' },
  {
    name: '26: 300,000 keys',
    raw: post(`{"model":"sandbox","x":{${Array.from({ length: 300_000 }, (_, i) => `"${i}":0`).join(',')}}}`),
    status: 413,
    code: 'json_too_many_keys',
  },
  { name: '27: a gzip bomb', raw: compressed(gzipped(chat(`"${'a'.repeat(60_000_000)}"`))), status: 413, code: 'body_too_large' },
  { name: 'brotli', raw: post('{}', 'Content-Encoding: br\r\n'), status: 415, code: 'unsupported_media_type' },
  {
    name: 'a form',
    raw: post('a=b').replace('application/json', 'application/x-www-form-urlencoded'),
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    name: 'a body over its bound, by its own word',
    raw: 'POST /v1/chat/completions HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer KEY\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n',
    status: 413,
    code: 'body_too_large',
  },
  { name: 'not JSON', raw: post('{"model":'), status: 400, code: 'invalid_json' },
  {
    name: 'bytes that are not UTF-8',
    raw: Buffer.concat([
      Buffer.from(post('').replace('Content-Length: 0', 'Content-Length: 20')),
      Buffer.from('{"model":"sandbox\xff"}', 'latin1'),
    ]),
    status: 400,
    code: 'invalid_json',
  },
  { name: 'an array', raw: post('[]'), status: 400, code: 'invalid_request' },
  { name: 'no model', raw: post('{"messages":[]}'), status: 400, code: 'invalid_request' },
  { name: 'an unknown model', raw: post('{"model":"nothing-like-it","messages":[]}'), status: 404, code: 'unknown_model' },
  { name: 'no key', raw: get('/v1/models').replace('Authorization: Bearer KEY\r\n', ''), status: 401, code: 'missing_key' },
  { name: 'an unknown path', raw: get('/v1/nothing'), status: 404, code: 'unknown_endpoint' },
  { name: 'a wrong method', raw: get('/v1/chat/completions'), status: 405, code: 'method_not_allowed' },
  { name: 'CONNECT', raw: 'CONNECT example.com:443 HTTP/1.1\r\nHost: HOST\r\n\r\n', status: [400, 405], code: '' },
  { name: 'an upgrade', raw: get('/v1/models', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'), status: [200, 400], code: '' },
];

function exchange(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    let text = '';
    const timer = setTimeout(() => socket.destroy(), 20_000);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (isWhole(text)) socket.destroy();
    });
    socket.on('error', (error) => (text === '' ? reject(error) : undefined));
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
    socket.write(bytes);
  });
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  const length = /content-length: (\d+)/i.exec(text);
  return end >= 0 && length !== null && text.length >= end + 4 + Number(length[1]);
}

describe('refusals at the border of a whole node', () => {
  let node: RunningNode;
  let upstream: ReplayUpstream;
  let key: string;
  let port: number;

  const send = async (raw: string | Buffer): Promise<{ status: number; head: string; body: string }> => {
    const text = (typeof raw === 'string' ? Buffer.from(raw) : raw)
      .toString('latin1')
      .replaceAll('KEY', key)
      .replaceAll('HOST', `127.0.0.1:${port}`);
    const answer = await exchange(port, Buffer.from(text, 'latin1'));
    const end = answer.indexOf('\r\n\r\n');
    return { status: Number(answer.slice(9, 12)), head: answer.slice(0, end), body: answer.slice(end + 4) };
  };

  before(async () => {
    upstream = await startReplayUpstream();
    node = await startNode({
      config: `providers:\n  replay: { kind: openai-compatible, base_url: "${upstream.origin}/v1", private: true, auth: none }\n`,
    });
    key = await node.newKey();
    port = Number(new URL(node.url).port);
  });

  after(async () => {
    await node.stop();
    await upstream.close();
  });

  for (const { name, raw, status, code } of REFUSALS) {
    it(name, async () => {
      const answer = await send(raw);
      assert.ok([status].flat().includes(answer.status), `${answer.head}\n${answer.body.slice(0, 500)}`);
      if (answer.status === 200) return;
      assert.match(answer.head, /x-bulkhead-request-id: req_[0-9A-Z]{26}/i);
      const { error } = JSON.parse(answer.body) as { error: { code: string; message: string; type: string } };
      if (code !== '') assert.equal(error.code, code);
      assert.ok(error.message.length > 10 && error.type.length > 0, answer.body);
    });
  }

  it('reaches no provider with any of them', () => assert.deepEqual(upstream.seen, []));

  it('14: headers of the client that could matter upstream are not forwarded', async () => {
    const headers = {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      cookie: 'a=b',
      'x-forwarded-for': '1.2.3.4',
      'proxy-authorization': 'Basic x',
      te: 'trailers',
      'x-goog-api-key': 'x',
    };
    const body = '{"model":"replay/case:openai/none","messages":[]}';
    await httpRequest('POST', `${node.url}/v1/chat/completions`, headers, body).catch(() => undefined);
    for (const { headers: seen } of upstream.seen) {
      for (const name of ['authorization', 'cookie', 'x-forwarded-for', 'proxy-authorization', 'te', 'x-goog-api-key'])
        assert.equal(seen[name], undefined, name);
    }
    assert.ok(upstream.seen.length > 0);
  });

  it('36: a malformed, an unknown and a revoked key get the same answer', async () => {
    const revoked = await node.newKey('to-revoke');
    const { body } = await node.admin('GET', '/admin/v1/keys');
    const id = (body['keys'] as { id: string; name: string }[]).find((row) => row.name === 'to-revoke')?.id;
    assert.equal((await node.admin('DELETE', `/admin/v1/keys/${id}`)).status, 200);
    const unknown = `${revoked.slice(0, 10)}${'0'.repeat(revoked.length - 10)}`;
    const answers = await Promise.all(
      ['sk-not-ours', unknown, revoked].map((text) => httpRequest('GET', `${node.url}/v1/models`, { authorization: `Bearer ${text}` })),
    );
    const shapes = answers.map(({ status, body: text }) => ({ status, text: text.replaceAll(/req_[0-9A-Z]{26}/g, 'ID') }));
    assert.deepEqual(shapes[1], shapes[0]);
    assert.deepEqual(shapes[2], shapes[0]);
    assert.equal(shapes[0]?.status, 401);
  });
});
