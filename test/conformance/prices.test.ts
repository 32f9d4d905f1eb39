import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { scaledDecimal } from '../../src/accounting/decimal.ts';
import { sumOf } from '../../src/accounting/price-detail.ts';
import { priceUsage } from '../../src/accounting/price.ts';
import { billedAnswers } from './billed-answers.ts';
import { PRICED_ANSWERS, witnessedBy } from './priced-answers.ts';
import { SOURCES } from './priced-sources.ts';
import { priceListOf, recordedUsage } from './recorded-usage.ts';

/** Read by the codec that reads them in the gateway, priced by the function that prices rows. */

const NOW = '2026-11-20T12:00:00Z';

/** `24×3 + 33×0.5`: whole counts times dollars per million, in picodollars. A second way to the same literal; `(flex)` is a remark. */
function byHand(sum: string): bigint {
  const terms = sum.replace(/ \(.*\)$/, '').split(' + ');
  return terms.reduce((total, term) => {
    const [count = '', dollars = ''] = term.split('×');
    return total + BigInt(count) * (scaledDecimal(dollars, 6) ?? assert.fail(term));
  }, 0n);
}

/** What was reached: a change may witness more, never less. The guide says the numbers of now. */
const LEAST_BY_VENDOR = 110;
const MOST_BY_NOBODY = 4;

const GUIDE = fs.readFileSync(new URL('../../docs/guide/prices.md', import.meta.url), 'utf8');

describe('price of recorded usage', () => {
  it('is held for sixty answers and more, each with the source of its price', () => {
    assert.ok(PRICED_ANSWERS.length >= 60);
    assert.equal(new Set(PRICED_ANSWERS.map(([of, , , , , at]) => `${of} ${at}`)).size, PRICED_ANSWERS.length);
  });

  it('is witnessed by the vendor itself for sixty answers and more', () => {
    const byVendor = witnessedBy('page').length + witnessedBy('bill').length;
    assert.ok(byVendor >= Math.max(60, LEAST_BY_VENDOR), String(byVendor));
    assert.ok(witnessedBy('none').length <= MOST_BY_NOBODY);
  });

  it('is counted as the guide says', () => {
    assert.match(GUIDE, new RegExp(`hold ${PRICED_ANSWERS.length} recorded answers`));
    for (const by of ['page', 'bill', 'second', 'none'] as const)
      assert.match(GUIDE, new RegExp(`\\(\`${by}\`\\) \\| ${witnessedBy(by).length} \\|`), `${by}: ${witnessedBy(by).length}`);
  });

  it('names no source that nothing rests on', () => {
    const used = new Set<string>(PRICED_ANSWERS.map(([, , , , source]) => source));
    assert.deepEqual(
      Object.keys(SOURCES).filter((name) => !used.has(name)),
      [],
    );
  });

  it('is what the answer itself says was billed, where a bill is the witness', () => {
    const bills = new Map(billedAnswers().map((billed) => [billed.of, billed]));
    for (const [of, , , costs] of witnessedBy('bill')) {
      const { costs: billed, roundedTo } = bills.get(of) ?? assert.fail(`${of} has no bill`);
      const difference = costs - billed;
      assert.ok((difference < 0n ? -difference : difference) * 2n <= roundedTo, of);
    }
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
