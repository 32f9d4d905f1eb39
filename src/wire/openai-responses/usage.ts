import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import { tokenCount, within } from '../openai-chat/usage.ts';

const details = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {});

/** `usage` of a response: its input holds what was cached, its output what was reasoned, as ours do. Undefined: these are no figures. */
export function responsesUsage(value: Json | undefined): TokenUsage | undefined {
  if (!isJsonObject(value) || typeof value['input_tokens'] !== 'number') return undefined;
  const inputDetails = details(value['input_tokens_details']);
  const input = tokenCount(value['input_tokens']);
  const output = tokenCount(value['output_tokens']);
  const cachedInput = within(input, tokenCount(inputDetails['cached_tokens']));
  return {
    input,
    output,
    cachedInput,
    cacheWrite: within(input - cachedInput, tokenCount(inputDetails['cache_write_tokens'])),
    cacheWrite1h: 0,
    reasoning: within(output, tokenCount(details(value['output_tokens_details'])['reasoning_tokens'])),
    inputAudio: 0,
    outputAudio: 0,
  };
}

export const encodeUsage = (usage: TokenUsage): JsonObject => ({
  input_tokens: usage.input,
  input_tokens_details: { cached_tokens: usage.cachedInput, cache_write_tokens: usage.cacheWrite + usage.cacheWrite1h },
  output_tokens: usage.output,
  output_tokens_details: { reasoning_tokens: usage.reasoning },
  total_tokens: usage.input + usage.output,
});
