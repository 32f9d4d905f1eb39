import type { Json, JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import { tokenCount } from '../openai-chat/usage.ts';

/** The counts stand in the answer itself, beside durations in nanoseconds. Undefined: it holds none. */
export function ollamaUsage(answer: JsonObject): TokenUsage | undefined {
  const { prompt_eval_count: input, eval_count: output } = answer as { readonly [name: string]: Json | undefined };
  if (typeof input !== 'number' && typeof output !== 'number') return undefined;
  return {
    input: tokenCount(input),
    output: tokenCount(output),
    cachedInput: 0,
    cacheWrite: 0,
    cacheWrite1h: 0,
    reasoning: 0,
    inputAudio: 0,
    outputAudio: 0,
  };
}

export const encodeUsage = (usage: TokenUsage): JsonObject => ({ prompt_eval_count: usage.input, eval_count: usage.output });
