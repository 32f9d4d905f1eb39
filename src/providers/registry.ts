import { anthropic } from './anthropic.ts';
import { azureOpenai, azureOpenaiDeployments } from './azure.ts';
import { bedrock } from './bedrock.ts';
import { compatibleKinds } from './compatible.ts';
import { gemini } from './gemini.ts';
import { cohere } from './cohere.ts';
import { mistral } from './mistral.ts';
import { ollama } from './ollama.ts';
import { openai, sandbox } from './openai.ts';
import type { ProviderKind } from './provider-kind.ts';
import { vertex, vertexAnthropic } from './vertex.ts';

/** Every kind of provider, by the name a configuration uses. One in OpenAI's format is a row of the catalogue; another is a file and a name here. */
export const PROVIDER_KINDS: ReadonlyMap<string, ProviderKind> = new Map(
  [
    openai,
    azureOpenai,
    azureOpenaiDeployments,
    anthropic,
    bedrock,
    gemini,
    vertex,
    vertexAnthropic,
    cohere,
    mistral,
    ollama,
    sandbox,
    ...compatibleKinds,
  ].map((kind) => [kind.kind, kind]),
);
