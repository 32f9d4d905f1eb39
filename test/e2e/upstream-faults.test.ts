import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import zlib from 'node:zlib';
import { startReplayUpstream, type Answerer, type ReplayUpstream } from '../replay/upstream.ts';
import { freePort, httpRequest, startNode, type HttpAnswer, type RunningNode } from './node.ts';

/** What a client sees, and what the ledger holds, when a provider misbehaves. */

const SECRET = 'sk-live-abcdefghijklmnopqrstuvwxyz0123456789';
const completion = JSON.stringify({
  id: 'x',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'fine' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
});
const JSON_TYPE = { 'content-type': 'application/json' };

interface Fault {
  readonly answer: Answerer;
  readonly stream?: true;
  readonly status: number;
  readonly code: string | null;
  readonly check?: (answer: HttpAnswer) => void;
}

const error =
  (status: number, body: string, headers: Record<string, string> = JSON_TYPE): Answerer =>
  (_, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };

const openaiError = (code: string): string =>
  JSON.stringify({ error: { message: `about ${code}`, type: 'invalid_request_error', param: 'messages', code } });

/** Bytes on the bare socket, for answers that node:http would not send. */
const raw =
  (bytes: string): Answerer =>
  (_, response) => {
    response.socket?.end(Buffer.from(bytes, 'latin1'));
  };

const FAULTS: Readonly<Record<string, Fault>> = {
  'a reset before the head': { answer: (_, response) => void response.socket?.destroy(), status: 502, code: 'upstream_reset' },
  'a body cut short': {
    answer: (_, response) => {
      response.writeHead(200, { ...JSON_TYPE, 'content-length': '1000' });
      response.write('{"id":');
      setTimeout(() => response.socket?.destroy(), 20);
    },
    status: 502,
    code: 'upstream_reset',
  },
  'HTML with status 200': { answer: error(200, '<html></html>', { 'content-type': 'text/html' }), status: 502, code: 'upstream_invalid' },
  'JSON that is none': { answer: error(200, '{"id":'), status: 502, code: 'upstream_invalid' },
  'a compressed answer that was not asked for': {
    answer: (_, response) => {
      response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' });
      response.end(zlib.gzipSync(completion));
    },
    status: 502,
    code: 'upstream_invalid',
  },
  'a redirect': { answer: error(302, '', { location: 'http://169.254.169.254/latest/meta-data' }), status: 502, code: 'upstream_redirect' },
  'no HTTP at all': { answer: raw('SSH-2.0-OpenSSH_9.8\r\n\r\n'), status: 502, code: 'upstream_invalid' },
  'content-length and transfer-encoding together': {
    answer: raw('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n'),
    status: 502,
    code: 'upstream_invalid',
  },
  'a head that never ends': { answer: raw(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(100_000)}`), status: 502, code: 'upstream_invalid' },
  'a head that does not come': { answer: () => undefined, status: 504, code: 'upstream_timeout' },
  'an HTML error page': { answer: error(503, '<html>nginx</html>', { 'content-type': 'text/html' }), status: 503, code: 'upstream_error' },
  '400 with OpenAI’s error': { answer: error(400, openaiError('context_length_exceeded')), status: 400, code: 'context_length_exceeded' },
  '401 with OpenAI’s error': { answer: error(401, openaiError('invalid_api_key')), status: 401, code: 'invalid_api_key' },
  '404 with OpenAI’s error': { answer: error(404, openaiError('model_not_found')), status: 404, code: 'model_not_found' },
  '500 with OpenAI’s error': { answer: error(500, openaiError('server_error')), status: 500, code: 'server_error' },
  '429 with Retry-After': {
    answer: error(429, openaiError('rate_limit_exceeded'), { ...JSON_TYPE, 'retry-after': '17', 'x-ratelimit-remaining-requests': '0' }),
    status: 429,
    code: 'rate_limit_exceeded',
    check: ({ headers }) => {
      assert.equal(headers['retry-after'], '17');
      assert.equal(headers['x-upstream-x-ratelimit-remaining-requests'] ?? headers['x-upstream-ratelimit-remaining-requests'], '0');
    },
  },
  '20: an echo of the credential in body and header': {
    answer: (request, response) => {
      const key = String(request.headers.authorization).slice('Bearer '.length);
      assert.equal(key, SECRET);
      response.writeHead(401, { ...JSON_TYPE, 'x-request-id': `for ${key}` });
      response.end(
        JSON.stringify({
          error: {
            message: `Incorrect API key provided: ${key}; ${Buffer.from(key).toString('base64')}`,
            type: 'x',
            param: null,
            code: 'invalid_api_key',
          },
        }),
      );
    },
    status: 401,
    code: 'invalid_api_key',
    check: ({ body, headers }) => {
      const everything = body + JSON.stringify(headers);
      assert.ok(!everything.includes(SECRET) && !everything.includes(Buffer.from(SECRET).toString('base64')), everything);
    },
  },
  'a stream that stops talking': {
    answer: (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(
        'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n',
      );
    },
    stream: true,
    status: 200,
    code: 'upstream_timeout',
  },
};

describe('a provider that misbehaves', () => {
  let upstream: ReplayUpstream;
  let node: RunningNode;
  let key: string;
  const asked: string[] = [];

  before(async () => {
    upstream = await startReplayUpstream((request, response) => {
      const { model } = JSON.parse(request.body.toString('utf8')) as { model: string };
      if (model === 'broken') return error(500, openaiError('server_error'))(request, response);
      if (model === 'good') return error(200, completion)(request, response);
      return FAULTS[model]?.answer(request, response);
    });
    node = await startNode({
      config: [
        'timeouts: { connect: 2, upstream_head: 2, upstream_idle: 2 }',
        'providers:',
        `  faulty: { kind: openai-compatible, base_url: "${upstream.origin}/v1", private: true }`,
        `  gone: { kind: openai-compatible, base_url: "http://127.0.0.1:${await freePort()}/v1", private: true, auth: none }`,
        `  inner: { kind: openai-compatible, base_url: "${upstream.origin.replace('127.0.0.1', 'localhost')}/v1", private: true, auth: none }`,
        'models:',
        '  spare: [gone/good, faulty/good]',
        '  worse: [faulty/broken, faulty/good]',
        '',
      ].join('\n'),
    });
    const added = await node.cli(['credential', 'add', 'faulty', '--stdin', '--no-try'], SECRET);
    assert.equal(added.code, 0, added.stderr);
    key = await node.newKey();
  });

  after(async () => {
    await upstream.close();
    await node.stop();
  });

  const ask = async (model: string, stream = false): Promise<HttpAnswer> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await httpRequest(
      'POST',
      `${node.url}/v1/chat/completions`,
      headers,
      JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'x' }] }),
    );
    asked.push(String(answer.headers['x-bulkhead-request-id']));
    return answer;
  };

  const codeOf = ({ body }: HttpAnswer): string | null => {
    const text = body.split('\n').findLast((line) => line.includes('"error"')) ?? body;
    return (JSON.parse(text.replace(/^data: /, '')) as { error: { code: string | null } }).error.code;
  };

  for (const [name, fault] of Object.entries(FAULTS)) {
    it(name, async () => {
      // A stream that fails is broken off behind its error event: the bytes up to there are what the client has.
      const answer = fault.stream === true ? await brokenStream(node, key, `faulty/${name}`) : await ask(`faulty/${name}`);
      assert.equal(answer.status, fault.status, answer.body);
      assert.equal(codeOf(answer), fault.code, answer.body);
      fault.check?.(answer);
    });
  }

  it('a provider that is not there', async () => {
    const answer = await ask('gone/good');
    assert.equal(answer.status, 502);
    assert.equal(codeOf(answer), 'upstream_unreachable');
  });

  it('goes on to the next target before the first byte, and says so', async () => {
    for (const alias of ['spare', 'worse']) {
      const answer = await ask(alias);
      assert.equal(answer.status, 200, answer.body);
      assert.equal(answer.headers['x-bulkhead-attempts'], '2');
      assert.equal(answer.headers['x-bulkhead-provider'], 'faulty');
    }
  });

  it('a name that leads to a private address works only because the configuration says so', async () => {
    assert.equal((await ask('inner/good')).status, 200);
  });

  it('has every one of them in the ledger, none twice', async () => {
    const wanted = new Set(upstream.seen.map(({ requestId }) => requestId));
    let rows: { request_id: string; attempt: number }[] = [];
    for (let tries = 0; tries < 100; tries++) {
      rows = (await node.admin('GET', '/admin/v1/usage/rows?limit=1000&since=1d')).body['rows'] as typeof rows;
      if ([...wanted].every((id) => rows.some((row) => row.request_id === id))) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual(
      [...wanted].filter((id) => !rows.some((row) => row.request_id === id)),
      [],
    );
    assert.equal(new Set(rows.map((row) => `${row.request_id}/${row.attempt}`)).size, rows.length);
  });
});

/** What arrives before the connection breaks. */
function brokenStream(node: RunningNode, key: string, model: string): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'x' }] });
    const socket = net.connect(Number(new URL(node.url).port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', (cause) => (text === '' ? reject(cause) : undefined));
    socket.on('close', () => {
      assert.ok(!text.includes('[DONE]') && !text.endsWith('\r\n0\r\n\r\n'), `a clean end: ${text}`);
      resolve({ status: Number(text.slice(9, 12)), headers: {}, body: text });
    });
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  });
}
