import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { readPriceTable } from '../accounting/price-table.ts';
import { loadPriceFile } from './price-file.ts';

const CATALOGUE = new URL('../accounting/prices/catalogue.json', import.meta.url);
const CORRECTIONS = new URL('../accounting/prices/corrections.json', import.meta.url);

const file = (models: string): string => `{\n"version": "1",\n"lists": {\n"openai": {\n"models": [\n${models}\n]}}}\n`;
const model = (prices: string, match = '"=a"'): string => `{"id": "a", "match": ${match},\n"prices": [\n${prices}\n]}`;

describe('a prices file', () => {
  it('gives its table, days as moments', () => {
    const read = loadPriceFile(
      file(model('{"from": "2026-12-01", "input": [1, 200000, 2], "units": {"search": 5}, "once": ["search"]}')),
      'prices.json',
    );
    assert.ok(read.ok, JSON.stringify(read));
    assert.deepEqual(read.value.lists['openai']?.models[0]?.prices, [
      { from: Date.parse('2026-12-01T00:00:00Z'), input: [1, 200_000, 2], units: { search: 5 }, once: ['search'] },
    ]);
  });

  it('may be the built-in table itself, and its receiver takes what this gives', () => {
    for (const at of [CATALOGUE, CORRECTIONS]) {
      const read = loadPriceFile(fs.readFileSync(at, 'utf8'), 'prices.json');
      assert.ok(read.ok, JSON.stringify(!read.ok && read.error.slice(0, 3)));
      assert.deepEqual(readPriceTable(JSON.parse(JSON.stringify(read.value))), { ...read.value, lists: withFallbacks(read.value.lists) });
    }
  });

  for (const [what, text, line, reason] of [
    ['no JSON', '{"version": ', 1, /not valid YAML/],
    ['no version', '{\n"lists": {}}', 1, /version is missing/],
    ['a version with a space', '{"version": "a b",\n"lists": {}}', 1, /version must be letters/],
    ['an unknown key', file('{"id": "a", "match": "=a",\n"price": [], "prices": []}'), 7, /unknown key price/],
    ['an unknown rate', file(model('{"imput": 1}')), 8, /unknown key imput/],
    ['a price below nothing', file(model('{"input":\n-1}')), 9, /input/],
    ['dollars instead of picodollars', file(model('{"input": 2.5}')), 8, /input/],
    ['a size without its price', file(model('{"input": [1, 200000]}')), 8, /without its price/],
    ['sizes that fall', file(model('{"input": [1, 9, 2, 8, 3]}')), 8, /do not rise/],
    ['a day that is none', file(model('{"from": "2026-02-30", "input": 1}')), 8, /no such day/],
    ['a test without its kind', file(model('{"input": 1}', '"gpt"')), 6, /must begin with one of/],
    ['a pattern that takes for ever', file(model('{"input": 1}', '"/(a+)+"')), 6, /no repeated group/],
    ['a key twice', '{"version": "1",\n"version": "2", "lists": {}}', 2, /twice/],
    ['a model twice', file(`${model('{"input": 1}')},\n${model('{"input": 1}')}`), 10, /already/],
    ['a list of another name', '{"version": "1", "lists": {\n"Open AI": {"models": []}}}', 2, /Open|not plain|not allowed/],
    ['more than a megabyte', `{"version": "1", "lists": {}, "notice": "${'x'.repeat(1_100_000)}"}`, 1, /larger than/],
  ] as const) {
    it(`${what} is refused with its line`, () => {
      const read = loadPriceFile(text, 'prices.json');
      assert.ok(!read.ok);
      const [problem] = read.error;
      assert.equal(problem?.line, line, JSON.stringify(read.error));
      assert.match(problem?.reason ?? '', reason);
      assert.ok((problem?.remedy ?? '').length > 0);
    });
  }
});

const withFallbacks = (lists: Readonly<Record<string, { readonly fallback?: readonly string[] }>>): unknown =>
  Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, { fallback: [], ...list }]));
