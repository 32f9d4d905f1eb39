import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scaledDecimal } from '../../src/accounting/decimal.ts';
import { sumOf } from '../../src/accounting/price-detail.ts';
import { priceUsage } from '../../src/accounting/price.ts';
import { billedAnswers } from './billed-answers.ts';
import { PRICED_OTHERS, SOURCES, type Witness } from './priced-answers.ts';
import { PRICED_OPENAI } from './priced-openai.ts';
import { priceListOf, recordedUsage } from './recorded-usage.ts';

/** Read by the codec that reads them in the gateway, priced by the function that prices rows. */

const PRICED_ANSWERS = [...PRICED_OTHERS, ...PRICED_OPENAI];
const NOW = '2026-11-20T12:00:00Z';

/** `24×3 + 33×0.5`: whole counts times dollars per million, in picodollars. A second way to the same literal; `(flex)` is a remark. */
function byHand(sum: string): bigint {
  const terms = sum.replace(/ \(.*\)$/, '').split(' + ');
  return terms.reduce((total, term) => {
    const [count = '', dollars = ''] = term.split('×');
    return total + BigInt(count) * (scaledDecimal(dollars, 6) ?? assert.fail(term));
  }, 0n);
}

/** docs/guide/prices.md says the same. */
const COUNTS = { page: 47, bill: 3, second: 31, none: 4 };

const witnessed = (by: Witness): number => PRICED_ANSWERS.filter(([, , , , source]) => SOURCES[source].by === by).length;

describe('price of recorded usage', () => {
  it('is held for sixty answers and more, each with the source of its price', () => {
    assert.ok(PRICED_ANSWERS.length >= 60);
    assert.equal(new Set(PRICED_ANSWERS.map(([of, , , , , at]) => `${of} ${at}`)).size, PRICED_ANSWERS.length);
  });

  it('is witnessed by others than the catalogue', () => {
    assert.deepEqual({ page: witnessed('page'), bill: witnessed('bill'), second: witnessed('second'), none: witnessed('none') }, COUNTS);
  });

  for (const [of, model, sum, costs, , at = NOW] of PRICED_ANSWERS) {
    it(`${of}${at === NOW ? '' : ` at ${at}`} costs ${costs}`, () => {
      const usage = recordedUsage(of) ?? assert.fail('the recording tells its usage');
      const price = priceUsage(usage, model, priceListOf(of), Date.parse(at));
      assert.deepEqual([price.picodollars, price.known], [costs, true]);
      assert.equal(byHand(sum), costs);
      assert.equal(sumOf(price), price.picodollars);
    });
  }
});

describe('what providers bill in their own answers', () => {
  const priced = billedAnswers().flatMap((billed) => {
    const usage = recordedUsage(billed.of);
    const price = usage && priceUsage(usage, billed.model, priceListOf(billed.of), billed.at);
    // What nobody has a price for is charged as the dearest, which is no claim about the bill.
    return price?.known === true ? [{ ...billed, picodollars: price.picodollars }] : [];
  });

  it('is told by thirty recorded answers and more', () => assert.ok(priced.length >= 30, String(priced.length)));

  for (const { of, costs, roundedTo, picodollars } of priced) {
    it(`${of} costs ${costs}`, () => {
      const difference = picodollars - costs;
      assert.ok((difference < 0n ? -difference : difference) * 2n <= roundedTo, `${picodollars} here`);
    });
  }
});
