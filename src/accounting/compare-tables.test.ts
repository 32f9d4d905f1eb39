import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Rates } from './catalogue.ts';
import { compareTables } from './compare-tables.ts';
import type { PriceTable } from './price-table.ts';

const table = (models: Readonly<Record<string, Rates>>, list = 'openai'): PriceTable => ({
  version: '1',
  source: 'a test',
  lists: { [list]: { models: Object.entries(models).map(([id, rates]) => ({ id, match: `=${id}`, prices: [rates] })) } },
});
const seen = (before: PriceTable | undefined, after: PriceTable | undefined): readonly string[] =>
  compareTables(before, after).changes.map(({ change, list, model, before: old, after: next }) =>
    [change, `${list}/${model}`, old[0]?.input ?? '-', next[0]?.input ?? '-'].join(' '),
  );

describe('comparing price tables', () => {
  it('tells what is new, what changes against what is built in, and what stays', () => {
    assert.deepEqual(seen(undefined, table({ 'gpt-5': { input: 7 }, brand: { input: 1 } })), [
      'changed openai/gpt-5 1250000 7',
      'new openai/brand - 1',
    ]);
    const { changes, same } = compareTables(table({ brand: { input: 1 } }), table({ brand: { input: 1 } }));
    assert.deepEqual([changes, same], [[], 1]);
  });

  it('tells what is gone, and what holds then', () => {
    assert.deepEqual(seen(table({ 'gpt-5': { input: 7 }, brand: { input: 1 } }), table({})), [
      'gone openai/gpt-5 7 1250000',
      'gone openai/brand 1 -',
    ]);
    assert.deepEqual(seen(table({ brand: { input: 1 } }), undefined), ['gone openai/brand 1 -']);
  });

  it('does not mind the order of members', () => {
    assert.deepEqual(seen(table({ brand: { input: 1, output: 2 } }), table({ brand: { output: 2, input: 1 } })), []);
  });
});
