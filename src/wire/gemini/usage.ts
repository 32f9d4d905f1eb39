import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import { tokenCount, within } from '../openai-chat/usage.ts';

/** Tokens of sound among `…TokensDetails`. */
function audioOf(details: Json | undefined): number {
  if (!Array.isArray(details)) return 0;
  const sound = (details as readonly Json[]).find((detail) => isJsonObject(detail) && detail['modality'] === 'AUDIO');
  return isJsonObject(sound) ? tokenCount(sound['tokenCount']) : 0;
}

const COUNTS = ['promptTokenCount', 'candidatesTokenCount', 'totalTokenCount', 'thoughtsTokenCount'] as const;

/**
 * Gemini's `usageMetadata`. What its own tools put into the prompt is counted beside the prompt, and reasoning beside the answer: each is added.
 * A prompt that is only in the total is what the total has more. Undefined: these are no figures.
 */
export function geminiUsage(value: Json | undefined): TokenUsage | undefined {
  if (!isJsonObject(value) || COUNTS.every((name) => typeof value[name] !== 'number')) return undefined;
  const reasoning = tokenCount(value['thoughtsTokenCount']);
  const output = tokenCount(value['candidatesTokenCount']) + reasoning;
  const said = tokenCount(value['promptTokenCount']) + tokenCount(value['toolUsePromptTokenCount']);
  const input = typeof value['promptTokenCount'] === 'number' ? said : Math.max(said, tokenCount(value['totalTokenCount']) - output);
  return {
    input,
    output,
    cachedInput: within(input, tokenCount(value['cachedContentTokenCount'])),
    cacheWrite: 0,
    cacheWrite1h: 0,
    reasoning,
    inputAudio: within(input, audioOf(value['promptTokensDetails'])),
    outputAudio: within(output, audioOf(value['candidatesTokensDetails'])),
  };
}

/** OpenAI calls the standard tier `default`. */
export function serviceTierOf(usage: Json | undefined): string | undefined {
  const tier = isJsonObject(usage) ? usage['serviceTier'] : undefined;
  return typeof tier !== 'string' || tier === '' ? undefined : tier === 'standard' ? 'default' : tier;
}

export const tierWord = (tier: string): string => (tier === 'default' ? 'standard' : tier);

const detailsOf = (whole: number, audio: number): readonly JsonObject[] | undefined =>
  audio === 0
    ? undefined
    : [
        { modality: 'TEXT', tokenCount: whole - audio },
        { modality: 'AUDIO', tokenCount: audio },
      ];

/** Our counts in Gemini's words. */
export function encodeUsage(usage: TokenUsage, tier: string | undefined): JsonObject {
  return {
    promptTokenCount: usage.input,
    candidatesTokenCount: usage.output - usage.reasoning,
    totalTokenCount: usage.input + usage.output,
    cachedContentTokenCount: usage.cachedInput === 0 ? undefined : usage.cachedInput,
    thoughtsTokenCount: usage.reasoning === 0 ? undefined : usage.reasoning,
    promptTokensDetails: detailsOf(usage.input, usage.inputAudio),
    candidatesTokensDetails: detailsOf(usage.output - usage.reasoning, usage.outputAudio),
    serviceTier: tier === undefined ? undefined : tierWord(tier),
  };
}
