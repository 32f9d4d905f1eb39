import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { scaledDecimal } from './decimal.ts';

describe('decimal', () => {
  for (const [value, decimals, expected] of [
    ['2.50', 6, 2_500_000n],
    [2.5, 6, 2_500_000n],
    [0.1, 12, 100_000_000_000n],
    [1e-7, 12, 100_000n],
    ['1e3', 0, 1_000n],
    ['0.000001', 6, 1n],
    [0, 6, 0n],
    ['0.0000010', 6, 1n],
    ['0.0000001', 6, undefined],
    ['-1', 6, undefined],
    ['', 6, undefined],
    ['1,5', 6, undefined],
    ['0x10', 6, undefined],
    [Number.NaN, 6, undefined],
    [Number.POSITIVE_INFINITY, 6, undefined],
  ] as const) {
    it(`${typeof value} ${String(value)} with ${decimals} decimals is ${String(expected)}`, () =>
      assert.equal(scaledDecimal(value, decimals), expected));
  }

  it('every amount that has at most so many decimals comes back to the last digit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n - 1n }), (micro) => {
        const text = `${micro / 1_000_000n}.${String(micro % 1_000_000n).padStart(6, '0')}`;
        assert.equal(scaledDecimal(text, 6), micro);
        assert.equal(scaledDecimal(Number(text), 6), micro);
      }),
    );
  });
});
