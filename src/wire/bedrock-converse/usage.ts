import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import { tokenCount } from '../openai-chat/usage.ts';
import { servedTier, withServed } from '../served.ts';

/** What was written to the cache for an hour, by `cacheDetails`. */
function writtenForAnHour(details: Json | undefined): number {
  if (!Array.isArray(details)) return 0;
  const entries = (details as readonly Json[]).filter(isJsonObject).filter(({ ttl }) => ttl === '1h');
  return entries.reduce((sum, { inputTokens }) => sum + tokenCount(inputTokens), 0);
}

/**
 * Bedrock's `TokenUsage`. `inputTokens` leaves out what was read from and written to the cache (the total of every recorded answer has them on top), so the three
 * are added. Reasoning is not counted apart. Undefined: these are no figures.
 */
export function converseUsage(value: Json | undefined): TokenUsage | undefined {
  if (!isJsonObject(value)) return undefined;
  if (typeof value['inputTokens'] !== 'number' && typeof value['outputTokens'] !== 'number') return undefined;
  const read = tokenCount(value['cacheReadInputTokens']);
  const written = tokenCount(value['cacheWriteInputTokens']);
  const hour = Math.min(writtenForAnHour(value['cacheDetails']), written);
  return {
    input: tokenCount(value['inputTokens']) + read + written,
    output: tokenCount(value['outputTokens']),
    cachedInput: read,
    cacheWrite: written - hour,
    cacheWrite1h: hour,
    reasoning: 0,
    inputAudio: 0,
    outputAudio: 0,
  };
}

/** What an answer, or the `metadata` of a stream, says of itself: the figures, and `serviceTier: {type}`. */
export function answerUsage(body: JsonObject): TokenUsage | undefined {
  const usage = converseUsage(body['usage']);
  const tier = body['serviceTier'];
  return usage === undefined || !isJsonObject(tier) ? usage : withServed(usage, servedTier(tier['type']), undefined);
}

/** Our counts in Bedrock's words. */
export function encodeUsage(usage: TokenUsage): JsonObject {
  const written = usage.cacheWrite + usage.cacheWrite1h;
  return {
    inputTokens: Math.max(usage.input - usage.cachedInput - written, 0),
    outputTokens: usage.output,
    totalTokens: usage.input + usage.output,
    cacheReadInputTokens: usage.cachedInput,
    cacheWriteInputTokens: written,
    cacheDetails: usage.cacheWrite1h === 0 ? undefined : [{ ttl: '1h', inputTokens: usage.cacheWrite1h }],
  };
}
