/** Model names to ordered targets: exact aliases first, then prefix aliases such as `openai/`. Pure. */

export interface Target<Provider extends string = string> {
  readonly provider: Provider;
  /** The provider's own model name. */
  readonly model: string;
  /** The model behind a name that does not tell it. */
  readonly baseModel?: string | undefined;
}

/** The shape of a policy's model row. */
export interface ModelRule<Provider extends string = string> {
  readonly alias: string;
  readonly targets: readonly Target<Provider>[];
  /** True: `alias` ends in `/` and the rest of the asked name is the provider's model. */
  readonly prefix: boolean;
}

export interface Resolved<Provider extends string = string> {
  readonly rule: ModelRule<Provider>;
  readonly targets: readonly Target<Provider>[];
}

/** Longest name of a model that is looked up or repeated in an answer. */
const MAX_NAME = 256;

export class ModelTable<Provider extends string = string> {
  readonly #exact: ReadonlyMap<string, Resolved<Provider>>;
  /** Longest first, so that `openai/eu/` wins over `openai/`. */
  readonly #prefixes: readonly ModelRule<Provider>[];

  constructor(rules: readonly ModelRule<Provider>[]) {
    this.#exact = new Map(rules.filter((rule) => !rule.prefix).map((rule) => [rule.alias, { rule, targets: rule.targets }]));
    this.#prefixes = rules.filter((rule) => rule.prefix).sort((a, b) => b.alias.length - a.alias.length);
  }

  resolve(name: string): Resolved<Provider> | undefined {
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    if (name.length > MAX_NAME) return undefined;
    const rule = this.#prefixes.find(({ alias }) => name.length > alias.length && name.startsWith(alias));
    if (rule === undefined) return undefined;
    const rest = name.slice(rule.alias.length);
    return { rule, targets: rule.targets.map(({ provider }) => ({ provider, model: rest })) };
  }

  /** Exact aliases a key may use, sorted by the policy. `allowed` absent: all. */
  aliases(allowed: readonly string[] | undefined): readonly string[] {
    return [...this.#exact.values()].filter(({ rule }) => mayUse(allowed, rule.alias, rule)).map(({ rule }) => rule.alias);
  }

  /** What a refusal tells a key it may use: exact aliases, then `openai/*` for prefixes. */
  choices(allowed: readonly string[] | undefined): readonly string[] {
    const prefixes = this.#prefixes.filter(
      ({ alias }) => allowed === undefined || allowed.some((entry) => entry.startsWith(alias) || isWithin(alias, entry)),
    );
    return [...this.aliases(allowed), ...prefixes.map(({ alias }) => `${alias}*`)];
  }
}

const ALL = '*';

/** An entry allows the very name, all below a prefix (`openai/*`, or `openai/` where that is an alias), or everything (`*`). */
export function mayUse(allowed: readonly string[] | undefined, name: string, rule: ModelRule): boolean {
  if (allowed === undefined || allowed.includes(name)) return true;
  if (rule.prefix && allowed.includes(rule.alias)) return true;
  return allowed.some((entry) => isWithin(name, entry));
}

const isWithin = (name: string, entry: string): boolean =>
  entry === ALL || (entry.endsWith('/*') && name.length > entry.length - 1 && name.startsWith(entry.slice(0, -1)));
