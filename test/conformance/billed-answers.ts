import { scaledDecimal } from '../../src/accounting/decimal.ts';
import { listCases, readAnswer } from '../replay/cases.ts';

/** Some providers say in an answer what they charged for it: a price list nobody copied by hand. */

export interface BilledAnswer {
  readonly of: string;
  readonly model: string;
  /** Picodollars. */
  readonly costs: bigint;
  /** How coarse the provider's figure is, picodollars; 0: exact. */
  readonly roundedTo: bigint;
  readonly at: number;
}

const NOW = Date.parse('2026-11-20T12:00:00Z');
const PICODOLLARS = 12;
/** xAI counts in 10⁻¹⁰ dollars. */
const TICK = 100n;
/** Perplexity tells thousandths of a cent. */
const THOUSANDTH_CENT = 10_000_000n;

const BILLS = [
  [/"total_cost":([0-9.e-]+)/g, (digits: string) => scaledDecimal(digits, PICODOLLARS)],
  [/"cost_in_usd_ticks":(\d+)/g, (digits: string) => BigInt(digits) * TICK],
  [/"cost":([0-9.e-]+)/g, (digits: string) => scaledDecimal(digits, PICODOLLARS)],
] as const;

function billOf(text: string): bigint | undefined {
  for (const [pattern, read] of BILLS) {
    const last = [...text.matchAll(pattern)].at(-1)?.[1];
    if (last !== undefined) return read(last);
  }
  return undefined;
}

const createdAt = (text: string): number => {
  const seconds = Number(/"created(?:_at)?":(\d{10})\b/.exec(text)?.[1] ?? 0);
  return seconds > 1_600_000_000 ? seconds * 1000 : NOW;
};

export const billedAnswers = (): readonly BilledAnswer[] =>
  listCases().flatMap(({ case: of, provider, model, status }) => {
    if (status !== 200 || model === null || !['xai', 'perplexity', 'openrouter'].includes(provider)) return [];
    const text = readAnswer(of).body.toString('utf8');
    const costs = billOf(text);
    const roundedTo = provider === 'perplexity' ? THOUSANDTH_CENT : 0n;
    return costs === undefined ? [] : [{ of, model, costs, roundedTo, at: createdAt(text) }];
  });
