import type { Rate, Rates } from '../accounting/catalogue.ts';
import { scaledDecimal } from '../accounting/decimal.ts';
import type { OperatorPrice, OperatorShare } from '../accounting/operator-prices.ts';
import { FEE_WORDS, TOKEN_WORDS } from '../accounting/rate-names.ts';
import type { Unit } from '../core/usage.ts';
import type { PriceConfig } from './config.ts';
import type { Complain, Path } from './document.ts';
import type { PriceWords, ShareWords, TokenPrices } from './price-schema.ts';
import type { ConfigFile } from './schema.ts';
import { closest } from './suggest.ts';

/** bulkhead.yaml's `prices`, `discounts` and `margins`: dollars and percent in digits become whole picodollars and millionths. */

/** Dollars per million tokens are picodollars per token with six decimals; a dollar has 10¹² picodollars. */
const TOKEN_DECIMALS = 6;
const FEE_DECIMALS = 12;
/** Percent with four decimals are millionths. */
const PERCENT_DECIMALS = 4;
const MOST_DISCOUNT = 1_000_000;
const MOST_MARGIN = 100_000_000;

type TokenWord = keyof typeof TOKEN_WORDS;
const TOKEN_NAMES = Object.keys(TOKEN_WORDS) as readonly TokenWord[];

export function resolvePrices(source: ConfigFile, providers: readonly string[], complain: Complain): PriceConfig {
  const reader = new PriceReader(providers, complain);
  return {
    entries: source.prices.map((words, i) => reader.price(words, ['prices', i])),
    discounts: source.discounts.map((words, i) => reader.share(words, ['discounts', i], MOST_DISCOUNT)),
    margins: source.margins.map((words, i) => reader.share(words, ['margins', i], MOST_MARGIN)),
  };
}

/** Whatever it complains of, it still gives a value. */
class PriceReader {
  readonly #providers: readonly string[];
  readonly #complain: Complain;

  constructor(providers: readonly string[], complain: Complain) {
    this.#providers = providers;
    this.#complain = complain;
  }

  price(words: PriceWords, path: Path): OperatorPrice {
    this.#checkNames(words, path);
    const tokens = this.#tokens(words, path);
    const units = this.#fees(words, path);
    const request = words.per_request === undefined ? undefined : this.#amount(words.per_request, FEE_DECIMALS, [...path, 'per_request']);
    const tiers = Object.entries(words.tiers).map(([name, tier]) => [name, this.#tokens(tier, [...path, 'tiers', name])] as const);
    if (Object.keys(tokens).length === 0 && units === undefined && request === undefined)
      this.#complain(path, 'a price that names none', 'Name input, output or a fee such as per_image.');
    return {
      provider: words.provider,
      model: words.model.toLowerCase(),
      ...this.#validity(words, path),
      rates: { ...tokens, ...(request === undefined ? {} : { request }), ...(units === undefined ? {} : { units }) },
      ...(tiers.length === 0 ? {} : { tiers: Object.fromEntries(tiers) }),
    };
  }

  share(words: ShareWords, path: Path, most: number): OperatorShare {
    this.#checkNames(words, path);
    const ppm = this.#amount(words.percent, PERCENT_DECIMALS, [...path, 'percent']);
    if (ppm > most)
      this.#complain([...path, 'percent'], `more than ${most / 10_000} percent`, 'Write the part in percent: 12.5 is an eighth.');
    return {
      provider: words.provider,
      credential: words.credential,
      model: words.model?.toLowerCase(),
      ...this.#validity(words, path),
      ppm,
    };
  }

  #checkNames({ provider }: { readonly provider?: string | undefined }, path: Path): void {
    if (provider === undefined || this.#providers.includes(provider)) return;
    const meant = closest(provider, this.#providers);
    this.#complain(
      [...path, 'provider'],
      'there is no such provider',
      meant === undefined ? 'Name one of providers, or a public one.' : `Did you mean ${meant}?`,
    );
  }

  #validity({ from, until }: Pick<PriceWords, 'from' | 'until'>, path: Path): Pick<OperatorPrice, 'from' | 'until'> {
    const [begins, ends] = [this.#moment(from, [...path, 'from']), this.#moment(until, [...path, 'until'])];
    if (begins !== undefined && ends !== undefined && begins >= ends)
      this.#complain([...path, 'until'], 'until is not after from', 'Give a later day, or leave it out.');
    return { ...(begins === undefined ? {} : { from: begins }), ...(ends === undefined ? {} : { until: ends }) };
  }

  #moment(text: string | undefined, path: Path): number | undefined {
    if (text === undefined) return undefined;
    const at = Date.parse(text);
    // A day that does not exist, such as 30 February, is moved by some parsers and refused by others.
    if (Number.isFinite(at) && at >= 0 && (text.length > 10 || new Date(at).toISOString().startsWith(text))) return at;
    this.#complain(path, 'there is no such day or time', 'Write it like 2027-01-31.');
    return undefined;
  }

  #fees(words: PriceWords, path: Path): Rates['units'] {
    const units: Partial<Record<Unit, number>> = {};
    for (const [name, unit] of Object.entries(FEE_WORDS)) {
      const value = words[name as keyof typeof FEE_WORDS];
      if (value !== undefined) units[unit] = this.#amount(value, FEE_DECIMALS, [...path, name]);
    }
    return Object.keys(units).length === 0 ? undefined : units;
  }

  #tokens(words: TokenPrices, path: Path): Rates {
    const named = TOKEN_NAMES.filter((name) => words[name] !== undefined || words.above.some((tier) => tier[name] !== undefined));
    if (named.length > 0 && words.input === undefined && words.output === undefined)
      this.#complain(path, 'prices per token without input or output', 'Name input, output or both: what is not named costs as they do.');
    words.above.forEach(({ tokens }, i) => {
      if (i > 0 && tokens <= (words.above[i - 1]?.tokens ?? 0))
        this.#complain([...path, 'above', i, 'tokens'], 'the sizes do not rise', 'Order above by rising tokens.');
    });
    return Object.fromEntries(named.map((name) => [TOKEN_WORDS[name], this.#rate(words, name, path)]));
  }

  #rate(words: TokenPrices, name: TokenWord, path: Path): Rate {
    const own = words[name];
    if (own === undefined) {
      this.#complain([...path, 'above'], `${name} has a price for large inputs alone`, `Name ${name} itself too.`);
      return 0;
    }
    let price = this.#amount(own, TOKEN_DECIMALS, [...path, name]);
    const rate = [price];
    words.above.forEach((tier, i) => {
      const higher = tier[name];
      if (higher !== undefined) price = this.#amount(higher, TOKEN_DECIMALS, [...path, 'above', i, name]);
      rate.push(tier.tokens, price);
    });
    return rate.length === 1 ? price : rate;
  }

  #amount(value: string | number, decimals: number, path: Path): number {
    const amount = scaledDecimal(value, decimals);
    if (amount !== undefined && amount <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(amount);
    const [reason, remedy] =
      amount === undefined
        ? [`an amount with more than ${decimals} decimals`, `Write it in digits with at most ${decimals} decimals.`]
        : ['an amount that is too large', 'Check the unit: prices are dollars per million tokens, or dollars each.'];
    this.#complain(path, reason, remedy);
    return 0;
  }
}
