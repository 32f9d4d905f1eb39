import type { JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';

/** How `answerUsage` names the tier of a search. */
const SEARCH = 'search_';

/** Our counts in OpenAI's words: its prompt and completion tokens hold their parts, as ours do. */
export function encodeUsage(usage: TokenUsage): JsonObject {
  const size = usage.tier?.startsWith(SEARCH) === true ? usage.tier.slice(SEARCH.length) : undefined;
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: {
      cached_tokens: usage.cachedInput,
      audio_tokens: usage.inputAudio,
      cache_write_tokens: usage.cacheWrite + usage.cacheWrite1h,
    },
    completion_tokens_details: { reasoning_tokens: usage.reasoning, audio_tokens: usage.outputAudio },
    ...(size === undefined ? {} : { search_context_size: size }),
  };
}
