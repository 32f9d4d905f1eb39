import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import { tokenCount, within } from '../openai-chat/usage.ts';
import { servedTier, unitsOf, withServed } from '../served.ts';

/** Tokens of sound or pictures among `…TokensDetails`. */
function tokensOf(modality: 'AUDIO' | 'IMAGE', details: Json | undefined): number {
  if (!Array.isArray(details)) return 0;
  const found = (details as readonly Json[]).find((detail) => isJsonObject(detail) && detail['modality'] === modality);
  return isJsonObject(found) ? tokenCount(found['tokenCount']) : 0;
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
  const usage = {
    input,
    output,
    cachedInput: within(input, tokenCount(value['cachedContentTokenCount'])),
    cacheWrite: 0,
    cacheWrite1h: 0,
    reasoning,
    inputAudio: within(input, tokensOf('AUDIO', value['promptTokensDetails'])),
    outputAudio: within(output, tokensOf('AUDIO', value['candidatesTokensDetails'])),
  };
  return withPictures(usage, value);
}

/** Pictures are priced apart where a model makes them; most answers have none. */
function withPictures(usage: TokenUsage, value: JsonObject): TokenUsage {
  const inputImage = within(usage.input, tokensOf('IMAGE', value['promptTokensDetails']));
  const outputImage = within(usage.output, tokensOf('IMAGE', value['candidatesTokensDetails']));
  return inputImage === 0 && outputImage === 0
    ? usage
    : { ...usage, ...(inputImage === 0 ? {} : { inputImage }), ...(outputImage === 0 ? {} : { outputImage }) };
}

/** Queries that grounding sent to a search engine. */
function searchesIn(candidates: Json | undefined): number {
  if (!Array.isArray(candidates)) return 0;
  return (candidates as readonly Json[]).filter(isJsonObject).reduce((sum, { groundingMetadata: grounding }) => {
    const queries = isJsonObject(grounding) ? grounding['webSearchQueries'] : undefined;
    return sum + (Array.isArray(queries) ? queries.length : 0);
  }, 0);
}

/** What an answer or a chunk says of itself: the figures, how it was served (`serviceTier`, Vertex: `trafficType`), and searches. */
export function answerUsage(body: JsonObject): TokenUsage | undefined {
  const figures = body['usageMetadata'];
  const usage = geminiUsage(figures);
  if (usage === undefined || !isJsonObject(figures)) return usage;
  const tier = servedTier(figures['serviceTier']) ?? servedTier(figures['trafficType']);
  return withServed(usage, tier, unitsOf('search', searchesIn(body['candidates'])));
}

/** OpenAI calls the standard tier `default`. */
export function serviceTierOf(usage: Json | undefined): string | undefined {
  const tier = isJsonObject(usage) ? usage['serviceTier'] : undefined;
  return typeof tier !== 'string' || tier === '' ? undefined : tier === 'standard' ? 'default' : tier;
}

export const tierWord = (tier: string): string => (tier === 'default' ? 'standard' : tier);

/** Absent where all of it is text. */
function detailsOf(whole: number, audio: number, image: number | undefined = 0): readonly JsonObject[] | undefined {
  if (audio === 0 && image === 0) return undefined;
  return [
    { modality: 'TEXT', tokenCount: whole - audio - image },
    ...(audio === 0 ? [] : [{ modality: 'AUDIO', tokenCount: audio }]),
    ...(image === 0 ? [] : [{ modality: 'IMAGE', tokenCount: image }]),
  ];
}

/** Our counts in Gemini's words. */
export function encodeUsage(usage: TokenUsage, tier: string | undefined): JsonObject {
  return {
    promptTokenCount: usage.input,
    candidatesTokenCount: usage.output - usage.reasoning,
    totalTokenCount: usage.input + usage.output,
    cachedContentTokenCount: usage.cachedInput === 0 ? undefined : usage.cachedInput,
    thoughtsTokenCount: usage.reasoning === 0 ? undefined : usage.reasoning,
    promptTokensDetails: detailsOf(usage.input, usage.inputAudio, usage.inputImage),
    candidatesTokensDetails: detailsOf(usage.output - usage.reasoning, usage.outputAudio, usage.outputImage),
    serviceTier: tier === undefined ? undefined : tierWord(tier),
  };
}
