/**
 * Writes `src/accounting/prices/catalogue.json`, the checked-in price table, from the development dependency
 * `@pydantic/genai-prices`. Run by `npm run generate`; a test checks that the committed file is what this makes.
 *
 * Dollars per million tokens become whole picodollars per token (the same number times 10⁶), rounded up where the
 * catalogue has more digits, so that a rounded price is never below the real one.
 */
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  waitForUpdate,
  type ConditionalPrice,
  type MatchLogic,
  type ModelInfo,
  type ModelPrice,
  type Provider,
} from '@pydantic/genai-prices';
import type { Unit } from '../src/core/usage.ts';
import type { Match, ModelPrices, PriceCatalogue, PriceList, Rate, Rates } from '../src/accounting/catalogue.ts';

const TARGET = new URL('../src/accounting/prices/catalogue.json', import.meta.url);
const PACKAGE = new URL('../node_modules/@pydantic/genai-prices/', import.meta.url);

/** The catalogue's names of the rates that a `TokenUsage` can be charged with. */
const TOKEN_RATES = {
  input_mtok: 'input',
  output_mtok: 'output',
  cache_read_mtok: 'cachedInput',
  cache_write_mtok: 'cacheWrite',
  cache_write_1h_mtok: 'cacheWrite1h',
  output_reasoning_mtok: 'reasoning',
  input_audio_mtok: 'inputAudio',
  output_audio_mtok: 'outputAudio',
  cache_audio_read_mtok: 'cachedAudio',
  input_image_mtok: 'inputImage',
  output_image_mtok: 'outputImage',
  cache_image_read_mtok: 'cachedImage',
} as const satisfies Record<string, keyof Rates>;

/** The catalogue's names of fees, the units they are for, and how many of those one price is for. */
const UNIT_RATES = {
  web_searches_kcount: ['search', 1000],
  storage_searches_kcount: ['file_search', 1000],
  input_audio_hours: ['second', 3600],
  input_document_kpages: ['page', 1000],
} as const satisfies Record<string, readonly [Unit, number]>;

/** Dollars for so many units in picodollars for one, through digits, so that 0.27 is not 0.2700000001. */
const perUnit = (dollars: number, units: number): number => {
  const nano = BigInt((dollars * 1e9).toFixed(0));
  return Number((nano * 1000n + BigInt(units) - 1n) / BigInt(units));
};

const perToken = (dollarsPerMillion: number): number => Math.ceil(Number((dollarsPerMillion * 1e6).toFixed(3)));

function rateOf(price: NonNullable<ModelPrice[string]>): Rate {
  if (typeof price === 'number') return perToken(price);
  return [
    perToken(price.base),
    ...[...price.tiers].sort((a, b) => a.start - b.start).flatMap(({ start, price: above }) => [start, perToken(above)]),
  ];
}

function ratesOf(prices: ModelPrice): Rates {
  const rates: { -readonly [Name in keyof Rates]: Rates[Name] } = {};
  for (const [key, name] of Object.entries(TOKEN_RATES)) {
    const price = prices[key];
    if (price !== undefined) rates[name] = rateOf(price);
  }
  // Dollars per thousand requests: 10¹² / 10³ picodollars each.
  if (typeof prices['requests_kcount'] === 'number') rates.request = Math.ceil(prices['requests_kcount'] * 1e9);
  const units: Partial<Record<Unit, number>> = {};
  for (const [key, [unit, count]] of Object.entries(UNIT_RATES)) {
    const price = prices[key];
    if (typeof price === 'number') units[unit] = perUnit(price, count);
  }
  return Object.keys(units).length === 0 ? rates : { ...rates, units };
}

const seconds = (time: string): number => {
  const match = /^(\d\d):(\d\d):(\d\d)Z$/.exec(time);
  if (match === null) throw new Error(`a time of day that this generator does not read: ${time}`);
  return Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]);
};

function conditionOf(price: ConditionalPrice): Rates {
  const { constraint } = price;
  const rates = ratesOf(price.prices);
  if (constraint === undefined) return rates;
  if (constraint.type === 'start_date') return { from: Date.parse(`${constraint.start_date}T00:00:00Z`), ...rates };
  return { daily: [seconds(constraint.start_time), seconds(constraint.end_time)], ...rates };
}

function pricesOf(model: ModelInfo): readonly Rates[] {
  if (Array.isArray(model.prices)) return model.prices.map(conditionOf);
  // An entry without any price is a free one only where its name says so; elsewhere the price is unknown.
  if (Object.keys(model.prices).length === 0) return model.id.endsWith(':free') ? [{ input: 0, output: 0 }] : [];
  return [ratesOf(model.prices)];
}

function matchOf(logic: MatchLogic): Match {
  if ('or' in logic) return { or: logic.or.map(matchOf) };
  if ('and' in logic) return { and: logic.and.map(matchOf) };
  if ('equals' in logic) return `=${logic.equals.toLowerCase()}`;
  if ('starts_with' in logic) return `^${logic.starts_with.toLowerCase()}`;
  if ('ends_with' in logic) return `$${logic.ends_with.toLowerCase()}`;
  if ('contains' in logic) return `~${logic.contains.toLowerCase()}`;
  return `/${logic.regex}`;
}

const modelOf = (model: ModelInfo): ModelPrices => ({ id: model.id, match: matchOf(model.match), prices: pricesOf(model) });

const listOf = (provider: Provider): PriceList => ({
  fallback: provider.fallback_model_providers ?? [],
  models: provider.models.map(modelOf),
});

const indent = (text: string): string => text.replace(/\n/g, '\n ');

/** One model a line, so that a new catalogue reads as a diff. */
function print(catalogue: PriceCatalogue): string {
  const lists = Object.entries(catalogue.lists).map(([name, { fallback, models }]) => {
    const lines = models.map((model) => `\n${JSON.stringify(model)}`).join(',');
    return `\n${JSON.stringify(name)}:{"fallback":${JSON.stringify(fallback)},"models":[${indent(lines)}]}`;
  });
  return `{"version":${JSON.stringify(catalogue.version)},\n"source":${JSON.stringify(catalogue.source)},\n"notice":${JSON.stringify(catalogue.notice)},\n"lists":{${lists.join(',')}}}\n`;
}

/** The whole text of the table. */
export async function generatePrices(): Promise<string> {
  const providers = await waitForUpdate();
  if (providers === null) throw new Error('the catalogue package gave no data');
  const { name, version } = JSON.parse(fs.readFileSync(new URL('package.json', PACKAGE), 'utf8')) as { name: string; version: string };
  return print({
    version: `genai-prices@${version}`,
    source: `Generated by tools/generate-prices.ts from ${name} ${version}. Picodollars per token and per unit. Do not edit.`,
    notice: fs.readFileSync(new URL('LICENSE', PACKAGE), 'utf8').trim(),
    lists: Object.fromEntries(providers.map((provider) => [provider.id, listOf(provider)])),
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) fs.writeFileSync(TARGET, await generatePrices());
