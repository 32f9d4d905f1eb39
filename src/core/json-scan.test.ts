import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BulkheadError, type ErrorCode } from './errors.ts';
import { JsonScanner, scanJson, type JsonLimits, type Member } from './json-scan.ts';

const LIMITS: JsonLimits = { depth: 64, keys: 20_000 };

/** `ok`, or the code it is refused with. */
function verdict(body: Buffer, limits = LIMITS, chunkBytes = Math.max(1, body.length)): ErrorCode | 'ok' {
  const scanner = new JsonScanner(limits, 'all');
  try {
    for (let at = 0; at < body.length; at += chunkBytes) scanner.push(body.subarray(at, at + chunkBytes));
    scanner.end();
    return 'ok';
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    return error.code;
  }
}
const verdictOf = (text: string, limits = LIMITS): ErrorCode | 'ok' => verdict(Buffer.from(text), limits);

/** What the scanner says of a body cut in two at every byte, and in single bytes: always the same. */
function sameAtEveryCut(body: Buffer): void {
  const whole = verdict(body);
  for (let cut = 1; cut < body.length; cut++) {
    const scanner = new JsonScanner(LIMITS, 'all');
    let result: ErrorCode | 'ok' = 'ok';
    try {
      scanner.push(body.subarray(0, cut));
      scanner.push(body.subarray(cut));
      scanner.end();
    } catch (error) {
      result = (error as BulkheadError).code;
    }
    assert.equal(result, whole, `cut at ${cut} of ${JSON.stringify(body.toString().slice(0, 100))}`);
  }
  assert.equal(verdict(body, LIMITS, 1), whole);
}

describe('json-scan', () => {
  const accepted = [
    '{}',
    '[]',
    ' [ ] ',
    '0',
    '-0',
    '-0.0e-0',
    '1E+2',
    '[1.5e300, -2]',
    'true',
    'false',
    'null',
    '""',
    '"é😀"',
    '"\\u00e9\\ud83d\\ude00\\/\\b"',
    '{"":""}',
    '{"a":{"a":{"a":[]}}}',
    '\r\n\t {"a" : 1 , "b":[ 1 , 2 ]}\n',
    '{"__proto__":1,"constructor":{"prototype":2}}',
    '"\u007f\u2028"',
    '"\\u0000"',
  ];
  const refused = [
    '',
    ' ',
    '{',
    '}',
    '[',
    ']',
    '[1,]',
    '[,1]',
    '[1 2]',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,}',
    '{"a":1 "b":2}',
    '{a:1}',
    "{'a':1}",
    '{"a":1]',
    '[1}',
    '01',
    '-',
    '+1',
    '.5',
    '1.',
    '1.e1',
    '1e',
    '1e+',
    '--1',
    '0x1',
    '1_0',
    'NaN',
    'Infinity',
    'tru',
    'trueX',
    'nul',
    'TRUE',
    '"',
    '"\\',
    '"\\x"',
    '"\\u12"',
    '"\\u12g4"',
    '"\\u 123"',
    '"a\nb"',
    '"\u0000"',
    '"\t"',
    '1 2',
    '{} {}',
    '{}x',
    '\uFEFF{}',
    '/*x*/1',
    '\u00a01',
    '[1\u000b]',
    '"\\u{61}"',
  ];
  const surrogates = [
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud800x"',
    '"\\ud800\\n"',
    '"\\ud800\\ud800"',
    '"\\udc00\\ud800"',
    '{"\\ud800":1}',
    '"\\ud83d\\u0041"',
  ];

  for (const text of accepted) it(`accepts ${JSON.stringify(text)}`, () => assert.equal(verdictOf(text), 'ok'));
  for (const text of refused) {
    it(`refuses ${JSON.stringify(text)}, as JSON.parse does`, () => {
      assert.equal(verdictOf(text), 'invalid_json');
      assert.throws(() => JSON.parse(text));
    });
  }

  it('says the same however the body is cut', () => {
    for (const text of [...accepted, ...refused, ...surrogates, '{"a":1,"\\u0061":2}', '{"é":1,"é":2}']) sameAtEveryCut(Buffer.from(text));
  });

  it('attack 22: refuses a name twice in one object at any depth, escaped or not, short lists and long', () => {
    for (const text of [
      '{"a":1,"a":1}',
      '{"x":[{"a":1,"b":2,"a":3}]}',
      '{"a":1,"\\u0061":2}',
      '{"é":1,"\\u00e9":2}',
      '{"__proto__":1,"__proto__":2}',
      '{"":1,"":2}',
    ]) {
      assert.equal(verdictOf(text), 'json_duplicate_key', text);
    }
    const many = Array.from({ length: 40 }, (_, i) => `"k${i}":0`);
    assert.equal(verdictOf(`{${many.join()}}`), 'ok');
    for (const i of [0, 11, 12, 13, 39]) assert.equal(verdictOf(`{${many.join()},"k${i}":1}`), 'json_duplicate_key');
    assert.equal(verdictOf('[{"a":1},{"a":1},{"b":{"a":1},"a":1}]'), 'ok');
  });

  it('attack 23: refuses nesting beyond the limit, without recursion', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    assert.equal(verdictOf(nested(64)), 'ok');
    assert.equal(verdictOf(nested(65)), 'json_too_deep');
    assert.equal(verdictOf('{"a":'.repeat(64) + '1' + '}'.repeat(64)), 'ok');
    assert.equal(verdictOf('{"a":'.repeat(65) + '1' + '}'.repeat(65)), 'json_too_deep');
    assert.equal(verdict(Buffer.alloc(5_000_000, '[')), 'json_too_deep');
  });

  it('attack 24: numbers are never read, so none is rounded', () =>
    assert.equal(verdictOf('[1e400,-1e-400,123456789012345678901234567890]'), 'ok'));

  it('attack 25: refuses lone surrogates in escapes', () => {
    for (const text of surrogates) assert.equal(verdictOf(text), 'invalid_json', text);
  });

  it('attack 26: refuses more names than the limit', () => {
    const keys = (count: number): string => `{${Array.from({ length: count }, (_, i) => `"${i}":0`).join()}}`;
    assert.equal(verdictOf(keys(100), { depth: 4, keys: 100 }), 'ok');
    assert.equal(verdictOf(keys(101), { depth: 4, keys: 100 }), 'json_too_many_keys');
    assert.equal(verdictOf(`[${'{"a":1},'.repeat(100)}{"a":1}]`, { depth: 4, keys: 100 }), 'json_too_many_keys');
    assert.equal(verdictOf(keys(300_000)), 'json_too_many_keys');
  });

  it('refuses what is not UTF-8 and names a byte near it', () => {
    for (const bytes of [
      [0xff],
      [0xc3],
      [0xc3, 0x28],
      [0xc0, 0x80],
      [0xe0, 0x80, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xf0, 0x9f, 0x98],
      [0x80],
      [0xe2, 0x82],
      [0xf8, 0x88, 0x80, 0x80, 0x80],
    ]) {
      const body = Buffer.concat([Buffer.from('["'), Buffer.from(bytes), Buffer.from('"]')]);
      assert.equal(verdict(body), 'invalid_json', String(bytes));
      sameAtEveryCut(body);
    }
    const long = Buffer.concat([Buffer.from(`["${'é'.repeat(5_000)}`), Buffer.from([0xff]), Buffer.from(`${'é'.repeat(5_000)}"]`)]);
    assert.throws(
      () => scanJson(long, LIMITS, 'all'),
      (error: BulkheadError) => Math.abs((error.values['offset'] as number) - 10_002) <= 8,
    );
  });

  it('names the byte where the syntax breaks, over chunks', () => {
    const scanner = new JsonScanner(LIMITS, 'all');
    scanner.push(Buffer.from('{"a":'));
    assert.throws(
      () => scanner.push(Buffer.from(' ?}')),
      (error: BulkheadError) => error.values['offset'] === 6,
    );
  });

  it('tells where the root members are, in chunks as in one piece', () => {
    const text = ' { "model" : "gpt-é" , "stream":true,"n":12 ,"nested":{"model":"x"},"list":[{"model":1}], "\\u0061":null}';
    const body = Buffer.from(text);
    const at = (member: Member | undefined): string[] => [
      body.toString('utf8', member?.start, member?.end),
      body.toString('utf8', member?.memberStart, member?.memberEnd),
      String.fromCharCode(body[member?.memberEnd ?? 0] as number),
    ];
    const whole = scanJson(body, LIMITS, 'all');
    assert.equal(whole.rootKind, 'object');
    assert.deepEqual(at(whole.members.get('model')), ['"gpt-é"', '"model" : "gpt-é" ', ',']);
    assert.deepEqual(at(whole.members.get('n')), ['12', '"n":12 ', ',']);
    assert.deepEqual(at(whole.members.get('nested')), ['{"model":"x"}', '"nested":{"model":"x"}', ',']);
    assert.deepEqual(at(whole.members.get('a')), ['null', '"\\u0061":null', '}']);
    assert.deepEqual([...whole.members.keys()], ['model', 'stream', 'n', 'nested', 'list', 'a']);
    for (let size = 1; size < body.length; size++) {
      const scanner = new JsonScanner(LIMITS, 'all');
      for (let from = 0; from < body.length; from += size) scanner.push(body.subarray(from, from + size));
      scanner.end();
      assert.deepEqual([...scanner.members], [...whole.members], `chunks of ${size}`);
    }
  });

  it('captures only what was asked for, and nothing from roots that are no object', () => {
    assert.deepEqual([...scanJson(Buffer.from('{"a":1,"b":2}'), LIMITS, new Set(['b'])).members.keys()], ['b']);
    const array = scanJson(Buffer.from('[{"b":1}]'), LIMITS, new Set(['b']));
    assert.deepEqual([array.rootKind, array.members.size], ['array', 0]);
    assert.equal(scanJson(Buffer.from(' 1'), LIMITS, 'all').rootKind, 'scalar');
  });

  it('keeps no reference to a chunk', () => {
    const scanner = new JsonScanner(LIMITS, 'all');
    const first = Buffer.from('{"abc');
    scanner.push(first);
    first.fill(0);
    scanner.push(Buffer.from('def":1}'));
    scanner.end();
    assert.deepEqual([...scanner.members.keys()], ['abcdef']);
  });

  it('accepts exactly what JSON.parse accepts (property), in any chunks', () => {
    const noise = fc
      .array(
        fc.constantFrom(
          '{',
          '}',
          '[',
          ']',
          ',',
          ':',
          '"',
          '\\',
          'u',
          'a',
          '0',
          '1',
          '-',
          '.',
          'e',
          '+',
          ' ',
          '\n',
          'true',
          'null',
          '"k"',
          '\\ud83d',
          '\\ude00',
          'é',
          '"a":1',
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join(''));
    const mutated = fc
      .tuple(fc.json(), fc.nat(), noise)
      .map(([text, at, extra]) => text.slice(0, at % (text.length + 1)) + extra + text.slice(at % (text.length + 1)));
    fc.assert(
      fc.property(
        fc.oneof(fc.json(), fc.string({ unit: 'binary' }), noise, mutated),
        fc.integer({ min: 1, max: 7 }),
        (text, chunkBytes) => {
          const body = Buffer.from(text);
          const result = verdict(body, LIMITS, chunkBytes);
          assert.equal(result, verdict(body));
          if (!text.isWellFormed()) return;
          const parsed = tryParse(text);
          if (result === 'ok') assert.ok(parsed.ok, text);
          else if (result === 'invalid_json') assert.ok(!parsed.ok || !/^.*$/su.test(text) || hasLoneSurrogate(parsed.value), text);
          else assert.ok(['json_duplicate_key', 'json_too_deep'].includes(result), result);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('finds the values that JSON.parse finds (property)', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.integer({ min: 1, max: 9 }), (value, chunkBytes) => {
        const body = Buffer.from(JSON.stringify(value));
        const scanner = new JsonScanner(LIMITS, 'all');
        for (let at = 0; at < body.length; at += chunkBytes) scanner.push(body.subarray(at, at + chunkBytes));
        scanner.end();
        const parsed = JSON.parse(body.toString()) as Record<string, unknown>;
        assert.deepEqual([...scanner.members.keys()].sort(), Object.keys(parsed).sort());
        for (const [name, { start, end }] of scanner.members) assert.deepEqual(JSON.parse(body.toString('utf8', start, end)), parsed[name]);
      }),
      { numRuns: 300 },
    );
  });

  it('JSONTestSuite: accepts and refuses what it must', () => {
    const file = new URL('../../../shared/corpora/json/jsontestsuite.jsonl', import.meta.url);
    const rows = fs
      .readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((row) => JSON.parse(row) as { text?: string; base64?: string; label: string; name: string });
    const bodyOf = (row: (typeof rows)[number]): Buffer =>
      row.text === undefined ? Buffer.from(row.base64 ?? '', 'base64') : Buffer.from(row.text);
    const failures = rows.flatMap((row) => {
      const result = verdict(bodyOf(row), { depth: 120_000, keys: 120_000 });
      const isRight =
        row.label === 'reject'
          ? result === 'invalid_json'
          : row.label === 'accept'
            ? result === 'ok' || result === 'json_duplicate_key'
            : true;
      return isRight ? [] : [`${row.name}: ${result}`];
    });
    assert.deepEqual(failures, []);
    assert.ok(rows.length > 200);
    for (const row of rows) if (bodyOf(row).length < 200 && isUtf8(bodyOf(row))) sameAtEveryCut(bodyOf(row));
  });
});

function tryParse(text: string): { readonly ok: boolean; readonly value: unknown } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, value: error };
  }
}

const hasLoneSurrogate = (value: unknown): boolean =>
  typeof value === 'string'
    ? !value.isWellFormed()
    : typeof value === 'object' &&
      value !== null &&
      Object.entries(value).some(([key, item]) => !key.isWellFormed() || hasLoneSurrogate(item));
