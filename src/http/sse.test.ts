import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeSse, parseEvent, SseReader, SseSplitter, type SseEvent } from './sse.ts';

interface Read {
  readonly events: readonly SseEvent[];
  readonly bytes: Buffer;
}

function read(chunks: readonly Buffer[]): Read {
  const events: SseEvent[] = [];
  const pieces: Buffer[] = [];
  const splitter = new SseSplitter((raw) => {
    pieces.push(Buffer.from(raw));
    const event = parseEvent(raw);
    if (event !== undefined) events.push(event);
  });
  for (const chunk of chunks) splitter.push(chunk);
  return { events, bytes: Buffer.concat([...pieces, splitter.rest()]) };
}

const eventsOf = (text: string): readonly SseEvent[] => read([Buffer.from(text)]).events;

function sameAtEveryCut(body: Buffer): void {
  const whole = read([body]);
  for (let cut = 1; cut < body.length; cut++) {
    const pieces = read([body.subarray(0, cut), body.subarray(cut)]);
    assert.deepEqual(pieces.events, whole.events, `cut at ${cut}`);
    assert.ok(pieces.bytes.equals(whole.bytes), `bytes, cut at ${cut}`);
  }
  const single = read(Array.from(body, (byte) => Buffer.from([byte])));
  assert.deepEqual(single.events, whole.events);
  assert.ok(single.bytes.equals(whole.bytes));
}

describe('server-sent events', () => {
  const tables: readonly (readonly [string, readonly SseEvent[]])[] = [
    ['data: a\n\n', [{ data: 'a' }]],
    ['data: a\r\n\r\ndata: b\r\n\r\n', [{ data: 'a' }, { data: 'b' }]],
    ['data: a\r\rdata: b\r\r', [{ data: 'a' }, { data: 'b' }]],
    ['data: a\n\r\ndata: b\r\n\ndata: c\r\r\ndata: d\n\r', [{ data: 'a' }, { data: 'b' }, { data: 'c' }, { data: 'd' }]],
    ['event: x\ndata: a\n\n', [{ event: 'x', data: 'a' }]],
    ['data: a\nevent: x\nevent: y\n\n', [{ event: 'y', data: 'a' }]],
    ['event: x\n\ndata: a\n\n', [{ data: 'a' }]],
    ['event:\ndata: a\n\n', [{ data: 'a' }]],
    ['data:a\n\n', [{ data: 'a' }]],
    ['data:  a\n\n', [{ data: ' a' }]],
    ['data\n\n', [{ data: '' }]],
    ['data:\n\n', [{ data: '' }]],
    ['data: a\ndata: b\ndata\n\n', [{ data: 'a\nb\n' }]],
    [': ping\n\n: pong\n\ndata: a\n\n', [{ data: 'a' }]],
    ['id: 1\nretry: 5\nfoo: x\ndata: a\n\n', [{ data: 'a' }]],
    ['Data: a\n\n', []],
    ['data : a\n\n', []],
    [' data: a\n\n', []],
    ['\n\n\r\n\rdata: a\n\n\n\n\ndata: b\n\n', [{ data: 'a' }, { data: 'b' }]],
    ['\uFEFFdata: a\n\n\uFEFFdata: b\n\n', [{ data: 'a' }]],
    ['\uFEFF', []],
    ['data: é😀:\n\n', [{ data: 'é😀:' }]],
    ['data: a\u0085b\u2028c\u0000\n\n', [{ data: 'a\u0085b\u2028c\u0000' }]],
    ['data: cut off', []],
    ['data: cut off\n', []],
    ['', []],
  ];
  for (const [text, expected] of tables) {
    it(`reads ${JSON.stringify(text)}, whole and cut at every byte`, () => {
      assert.deepEqual(eventsOf(text), expected);
      sameAtEveryCut(Buffer.from(text));
    });
  }

  it('gives each event its exact bytes, blank line and comments included', () => {
    const pieces: string[] = [];
    const splitter = new SseSplitter((raw) => pieces.push(raw.toString()));
    splitter.push(Buffer.from(': hi\n\ndata: a\r\n\r\nevent: x\ndata: b\n\ndata: c'));
    assert.deepEqual(pieces, [': hi\n\n', 'data: a\r\n\r\n', 'event: x\ndata: b\n\n']);
    assert.equal(splitter.rest().toString(), 'data: c');
  });

  it('gives an event that ends in CR at once', () => {
    const pieces: string[] = [];
    const splitter = new SseSplitter((raw) => pieces.push(raw.toString()));
    splitter.push(Buffer.from('data: a\r\n\r'));
    assert.deepEqual(pieces, ['data: a\r\n\r']);
    splitter.push(Buffer.from('\ndata: b\r\n\r\n'));
    assert.deepEqual(pieces.slice(1), ['\ndata: b\r\n\r\n']);
  });

  it('a reader passes events and their bytes, without comments', () => {
    const seen: (readonly [SseEvent, string])[] = [];
    const reader = new SseReader((event, raw) => seen.push([event, raw.toString()]));
    reader.push(Buffer.from(': ping\n\nevent: x\nda'));
    reader.push(Buffer.from('ta: a\n\nrest'));
    assert.deepEqual(seen, [[{ event: 'x', data: 'a' }, 'event: x\ndata: a\n\n']]);
    assert.equal(reader.rest().toString(), 'rest');
  });

  it('refuses an event beyond its limit, in one chunk and in many', () => {
    const limits = { maxEventBytes: 20, source: 'openai' };
    new SseSplitter(() => undefined, limits).push(Buffer.from('data: 123456789012\n\ndata: 123456789012\n\n'));
    assert.throws(() => new SseSplitter(() => undefined, limits).push(Buffer.from('data: 1234567890123\n\n')), {
      code: 'upstream_invalid',
    });
    const splitter = new SseSplitter(() => assert.fail(), limits);
    assert.throws(() => {
      for (;;) splitter.push(Buffer.from('x'));
    }, /openai.*larger than 20 bytes/);
  });

  it('attack 31: text cannot end an event, begin another or name one', () => {
    for (const data of [
      'a\n\ndata: evil\n\n',
      'a\r\rdata: evil',
      'a\r\n\r\nevent: evil\r\ndata: x',
      '\uFEFFdata: x\n\n',
      '\n',
      '\r',
      '',
      ': comment',
      'a\nevent: evil',
    ]) {
      const events = read([encodeSse({ event: 'delta', data })]).events;
      assert.deepEqual(events, [{ event: 'delta', data: data.replace(/\r\n|\r/g, '\n') }]);
    }
    for (const event of ['x\ndata: evil', 'x\r', '\n']) assert.throws(() => encodeSse({ event, data: 'a' }), { code: 'internal' });
  });

  it('what is written is read back (property), in any chunks', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', ' ', ':', '\n', '\r', 'data', 'event: x', '\uFEFF', 'é', '😀') });
    const events = fc.array(fc.record({ event: fc.constantFrom('delta', 'message_stop', 'é x'), data: texts }), { maxLength: 5 });
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 40 }), (list, size) => {
        const bytes = Buffer.concat(list.map(encodeSse));
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
        const result = read(chunks);
        assert.deepEqual(
          result.events,
          list.map(({ event, data }) => ({ event, data: data.replace(/\r\n|\r/g, '\n') })),
        );
        assert.ok(result.bytes.equals(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it('reads any bytes alike however they are cut (property)', () => {
    const soup = fc.array(fc.constantFrom('\n', '\r', '\r\n', 'data: ', 'data', 'event: x', ':', 'a', '\uFEFF', 'é'), { maxLength: 14 });
    fc.assert(
      fc.property(soup, (parts) => sameAtEveryCut(Buffer.from(parts.join('')))),
      { numRuns: 400 },
    );
  });

  it('reads recorded provider streams alike at every cut, and loses no byte', () => {
    const streams = recordedStreams();
    assert.ok(streams.length >= 4);
    for (const stream of streams) {
      const whole = read([stream]);
      assert.ok(whole.events.length > 1);
      assert.ok(whole.bytes.equals(stream));
      for (let cut = 1; cut < stream.length; cut += 7)
        assert.deepEqual(read([stream.subarray(0, cut), stream.subarray(cut)]).events, whole.events);
    }
  });
});

/** A few recorded streams of each provider, the small ones. */
function recordedStreams(): Buffer[] {
  const folder = new URL('../../../shared/wire/', import.meta.url);
  return ['openai', 'anthropic']
    .flatMap((provider) => fs.readdirSync(new URL(`${provider}/`, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .filter((file) => /\.(sse|txt|stream)$/.test(file) && fs.statSync(file).size < 6_000)
    .slice(0, 12)
    .map((file) => fs.readFileSync(file))
    .filter((bytes) => /^(?:data|event):/m.test(bytes.toString()));
}
