import { ALWAYS_SHOWN, CATALOGUE } from '../src/config/catalogue/catalogue.ts';
import type { CatalogueRow } from '../src/config/catalogue/row.ts';
import type { ProviderAuth } from '../src/config/config.ts';
import type { MemberRules } from '../src/providers/provider-kind.ts';
import { PROVIDER_KINDS } from '../src/providers/registry.ts';

/** The reference page of providers, from the catalogue and the kinds made of it. */

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');
const code = (text: string): string => `\`${text}\``;

function authOf(auth: ProviderAuth): string {
  switch (auth.scheme) {
    case 'none':
      return 'none';
    case 'bearer':
      return 'bearer';
    case 'header':
      return code(auth.name);
    case 'aws-sigv4':
      return 'AWS signature';
    case 'google-service-account':
      return 'service account';
    case 'azure-ad':
      return 'Entra ID';
  }
}

/** Operations by name; the protocols are named where there is more than the usual one. */
function operationsOf({ kind }: CatalogueRow): string {
  const operations = Object.entries(PROVIDER_KINDS.get(kind)?.operations ?? {});
  return operations
    .map(
      ([name, ways]) =>
        `${name} (${ways.map(({ protocol, models }) => protocol + (models === undefined ? '' : ` for ${models.join(', ')}`)).join(', ')})`,
    )
    .join('; ');
}

const settingsOf = ({ settings }: CatalogueRow): string =>
  settings
    .map(({ name, what, byDefault }) => `${code(name)} (${byDefault === undefined ? 'required' : code(byDefault)}): ${what}`)
    .join(' ') || '–';

function rulesOf({ remove, reject, rename, add, fromHeaders }: MemberRules): readonly string[] {
  return [
    ...(remove === undefined ? [] : [`${remove.map(code).join(', ')} taken out (said elsewhere)`]),
    ...(reject === undefined ? [] : [`${reject.map(code).join(', ')} refused there, so dropped`]),
    ...Object.entries(rename ?? {}).map(([from, to]) => `${code(from)} sent as ${code(to)}`),
    ...(add ?? []).map(([name, json]) => `${code(name)}: ${code(json)} added`),
    ...Object.entries(fromHeaders ?? {}).map(([header, member]) => `header ${code(header)} moved into ${code(member)}`),
  ];
}

function quirksOf(row: CatalogueRow): string {
  const kind = PROVIDER_KINDS.get(row.kind);
  const rules = Object.entries(kind?.operations ?? {}).flatMap(([name, ways]) =>
    ways.flatMap(({ members }) => (members === undefined ? [] : rulesOf(members).map((text) => `${name}: ${text}`))),
  );
  const usage = kind?.streamUsage === false && row.offers?.chat !== undefined ? ['`stream_options` is not asked for'] : [];
  return [...new Set(rules), ...usage, ...(row.remark === undefined ? [] : [row.remark])].join('. ').replaceAll('..', '.') || '–';
}

const addressOf = ({ baseUrl }: CatalogueRow): string => (baseUrl === null ? '`base_url`' : code(baseUrl));

const provedOf = ({ proved, unrecorded = [] }: CatalogueRow): string =>
  [proved ? 'proved' : '*unproved*', ...unrecorded.map((operation) => `${operation} *unproved*`)].join('; ');

const rowOf = (row: CatalogueRow): readonly string[] => [code(row.kind), row.title, addressOf(row), authOf(row.auth), provedOf(row)];

const detailOf = (row: CatalogueRow): readonly string[] => [code(row.kind), operationsOf(row), settingsOf(row), quirksOf(row)];

const PLACES = [
  [
    'public',
    'Providers that need no declaration',
    `One exists as soon as it has a credential, \`bulkhead credential add groq\` for instance, and serves any of its models as \`groq/<model>\`; ${[...ALWAYS_SHOWN].map(code).join(' and ')} are shown before. Naming one in \`bulkhead.yaml\` changes it.`,
  ],
  [
    'declared',
    'Providers to declare',
    'Their address is not the same for everybody: declare one under a name of your own, with its settings.',
  ],
  [
    'own',
    'Servers of your own',
    'Without `base_url` the address here is meant, on this machine; any other address on a private network is declared with `private: true`. They cost nothing unless `price_list` says otherwise.',
  ],
] as const;

function section(place: CatalogueRow['place'], title: string, words: string): readonly string[] {
  const rows = CATALOGUE.filter((row) => row.place === place);
  return [
    `## ${title}`,
    words,
    table(['kind', 'provider', 'address', 'credential sent as', 'recorded traffic'], rows.map(rowOf)),
    table(['kind', 'operations (and protocols, best first)', 'settings', 'quirks'], rows.map(detailOf)),
  ];
}

export const providersPage = (generated: string): string =>
  [
    '# Providers',
    generated,
    `${CATALOGUE.filter(({ place }) => place !== 'variant').length} kinds. *Proved*: the tests hold it to recorded traffic of that provider. *Unproved*: the row follows the provider’s documentation alone. What is not here works as \`openai-compatible\` or \`anthropic-compatible\` with a \`base_url\`. A client’s own protocol is taken where the provider speaks it; else the first that it can be translated to ([protocols](protocols.md)).`,
    ...PLACES.flatMap(([place, title, words]) => section(place, title, words)),
    '`azure-openai` with `api: deployments` has the URLs /deployments/<model>/… of older API versions, without Responses. Keys of a provider that are in the environment at the first start are named there, and used only when you adopt them with `bulkhead credential add <name> --from-env <variable>`.',
    '',
  ].join('\n\n');
