import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NO_USAGE, type TokenUsage } from '../core/usage.ts';
import { CATALOGUE, CORRECTIONS } from './catalogue.ts';
import { readOperatorPrices, type OperatorPrices } from './operator-prices.ts';
import { BUILT_IN } from './price-book.ts';
import { isPlainTest, isSafePattern, readPriceTable } from './price-table.ts';
import { priceUsage, type Price } from './price.ts';
import { PUBLISHED_FEES } from './published-fees.ts';
import { TIER_FACTORS } from './published-tiers.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');

const operator = (table: unknown, more: object = {}): OperatorPrices => {
  const read = readOperatorPrices(JSON.stringify({ kind: 'prices', version: 7, entries: [], discounts: [], margins: [], table, ...more }));
  if (!read.ok) throw new Error(read.error);
  return read.value;
};
const tableOf = (lists: unknown): unknown => ({ version: 'mine-1', source: 'a file', lists });
const model = (id: string, prices: readonly object[], match: unknown = `=${id}`): unknown => ({ models: [{ id, match, prices }] });
const price = (own: OperatorPrices, usage: Partial<TokenUsage>, name: string, list: string, at: number = NOW): Price =>
  priceUsage({ ...NO_USAGE, ...usage }, name, list, at, { provider: 'p', credential: 'c', operator: own });

describe('a table of the operator’s', () => {
  const own = operator(
    tableOf({
      openai: model('gpt-5', [{ input: 3 }, { from: NOW, input: 4 }]),
      'house-brand': model('a', [{ input: 1, output: 2 }], '^a'),
    }),
  );

  it('goes in front of what is built in, model by model, and rows name it', () => {
    const { picodollars, known, version, source } = price(own, { input: 10 }, 'gpt-5', 'openai');
    assert.deepEqual([picodollars, known, version], [40n, true, `${BUILT_IN.version}+mine-1+7`]);
    assert.deepEqual([source.list, source.model, source.file, source.from], ['openai', 'gpt-5', true, NOW]);
    assert.equal(price(own, { input: 10 }, 'gpt-4o', 'openai').picodollars, 25_000_000n);
    assert.equal(price(own, { input: 10 }, 'gpt-5', 'openai', NOW - 1).picodollars, 30n);
  });

  it('keeps the fees and the service tiers that the vendor publishes', () => {
    assert.equal(price(own, { units: { search: 1 } }, 'gpt-5', 'openai').picodollars, 10_000_000_000n);
    assert.equal(price(own, { input: 10, tier: 'flex' }, 'gpt-5', 'openai').picodollars, 20n);
  });

  it('may name lists of its own; an unknown model there costs the dearest of it', () => {
    assert.equal(price(own, { input: 2, output: 3 }, 'abc', 'house-brand').picodollars, 8n);
    const unknown = price(own, { input: 2, output: 3 }, 'nobody', 'house-brand');
    assert.deepEqual([unknown.picodollars, unknown.known], [8n, false]);
  });

  it('a list without a price per token makes nothing free', () => {
    const fees = operator(tableOf({ 'house-brand': model('a', [{ units: { image: 5 } }]) }));
    const { picodollars, known } = price(fees, { input: 1, output: 1 }, 'nobody', 'house-brand');
    assert.equal(known, false);
    assert.equal(picodollars, price(operator(undefined), { input: 1, output: 1 }, 'nobody', 'a-list-of-nobody').picodollars);
  });

  it('goes behind the prices of bulkhead.yaml', () => {
    const both = operator(tableOf({ openai: model('gpt-5', [{ input: 3 }]) }), { entries: [{ model: 'gpt-5', rates: { input: 9 } }] });
    assert.equal(price(both, { input: 1 }, 'gpt-5', 'openai').picodollars, 9n);
  });

  it('may be the whole built-in catalogue, which then costs the same', () => {
    const whole = operator({ version: CATALOGUE.version, source: 'a copy', lists: CATALOGUE.lists });
    for (const [list, { models }] of Object.entries(CATALOGUE.lists))
      for (const { id } of models.filter((one) => CORRECTIONS.lists[list] === undefined && !one.id.startsWith('~')))
        assert.equal(
          price(whole, { input: 300_000, output: 7 }, id, list).picodollars,
          price(operator(undefined), { input: 300_000, output: 7 }, id, list).picodollars,
          `${list}/${id}`,
        );
  });

  it('remembers no more names than its bound', () => {
    for (let i = 0; i < 10_000; i++) price(own, { input: 1 }, `model-${i}`, 'house-brand');
    assert.equal(price(own, { input: 1 }, 'gpt-5', 'openai').picodollars, 4n);
  });
});

describe('a table that is not whole', () => {
  const prices = [{ input: 1 }];
  for (const [what, table] of [
    ['no table', 7],
    ['no version', { lists: {} }],
    ['a version with a space', { version: 'a b', lists: {} }],
    ['no lists', { version: 'a' }],
    ['a list of another name', tableOf({ 'Open AI': { models: [] } })],
    ['a model without an id', tableOf({ a: { models: [{ match: '=a', prices }] } })],
    ['a model without a test', tableOf({ a: { models: [{ id: 'a', prices }] } })],
    ['an empty test', tableOf({ a: model('a', prices, '=') })],
    ['a test in capitals, which no name is', tableOf({ a: model('a', prices, '=GPT') })],
    ['a test of another kind', tableOf({ a: model('a', prices, '*a') })],
    ['a test without end', tableOf({ a: model('a', prices, { or: [{ or: [{ or: [{ or: [{ or: ['=a'] }] }] }] }] }) })],
    ['a pattern that takes for ever', tableOf({ a: model('a', prices, '/^(a+)+$') })],
    ['a price below nothing', tableOf({ a: model('a', [{ input: -1 }]) })],
    ['a price that is not whole', tableOf({ a: model('a', [{ input: 1.5 }]) })],
    ['a fee once of no unit', tableOf({ a: model('a', [{ once: ['soul'] }]) })],
    ['a day that has more seconds', tableOf({ a: model('a', [{ daily: [0, 86_401] }]) })],
    ['a fallback that is no name', tableOf({ a: { fallback: [7], models: [] } })],
  ] as const) {
    it(`${what}: nothing of it is used`, () => {
      const text = JSON.stringify({ kind: 'prices', version: 7, entries: [], discounts: [], margins: [], table });
      assert.equal(readOperatorPrices(text).ok, false);
    });
  }
});

describe('patterns', () => {
  it('of the catalogue are all safe', () => {
    assert.doesNotThrow(() => readPriceTable(JSON.parse(JSON.stringify({ version: 'a', lists: CATALOGUE.lists }))));
    assert.doesNotThrow(() => readPriceTable(JSON.parse(JSON.stringify(CORRECTIONS))));
  });

  for (const pattern of ['^(a+)+$', '(a|a)*', '(.*)\\1', 'a*b*c*', '(a{2,}){3}', '(', 'x'.repeat(300)])
    it(`${pattern.slice(0, 20)} is refused`, () => assert.equal(isSafePattern(pattern), false));

  it('that are taken end soon, whatever a client calls its model', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ab.^$\\d?(){}|+*,2-]{1,40}$/), fc.stringMatching(/^[ab]{200,256}$/), (pattern, name) => {
        if (!isPlainTest(`/${pattern}`)) return;
        const before = process.cpuUsage().user;
        new RegExp(pattern).test(name);
        // Two open repeats over 256 characters are some ten thousand steps; what grows without bound is minutes.
        assert.ok(process.cpuUsage(undefined).user - before < 5_000_000, pattern);
      }),
    );
  });
});

describe('what is kept by hand', () => {
  it('names for each figure where and when it was seen', () => {
    for (const one of [...TIER_FACTORS, ...PUBLISHED_FEES]) {
      assert.ok(one.source.length > 0);
      if (one.seen !== null) assert.match(one.seen, /^20\d\d(?:-\d\d(?:-\d\d)?)?$/);
      if (one.witness === 'none') assert.equal(one.seen, null);
    }
    for (const { models } of Object.values(CORRECTIONS.lists))
      for (const { id, source, seen } of models) assert.match(`${id} ${source} ${seen}`, /^\S+ .*(?:https:|github|answer).* 20\d\d-\d\d/);
  });
});
