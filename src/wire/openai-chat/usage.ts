import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import { servedTier, unitCount, unitsOf, withServed } from '../served.ts';

/** No request has more tokens; a larger figure is a mistake and not money. */
const MOST_TOKENS = 1_000_000_000;

/** A count as providers send it; anything that is not a whole number of tokens counts as none. */
export const tokenCount = (value: Json | undefined): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MOST_TOKENS ? value : 0;

const part = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {});

/** What is counted twice under different rules must not exceed the whole it is part of, or prices turn negative. */
export const within = (whole: number, parted: number): number => Math.min(whole, parted);

/**
 * OpenAI's `usage` of chat completions, completions and embeddings, with the dialects of those that copied it:
 * DeepSeek's `prompt_cache_hit_tokens`, Mistral's `num_cached_tokens`, Together's `cached_tokens`, Voyage's lone total.
 *
 * xAI and Gemini leave reasoning out of `completion_tokens`: then it shows as reasoning larger than the completion, or in
 * the total, and is added. Undefined: these are no figures.
 */
export function openaiUsage(value: Json | undefined): TokenUsage | undefined {
  if (!isJsonObject(value)) return undefined;
  const { prompt_tokens: prompt, total_tokens: total } = value;
  if (typeof prompt !== 'number' && typeof total !== 'number') return undefined;
  const inputDetails = part(value['prompt_tokens_details']);
  const outputDetails = part(value['completion_tokens_details']);
  const completion = tokenCount(value['completion_tokens']);
  const input = typeof prompt === 'number' ? tokenCount(prompt) : Math.max(tokenCount(total) - completion, 0);
  const told = tokenCount(outputDetails['reasoning_tokens']) || tokenCount(value['reasoning_tokens']);
  const output = Math.max(completion, tokenCount(total) - input, told > completion ? completion + told : 0);
  const cached =
    tokenCount(inputDetails['cached_tokens']) ||
    tokenCount(value['prompt_cache_hit_tokens']) ||
    tokenCount(value['num_cached_tokens']) ||
    tokenCount(value['cached_tokens']);
  const cachedInput = within(input, cached);
  return {
    input,
    output,
    cachedInput,
    cacheWrite: within(
      input - cachedInput,
      tokenCount(inputDetails['cache_write_tokens']) || tokenCount(value['cache_creation_input_tokens']),
    ),
    cacheWrite1h: 0,
    reasoning: within(output, told || output - completion),
    inputAudio: within(input, tokenCount(inputDetails['audio_tokens'])),
    outputAudio: within(output, tokenCount(outputDetails['audio_tokens'])),
  };
}

/** Groq puts the figures into `x_groq` where it sends no usage of its own. */
const figuresOf = (body: JsonObject): Json | undefined => {
  if (isJsonObject(body['usage'])) return body['usage'];
  return isJsonObject(body['x_groq']) ? body['x_groq']['usage'] : undefined;
};

const SEARCH_SIZES: ReadonlySet<Json | undefined> = new Set(['low', 'medium', 'high']);

/** Perplexity's fee for a request depends on how much of the web it read: a way of being served like any other. */
const searchTier = (size: Json | undefined): string | undefined => (SEARCH_SIZES.has(size) ? `search_${String(size)}` : undefined);

/**
 * What an answer or a chunk says of itself: the figures, its `service_tier`, and searches, which Perplexity counts by `num_search_queries`.
 */
export function answerUsage(body: JsonObject): TokenUsage | undefined {
  const figures = figuresOf(body);
  const usage = openaiUsage(figures);
  if (usage === undefined || !isJsonObject(figures)) return usage;
  const tier = servedTier(body['service_tier']) ?? searchTier(figures['search_context_size']);
  return withServed(usage, tier, unitsOf('search', unitCount(figures['num_search_queries'])));
}
