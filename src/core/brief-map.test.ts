import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { BriefMap } from './brief-map.ts';

void suite('brief map', () => {
  test('holds what a Map holds', () => {
    const step = fc.record({ key: fc.nat(4_000), drops: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6_000, size: 'max' }), (steps) => {
        const [brief, plain] = [new BriefMap<number, number>(), new Map<number, number>()];
        for (const [value, { key, drops }] of steps.entries()) {
          if (drops) assert.equal(brief.delete(key), plain.delete(key));
          else {
            brief.set(key, value);
            plain.set(key, value);
          }
          assert.equal(brief.get(key), plain.get(key));
          assert.equal(brief.size, plain.size);
        }
        assert.deepEqual(
          brief.values().toSorted((a, b) => a - b),
          [...plain.values()].toSorted((a, b) => a - b),
        );
      }),
      { numRuns: 50 },
    );
  });

  test('an entry that stays outlives any number of turns', () => {
    const map = new BriefMap<string, number>();
    map.set('stream', 0);
    for (let i = 1; i < 10_000; i++) {
      map.set(String(i), i);
      map.delete(String(i));
    }
    assert.equal(map.get('stream'), 0);
    assert.equal(map.size, 1);
  });
});
