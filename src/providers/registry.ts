import { anthropic } from './anthropic.ts';
import { openai, openaiCompatible, sandbox } from './openai.ts';
import type { ProviderKind } from './provider-kind.ts';

/** Every kind of provider, by the name a configuration uses. A new one is a row here and its file. */
export const PROVIDER_KINDS: ReadonlyMap<string, ProviderKind> = new Map(
  [openai, openaiCompatible, anthropic, sandbox].map((kind) => [kind.kind, kind]),
);
