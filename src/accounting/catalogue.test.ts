import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { calcPrice, waitForUpdate, type Provider, type Usage } from '@pydantic/genai-prices';
import { NO_USAGE, type TokenUsage } from '../core/usage.ts';
import { generatePrices } from '../../tools/generate-prices.ts';
import { CATALOGUE } from './catalogue.ts';
import { BUILT_IN } from './price-book.ts';
import { priceUsage } from './price.ts';

const FILE = new URL('prices/catalogue.json', import.meta.url);
const WHEN = [Date.parse('2025-01-15T03:00:00Z'), Date.parse('2026-09-01T02:00:00Z'), Date.parse('2027-02-01T12:00:00Z')];

/** Small, large enough for every tier, and with parts. Audio stays out where the catalogue's own inclusion rules would refuse it. */
const USAGES: readonly Partial<TokenUsage>[] = [
  { input: 1_000, output: 500 },
  { input: 300_000, output: 500, cachedInput: 100_000 },
  { input: 50_000, output: 9_000, cachedInput: 7_000, cacheWrite: 20_000, reasoning: 4_000 },
];

const catalogueUsage = (usage: TokenUsage): Usage => ({
  input_tokens: usage.input,
  output_tokens: usage.output,
  cache_read_tokens: usage.cachedInput,
  cache_write_tokens: usage.cacheWrite,
  output_reasoning_tokens: usage.reasoning,
});

/** A name that the catalogue finds this very model by. */
const isPlain = (id: string): boolean => !id.startsWith('~');

async function providers(): Promise<readonly Provider[]> {
  return (await waitForUpdate()) ?? [];
}

describe('price catalogue', () => {
  it('is what the generator makes from the installed package', async () => {
    assert.equal(fs.readFileSync(FILE, 'utf8'), await generatePrices());
  });

  it('holds the notice of its source', () => assert.match(CATALOGUE.notice, /MIT License[\s\S]*Copyright \(c\) Pydantic/));

  it('holds whole numbers only', () => {
    const wrong = JSON.stringify(CATALOGUE.lists).match(/:-?\d+\.\d+/g) ?? [];
    assert.deepEqual(wrong, []);
  });

  it('prices every model as the package does, at every time, to the picodollar', async () => {
    let compared = 0;
    for (const provider of await providers()) {
      for (const model of provider.models.filter(({ id }) => isPlain(id))) compared += comparePrices(provider.id, model.id);
    }
    assert.ok(compared > 8_000, `only ${compared} prices were compared`);
  });
});

function comparePrices(provider: string, model: string): number {
  let compared = 0;
  for (const at of WHEN) {
    for (const parts of USAGES) {
      const usage = { ...NO_USAGE, ...parts };
      const ours = priceUsage(usage, model, provider, at);
      // What was corrected by hand differs on purpose.
      if (!ours.known || BUILT_IN.find(provider, model)?.origin !== 'catalogue') continue;
      const theirs = calcPrice(catalogueUsage(usage), model, { providerId: provider, timestamp: new Date(at) });
      // Theirs is floating dollars; ours rounds a price per token up, by less than one picodollar each.
      const difference = Number(ours.picodollars) - (theirs?.total_price ?? Number.NaN) * 1e12;
      assert.ok(
        difference > -1_000 && difference < usage.input + usage.output + 1_000,
        `${provider}/${model} at ${at}: ${ours.picodollars} and ${theirs?.total_price}`,
      );
      compared++;
    }
  }
  return compared;
}
