import type { Unit } from '../core/usage.ts';
import table from './prices/catalogue.json' with { type: 'json' };
import corrections from './prices/corrections.json' with { type: 'json' };

/** Whole picodollars per token: one number, or a base followed by pairs of (above how many input tokens, price). */
export type Rate = number | readonly number[];

/** What a model costs under one condition. An absent rate falls back to the one it is a part of. */
export interface Rates {
  /** Unix milliseconds from which these prices hold; absent: always did. */
  readonly from?: number;
  /** Seconds of the UTC day [start, end) in which they hold. */
  readonly daily?: readonly number[];
  readonly input?: Rate;
  readonly output?: Rate;
  readonly cachedInput?: Rate;
  readonly cacheWrite?: Rate;
  readonly cacheWrite1h?: Rate;
  readonly reasoning?: Rate;
  readonly inputAudio?: Rate;
  readonly outputAudio?: Rate;
  readonly cachedAudio?: Rate;
  readonly inputImage?: Rate;
  readonly outputImage?: Rate;
  readonly cachedImage?: Rate;
  /** Picodollars per request. */
  readonly request?: number;
  /** Picodollars per unit of what is not counted in tokens. */
  readonly units?: Readonly<Partial<Record<Unit, number>>>;
  /** Units whose price is for the call, however many of them it used: a grounded prompt. */
  readonly once?: readonly Unit[];
}

/** A test on a lower-case model name. The first character says which: `=` equal, `^` prefix, `$` suffix, `~` contains, `/` regular expression. */
export type Match = string | { readonly or: readonly Match[] } | { readonly and: readonly Match[] };

export interface ModelPrices {
  readonly id: string;
  readonly match: Match;
  /** The last one whose condition holds counts. Empty: the catalogue knows the model but not its price per token. */
  readonly prices: readonly Rates[];
  /** Where the prices were read, and the day. */
  readonly source?: string;
  readonly seen?: string;
}

export interface PriceList {
  /** Other lists to look in for a model that this one does not have. */
  readonly fallback?: readonly string[];
  /** The first whose `match` holds counts. */
  readonly models: readonly ModelPrices[];
}

export interface PriceCatalogue {
  readonly version: string;
  readonly source: string;
  readonly notice: string;
  readonly lists: Readonly<Record<string, PriceList>>;
}

export const CATALOGUE: PriceCatalogue = table;

/** What vendors publish otherwise than the catalogue says, or what it does not have yet. In front of it; by hand. */
export const CORRECTIONS: Pick<PriceCatalogue, 'version' | 'lists'> = corrections as Pick<PriceCatalogue, 'version' | 'lists'>;

/** Turns a test into a function once, so that a lookup builds no regular expression. The patterns are the catalogue's, never a client's. */
export function compileMatch(match: Match): (model: string) => boolean {
  if (typeof match === 'object') {
    if ('or' in match) {
      const parts = match.or.map(compileMatch);
      return (model) => parts.some((part) => part(model));
    }
    const parts = match.and.map(compileMatch);
    return (model) => parts.every((part) => part(model));
  }
  const text = match.slice(1);
  switch (match[0]) {
    case '=':
      return (model) => model === text;
    case '^':
      return (model) => model.startsWith(text);
    case '$':
      return (model) => model.endsWith(text);
    case '~':
      return (model) => model.includes(text);
    case '/': {
      const pattern = new RegExp(text);
      return (model) => pattern.test(model);
    }
    default:
      throw new Error(`price catalogue: unknown test ${match}`);
  }
}
