import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import OpenAI, { APIError, toFile } from 'openai';
import { startNode, type RunningNode } from './node.ts';

/** Forms that are sent on while they arrive, through real processes: nothing of them is held but what is under way. */

const FILE = randomBytes(64 * 1024 * 1024);
const BOUNDARY = 'boundary-of-this-test';
const TYPE = `multipart/form-data; boundary=${BOUNDARY}`;
const field = (name: string, value: string): string =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const FILE_HEAD = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n`;
const END = `--${BOUNDARY}--\r\n`;
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

interface Seen {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  /** Grows while the body arrives. */
  bytes: number;
  digest: string;
  /** The beginning of the body, and all of one that is small. */
  start: Buffer;
  ended: 'whole' | 'cut' | undefined;
  readonly request: http.IncomingMessage;
}

/** What the provider does is said by the name of the model. */
function startProvider(seen: Seen[]): Promise<http.Server> {
  const server = http.createServer((request, response) => {
    const entry: Seen = {
      path: request.url ?? '',
      headers: request.headers,
      bytes: 0,
      digest: '',
      start: Buffer.alloc(0),
      ended: undefined,
      request,
    };
    seen.push(entry);
    const hash = createHash('sha256');
    let isDecided = false;
    request.on('error', () => response.destroy());
    request.on('close', () => (entry.ended ??= 'cut'));
    request.on('data', (chunk: Buffer) => {
      entry.bytes += chunk.length;
      hash.update(chunk);
      if (entry.start.length < 4096) entry.start = Buffer.concat([entry.start, chunk]);
      if (isDecided) return;
      isDecided = true;
      if (entry.start.includes('\r\n\r\nheld\r\n')) request.pause();
      if (entry.start.includes('\r\n\r\nearly\r\n'))
        response
          .writeHead(413, { 'content-type': 'application/json' })
          .end('{"error":{"message":"the file is too long","type":"x","code":null}}');
      if (entry.start.includes('\r\n\r\nbroken\r\n')) request.socket.destroy();
    });
    request.on('end', () => {
      entry.ended = 'whole';
      entry.digest = hash.digest('hex');
      if (!response.headersSent) response.setHeader('content-type', 'application/json').end('{"text":"hello","data":[]}');
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 600 && !(await holds()); i++) await new Promise((resolve) => setTimeout(resolve, 25));
  assert.ok(await holds(), 'this did not come about in time');
}

describe('large forms through a whole node', () => {
  const seen: Seen[] = [];
  let provider: http.Server;
  let node: RunningNode;
  let key: string;
  let client: OpenAI;

  before(async () => {
    provider = await startProvider(seen);
    const own = `base_url: "http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1", private: true, auth: none`;
    node = await startNode({
      config: `limits: { body_bytes: 8388608, form_bytes: 100000000 }
timeouts: { request: 15 }
providers:
  gpt: { kind: openai, ${own} }
  other: { kind: openai, ${own} }
models:
  either: [gpt/broken, other/whole]
`,
    });
    key = await node.newKey();
    client = new OpenAI({ apiKey: key, baseURL: `${node.url}/v1`, maxRetries: 0 });
  });
  after(async () => {
    await node.stop();
    provider.close();
    provider.closeAllConnections();
  });

  interface Upload {
    readonly request: http.ClientRequest;
    readonly answer: Promise<{ readonly status: number; readonly headers: http.IncomingHttpHeaders; readonly body: string }>;
  }

  function open(length: number | undefined, more: Record<string, string> = {}, path = '/v1/audio/transcriptions'): Upload {
    const request = http.request(node.url + path, {
      method: 'POST',
      agent: false,
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': TYPE,
        ...(length === undefined ? {} : { 'content-length': String(length) }),
        ...more,
      },
    });
    const answer = new Promise<Awaited<Upload['answer']>>((resolve, reject) => {
      request.on('error', reject).on('response', (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
        response.on('error', reject);
      });
    });
    // Some uploads are cut on purpose.
    answer.catch(() => undefined);
    return { request, answer };
  }

  const send = (body: Buffer, more?: Record<string, string>, path?: string): Upload['answer'] => {
    const upload = open(body.length, more, path);
    upload.request.end(body);
    return upload.answer;
  };
  const form = (...parts: readonly (string | Buffer)[]): Buffer =>
    Buffer.concat([...parts, END].map((part) => Buffer.from(part as string)));
  const codeOf = ({ body }: { body: string }): string => (JSON.parse(body) as { error: { code: string } }).error.code;
  const file = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from(FILE_HEAD), bytes, Buffer.from('\r\n')]);

  /** Most memory that the gateway ever had, in bytes. */
  async function peak(): Promise<number> {
    const { pid } = (await node.processes()).find(({ role }) => role === 'gateway') ?? { pid: null };
    return Number(/VmHWM:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  }

  interface Row {
    readonly outcome: string;
    readonly bytes_out: number;
    readonly input_tokens: number;
    readonly cost_usd: string;
    readonly estimated: boolean;
  }

  /** What the ledger says of one request, once gateway and vault have both told it. */
  async function usageOf(id: string): Promise<Row> {
    let row: (Row & { readonly state: string }) | undefined;
    await until(async () => {
      const { body } = await node.admin('GET', `/admin/v1/usage/${id}`);
      row = (body['rows'] as (typeof row)[] | undefined)?.[0];
      return row?.state === 'confirmed';
    });
    return row as Row;
  }

  it('send on 64 MiB, byte for byte but for the name of the model, in far less memory', async () => {
    await send(form(field('model', 'gpt/whole'), file(FILE.subarray(0, 2_000_000))));
    const before = await peak();
    const body = form(field('model', 'gpt/whole'), field('language', 'en'), file(FILE));
    const answer = await send(body);
    assert.equal(answer.status, 200, answer.body);
    const last = seen.at(-1) as Seen;
    const expected = form(field('model', 'whole'), field('language', 'en'), file(FILE));
    assert.equal(last.digest, digest(expected));
    assert.deepEqual([last.headers['content-length'], last.headers['transfer-encoding']], [String(expected.length), undefined]);
    const grown = (await peak()) - before;
    // Chunks that are sent and not yet collected; to hold the form would take at least twice its size.
    assert.ok(grown < FILE.length, `the gateway grew by ${grown} bytes`);
  });

  it('are sent no faster than the provider takes them, and held nowhere', async () => {
    const body = form(field('model', 'gpt/held'), file(FILE));
    const { request } = open(body.length);
    let taken = 0;
    const next = (at: number): void =>
      void request.write(body.subarray(at, at + 65_536), (error) => {
        if (error) return;
        taken += 65_536;
        if (at < body.length) next(at + 65_536);
      });
    next(0);
    await until(() => seen.at(-1)?.start.includes('\r\n\r\nheld\r\n') === true);
    // The kernel's buffers on three sockets, one window between two processes, and what streams read ahead.
    let last = 0;
    await until(async () => {
      last = taken;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return taken === last && taken > 0;
    });
    const read = (seen.at(-1) as Seen).bytes;
    assert.ok(taken < FILE.length / 2, `${taken} bytes were taken of the client, ${read} by the provider`);
    assert.equal(seen.at(-1)?.ended, undefined);
    request.on('error', () => undefined).destroy();
    (seen.at(-1) as Seen).request.resume();
    await until(() => seen.at(-1)?.ended === 'cut');
  });

  it('are read by the official client with its fields first, and with its file first as long as they can be held', async () => {
    const small = await toFile(FILE.subarray(0, 3_000_000), 'sound.wav');
    const large = await toFile(FILE.subarray(0, 12_000_000), 'sound.wav');
    for (const sound of [small, large]) {
      assert.equal((await client.audio.transcriptions.create({ model: 'gpt/whole', file: sound })).text, 'hello');
      assert.equal((await client.audio.translations.create({ model: 'gpt/whole', file: sound })).text, 'hello');
    }
    await client.images.edit({ model: 'gpt/whole', prompt: 'a cat', image: large });
    await client.images.edit({ model: 'gpt/whole', image: large, prompt: 'a cat', n: 2 });
    assert.equal(seen.at(-1)?.path, '/v1/images/edits');
    await client.images.createVariation({ model: 'gpt/whole', image: large });
    assert.equal(seen.at(-1)?.path, '/v1/images/variations');
    assert.equal((await client.audio.transcriptions.create({ file: small, model: 'gpt/whole' })).text, 'hello');
    assert.ok(seen.at(-1)?.headers['content-length'] !== undefined);
    await assert.rejects(client.audio.transcriptions.create({ file: large, model: 'gpt/whole' }), (error: unknown) => {
      assert.ok(error instanceof APIError);
      assert.equal(error.status, 413);
      assert.equal(error.code, 'form_not_streamed');
      assert.match(error.message, /Put the field model before the file/);
      return true;
    });
  });

  it('are counted as what they ask for, also where that stands behind the file', async () => {
    const image = form(field('model', 'gpt/whole'), file(FILE.subarray(0, 2_000_000)), field('n', '3'));
    const answer = await send(image, {}, '/v1/images/edits');
    assert.equal(answer.status, 200);
    const row = await usageOf(answer.headers['x-bulkhead-request-id'] as string);
    assert.deepEqual([row.outcome, row.bytes_out], ['ok', image.length - 'gpt/'.length]);
  });

  it('are tried at one target alone, for what a client sends once can be sent on once; small ones at the next', async () => {
    const before = seen.length;
    const answer = await send(form(field('model', 'either'), file(FILE.subarray(0, 3_000_000))));
    assert.deepEqual([answer.status, codeOf(answer), answer.headers['x-bulkhead-attempts']], [502, 'upstream_reset', '1']);
    assert.equal(seen.length, before + 1);
    const small = await send(form(field('model', 'either'), file(FILE.subarray(0, 300_000))));
    assert.deepEqual([small.status, small.headers['x-bulkhead-attempts']], [200, '2']);
  });

  it('that are too large, without a length, or without a model before the file are refused before a byte leaves', async () => {
    const before = seen.length;
    const refused = async (upload: Upload, ...parts: readonly (string | Buffer)[]): Promise<string> => {
      for (const part of parts) upload.request.write(part);
      const answer = await upload.answer;
      upload.request.on('error', () => undefined).destroy();
      return `${answer.status} ${codeOf(answer)}`;
    };
    assert.equal(await refused(open(100_000_001), field('model', 'gpt/whole')), '413 form_too_large');
    assert.equal(await refused(open(10_000_000), FILE_HEAD, FILE.subarray(0, 100_000)), '413 form_not_streamed');
    assert.equal(
      await refused(open(10_000_000), field('prompt', 'x'.repeat(70_000)), field('model', 'gpt/whole')),
      '413 form_not_streamed',
    );
    const chunked = open(undefined);
    assert.equal(await refused(chunked, field('model', 'gpt/whole'), FILE_HEAD, FILE.subarray(0, 9_000_000)), '413 form_not_streamed');
    // A model that is not there is refused with most of the form still to come.
    assert.equal(await refused(open(50_000_000), field('model', 'nothing/x'), FILE_HEAD, FILE.subarray(0, 100_000)), '404 unknown_model');
    assert.equal(seen.length, before);
  });

  it('that turn out to be something else on their way never become whole at the provider (attack 29)', async () => {
    const sound = FILE.subarray(0, 2_000_000);
    const model = field('model', 'gpt/whole');
    const parts = Array.from({ length: 300 }, (_, index) => field(`f${index}`, ''));
    const bad: readonly (readonly [Buffer, RegExp])[] = [
      [form(model, file(sound), field('model', 'other')), /model must stand before the file, once/],
      [form(model, file(sound), field('user', 'someone')), /user must stand before the file/],
      [form(model, file(sound), field('stream', 'true')), /stream must stand before the file/],
      [form(model, file(sound), ...parts), /more than 256 parts/],
      [form(model, file(sound), `--${BOUNDARY}\r\nX: ${'y'.repeat(9000)}\r\n\r\n\r\n`), /a part has no head/],
      [form(model, file(sound), `--${BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\n\r\n`), /a part has no name/],
      [Buffer.concat([Buffer.from(model), file(sound)]), /its last boundary is missing/],
    ];
    for (const [body, reason] of bad) {
      const before = seen.length;
      const answer = await send(body);
      assert.deepEqual([answer.status, codeOf(answer)], [400, 'invalid_request'], answer.body);
      assert.match(answer.body, reason);
      await until(() => seen.length === before || seen.at(-1)?.ended !== undefined);
      assert.ok(
        seen.slice(before).every(({ ended }) => ended === 'cut'),
        String(reason),
      );
      const row = await usageOf(answer.headers['x-bulkhead-request-id'] as string);
      assert.deepEqual([row.outcome, row.cost_usd, row.estimated], ['client_error', '0.00', false], String(reason));
    }
    const named = await send(form(model, file(sound), field('user', 'someone')), { 'x-bulkhead-user': 'someone' });
    assert.equal(named.status, 200, named.body);
  });

  it('that are cut by the client are cut at the provider, and cost nothing', async () => {
    const upload = open(30_000_000);
    upload.request.on('error', () => undefined);
    upload.request.write(Buffer.concat([Buffer.from(field('model', 'gpt/whole') + FILE_HEAD), FILE.subarray(0, 4_000_000)]));
    const before = seen.length;
    await until(() => (seen[before]?.bytes ?? 0) > 3_000_000 || (seen[before - 1]?.bytes ?? 0) > 3_900_000);
    const last = seen.at(-1) as Seen;
    upload.request.destroy();
    await until(() => last.ended === 'cut');
    const row = await usageOf(last.headers['x-client-request-id'] as string);
    assert.deepEqual([row.outcome, row.cost_usd, row.estimated], ['cancelled', '0.00', false]);
  });

  it('that stop coming end in time for both sides', async () => {
    const upload = open(30_000_000);
    upload.request.write(Buffer.concat([Buffer.from(field('model', 'gpt/whole') + FILE_HEAD), FILE.subarray(0, 400_000)]));
    const answer = await upload.answer;
    upload.request.on('error', () => undefined).destroy();
    assert.deepEqual([answer.status, codeOf(answer)], [408, 'request_timeout']);
    await until(() => seen.at(-1)?.ended === 'cut');
  });

  it('that the provider refuses early bring its answer, with the rest of the form still to come', async () => {
    const body = form(field('model', 'gpt/early'), file(FILE));
    const { request, answer } = open(body.length);
    request.on('error', () => undefined);
    request.write(body.subarray(0, 1_000_000));
    const { status, body: text } = await answer;
    assert.equal(status, 413);
    assert.match(text, /the file is too long/);
    request.destroy();
    // A client that sends all of it first is answered, too.
    const whole = await send(form(field('model', 'gpt/early'), file(FILE.subarray(0, 6_000_000))));
    assert.equal(whole.status, 413);
  });
});
