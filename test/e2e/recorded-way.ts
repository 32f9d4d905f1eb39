import { rowOf } from '../../src/config/catalogue/catalogue.ts';
import { operationFor } from '../../src/providers/operation-for.ts';
import { PROVIDER_KINDS } from '../../src/providers/registry.ts';
import type { Operation } from '../../src/routing/operation.ts';
import type { WireProtocolId } from '../../src/wire/protocol.ts';
import { canTranslate } from '../../src/wire/registry.ts';
import { listCases, type CaseIndex } from '../replay/cases.ts';

/** One provider of the configuration for each that was recorded, all of them at the replayed upstream, and how a recording is reached through them. */

/** What a kind is called where the recorded provider has none of its own. */
const KIND_OF: Readonly<Record<string, string>> = {
  'gemini-openai': 'openai-compatible',
  'bedrock-openai': 'openai-compatible',
  /** For recordings in a protocol that their own kind would not choose for this client. */
  'chat-only': 'openai-compatible',
};
const FALLBACK = 'chat-only';

/** Parts of model names by which kinds tell protocols apart; the replay passes over them. */
const MODEL_MARKS = ['', '|anthropic.claude', '|gpt-5-codex', '|cohere.embed', '|amazon.titan-embed', '|cohere.rerank'];

const kindOf = (provider: string): string => KIND_OF[provider] ?? provider;
const isKind = (provider: string): boolean => PROVIDER_KINDS.has(kindOf(provider));

const NAMES: readonly string[] = [...new Set([...listCases().map(({ provider }) => provider), FALLBACK])].filter(isKind);

/** `providers:` of a bulkhead.yaml. */
export function providersAt(origin: string): string {
  const lines = NAMES.map((name) => {
    const settings = rowOf(kindOf(name)).settings.flatMap((row) => (row.byDefault === undefined ? [`, ${row.name}: any`] : []));
    return `  ${name}: { kind: ${kindOf(name)}, base_url: "${origin}/base", private: true, auth: none${settings.join('')} }\n`;
  });
  return `providers:\n${lines.join('')}`;
}

export interface Asked {
  readonly operation: Operation;
  readonly client: WireProtocolId;
  /** In which the recording is. */
  readonly recorded: WireProtocolId;
}

/** The model by which a client reaches a recording, with the replay's options behind it; undefined where no kind asks in its protocol for this client. */
export function modelFor(entry: CaseIndex, { operation, client, recorded }: Asked, options = ''): string | undefined {
  for (const provider of [entry.provider, FALLBACK]) {
    for (const mark of MODEL_MARKS) {
      const model = `case:${entry.case.replaceAll('/', '~')}${options}${mark}`;
      const offered = PROVIDER_KINDS.get(kindOf(provider))?.operations[operation] ?? [];
      if (operationFor(offered, { protocol: client, model }, canTranslate)?.protocol === recorded) return `${provider}/${model}`;
    }
  }
  return undefined;
}
