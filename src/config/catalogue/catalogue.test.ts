import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { CATALOGUE as PRICES } from '../../accounting/catalogue.ts';
import { BUILT_IN_KINDS, CATALOGUE, KEY_VARIABLES, kindOfVariable, KINDS } from './catalogue.ts';
import { OFFERS } from './row.ts';

const RECORDED = new Set(fs.readdirSync(new URL('../../../../shared/wire/', import.meta.url)));
const places = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);

describe('the catalogue of providers', () => {
  it('names every kind once', () => assert.equal(new Set(CATALOGUE.map(({ kind }) => kind)).size, CATALOGUE.length));

  for (const row of CATALOGUE) {
    describe(row.kind, () => {
      it('has an address whose places are settings', () => {
        const known = row.settings.map(({ name }): string => name);
        for (const address of [row.baseUrl, ...Object.values(row.regions ?? {})]) {
          if (address === null) continue;
          const url = new URL(address.replace(/\{\w+\}/g, 'x'));
          assert.equal(address.endsWith('/'), false);
          assert.equal(url.protocol, row.place === 'own' ? 'http:' : 'https:');
          for (const place of places(address)) assert.ok(known.includes(place), place);
        }
        if (row.auth.scheme === 'aws-sigv4') assert.ok(places(row.auth.region).every((place) => known.includes(place)));
      });

      it('is proved where there is recorded traffic of it, and only there', () =>
        assert.equal(row.proved, RECORDED.has(row.kind) || (row.place === 'variant' && RECORDED.has('azure-openai'))));

      it('has prices of that name, or its own', () => {
        if (row.priceList !== null && row.priceList !== 'none') assert.ok(Object.hasOwn(PRICES.lists, row.priceList), row.priceList);
      });

      it('says its remark in one line without a link', () => assert.doesNotMatch(row.remark ?? '', /\n|]\(|https?:\/\/docs/));

      it('renames and rejects no member twice', () => {
        for (const offer of OFFERS) {
          const { path, rename = {}, reject = [] } = row.offers?.[offer] ?? { path: '/x' };
          assert.match(path, /^(?:\/[a-z0-9_]+)+$/);
          assert.deepEqual(
            reject.filter((name) => Object.hasOwn(rename, name)),
            [],
          );
        }
      });
    });
  }

  it('makes a provider without a declaration only of what has one public address and a key', () => {
    for (const kind of BUILT_IN_KINDS) {
      const row = CATALOGUE.find((each) => each.kind === kind);
      assert.ok(row?.baseUrl !== null && row !== undefined && places(row.baseUrl).length === 0, kind);
      assert.notEqual(row.auth.scheme, 'none', kind);
    }
  });

  it('offers no variant as a kind of its own', () => assert.equal(KINDS.includes('azure-openai-deployments'), false));

  it('leads from a variable to one built-in kind', () => {
    assert.equal(new Set(KEY_VARIABLES).size, KEY_VARIABLES.length);
    assert.deepEqual(['OPENAI_API_KEY', 'GROQ_API_KEY', 'GEMINI_API_KEY', 'DATABRICKS_TOKEN', 'HOME'].map(kindOfVariable), [
      'openai',
      'groq',
      'gemini',
      undefined,
      undefined,
    ]);
  });
});
