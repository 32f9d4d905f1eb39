import { CATALOGUE } from '../config/catalogue/catalogue.ts';
import type { CatalogueRow, Offer, OfferRow, Offers } from '../config/catalogue/row.ts';
import type { Operation } from '../routing/operation.ts';
import type { WireProtocolId } from '../wire/protocol.ts';
import { listed } from './listed.ts';
import type { MemberRules, ProviderKind, ProviderOperation } from './provider-kind.ts';

/** Which operation an offer of the catalogue serves, and how it is spoken. */
const SPOKEN: Readonly<Record<Offer, readonly [Operation, WireProtocolId]>> = {
  chat: ['chat', 'openai-chat'],
  responses: ['chat', 'openai-responses'],
  messages: ['chat', 'anthropic-messages'],
  completions: ['completions', 'openai-completions'],
  embeddings: ['embeddings', 'openai-embeddings'],
  rerank: ['rerank', 'jina-rerank'],
  moderations: ['moderations', 'openai-moderations'],
  images: ['images', 'openai-images'],
  'image-edits': ['image-edits', 'openai-images'],
  'image-variations': ['image-variations', 'openai-images'],
  transcriptions: ['transcriptions', 'openai-audio'],
  translations: ['translations', 'openai-audio'],
  speech: ['speech', 'openai-audio'],
};

/** The catalogue's rows that need no code, as kinds. */
export const compatibleKinds: readonly ProviderKind[] = CATALOGUE.flatMap((row) =>
  row.offers === undefined ? [] : [compatible(row, row.offers)],
);

function compatible(row: CatalogueRow, offers: Offers): ProviderKind {
  const speaksAnthropic = offers.messages !== undefined;
  return {
    ...listed(row.kind),
    headers: speaksAnthropic ? [['anthropic-version', '2023-06-01']] : [],
    clientHeaders: speaksAnthropic ? ['anthropic-beta', 'anthropic-version'] : [],
    operations: operationsOf(offers),
    defaultMaxTokens: 4096,
    probe: { method: 'GET', path: row.probe ?? '/models' },
    streamUsage: row.streamUsage ?? true,
  };
}

/** The order of the offers is the order of preference. */
function operationsOf(offers: Offers): ProviderKind['operations'] {
  const operations: Partial<Record<Operation, readonly ProviderOperation[]>> = {};
  for (const [offer, row] of Object.entries(offers) as readonly (readonly [Offer, OfferRow])[]) {
    const [operation, protocol] = SPOKEN[offer];
    const members = rulesOf(row);
    const spoken: ProviderOperation = { protocol, path: row.path, ...(row.models && { models: row.models }), ...(members && { members }) };
    operations[operation] = [...(operations[operation] ?? []), spoken];
  }
  return operations;
}

function rulesOf({ reject, rename }: OfferRow): MemberRules | undefined {
  return reject === undefined && rename === undefined ? undefined : { ...(reject && { reject }), ...(rename && { rename }) };
}
