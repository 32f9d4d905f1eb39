import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MemberCapture } from './capture.ts';

const capture = (chunks: readonly Buffer[], names: readonly string[], maxBytes?: number): unknown => {
  const scan = new MemberCapture(names, maxBytes);
  for (const chunk of chunks) scan.push(chunk);
  return scan.members();
};

const every = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));

describe('member capture', () => {
  it('finds the same top-level members however the bytes are cut', () => {
    const value = fc.dictionary(fc.oneof(fc.constant('usage'), fc.constant('x'), fc.string()), fc.jsonValue());
    fc.assert(
      fc.property(value, fc.boolean(), fc.integer({ min: 1, max: 40 }), (object, spaced, size) => {
        const bytes = Buffer.from(JSON.stringify(object, undefined, spaced ? 2 : 0));
        const own = Object.hasOwn(object, 'usage') ? { usage: JSON.parse(JSON.stringify(object))['usage'] } : {};
        assert.deepEqual(capture(every(bytes, size), ['usage']), own);
      }),
      { numRuns: 500 },
    );
  });

  it('is not deceived by names inside strings, escapes or deeper objects', () => {
    const text = String.raw`{"a":"\\\"usage\":{\"x\":1}","b":{"usage":1},"c":["usage",{"usage":2}],"d":"\\","usage":{"real":true},"e":"\\\\"}`;
    for (const size of [1, 2, 3, 7, 1000]) assert.deepEqual(capture(every(Buffer.from(text), size), ['usage']), { usage: { real: true } });
  });

  it('gives nothing for what is no JSON object, is cut, or is too large', () => {
    for (const text of ['', '[{"usage":1}]', '<html>"usage":{}</html>', '"usage"', '{"usage":{"a":1'])
      assert.deepEqual(capture([Buffer.from(text)], ['usage']), {}, text);
    assert.deepEqual(capture([Buffer.from(`{"usage":"${'x'.repeat(100)}"}`)], ['usage'], 64), {});
    assert.deepEqual(capture(every(Buffer.from(`{"usage":"${'x'.repeat(100)}"}`), 9), ['usage'], 64), {});
  });
});
