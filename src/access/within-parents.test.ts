import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { budgetCeiling, coversModel, limitCeiling, type BudgetExtent, type LimitExtent } from './within-parents.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const limit = (more: Partial<LimitExtent> = {}): LimitExtent => ({
  measure: 'requests',
  amount: 100,
  windowMs: MINUTE,
  mode: 'enforce',
  ...more,
});
const budget = (more: Partial<BudgetExtent> = {}): BudgetExtent => ({
  picodollars: 100n,
  windowMs: DAY,
  mode: 'enforce',
  enforcement: 'hard',
  ...more,
});

describe('what a parent leaves its children', () => {
  it('a limit in the same or a shorter window: the parent’s amount', () => {
    assert.equal(limitCeiling(limit(), limit()), 100);
    assert.equal(limitCeiling(limit({ windowMs: 60 * MINUTE }), limit()), 100);
  });

  it('a limit in a longer window: as often as the parent’s windows fit', () => {
    assert.equal(limitCeiling(limit(), limit({ windowMs: 60 * MINUTE })), 6000);
  });

  it('parallel requests have no window', () => {
    assert.equal(
      limitCeiling(limit({ measure: 'parallel', windowMs: undefined }), limit({ measure: 'parallel', windowMs: undefined })),
      100,
    );
  });

  it('all tokens bound the input and the output, and not the other way round', () => {
    assert.equal(limitCeiling(limit({ measure: 'tokens' }), limit({ measure: 'output_tokens' })), 100);
    assert.equal(limitCeiling(limit({ measure: 'output_tokens' }), limit({ measure: 'tokens' })), undefined);
    assert.equal(limitCeiling(limit({ measure: 'tokens' }), limit({ measure: 'requests' })), undefined);
  });

  it('what is only observed, or counts other models, bounds nobody', () => {
    assert.equal(limitCeiling(limit({ mode: 'observe' }), limit()), undefined);
    assert.equal(limitCeiling(limit({ model: 'fast' }), limit()), undefined);
    assert.equal(limitCeiling(limit({ model: 'fast' }), limit({ model: 'slow' })), undefined);
    assert.equal(limitCeiling(limit({ model: 'openai/*' }), limit({ model: 'openai/gpt-5.6' })), 100);
    assert.equal(budgetCeiling(budget({ enforcement: 'soft' }), budget()), undefined);
    assert.equal(budgetCeiling(budget({ provider: 'openai' }), budget()), undefined);
    assert.equal(budgetCeiling(budget(), budget({ provider: 'openai' })), 100n);
  });

  it('a budget for ever is bounded by one for ever alone, and bounds all', () => {
    assert.equal(budgetCeiling(budget(), budget({ windowMs: Infinity })), undefined);
    assert.equal(budgetCeiling(budget({ windowMs: Infinity }), budget({ windowMs: Infinity })), 100n);
    assert.equal(budgetCeiling(budget({ windowMs: Infinity }), budget()), 100n);
  });

  it('a prefix covers what begins with it, to the slash', () => {
    assert.equal(coversModel('openai/*', 'openaix/gpt'), false);
    assert.equal(coversModel('openai/*', 'openai/*'), true);
    assert.equal(coversModel('openai/*', undefined), false);
  });

  it('a ceiling never falls when the parent grows or the child’s window does', () => {
    const whole = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(whole, whole, whole, whole, (amount, more, parentMs, childMs) => {
        const of = (parentAmount: number, ms: number): bigint =>
          budgetCeiling(budget({ picodollars: BigInt(parentAmount), windowMs: parentMs }), budget({ windowMs: ms })) ?? -1n;
        assert.ok(of(amount + more, childMs) > of(amount, childMs));
        assert.ok(of(amount, childMs + more) >= of(amount, childMs));
      }),
    );
  });
});
