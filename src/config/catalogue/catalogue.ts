/** Every kind of provider that Bulkhead knows, as rows of one table; a new one in OpenAI's format is a row here and nothing else. */
import { HOSTED_ROWS } from './hosted.ts';
import { MORE_HOSTED_ROWS } from './hosted-more.ts';
import { NATIVE_ROWS } from './native.ts';
import { OWN_SERVER_ROWS } from './own-server.ts';
import type { CatalogueRow } from './row.ts';

export const CATALOGUE: readonly CatalogueRow[] = [...NATIVE_ROWS, ...HOSTED_ROWS, ...MORE_HOSTED_ROWS, ...OWN_SERVER_ROWS];

const BY_KIND: ReadonlyMap<string, CatalogueRow> = new Map(CATALOGUE.map((row) => [row.kind, row]));

/** The row of a kind that exists. Throws for another: whoever asks has the name from the catalogue itself. */
export function rowOf(kind: string): CatalogueRow {
  const row = BY_KIND.get(kind);
  if (row === undefined) throw new Error(`the catalogue has no kind ${kind}`);
  return row;
}

/** What bulkhead.yaml may name as `kind`. */
export const KINDS: readonly string[] = CATALOGUE.filter(({ place }) => place !== 'variant').map(({ kind }) => kind);

/** Kinds that are providers without being declared, named like their kind. */
export const BUILT_IN_KINDS: readonly string[] = CATALOGUE.filter(({ place }) => place === 'public').map(({ kind }) => kind);

/** Built-in providers that are shown before they have a credential; the others would only clutter. */
export const ALWAYS_SHOWN: ReadonlySet<string> = new Set(['openai', 'anthropic']);

/** The kind whose key a variable of the environment usually holds. */
export const kindOfVariable = (name: string): string | undefined =>
  CATALOGUE.find(({ environment, place }) => place === 'public' && environment.includes(name))?.kind;

/** Variables that are looked for at a first start: keys of providers that exist without being declared. */
export const KEY_VARIABLES: readonly string[] = CATALOGUE.filter(({ place }) => place === 'public').flatMap(
  ({ environment }) => environment,
);
