import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LedgerHistory, type Act } from './testing/ledger-history.ts';

const pick = fc.nat(30);
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      gateway: fc.nat(3),
      key: fc.nat(1),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({ do: fc.constant('settle' as const), pick, attempts: fc.constantFrom(1, 1, 1, 2), lost: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), pick, lost: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('again' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('late' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('gone' as const), gateway: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('price' as const), price: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('budget' as const), amount: fc.constantFrom(5, 12, 20, 35, 80, 1000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), acts: fc.nat(3) }) },
);

describe('any history of a ledger on disk', () => {
  it('loses and doubles no row, frees every place, and lets through exactly what fits', { timeout: 110_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 15, maxLength: 40 }), (acts) => new LedgerHistory().run(acts)),
      { numRuns: 12 },
    );
  });
});
