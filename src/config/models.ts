import type { ProviderId } from '../core/ids.ts';
import type { ModelConfig } from './config.ts';
import type { Complain, Path } from './document.ts';
import { SANDBOX, SANDBOX_MODEL } from './sandbox.ts';
import { asProviderId } from './providers.ts';
import type { ConfigFile } from './schema.ts';
import { closest } from './suggest.ts';

/** What a target may lead to. */
export interface Reachable {
  readonly providers: readonly ProviderId[];
  /** Those worth naming to somebody who named none of them. */
  readonly shown: readonly ProviderId[];
  readonly sandbox: boolean;
}

type Target = ModelConfig['targets'][number];
type Aliases = ConfigFile['models'];

/** Most targets of one alias after aliases of aliases are written out. */
const MAX_TARGETS = 16;
/** Aliases that may lead to one another in a row; it bounds the work that a list of lists can ask for. */
const MAX_STEPS = 3;

/** Declared aliases with their targets written out, then the built-in ones. */
export function resolveModels(aliases: Aliases, reachable: Reachable, complain: Complain): readonly ModelConfig[] {
  const providers = reachable.sandbox ? [...reachable.providers, asProviderId(SANDBOX)] : reachable.providers;
  const known = new Set<string>(providers);
  const resolver: Resolver = { aliases, known, shown: reachable.shown, sandbox: reachable.sandbox, complain };
  const declared = Object.keys(aliases).map((alias): ModelConfig => {
    checkAlias(alias, known, complain);
    return { alias, declared: true, prefix: false, targets: unique(expand(resolver, alias, [alias])).slice(0, MAX_TARGETS) };
  });
  const prefixes = providers.map((provider): ModelConfig => ({
    alias: `${provider}/`,
    declared: false,
    prefix: true,
    targets: [{ provider, model: '' }],
  }));
  const sandbox: ModelConfig = {
    alias: SANDBOX,
    declared: false,
    prefix: false,
    targets: [{ provider: asProviderId(SANDBOX), model: SANDBOX_MODEL }],
  };
  const withSandbox = reachable.sandbox && !Object.hasOwn(aliases, SANDBOX) ? [sandbox] : [];
  return [...declared, ...withSandbox, ...prefixes];
}

interface Resolver {
  readonly aliases: Aliases;
  readonly known: ReadonlySet<string>;
  readonly shown: readonly string[];
  readonly sandbox: boolean;
  readonly complain: Complain;
}

/** An alias that begins like a prefix would shadow a part of what the prefix promises. */
function checkAlias(alias: string, known: ReadonlySet<string>, complain: Complain): void {
  const [first = ''] = alias.split('/', 1);
  if (!alias.includes('/') || !known.has(first)) return;
  complain(
    ['models', alias],
    `the alias ${alias} begins with the name of the provider ${first}`,
    `Choose another name: ${first}/… already reaches every model of that provider.`,
  );
}

/** The targets of `alias`, aliases among them replaced by theirs. `trail` holds the aliases on the way, to see a loop. */
function expand(resolver: Resolver, alias: string, trail: readonly string[]): readonly Target[] {
  const entry = resolver.aliases[alias] ?? [];
  return [entry].flat().flatMap((written, i) => {
    const path: Path = Array.isArray(entry) ? ['models', alias, i] : ['models', alias];
    if (typeof written === 'string') return targetsOf(resolver, written, path, trail);
    if (!Object.hasOwn(resolver.aliases, written.model))
      return targetsOf(resolver, written.model, [...path, 'model'], trail).map((target) => ({ ...target, baseModel: written.base_model }));
    // Told once, where the alias itself is read.
    if (trail.length === 1) complainOfBase(resolver, path, written.model);
    return [];
  });
}

const complainOfBase = (resolver: Resolver, path: Path, alias: string): void =>
  resolver.complain(
    [...path, 'base_model'],
    `${alias} is an alias, which has no model behind it`,
    'Say it where the alias names its target.',
  );

function targetsOf(resolver: Resolver, text: string, path: Path, trail: readonly string[]): readonly Target[] {
  const { aliases, known, complain } = resolver;
  if (Object.hasOwn(aliases, text)) {
    if (trail.length > MAX_STEPS) return complainOfSteps(resolver, path, trail);
    if (!trail.includes(text)) return expand(resolver, text, [...trail, text]);
    // A loop is told once, at the alias that closes it onto where the walk began.
    if (text === trail[0])
      complain(
        path,
        `the alias ${trail.join(' → ')} → ${text} leads back to itself`,
        'Let one of them name a provider’s model, such as openai/gpt-5.6-mini.',
      );
    return [];
  }
  const slash = text.indexOf('/');
  const provider = slash < 0 ? text : text.slice(0, slash);
  const model = slash < 0 ? '' : text.slice(slash + 1);
  if (text === SANDBOX && resolver.sandbox) return [{ provider: asProviderId(SANDBOX), model: SANDBOX_MODEL }];
  if (trail.length > 1 && (!known.has(provider) || model === '')) return []; // told where that alias stands
  if (!known.has(provider)) return complainOfProvider(resolver, provider, slash < 0, path);
  if (model === '' || !/^[\x21-\x7e]{1,200}$/.test(model)) {
    complain(path, `no model is named after ${provider}`, `Write ${provider}/ and the provider’s own name of the model.`);
    return [];
  }
  return [{ provider: asProviderId(provider), model }];
}

/** Told once, where the row begins. */
function complainOfSteps({ complain }: Resolver, path: Path, trail: readonly string[]): readonly Target[] {
  complain(path, `more than ${MAX_STEPS} aliases in a row, from ${trail[0]}`, 'Name the provider’s model directly.');
  return [];
}

function complainOfProvider(
  { aliases, known, shown: named, sandbox, complain }: Resolver,
  provider: string,
  bare: boolean,
  path: Path,
): readonly Target[] {
  if (provider === SANDBOX && !sandbox) {
    complain(path, 'the sandbox is turned off', 'Remove `sandbox: false`, or choose another target.');
    return [];
  }
  const shown = /^[\w.@:+-]{1,64}$/.test(provider) ? ` ${provider}` : '';
  const meant = closest(provider, bare ? [...Object.keys(aliases), ...known] : [...known]);
  const what = bare ? `the target${shown} is neither an alias nor provider/model` : `there is no provider${shown}`;
  complain(
    path,
    what,
    meant === undefined
      ? `Providers: ${named.join(', ')}, and the kinds of docs/reference/providers.md. Declare another under \`providers\`.`
      : `Did you mean ${meant}?`,
  );
  return [];
}

const unique = (targets: readonly Target[]): readonly Target[] => [
  ...new Map(targets.map((target) => [`${target.provider}/${target.model}`, target])).values(),
];
