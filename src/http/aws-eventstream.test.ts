import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import {
  encodeEventFrame,
  encodeFrame,
  EventStreamSplitter,
  parseFrame,
  readFrame,
  type Frame,
  type FrameHeader,
} from './aws-eventstream.ts';
import { unwrapInvokeChunk } from './aws-invoke.ts';
import type { SseEvent } from './sse.ts';

/** Amazon's own reader and writer, as its client brings them. */
interface OfficialCodec {
  encode(message: { headers: Record<string, unknown>; body: Uint8Array }): Uint8Array;
  decode(bytes: Uint8Array): { headers: Record<string, { type: string; value: unknown }>; body: Uint8Array };
}
const resolve = createRequire(import.meta.url);
const ofClient = createRequire(resolve.resolve('@aws-sdk/client-bedrock-runtime'));
const { EventStreamCodec, Int64 } = ofClient('@smithy/core/event-streams') as {
  EventStreamCodec: new (toUtf8: (bytes: Uint8Array) => string, fromUtf8: (text: string) => Uint8Array) => OfficialCodec;
  Int64: { fromNumber(value: number): { valueOf(): number } };
};
const official = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString('utf8'),
  (text) => Buffer.from(text),
);

const WIRE = new URL('../../../shared/wire/bedrock/', import.meta.url);
const recorded = (): readonly (readonly [name: string, bytes: Buffer])[] =>
  ['converse-stream', 'invoke-stream'].flatMap((endpoint) =>
    fs.readdirSync(new URL(endpoint, WIRE)).flatMap((name) => {
      const file = new URL(`${endpoint}/${name}/response.eventstream`, WIRE);
      return fs.existsSync(file) ? [[`${endpoint}/${name}`, fs.readFileSync(file)] as const] : [];
    }),
  );

/** What a splitter gives for these pieces, and what it kept. */
function split(pieces: readonly Buffer[]): { readonly frames: readonly Buffer[]; readonly rest: Buffer } {
  const frames: Buffer[] = [];
  const splitter = new EventStreamSplitter((raw) => frames.push(raw), { source: 'bedrock' });
  for (const piece of pieces) splitter.push(piece);
  return { frames, rest: splitter.rest() };
}

const word = (value: string): FrameHeader => ({ type: 'string', value });
const frame = (headers: Readonly<Record<string, FrameHeader>>, payload = '{}'): Frame => ({
  headers: new Map(Object.entries(headers)),
  payload: Buffer.from(payload),
});
const INVALID = { code: 'upstream_invalid' };

describe('recorded event streams', () => {
  it('are there', () => assert.ok(recorded().length > 30));

  for (const [name, bytes] of recorded()) {
    it(`${name}: every frame as Amazon’s own reader reads it, and written again byte for byte`, () => {
      const { frames, rest } = split([bytes]);
      assert.equal(rest.length, 0);
      assert.deepEqual(Buffer.concat(frames), bytes);
      for (const raw of frames) {
        const { headers, payload } = readFrame(raw);
        const wanted = official.decode(raw);
        assert.deepEqual(Object.fromEntries(headers), wanted.headers);
        assert.deepEqual(payload, Buffer.from(wanted.body));
        assert.deepEqual(encodeFrame({ headers, payload }), raw);
      }
    });
  }

  it('are the same wherever they are cut', () => {
    for (const [name, bytes] of recorded().slice(0, 6)) {
      const { frames } = split([bytes]);
      assert.deepEqual(split(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))).frames, frames, name);
      for (let at = 1; at < Math.min(bytes.length, 600); at++) {
        const cut = split([bytes.subarray(0, at), bytes.subarray(at)]);
        assert.deepEqual(cut.frames, frames, `${name} at ${at}`);
      }
    }
  });

  it('leave a rest when they end inside a frame', () => {
    const [, bytes] = recorded()[0] ?? ['', Buffer.alloc(0)];
    const ends = new Set<number>();
    let end = 0;
    for (const raw of split([bytes]).frames) ends.add((end += raw.length));
    for (let at = 1; at < bytes.length; at++) {
      const { rest } = split([bytes.subarray(0, at)]);
      assert.equal(rest.length === 0, ends.has(at), `cut at ${at}`);
      if (rest.length > 0) assert.throws(() => parseFrame(rest), INVALID);
    }
  });

  it('are refused when any bit of a frame is wrong', () => {
    const raw = split([recorded()[0]?.[1] ?? Buffer.alloc(0)]).frames[0] ?? Buffer.alloc(0);
    for (let at = 0; at < raw.length; at++) {
      const broken = Buffer.from(raw);
      broken[at] = (broken[at] ?? 0) ^ (1 << (at % 8));
      assert.throws(() => split([broken, raw]), INVALID, `byte ${at}`);
    }
  });
});

describe('frames', () => {
  const all: Readonly<Record<string, FrameHeader>> = {
    yes: { type: 'boolean', value: true },
    no: { type: 'boolean', value: false },
    byte: { type: 'byte', value: -7 },
    short: { type: 'short', value: -700 },
    integer: { type: 'integer', value: -70_000 },
    long: { type: 'long', value: 7_000_000_000n },
    binary: { type: 'binary', value: Buffer.from([0, 255, 1]) },
    string: { type: 'string', value: 'größer' },
    timestamp: { type: 'timestamp', value: 1_700_000_000_123n },
    uuid: { type: 'uuid', value: '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0' },
  };

  it('carry headers of every type, as Amazon’s own reader reads them', () => {
    const raw = encodeFrame(frame(all, 'payload'));
    assert.deepEqual(readFrame(raw), frame(all, 'payload'));
    const { headers } = official.decode(raw);
    assert.deepEqual(Object.fromEntries(Object.entries(headers).map(([name, { type }]) => [name, type])), {
      yes: 'boolean',
      no: 'boolean',
      byte: 'byte',
      short: 'short',
      integer: 'integer',
      long: 'long',
      binary: 'binary',
      string: 'string',
      timestamp: 'timestamp',
      uuid: 'uuid',
    });
    assert.deepEqual(
      [headers['string']?.value, headers['uuid']?.value, Number(headers['long']?.value)],
      ['größer', '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0', 7_000_000_000],
    );
  });

  it('are read as Amazon’s own writer writes them', () => {
    const headers = {
      a: { type: 'string', value: 'x' },
      b: { type: 'long', value: Int64.fromNumber(-5) },
      c: { type: 'timestamp', value: new Date(1_700_000_000_123) },
      d: { type: 'boolean', value: true },
    };
    const raw = Buffer.from(official.encode({ headers, body: Buffer.from('{}') }));
    assert.deepEqual(
      readFrame(split([raw]).frames[0] ?? raw),
      frame({
        a: word('x'),
        b: { type: 'long', value: -5n },
        c: { type: 'timestamp', value: 1_700_000_000_123n },
        d: { type: 'boolean', value: true },
      }),
    );
  });

  it('larger than 16 MiB are refused before they are held', () => {
    const prelude = encodeFrame(frame({})).subarray(0, 12);
    prelude.writeUInt32BE(17 * 1024 * 1024, 0);
    prelude.writeUInt32BE(0, 4);
    const whole = Buffer.from(prelude);
    whole.writeUInt32BE(crc32(whole.subarray(0, 8)), 8);
    assert.throws(() => split([whole]), INVALID);
  });

  it('whose lengths contradict each other are refused', () => {
    for (const [total, headers] of [
      [15, 0],
      [16, 1],
      [0, 0],
      [200_000, 140_000],
    ] as const) {
      const prelude = Buffer.alloc(12);
      prelude.writeUInt32BE(total, 0);
      prelude.writeUInt32BE(headers, 4);
      prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8);
      assert.throws(() => split([prelude]), INVALID, `${total} and ${headers}`);
    }
  });

  it('whose headers run over their end, or are of an unknown type, are refused', () => {
    const raw = encodeFrame(frame({ name: word('value') }));
    const long = Buffer.from(raw);
    long[12] = 200;
    assert.throws(() => readFrame(long), INVALID);
    const unknown = Buffer.from(raw);
    unknown[17] = 10;
    assert.throws(() => readFrame(unknown), INVALID);
  });
});

describe('frames as events', () => {
  const parsed = (headers: Readonly<Record<string, FrameHeader>>, payload?: string): SseEvent =>
    parseFrame(encodeFrame(frame(headers, payload)));

  it('have the name of their type, an exception marked as such', () => {
    assert.deepEqual(parsed({ ':message-type': word('event'), ':event-type': word('metadata') }, '{"ü":1}'), {
      event: 'metadata',
      data: '{"ü":1}',
    });
    assert.deepEqual(parsed({ ':message-type': word('exception'), ':exception-type': word('throttlingException') }, '{"message":"slow"}'), {
      event: 'exception:throttlingException',
      data: '{"message":"slow"}',
    });
    assert.deepEqual(
      parsed({ ':message-type': word('error'), ':error-code': word('InternalError'), ':error-message': word('broke') }, ''),
      {
        event: 'error:InternalError',
        data: '{"message":"broke"}',
      },
    );
  });

  it('without a type are refused', () => {
    assert.throws(() => parsed({}), INVALID);
    assert.throws(() => parsed({ ':message-type': word('event') }), INVALID);
    assert.throws(() => parsed({ ':message-type': word('other') }), INVALID);
    assert.throws(() => parsed({ ':message-type': { type: 'boolean', value: true } }), INVALID);
  });

  it('are written as they are read', () => {
    for (const event of [
      { event: 'contentBlockDelta', data: '{"delta":{"text":"ß"}}' },
      { event: 'exception:validationException', data: '{"message":"no"}' },
    ])
      assert.deepEqual(parseFrame(encodeEventFrame(event)), event);
  });
});

describe('chunks of InvokeModel', () => {
  const chunk = (text: string): SseEvent => ({
    event: 'chunk',
    data: JSON.stringify({ bytes: Buffer.from(text).toString('base64'), p: 'abc' }),
  });

  it('are the model’s own events, their text untouched', () => {
    const text = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"größer"}    }';
    assert.deepEqual(unwrapInvokeChunk(chunk(text)), { event: 'content_block_delta', data: text });
    assert.deepEqual(unwrapInvokeChunk(chunk('{"completion":"x"}')), { data: '{"completion":"x"}' });
  });

  it('in every recorded stream begin with message_start and end with message_stop', () => {
    for (const [name, bytes] of recorded().filter(([entry]) => entry.startsWith('invoke-stream'))) {
      const names = split([bytes]).frames.map((raw) => unwrapInvokeChunk(parseFrame(raw)).event);
      assert.deepEqual([names[0], names.at(-1)], ['message_start', 'message_stop'], name);
    }
  });

  it('tell of an exception as Anthropic’s API does', () => {
    const told = (event: SseEvent): unknown => {
      const { event: name, data } = unwrapInvokeChunk(event);
      return [name, JSON.parse(data)];
    };
    assert.deepEqual(told({ event: 'exception:throttlingException', data: '{"message":"slow down"}' }), [
      'error',
      { type: 'error', error: { type: 'rate_limit_error', message: 'slow down' } },
    ]);
    assert.deepEqual(told({ event: 'error:InternalError', data: '' }), [
      'error',
      { type: 'error', error: { type: 'api_error', message: 'error:InternalError' } },
    ]);
  });

  it('without bytes, or whose bytes are no JSON object, are refused', () => {
    for (const event of [{ event: 'chunk', data: '{}' }, { event: 'chunk', data: 'x' }, chunk('[]'), chunk('{"type":')])
      assert.throws(() => unwrapInvokeChunk(event), INVALID);
  });
});
