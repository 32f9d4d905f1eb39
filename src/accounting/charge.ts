import { NO_USAGE, UNITS, type TokenUsage, type Unit, type Units } from '../core/usage.ts';
import type { Rate, Rates } from './catalogue.ts';

/** What a line of a price is for. Tokens, then fees; `request` is the fee for the call itself. */
export type PriceItem =
  | 'input'
  | 'cached_input'
  | 'cache_write'
  | 'cache_write_1h'
  | 'input_audio'
  | 'cached_audio'
  | 'input_image'
  | 'cached_image'
  | 'output'
  | 'reasoning'
  | 'output_audio'
  | 'output_image'
  | 'request'
  | Unit;

/** So many of something at so many picodollars each. Both are whole numbers. */
export interface PriceLine {
  readonly item: PriceItem;
  readonly quantity: number;
  readonly rate: number;
}

export const lineCost = ({ quantity, rate }: PriceLine): bigint => BigInt(quantity) * BigInt(rate);

/** Tiers count by the whole input: above its start, a tier prices every token of the call. */
function rateFor(rate: Rate, inputTokens: number): number {
  if (typeof rate === 'number') return rate;
  let price = rate[0] as number;
  for (let i = 1; i < rate.length; i += 2) if (inputTokens > (rate[i] as number)) price = rate[i + 1] as number;
  return price;
}

/** The start of the tier that `rateFor` takes; undefined: the base. */
export function tierStart(rate: Rate | undefined, inputTokens: number): number | undefined {
  if (rate === undefined || typeof rate === 'number') return undefined;
  let start: number | undefined;
  for (let i = 1; i < rate.length; i += 2) if (inputTokens > (rate[i] as number)) start = rate[i];
  return start;
}

/** Gathers the lines of one call; `isPriced` falls when there are tokens of a kind without any price. */
class TokenLines {
  readonly lines: PriceLine[] = [];
  readonly #input: number;
  isPriced = true;

  constructor(input: number) {
    this.#input = input;
  }

  /** The first rate that is there counts: a part without a price of its own costs what the whole does. */
  add(item: PriceItem, quantity: number, own: Rate | undefined, whole: Rate | undefined): void {
    if (quantity === 0) return;
    const rate = own ?? whole;
    if (rate === undefined) this.isPriced = false;
    else this.lines.push({ item, quantity, rate: rateFor(rate, this.#input) });
  }
}

/** Undefined when there are tokens of a kind for which these rates have no price at all. */
export function tokenLines(usage: TokenUsage, rates: Rates): PriceLine[] | undefined {
  const lines = new TokenLines(usage.input);
  addInput(lines, usage, rates);
  addOutput(lines, usage, rates);
  return lines.isPriced ? lines.lines : undefined;
}

function addInput(lines: TokenLines, usage: TokenUsage, rates: Rates): void {
  const { input, cachedInput, cacheWrite, cacheWrite1h, inputAudio, inputImage = 0 } = usage;
  // Sound and pictures may lie in the cache as well: what does not fit into the rest was read from there, and is charged once.
  const uncached = Math.max(0, input - cachedInput - cacheWrite - cacheWrite1h);
  const spoken = Math.min(inputAudio, uncached);
  const pictured = Math.min(inputImage, uncached - spoken);
  const cachedSpoken = Math.min(inputAudio - spoken, cachedInput);
  const cachedPictured = Math.min(inputImage - pictured, cachedInput - cachedSpoken);
  lines.add('input', uncached - spoken - pictured, rates.input, undefined);
  lines.add('input_audio', spoken, rates.inputAudio, rates.input);
  lines.add('input_image', pictured, rates.inputImage, rates.input);
  lines.add('cached_input', cachedInput - cachedSpoken - cachedPictured, rates.cachedInput, rates.input);
  lines.add('cached_audio', cachedSpoken, rates.cachedAudio ?? rates.cachedInput, rates.input);
  lines.add('cached_image', cachedPictured, rates.cachedImage ?? rates.cachedInput, rates.input);
  lines.add('cache_write', cacheWrite, rates.cacheWrite, rates.input);
  lines.add('cache_write_1h', cacheWrite1h, rates.cacheWrite1h ?? rates.cacheWrite, rates.input);
}

function addOutput(lines: TokenLines, usage: TokenUsage, rates: Rates): void {
  const { output, outputAudio, outputImage = 0, reasoning } = usage;
  const spoken = Math.min(outputAudio, output);
  const pictured = Math.min(outputImage, output - spoken);
  const thought = Math.min(reasoning, output - spoken - pictured);
  lines.add('output', output - spoken - pictured - thought, rates.output, undefined);
  lines.add('output_audio', spoken, rates.outputAudio, rates.output);
  lines.add('output_image', pictured, rates.outputImage, rates.output);
  lines.add('reasoning', thought, rates.reasoning, rates.output);
}

const INPUT_PARTS = ['cacheWrite', 'cacheWrite1h', 'inputAudio', 'inputImage'] as const;
const OUTPUT_PARTS = ['reasoning', 'outputAudio', 'outputImage'] as const;

/** What a call uses at most. `units`: what a request for pictures, sound or an order of documents is counted in where its price is not by tokens. */
export interface MostUse {
  readonly input: number;
  readonly output: number;
  readonly units?: Units | undefined;
}

/**
 * The use within these bounds that costs the most. A model that is priced by the unit alone is charged no tokens: nobody has a price for
 * them. One that nobody knows may cost either.
 */
export function mostUse(rates: Rates, { input, output, units }: MostUse): TokenUsage {
  if (units === undefined) return dearestUse(rates, input, output);
  const priced = pricedUnits(rates, units);
  const hasTokens = rates.input !== undefined || rates.output !== undefined;
  if (!hasTokens && priced === undefined) return { ...dearestUse(rates, input, output), units };
  return { ...(hasTokens ? dearestUse(rates, input, output) : NO_USAGE), units: priced };
}

function pricedUnits(rates: Rates, units: Units): Units | undefined {
  const priced = UNITS.filter((unit) => units[unit] !== undefined && rates.units?.[unit] !== undefined);
  return priced.length === 0 ? undefined : Object.fromEntries(priced.map((unit) => [unit, units[unit]]));
}

/** The use of so many tokens that costs the most: all of them of the dearest part. */
function dearestUse(rates: Rates, maxInput: number, maxOutput: number): TokenUsage {
  const rateOf = (rate: Rate | undefined): number => (rate === undefined ? 0 : rateFor(rate, maxInput));
  const dearest = <Part extends keyof TokenUsage & keyof Rates>(whole: Rate | undefined, parts: readonly Part[]): Part | undefined => {
    let [found, most]: [Part | undefined, number] = [undefined, rateOf(whole)];
    for (const part of parts) {
      const rate = rateOf(rates[part] as Rate | undefined);
      if (rate > most) [found, most] = [part, rate];
    }
    return found;
  };
  const input = dearest(rates.input, INPUT_PARTS);
  const output = dearest(rates.output, OUTPUT_PARTS);
  return {
    ...NO_USAGE,
    input: maxInput,
    output: maxOutput,
    ...(input === undefined ? {} : { [input]: maxInput }),
    ...(output === undefined ? {} : { [output]: maxOutput }),
  };
}

/** Where tokens were told, they hold what these count: a picture that cost output tokens is not charged again. */
const IN_TOKENS: ReadonlySet<Unit> = new Set<Unit>(['image', 'second', 'character', 'page']);

/** Adds the fees. Gives the units that have no price here. */
export function addUnitLines(lines: PriceLine[], usage: TokenUsage, rates: Rates): readonly Unit[] {
  if (rates.request !== undefined) lines.push({ item: 'request', quantity: 1, rate: rates.request });
  return usage.units === undefined ? NO_UNITS : unitLines(lines, usage, usage.units, rates);
}

const NO_UNITS: readonly Unit[] = [];

function unitLines(lines: PriceLine[], usage: TokenUsage, units: Units, rates: Rates): readonly Unit[] {
  const unpriced: Unit[] = [];
  const hasTokens = usage.input > 0 || usage.output > 0;
  for (const unit of UNITS) {
    const quantity = units[unit] ?? 0;
    if (quantity === 0) continue;
    const rate = rates.units?.[unit];
    if (rate !== undefined) lines.push({ item: unit, quantity: rates.once?.includes(unit) === true ? 1 : quantity, rate });
    else if (hasTokens && IN_TOKENS.has(unit)) continue;
    // A fee for the request is what its search costs.
    else if (!(unit === 'search' && rates.request !== undefined)) unpriced.push(unit);
  }
  return unpriced;
}
