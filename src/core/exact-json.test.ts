import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseCarried, parseExact } from './exact-json.ts';

const BIG = '12345678901234567890';

describe('JSON that keeps its digits', () => {
  it('keeps whole numbers of what is only carried', () => {
    const text = `{"input":{"id":${BIG},"list":[-${BIG},1]},"tools":[{"input_schema":{"default":${BIG}}}]}`;
    assert.equal(JSON.stringify(parseExact(text)), text);
    assert.notEqual(JSON.stringify(JSON.parse(text)), text);
    assert.equal(JSON.stringify(parseCarried(`{"id":${BIG}}`)), `{"id":${BIG}}`);
  });

  it('gives numbers to whoever reads them', () => {
    const value = parseExact(`{"seed":${BIG},"items":[{"n":${BIG}},${BIG}],"input":{"n":${BIG}}}`) as Record<string, unknown>;
    assert.deepEqual([value['seed'], value['items']], [Number(BIG), [{ n: Number(BIG) }, Number(BIG)]]);
  });

  it('leaves numbers that are exact, fractions, and digits in strings as JSON.parse gives them', () => {
    for (const text of [
      '{"input":{"a":9007199254740991,"b":1e21,"c":0.12345678901234567890,"d":18014398509481984}}',
      `{"input":": ${BIG},"}`,
      '[]',
      '5',
      'null',
    ])
      assert.deepEqual(parseExact(text), JSON.parse(text));
  });

  it('throws for text that is no JSON, whatever numbers it has', () => {
    for (const text of [`{"a":${BIG},}`, '{', `[${BIG}`]) assert.throws(() => parseExact(text), SyntaxError);
  });

  it('reads any JSON as JSON.parse does (property)', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        assert.deepEqual(JSON.parse(JSON.stringify(parseExact(text))), JSON.parse(text));
      }),
    );
  });
});
