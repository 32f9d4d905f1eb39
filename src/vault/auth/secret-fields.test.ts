import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FormError, readFlatJson, readLines } from './secret-fields.ts';

const plain = (fields: ReadonlyMap<string, Buffer>) => Object.fromEntries(Array.from(fields, ([name, value]) => [name, value.toString()]));
const json = (text: string) => plain(readFlatJson(Buffer.from(text)));

describe('fields of a secret', () => {
  it('reads what JSON.parse reads, for every flat object of texts', () => {
    for (const value of ['', 'a', 'sl/ash', 'quo"te', 'back\\slash', 'two\nlines\r\n\t', '\\"', 'ä€😀', '=\\u003d']) {
      const text = JSON.stringify({ first: value, 'sec ond': `${value}${value}` });
      assert.deepEqual(json(text), JSON.parse(text));
      assert.deepEqual(json(JSON.stringify(JSON.parse(text), null, 2)), JSON.parse(text));
    }
    assert.deepEqual(json(' { "a" : "\\u003d\\/" , "n" : 3599, "t":true } \n'), { a: '=/', n: '3599', t: 'true' });
    assert.deepEqual(json('{}'), {});
  });

  for (const text of [
    '',
    '{',
    '{"a"}',
    '{"a":',
    '{"a":"b',
    '{"a":"b"',
    '{"a":"b",}',
    '{"a":"b"}x',
    '{"a":"b"}{}',
    '{"a":{"b":"c"}}',
    '{"a":["b"]}',
    '{"a":"b","a":"c"}',
    '{"a":"\\x"}',
    '{"a":"\\u00e9"}',
    '{"a":"\\u00zz"}',
    '{"a":1.5}',
    '{"a":1e400}',
    "{'a':'b'}",
    '{"a":"\u0000"}',
    '{"a":"b\\"}',
    '["a"]',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => json(text), FormError));
  }

  it('takes any cut and any byte without another error than its own', () => {
    const whole = Buffer.from('{"a":"b\\u003d\\n","c":12}');
    for (let end = 0; end < whole.length; end++) assert.throws(() => readFlatJson(whole.subarray(0, end)), FormError);
    for (let at = 0; at < whole.length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        const changed = Buffer.from(whole);
        changed[at] = byte;
        try {
          readFlatJson(changed);
        } catch (error) {
          assert.ok(error instanceof FormError);
        }
      }
    }
  });

  it('reads the lines of a credentials file', () => {
    const text = '[default]\r\naws_access_key_id = AKIA\r\n\r\naws_secret_access_key=a/b+c==\r\n';
    assert.deepEqual(plain(readLines(Buffer.from(text))), { aws_access_key_id: 'AKIA', aws_secret_access_key: 'a/b+c==' });
    for (const wrong of ['nothing', '[a]\nx=1\n[b]\ny=2', 'x=1\nx=2']) assert.throws(() => readLines(Buffer.from(wrong)), FormError);
  });
});
