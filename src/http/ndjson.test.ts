import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NdjsonSplitter } from './ndjson.ts';

const split = (pieces: readonly Buffer[]): { lines: string[]; rest: string } => {
  const lines: string[] = [];
  const splitter = new NdjsonSplitter((raw) => lines.push(raw.toString()), { source: 'x' });
  for (const piece of pieces) splitter.push(piece);
  return { lines, rest: splitter.rest().toString() };
};

describe('lines of JSON', () => {
  it('are the same wherever the bytes are cut, and none is lost', () => {
    const bytes = Buffer.from('{"a":"é"}\n\n{"b":2}\r\n{"c"');
    const whole = split([bytes]);
    assert.deepEqual(whole, { lines: ['{"a":"é"}\n', '\n', '{"b":2}\r\n'], rest: '{"c"' });
    for (let at = 0; at <= bytes.length; at++) assert.deepEqual(split([bytes.subarray(0, at), bytes.subarray(at)]), whole);
  });

  it('are refused beyond their bound', () => {
    const chunk = Buffer.alloc(9 * 1024 * 1024, 0x20);
    assert.throws(() => split([chunk, chunk]), { code: 'upstream_invalid' });
  });
});
