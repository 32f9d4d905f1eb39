import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { beyond, expand, groupsIn, isWithin, meet, type AccessGroups, type ModelSet } from './model-set.ts';

const NAMES = ['a', 'b', 'p/x', 'p/y', 'p/q/x', 'p/q/y', 'q/x', 'pq/x'];
const groups: AccessGroups = new Map([
  ['some', ['a', 'p/q/*']],
  ['none', []],
]);
const entry = fc.constantFrom(...NAMES, '*', 'p/*', 'p/q/*', 'q/*', 'p/', '@some', '@none', '@unknown');
const set: fc.Arbitrary<ModelSet> = fc.option(fc.array(entry, { maxLength: 5 }), { nil: undefined });

/** The gateway’s rule (`mayUse` in routing), where `p/` is an alias and every other name is exact. */
function allows(models: ModelSet, name: string): boolean {
  const list = expand(models, groups);
  if (list === undefined || list.includes(name) || (name.startsWith('p/') && list.includes('p/'))) return true;
  return list.some((each) => each === '*' || (each.endsWith('/*') && name.length >= each.length && name.startsWith(each.slice(0, -1))));
}

describe('model sets', () => {
  it('within: the gateway allows a child nothing that it does not allow its parent', () => {
    fc.assert(
      fc.property(set, set, (child, parent) => {
        if (!isWithin(child, parent, groups)) return;
        for (const name of NAMES) if (allows(child, name)) assert.ok(allows(parent, name), name);
      }),
      { numRuns: 3000 },
    );
  });

  it('within is transitive, everything is within itself, and nothing within anything', () => {
    fc.assert(
      fc.property(set, set, set, (a, b, c) => {
        assert.ok(isWithin(a, a, groups));
        assert.ok(isWithin([], a, groups));
        if (isWithin(a, b, groups) && isWithin(b, c, groups)) assert.ok(isWithin(a, c, groups));
      }),
      { numRuns: 3000 },
    );
  });

  it('what two have in common is within both, and a child that fits is left as it is', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const both = meet(a, b, groups);
        assert.ok(isWithin(both, a, groups) && isWithin(both, b, groups));
        for (const name of NAMES) if (allows(both, name)) assert.ok(allows(a, name) && allows(b, name), name);
        if (isWithin(a, b, groups)) assert.ok(isWithin(a, both, groups));
      }),
      { numRuns: 3000 },
    );
  });

  for (const [child, parent, holds] of [
    [undefined, undefined, true],
    [undefined, ['*'], true],
    [undefined, ['a'], false],
    [['*'], ['p/*'], false],
    [['p/x'], ['p/*'], true],
    [['p/q/*'], ['p/*'], true],
    [['p/*'], ['p/q/*'], false],
    [['p/'], ['p/*'], true],
    [['p/*'], ['p/'], false],
    [['pq/x'], ['p/*'], false],
    [['p/*'], ['p/x'], false],
    [['@some'], ['a', 'p/*'], true],
    [['@some'], ['a'], false],
    [['a'], ['@some'], true],
    [['@unknown'], ['a'], true],
    [['a'], ['@unknown'], false],
    [['a'], [], false],
  ] as const) {
    it(`${JSON.stringify(child)} is ${holds ? '' : 'not '}within ${JSON.stringify(parent)}`, () =>
      assert.equal(isWithin(child, parent, groups), holds));
  }

  it('names what goes beyond', () => {
    assert.deepEqual(beyond(['a', 'b', '@some'], ['a'], groups), ['b', '@some']);
    assert.deepEqual(beyond(undefined, ['a'], groups), ['*']);
    assert.deepEqual(groupsIn(['@some', 'a', '@some', '@cf/meta']), ['some']);
  });
});
