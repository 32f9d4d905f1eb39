import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import { tokenCount, within } from '../openai-chat/usage.ts';

const counts = (value: Json | undefined): JsonObject | undefined =>
  isJsonObject(value) && (typeof value['input_tokens'] === 'number' || typeof value['output_tokens'] === 'number') ? value : undefined;

/**
 * `tokens` is what was read and written, with Cohere's own preamble; `billed_units` is what the bill says, without it. The first is what ours mean;
 * only where it is missing the second stands in. Undefined: these are no figures.
 */
export function cohereUsage(value: Json | undefined): TokenUsage | undefined {
  if (!isJsonObject(value)) return undefined;
  const tokens = counts(value['tokens']) ?? counts(value['billed_units']);
  if (tokens === undefined) return undefined;
  const input = tokenCount(tokens['input_tokens']);
  const output = tokenCount(tokens['output_tokens']);
  return {
    input,
    output,
    cachedInput: within(input, tokenCount(value['cached_tokens'])),
    cacheWrite: 0,
    cacheWrite1h: 0,
    reasoning: within(output, tokenCount(tokens['reasoning_tokens'])),
    inputAudio: 0,
    outputAudio: 0,
  };
}

export function encodeUsage(usage: TokenUsage): JsonObject {
  const { input, output } = usage;
  return {
    billed_units: { input_tokens: input, output_tokens: output },
    tokens: { input_tokens: input, output_tokens: output, ...(usage.reasoning === 0 ? {} : { reasoning_tokens: usage.reasoning }) },
    cached_tokens: usage.cachedInput,
  };
}
