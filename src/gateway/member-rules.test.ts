import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../core/json.ts';
import { scanJson } from '../core/json-scan.ts';
import type { MemberRules } from '../providers/provider-kind.ts';
import { applyRules, fromHeaders, namesIn, ruleEdits } from './member-rules.ts';
import { inOrder, splice } from './splice.ts';

const LIMITS = { depth: 64, keys: 1000 };

function spliced(text: string, rules: MemberRules, more: readonly (readonly [string, string])[] = []): string {
  const body = Buffer.from(text);
  const { members } = scanJson(body, LIMITS, new Set([...namesIn(rules), ...more.map(([name]) => name)]));
  return splice(body, inOrder(ruleEdits(body, members, rules, more))).toString();
}

describe('rules for members', () => {
  it('take members out with their comma, wherever they stand', () => {
    const rules = { remove: ['a'], reject: ['b'] };
    assert.equal(spliced('{"a":1,"x":2}', rules), '{"x":2}');
    assert.equal(spliced('{"x":2,"a":1}', rules), '{"x":2}');
    assert.equal(spliced('{"x":2 , "a" : 1 , "b":[1,2] }', rules), '{"x":2 }');
    assert.equal(spliced('{"a":1,"x":2,"b":3,"y":4}', rules), '{"x":2,"y":4}');
    assert.equal(spliced('{"a":1,"b":2}', rules), '{}');
  });

  it('rename, unless the provider’s own name is there too', () => {
    const rules = { rename: { max_completion_tokens: 'max_tokens' } };
    assert.equal(spliced('{"max_completion_tokens" : 5,"x":1}', rules), '{"max_tokens":5,"x":1}');
    assert.equal(spliced('{"max_completion_tokens":5,"max_tokens":6}', rules), '{"max_tokens":6}');
  });

  it('put in what the client did not say, and leave what it did', () => {
    const rules = { remove: ['model'], add: [['version', '"v1"']] as const };
    assert.equal(spliced('{"model":"m","messages":[]}', rules), '{"version":"v1","messages":[]}');
    assert.equal(spliced('{"version":"v2","model":"m"}', rules), '{"version":"v2"}');
    assert.equal(spliced('{"messages":[]}', {}, [['beta', '["a"]']]), '{"beta":["a"],"messages":[]}');
  });

  it('make a list of a header’s words', () => {
    const rules = { fromHeaders: { 'anthropic-beta': 'anthropic_beta' } };
    assert.deepEqual(
      fromHeaders(rules, () => 'a, b ,,c'),
      [['anthropic_beta', '["a","b","c"]']],
    );
    assert.deepEqual(
      fromHeaders(rules, () => undefined),
      [],
    );
  });

  it('mean the same on bytes and on an object (property)', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    const rules = fc.record({
      remove: fc.array(name),
      reject: fc.array(name),
      add: fc.array(fc.tuple(name, fc.constantFrom('1', '"t"', '[]'))),
    });
    const body = fc.dictionary(name, fc.oneof(fc.integer(), fc.string(), fc.array(fc.integer())));
    const blanks = fc.constantFrom(undefined, 1, '\t');
    fc.assert(
      fc.property(
        body,
        rules,
        fc.option(fc.tuple(name, name), { nil: undefined }),
        blanks,
        (object, { remove, reject, add }, pair, space) => {
          // A member is ruled once; what is added stays, so that the object never becomes empty around it.
          const ruled = new Set<string>([...remove, ...reject]);
          const added = [...new Map<string, string>(add)].filter(([each]) => !ruled.has(each));
          const rename =
            pair === undefined ||
            pair[0] === pair[1] ||
            ruled.has(pair[0]) ||
            ruled.has(pair[1]) ||
            added.some(([each]) => each === pair[0] || each === pair[1])
              ? {}
              : { [pair[0]]: pair[1] };
          fc.pre(Object.keys(object).some((each) => !ruled.has(each)));
          const all: MemberRules = { remove, reject: reject.filter((each) => !remove.includes(each)), rename, add: added };
          const once = { ...all, remove: [...new Set(remove)], reject: [...new Set(all.reject)] };
          const wanted = applyRules(object as JsonObject, once, []);
          assert.deepEqual(JSON.parse(spliced(JSON.stringify(object, null, space), once)), JSON.parse(JSON.stringify(wanted)));
        },
      ),
      { numRuns: 500 },
    );
  });
});
