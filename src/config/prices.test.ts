import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PriceConfig } from './config.ts';
import { loadConfig } from './load.ts';

const load = (text: string) => loadConfig(`version: 1\n${text}`, 'bulkhead.yaml');

function prices(text: string): PriceConfig {
  const config = load(text);
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  // As it travels: what is undefined is not there.
  return JSON.parse(JSON.stringify(config.value.prices)) as PriceConfig;
}

describe('prices of the operator', () => {
  it('are none where the file names none', () => {
    assert.deepEqual(prices(''), { entries: [], discounts: [], margins: [] });
    const config = load('');
    assert.equal(config.ok && config.value.unknownPrice, 'dearest');
  });

  it('are whole picodollars, whichever way they are written', () => {
    const text = `
prices:
  - provider: openai
    model: GPT-5*
    from: 2026-12-01
    until: 2027-01-01T12:00:00+01:00
    input: 1.1
    output: "8.000001"
    cached_input: 1e-1
    above: [{ tokens: 200000, input: 2.2 }, { tokens: 500000, output: 16 }]
    per_search: 0.0125
    per_request: "0.000000000001"
    tiers:
      flex: { input: 0.5, output: 4 }
`;
    assert.deepEqual(prices(text).entries, [
      {
        provider: 'openai',
        model: 'gpt-5*',
        from: Date.parse('2026-12-01T00:00:00Z'),
        until: Date.parse('2027-01-01T11:00:00Z'),
        rates: {
          input: [1_100_000, 200_000, 2_200_000, 500_000, 2_200_000],
          output: [8_000_001, 200_000, 8_000_001, 500_000, 16_000_000],
          cachedInput: [100_000, 200_000, 100_000, 500_000, 100_000],
          request: 1,
          units: { search: 12_500_000_000 },
        },
        tiers: { flex: { input: 500_000, output: 4_000_000 } },
      },
    ]);
  });

  it('discounts and margins are whole millionths', () => {
    const text = `
discounts: [{ provider: openai, percent: 12.5 }, { model: claude-*, percent: "7.0001" }]
margins: [{ credential: openai, percent: 150 }]
`;
    const { discounts, margins } = prices(text);
    assert.deepEqual(discounts, [
      { provider: 'openai', ppm: 125_000 },
      { model: 'claude-*', ppm: 70_001 },
    ]);
    assert.deepEqual(margins, [{ credential: 'openai', ppm: 1_500_000 }]);
  });

  for (const [what, text, line, reason, remedy] of [
    ['a seventh decimal', 'prices:\n  - model: a\n    input: 0.0000001', 4, /more than 6 decimals/, /at most 6 decimals/],
    ['an amount below nothing', 'prices:\n  - model: a\n    input: -1', 4, /input/, /million/],
    ['an amount with a sign', 'prices:\n  - model: a\n    input: $3', 4, /dollars in digits/, /million/],
    ['a price that names none', 'prices:\n  - model: a', 3, /names none/, /Name input/],
    ['a part without its whole', 'prices:\n  - model: a\n    cached_input: 1', 3, /without input or output/, /Name input/],
    [
      'a part for large inputs alone',
      'prices:\n  - model: a\n    input: 1\n    above: [{ tokens: 9, output: 2 }]',
      5,
      /large inputs alone/,
      /Name output/,
    ],
    ['sizes that fall', 'prices:\n  - model: a\n    input: 1\n    above: [{ tokens: 9 }, { tokens: 8 }]', 5, /do not rise/, /rising/],
    ['a day that is none', 'prices:\n  - model: a\n    input: 1\n    from: 2026-02-30', 5, /no such day/, /like 2027/],
    [
      'an end before its beginning',
      'prices:\n  - { model: a, input: 1, from: 2026-02-02, until: 2026-02-01 }',
      3,
      /not after from/,
      /later day/,
    ],
    ['an unknown provider', 'prices:\n  - model: a\n    provider: opnai\n    input: 1', 4, /no such provider/, /Did you mean openai/],
    ['a star in the middle', 'prices:\n  - model: a*b\n    input: 1', 3, /model’s name/, /name of the model/],
    ['an unknown word', 'prices:\n  - model: a\n    imput: 1', 4, /unknown key/, /Did you mean input/],
    ['more off than all', 'discounts:\n  - percent: 101', 3, /more than 100 percent/, /percent/],
    ['a fifth decimal of a percent', 'margins:\n  - percent: 1.00001', 3, /more than 4 decimals/, /decimals/],
    ['another way with unknown prices', 'unknown_price: free', 2, /dearest, refuse/, /price nobody knows/],
  ] as const) {
    it(`${what} is refused with line and remedy`, () => {
      const config = load(text);
      assert.ok(!config.ok);
      const [problem] = config.error;
      assert.equal(problem?.line, line);
      assert.match(problem?.reason ?? '', reason);
      assert.match(problem?.remedy ?? '', remedy);
    });
  }
});
